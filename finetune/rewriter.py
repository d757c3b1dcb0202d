"""The rewriter's training: a follow-up question to the same question standing alone."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from langchain_core.messages import AIMessage

from bot.prompt import as_chat, rewriting
from finetune import bases, methods
from finetune.config import FinetuneConfig
from finetune.dataset.encoding import Encoded, encode_chat, special_tokens
from finetune.dataset.split import split
from finetune.errors import DataError
from finetune.general import halves
from finetune.generator import encoded_general
from finetune.objectives.causal import CausalLM
from finetune.rewrites import Rewrite, rewrites_card, token_f1
from finetune.run import Task
from finetune.trainer import OnStep, Run
from finetune.writing import greedy, samples

MAX_TOKENS = 40
SHOWN = 8
SAMPLE = 48  # held-out questions that are rewritten before and after


def task(
    base: Path,
    rewrites: Sequence[Rewrite],
    sources: Sequence[str],
    general: Sequence[tuple[str, str]],
    config: FinetuneConfig,
    out: Path,
    on_step: OnStep,
) -> Task:
    """Puts the training together; no conversation is on both sides.

    Raises:
        DataError: Nothing can be held out, or nothing fits the model's context.
        MethodError: The method can't serve the model.
    """
    model, tokenizer = bases.causal(base)
    context = bases.context(model)
    sides = split(rewrites, [[item.dialog] for item in rewrites], config.held_out, config.seed)
    train, held = (
        [item for r in side if len((item := encoded(r, tokenizer)).ids) <= context]
        for side in sides
    )
    if not (train and held):
        raise DataError(f"no rewrite fits the model's {context} tokens; take a longer model")
    replay, measured = halves(encoded_general(general, tokenizer), config.replay)
    adapted = methods.apply(model, config, causal=True)
    run = Run(
        model=adapted, objective=CausalLM(tokenizer.pad_token_id), train=train, held=held,
        replay=replay, config=config, out=out, on_step=on_step,
    )  # fmt: skip
    asked = sides[1][:: max(1, len(sides[1]) // SAMPLE)][:SAMPLE]

    def save(folder: Path) -> None:
        methods.save(adapted, folder)
        if config.method == "full":
            tokenizer.save_pretrained(folder)

    return Task(
        name="rewriter", base=base, run=run, general=measured, save=save,
        card=rewrites_card(*sides, sources),
        quality=lambda: {"token_f1": mean_f1(asked, rewriter(adapted, tokenizer))},
        samples=lambda: samples(adapted, tokenizer, held[:SHOWN], MAX_TOKENS),
    )  # fmt: skip


def encoded(item: Rewrite, tokenizer: Any) -> Encoded:
    """The conversation as the serving prompt shows it, labels at the rewrite alone."""
    built = [*rewriting(item.question, item.history), AIMessage(item.rewrite)]
    return encode_chat(as_chat(built, special_tokens(tokenizer)), tokenizer)


def rewriter(model: Any, tokenizer: Any) -> Callable[[Rewrite], str]:
    """What the model makes of a question, decoded greedily."""
    return lambda item: greedy(model, tokenizer, encoded(item, tokenizer), MAX_TOKENS)


def mean_f1(items: Sequence[Rewrite], rewrite: Callable[[Rewrite], str]) -> float:
    """The mean token F1 against what people wrote."""
    return round(fmean(token_f1(rewrite(item), item.rewrite) for item in items), 4)

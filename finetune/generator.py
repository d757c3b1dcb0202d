"""The generator's training: examples in the serving prompt, loss on the answer alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune import bases, methods
from finetune.config import FinetuneConfig
from finetune.dataset.build import Dataset
from finetune.dataset.card import data_card
from finetune.dataset.encoding import Encoded, encode, encode_chat
from finetune.general import halves
from finetune.objectives.causal import CausalLM
from finetune.run import Task
from finetune.trainer import OnStep, Run
from finetune.writing import METHODS, samples

SHOWN, MAX_TOKENS = 3, 60


def task(
    base: Path,
    dataset: Dataset,
    sources: Sequence[str],
    general: Sequence[tuple[str, str]],
    config: FinetuneConfig,
    out: Path,
    on_step: OnStep,
) -> Task:
    """Puts the training together.

    Raises:
        DataError: No example fits the model's context.
        MethodError: The method can't serve the model.
    """
    model, tokenizer = bases.causal(base)
    context = bases.context(model)
    card = data_card(dataset, sources)
    train, over = encode(dataset.train, tokenizer, context)
    held, over_held = encode(dataset.held, tokenizer, context)
    card["over_the_context"] = len(over) + len(over_held)
    replay, measured = halves(encoded_general(general, tokenizer), config.replay)
    adapted = methods.apply(model, config, causal=True)
    run = Run(
        model=adapted, objective=CausalLM(tokenizer.pad_token_id), train=train, held=held,
        replay=replay, config=config, out=out, on_step=on_step,
    )  # fmt: skip

    def save(folder: Path) -> None:
        methods.save(adapted, folder)
        if config.method == "full":
            tokenizer.save_pretrained(folder)

    def written() -> list[tuple[str, str, str]]:
        shown = held[:SHOWN] if config.method in METHODS else []
        return samples(adapted, tokenizer, shown, MAX_TOKENS)

    return Task(
        name="generator", base=base, run=run, general=measured, card=card, save=save,
        samples=written,
    )  # fmt: skip


def encoded_general(pairs: Sequence[tuple[str, str]], tokenizer: Any) -> list[Encoded]:
    """General questions and answers as chats, labels at the answers alone."""
    chats = (
        [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        for question, answer in pairs
    )
    return [encode_chat(chat, tokenizer) for chat in chats]

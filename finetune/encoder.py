"""Masked training of an encoder on a help centre's own words, before anything else is learnt."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune import bases, methods
from finetune.config import FinetuneConfig
from finetune.dataset.split import split
from finetune.errors import DataError
from finetune.general import halves
from finetune.objectives.masked import MaskedLM
from finetune.run import Task
from finetune.trainer import OnStep, Run
from retrieval.chunk import embedded_text, passages
from retrieval.types import Article

TOKENS = 256


def task(
    base: Path,
    articles: Sequence[Article],
    sources: Sequence[str],
    general: Sequence[tuple[str, str]],
    config: FinetuneConfig,
    out: Path,
    on_step: OnStep,
) -> Task:
    """Puts the training together.

    The head that names hidden tokens is trained too where the base model has none, and left
    behind: what is saved is the encoder's adaptation.

    Raises:
        DataError: There is nothing to read, or nothing to hold out.
        MethodError: The method can't serve the model.
    """
    found = [passage for article in articles for passage in passages(article)]
    if not found:
        raise DataError("the sources hold no text; `--articles` wants a help centre")
    model, tokenizer = bases.masked(base)
    texts = [embedded_text(passage) for passage in found]
    ids = [list(row) for row in _ids(texts, tokenizer)]
    train, held = split(ids, [[p.article_id] for p in found], config.held_out, config.seed)
    replay, measured = halves(_ids([answer for _, answer in general], tokenizer), config.replay)
    adapted = methods.apply(model, config)
    for parameter in head(model):
        parameter.requires_grad_(True)
    run = Run(
        model=adapted, objective=MaskedLM.of(tokenizer), train=train, held=held, replay=replay,
        config=config, out=out, on_step=on_step,
    )  # fmt: skip
    digest = hashlib.sha256("\x1f".join(texts).encode()).hexdigest()
    card = {
        "sources": list(sources), "sha256": digest, "articles": len(articles),
        "train": {"passages": len(train)}, "held_out": {"passages": len(held)},
    }  # fmt: skip
    return Task(
        name="encoder", base=base, run=run, general=measured, card=card,
        save=lambda folder: _save(adapted, tokenizer, config, folder),
    )  # fmt: skip


def head(model: Any) -> list[Any]:
    """Parameters of the head alone; the output matrix is the embedding's and isn't among them."""
    inside = {id(parameter) for parameter in model.base_model.parameters()}
    return [parameter for parameter in model.parameters() if id(parameter) not in inside]


def _save(adapted: Any, tokenizer: Any, config: FinetuneConfig, folder: Path) -> None:
    methods.save(adapted, folder)
    if config.method == "full":
        tokenizer.save_pretrained(folder)


def _ids(texts: Sequence[str], tokenizer: Any) -> list[list[int]]:
    return list(tokenizer(list(texts), truncation=True, max_length=TOKENS)["input_ids"])

"""The embedder's training: questions to the passages that answer them, against hard negatives."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from finetune import bases, methods
from finetune.config import FinetuneConfig
from finetune.dataset.build import Dataset
from finetune.dataset.card import data_card
from finetune.dataset.types import Example
from finetune.errors import DataError
from finetune.general import halves
from finetune.objectives.contrastive import InfoNCE, Triple, hard_negatives
from finetune.objectives.types import mask, pad, pooled
from finetune.run import Task
from finetune.trainer import OnStep, Run
from retrieval.chunk import embedded_text

MERGED = "merged"
TOKENS = 256
_MERGEABLE = ("lora", "full")


def task(
    base: Path,
    dataset: Dataset,
    sources: Sequence[str],
    general: Sequence[tuple[str, str]],
    config: FinetuneConfig,
    out: Path,
    on_step: OnStep,
) -> Task:
    """Puts the training together; negatives are mined with the base model.

    Raises:
        DataError: There are too few passages to tell apart.
        MethodError: The method can't serve the model.
    """
    model, tokenizer = bases.encoder(base)
    train, held = (
        _triples(side, model, tokenizer, config) for side in (dataset.train, dataset.held)
    )
    asked = [_plain(number, pair, tokenizer) for number, pair in enumerate(general)]
    replay, measured = halves(asked, config.replay)
    adapted = methods.apply(model, config)
    objective = InfoNCE(padding=tokenizer.pad_token_id, temperature=config.temperature)
    run = Run(
        model=adapted, objective=objective, train=train, held=held, replay=replay, config=config,
        out=out, on_step=on_step,
    )  # fmt: skip

    def save(folder: Path) -> None:
        methods.save(adapted, folder)
        if config.method in _MERGEABLE:
            _save_merged(adapted, base, folder / MERGED)

    return Task(
        name="embedder", base=base, run=run, general=measured,
        card=data_card(dataset, sources), save=save,
        quality=lambda: retrieval_quality(adapted, held, tokenizer.pad_token_id),
    )  # fmt: skip


def retrieval_quality(model: Any, triples: Sequence[Triple], padding: int) -> dict[str, float]:
    """Recall@1 and MRR of the right passage among all passages of the triples."""
    documents = dict(d for t in triples for d in (t.positive, *t.negatives))
    keys = list(documents)
    queries = vectors(model, [triple.query for triple in triples], padding)
    scores = queries @ vectors(model, list(documents.values()), padding).T
    ranks = [
        1 + min(int((row > row[n]).sum()) for n, key in enumerate(keys) if key in triple.answers)
        for row, triple in zip(scores, triples, strict=True)
    ]
    return {
        "recall_at_1": round(float(np.mean([rank == 1 for rank in ranks])), 4),
        "mrr": round(float(np.mean([1 / rank for rank in ranks])), 4),
    }


def vectors(model: Any, rows: Sequence[list[int]], padding: int, batch: int = 32) -> np.ndarray:
    """Unit vectors of token ids (n, width), in order."""
    device, training = next(model.parameters()).device, model.training
    model.eval()
    order = sorted(range(len(rows)), key=lambda n: len(rows[n]))
    found: dict[int, np.ndarray] = {}
    with torch.inference_mode():
        for at in range(0, len(order), batch):
            part = order[at : at + batch]
            ids = [rows[n] for n in part]
            made = pooled(model, pad(ids, padding).to(device), mask(ids).to(device))
            unit = torch.nn.functional.normalize(made, dim=-1).cpu().numpy()
            found.update(zip(part, unit, strict=True))
    model.train(training)
    return np.stack([found[n] for n in range(len(rows))])


def _triples(
    examples: Sequence[Example], model: Any, tokenizer: Any, config: FinetuneConfig
) -> list[Triple]:
    """One triple a question; copies with changed or reordered passages add nothing here."""
    kept = [e for e in examples if e.augmented in (None, "retyped")]
    documents = {p.id: embedded_text(p) for e in kept for p in (*e.cited, *e.passages)}
    if len(documents) < 2:
        raise DataError(
            f"{len(documents)} passages on one side of the split; the embedder needs at least two "
            "to tell apart: bring more articles"
        )
    keys = list(documents)
    ids = {key: _ids(text, tokenizer) for key, text in documents.items()}
    asked = [_ids(example.question, tokenizer) for example in kept]
    right = [{keys.index(p.id) for p in example.cited} for example in kept]
    mined = hard_negatives(
        vectors(model, asked, tokenizer.pad_token_id),
        vectors(model, [ids[key] for key in keys], tokenizer.pad_token_id),
        right, config.negatives,
    )  # fmt: skip
    return [
        Triple(
            query=query,
            positive=(example.cited[0].id, ids[example.cited[0].id]),
            negatives=tuple((keys[n], ids[keys[n]]) for n in negatives),
            answers=frozenset(passage.id for passage in example.cited),
        )
        for example, query, negatives in zip(kept, asked, mined, strict=True)
    ]


def _plain(number: int, pair: tuple[str, str], tokenizer: Any) -> Triple:
    key = f"general {number}"
    return Triple(
        query=_ids(pair[0], tokenizer), positive=(key, _ids(pair[1], tokenizer)), negatives=(),
        answers=frozenset({key}),
    )  # fmt: skip


def _ids(text: str, tokenizer: Any) -> list[int]:
    return list(tokenizer(text, truncation=True, max_length=TOKENS)["input_ids"])


def _save_merged(adapted: Any, base: Path, folder: Path) -> None:
    """A copy of the base folder with the adapted weights, for `[models] embedder`."""
    skipped = shutil.ignore_patterns("*.safetensors", "*.bin", "onnx", "truepenny-manifest.json")
    shutil.copytree(base, folder, ignore=skipped, dirs_exist_ok=True)
    whole = adapted.merge_and_unload() if hasattr(adapted, "merge_and_unload") else adapted
    whole.save_pretrained(folder)

"""The intent classifier's training, from rows of a text and its intent."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import torch

from finetune import bases, methods
from finetune.config import FinetuneConfig
from finetune.dataset.rows import read_rows
from finetune.errors import DataError
from finetune.objectives.classification import Classification, Classifier, Labelled
from finetune.run import Task
from finetune.trainer import OnStep, Run

HEAD, LABELS = "head.safetensors", "labels.json"
TOKENS = 128
_LABEL_NAMES = ("intent", "category", "label")


def read_intents(path: Path) -> list[tuple[str, str]]:
    """Reads rows `{text, intent}`; `category` and `label` are other names of the intent.

    Raises:
        DataError: A row lacks one, or there are fewer than two intents.
    """
    found: dict[str, str] = {}
    for place, row in read_rows(path):
        label = next((row[name] for name in _LABEL_NAMES if row.get(name)), None)
        if not row.get("text") or label is None:
            raise DataError(f"{place}: expected `text` and `intent`, got {sorted(row)[:8]}")
        found.setdefault(" ".join(str(row["text"]).split()), str(label))
    if len(set(found.values())) < 2:
        raise DataError(f"{path} names {len(set(found.values()))} intents; at least two are needed")
    return list(found.items())


def task(
    base: Path,
    rows: Sequence[tuple[str, str]],
    sources: Sequence[str],
    config: FinetuneConfig,
    out: Path,
    on_step: OnStep,
) -> Task:
    """Puts the training together.

    Raises:
        DataError: An intent has too few texts to hold one out.
        MethodError: The method can't serve the model.
    """
    model, tokenizer = bases.encoder(base)
    labels = sorted({label for _, label in rows})
    items = [Labelled(_ids(text, tokenizer), labels.index(label)) for text, label in rows]
    train, held = stratified(items, config.held_out, config.seed)
    torch.manual_seed(config.seed)
    classifier = Classifier(methods.apply(model, config), len(labels))
    run = Run(
        model=classifier, objective=Classification(tokenizer.pad_token_id), train=train, held=held,
        config=config, out=out, on_step=on_step,
    )  # fmt: skip

    def save(folder: Path) -> None:
        from safetensors.torch import save_file

        methods.save(classifier.encoder, folder)
        if config.method == "full":
            tokenizer.save_pretrained(folder)
        save_file(classifier.head.state_dict(), folder / HEAD)
        (folder / LABELS).write_text(json.dumps(labels, indent=1) + "\n", encoding="utf-8")

    return Task(
        name="intents", base=base, run=run, general=(), card=card(rows, train, held, sources),
        save=save, quality=lambda: {"accuracy": accuracy(run)},
    )  # fmt: skip


def load(base: Path, folder: Path) -> tuple[Classifier, Any, list[str]]:
    """The classifier that `task` saved, in eval mode, with its tokenizer and labels."""
    from safetensors.torch import load_file

    full = (folder / "config.json").is_file()
    model, tokenizer = bases.encoder(folder if full else base)
    labels = json.loads((folder / LABELS).read_text(encoding="utf-8"))
    classifier = Classifier(model if full else methods.load(model, folder), len(labels))
    classifier.head.load_state_dict(load_file(folder / HEAD))
    return classifier.eval(), tokenizer, labels


def stratified(
    items: Sequence[Labelled], share: float, seed: int
) -> tuple[list[Labelled], list[Labelled]]:
    """Holds out the same share of every intent, at least one text of each.

    Raises:
        DataError: An intent has one text only.
    """
    by_label: dict[int, list[int]] = {}
    for number, item in enumerate(items):
        by_label.setdefault(item.label, []).append(number)
    held: set[int] = set()
    rng = Random(seed)
    for label, numbers in by_label.items():
        if len(numbers) < 2:
            raise DataError(f"intent number {label} has one text; every intent needs at least two")
        held.update(rng.sample(numbers, min(len(numbers) - 1, max(1, round(share * len(numbers))))))
    kept = [item for number, item in enumerate(items) if number not in held]
    return kept, [item for number, item in enumerate(items) if number in held]


def accuracy(run: Run) -> float:
    """The share of held-out texts whose most likely intent is theirs."""
    right = 0
    training = run.model.training
    run.model.eval()
    with torch.inference_mode():
        for item in run.held:
            batch = run.objective.collate([item], Random(0))
            on = next(run.model.parameters()).device
            logits = run.model(batch["input_ids"].to(on), batch["attention_mask"].to(on))
            right += int(logits.argmax()) == item.label
    run.model.train(training)
    return round(right / len(run.held), 4)


def card(
    rows: Sequence[tuple[str, str]],
    train: Sequence[Labelled],
    held: Sequence[Labelled],
    sources: Sequence[str],
) -> dict[str, Any]:
    """Counts of texts and intents."""
    digest = hashlib.sha256(json.dumps(list(rows)).encode()).hexdigest()
    return {
        "sources": list(sources), "sha256": digest, "intents": len({label for _, label in rows}),
        "train": {"texts": len(train)}, "held_out": {"texts": len(held)},
    }  # fmt: skip


def _ids(text: str, tokenizer: Any) -> list[int]:
    return list(tokenizer(text, truncation=True, max_length=TOKENS)["input_ids"])

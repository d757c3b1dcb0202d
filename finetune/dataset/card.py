"""The data card: what the model is trained on, counted, as JSON and as Markdown."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from finetune.dataset.build import Dataset
from finetune.dataset.types import Example


def data_card(dataset: Dataset, sources: Sequence[str]) -> dict[str, Any]:
    """Counts a data set; texts of it are not in the card.

    `yes` and `no` count answers that begin so: a model trained on many more of one says it
    whatever it reads.
    """
    train, held = dataset.train, dataset.held
    return {
        "sources": list(sources),
        "sha256": fingerprint([*train, *held]),
        "train": _side(train),
        "held_out": _side(held),
        "shared_articles": len(_articles(train) & _articles(held)),
        "largest_group": round(dataset.largest_group, 3),
        "dropped": dict(sorted(dataset.tally.dropped.items())),
        "scrubbed": dict(sorted(dataset.tally.scrubbed.items())),
    }


def card_markdown(card: Mapping[str, Any]) -> str:
    """The same as a page."""
    lines = ["# Data card", "", f"Sources: {', '.join(card['sources']) or 'none'}", ""]
    lines += ["| | train | held out |", "|---|---|---|"]
    lines += [
        f"| {name.replace('_', ' ')} | {_shown(value)} | {_shown(card['held_out'][name])} |"
        for name, value in card["train"].items()
    ]
    lines += ["", "| dropped | rows |", "|---|---|"]
    lines += [f"| {reason} | {count} |" for reason, count in card["dropped"].items()]
    lines += ["", "| scrubbed | times |", "|---|---|"]
    lines += [f"| {kind} | {count} |" for kind, count in card["scrubbed"].items()]
    lines += [
        "",
        f"Articles on both sides: {card['shared_articles']}. Largest group that hangs together: "
        f"{card['largest_group']:.1%} of the examples. SHA-256 of the examples: "
        f"`{card['sha256']}`.",
    ]
    return "\n".join(lines) + "\n"


def fingerprint(examples: Sequence[Example]) -> str:
    """A SHA-256 of everything that the model is shown."""
    digest = hashlib.sha256()
    for example in examples:
        shown = [f"{turn.role}: {turn.text}" for turn in example.history]
        shown += [f"{p.title}\n{p.text}" for p in example.passages]
        digest.update("\x1f".join([*shown, example.question, example.answer, "\x1e"]).encode())
    return digest.hexdigest()


def _side(examples: Sequence[Example]) -> dict[str, Any]:
    starts = Counter(
        example.answer.split()[0].rstrip(",.!").lower() for example in examples if example.answer
    )
    words = sorted(len(example.answer.split()) for example in examples)
    return {
        "examples": len(examples),
        "articles": len(_articles(examples)),
        "conversations": len({e.conversation for e in examples if e.conversation}),
        "with_history": sum(bool(example.history) for example in examples),
        "median_answer_words": words[len(words) // 2] if words else 0,
        "yes": starts["yes"],
        "no": starts["no"],
        "by_source": dict(sorted(Counter(example.source for example in examples).items())),
        "augmented": dict(sorted(Counter(e.augmented for e in examples if e.augmented).items())),
    }


def _articles(examples: Sequence[Example]) -> set[str]:
    return {passage.article_id for example in examples for passage in example.passages}


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {count}" for key, count in value.items()) or "none"
    return str(value)

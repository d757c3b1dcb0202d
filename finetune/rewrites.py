"""Follow-up questions with what a person made of them so that they stand alone."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.types import Turn
from finetune.dataset.rows import read_rows
from finetune.errors import DataError

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """A question in its conversation, and the same question standing alone."""

    history: tuple[Turn, ...]
    question: str
    rewrite: str
    dialog: str


def read_rewrites(path: Path) -> list[Rewrite]:
    """Reads rows `{history, question, rewrite, dialog}`; those without a history are left out.

    `history` is a list of `{role, text}`, or of texts. Texts are question and answer in turn,
    unless a question of the file has an odd number of them before it: then all of them are
    questions. Without `dialog`, a row whose history is empty begins a new one.

    Raises:
        DataError: A row lacks a field, or no row has a history.
    """
    rows = list(read_rows(path))
    for place, row in rows:
        texts = all(
            isinstance(row.get(name), str) and row[name] for name in ("question", "rewrite")
        )
        if not texts or not isinstance(row.get("history", []), list):
            raise DataError(
                f"{place}: expected `history`, `question`, `rewrite`, got {sorted(row)}"
            )
    questions_only = any(len(row.get("history", [])) % 2 for _, row in rows)
    found, begun = [], 0
    for place, row in rows:
        history = row.get("history", [])
        begun += not history
        turns = tuple(_turn(turn, n, questions_only, place) for n, turn in enumerate(history))
        dialog = str(row.get("dialog") or f"{path.name} {begun}")
        if turns:
            found.append(
                Rewrite(
                    history=turns, question=row["question"], rewrite=row["rewrite"], dialog=dialog
                )
            )
    if not found:
        raise DataError(f"{path}: no row has a history, so there is nothing to rewrite")
    return found


def rewrites_card(
    train: Sequence[Rewrite], held: Sequence[Rewrite], sources: Sequence[str]
) -> dict[str, Any]:
    """Counts of rewrites and conversations; `unchanged` stand alone as they were asked."""
    digest = hashlib.sha256()
    for item in (*train, *held):
        said = [turn.text for turn in item.history]
        digest.update("\x1f".join([*said, item.question, item.rewrite, "\x1e"]).encode())
    return {
        "sources": list(sources), "sha256": digest.hexdigest(), "train": _side(train),
        "held_out": _side(held),
    }  # fmt: skip


def token_f1(text: str, reference: str) -> float:
    """Harmonic mean of precision and recall of words, case and punctuation aside.

    Source: Rajpurkar et al. 2016, https://arxiv.org/abs/1606.05250, section 6.1.
    """
    said, wanted = (Counter(_WORD.findall(t.lower())) for t in (text, reference))
    shared = (said & wanted).total()
    if not shared:
        return float(said == wanted)
    return 2 * shared / (said.total() + wanted.total())


def _turn(turn: object, number: int, questions_only: bool, place: str) -> Turn:
    if isinstance(turn, str):
        return Turn(role="user" if questions_only or number % 2 == 0 else "assistant", text=turn)
    if isinstance(turn, Mapping) and turn.get("role") in ("user", "assistant"):
        return Turn(role=turn["role"], text=str(turn.get("text", "")))
    raise DataError(f"{place}: a turn is a text or {{role: user | assistant, text}}, got {turn!r}")


def _side(items: Sequence[Rewrite]) -> dict[str, int]:
    return {
        "rewrites": len(items),
        "conversations": len({item.dialog for item in items}),
        "unchanged": sum(item.question == item.rewrite for item in items),
    }

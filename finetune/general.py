"""A small set of general questions: what a model must not forget, and what replay reminds it of."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from finetune.dataset.rows import read_rows
from finetune.errors import DataError

PACKAGED = Path(__file__).parent / "data" / "general.jsonl"
Item = TypeVar("Item")


def read_general(path: Path | None = None) -> list[tuple[str, str]]:
    """Question and answer pairs; the packaged ones by default.

    Raises:
        DataError: A row has no question or no answer.
    """
    pairs = []
    for place, row in read_rows(path or PACKAGED):
        if not (row.get("question") and row.get("answer")):
            raise DataError(f"{place}: a general row needs `question` and `answer`")
        pairs.append((str(row["question"]), str(row["answer"])))
    return pairs


def halves(items: Sequence[Item], replay: float) -> tuple[list[Item], list[Item]]:
    """(replayed, measured): what is replayed is never measured on."""
    if not replay:
        return [], list(items)
    return list(items[::2]), list(items[1::2])

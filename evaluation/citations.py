"""Do the citations hold? Each sentence against what it cites, and each citation by itself.

A sentence is recalled if the passages that it cites together bear it out; a citation is precise
if its passage alone bears out the sentence it stands behind.

Source: Gao et al. (2023), https://arxiv.org/abs/2305.14627, with our guard as the judge.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from guards.types import Claim
from retrieval.types import Passage

if TYPE_CHECKING:
    from guards.guard import Guard

_MARK = re.compile(r"\s?(?:\[\^?(\d+(?:\s*[,;]\s*\d+)*)\]|【(\d+)[^】]*】)")
Marks = list[tuple[int, tuple[str, ...]]]


def unmarked(text: str) -> tuple[str, Marks]:
    """Takes citation marks such as [1] or [2, 3] out of an answer.

    Returns:
        The text without them, and where in it each stood, with its numbers.
    """
    kept, marks, at = "", [], 0
    for found in _MARK.finditer(text):
        kept += text[at : found.start()]
        marks.append((len(kept), tuple(re.findall(r"\d+", found[1] or found[2]))))
        at = found.end()
    return kept + text[at:], marks


def cited(claim: Claim, following: Claim | None, marks: Marks) -> tuple[str, ...]:
    """The numbers that stand in a claim or behind it, before the next one begins."""
    end = following.span.start if following else None
    keys = [
        key
        for at, numbers in marks
        if claim.span.start < at and (end is None or at <= end)
        for key in numbers
    ]
    return tuple(dict.fromkeys(keys))


def scored(
    claims: Sequence[Claim],
    marks: Marks,
    whole: Sequence[str] | None,
    passages: Sequence[Passage],
    guard: "Guard",
    question: str,
    said: str,
) -> list[dict[str, Any]]:
    """One record a claim: `cited`, whether they bear it out together, and each by itself.

    Args:
        claims: Of one answer.
        marks: Of `unmarked`.
        whole: Ids cited by the answer as a whole; they stand for sentences without marks.
        passages: What numbers and ids refer to: the id, else the place, from 1.
        guard: The judge.
        question: What was asked.
        said: The answer without marks.
    """
    by_key = {str(n): passage for n, passage in enumerate(passages, start=1)}
    by_key |= {passage.id: passage for passage in passages}
    records = []
    for n, claim in enumerate(claims):
        following = claims[n + 1] if n + 1 < len(claims) else None
        keys = cited(claim, following, marks) or tuple(whole or ())
        found = [by_key[key] for key in keys if key in by_key]
        alone = [_supported(guard, claim, [p], question, said) for p in found]
        together = any(alone) or (
            len(found) > 1 and _supported(guard, claim, found, question, said)
        )
        records.append(
            {
                "cited": list(keys),
                "unknown": [key for key in keys if key not in by_key],
                "recalled": together,
                "precise": [key in by_key and alone[found.index(by_key[key])] for key in keys],
            }
        )
    return records


def _supported(
    guard: "Guard", claim: Claim, passages: Sequence[Passage], question: str, said: str
) -> bool:
    (verdict,) = guard.judge([claim], passages, question, said=said)
    return verdict.status == "supported"

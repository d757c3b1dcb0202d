"""Draft articles for gaps, made only from what people answered, in their own words.

Nothing is written by a model. A draft says in its front matter that it is one, and whose answers
it is made from; `truepenny index` is to be run on it only after a person has edited it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.gaps import ALIKE, Gap
from evaluation.questions import InputError, read_rows

if TYPE_CHECKING:
    from retrieval.embedder import Embedder

MOST = 5  # answers in one draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a person of the support answered; `source` tells where that stands."""

    question: str
    answer: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleDraft:
    """For one gap; answers of the most alike question first."""

    title: str
    answers: tuple[Answered, ...]


def load(path: Path) -> list[Answered]:
    """Reads rows {question, answer, source?}, such as an export of the help desk.

    Raises:
        InputError: The file can't be read, or a row has no question or answer.
    """
    found = []
    for number, row in read_rows(path):
        texts = [row.get(name) for name in ("question", "answer")]
        if not all(isinstance(text, str) and text.strip() for text in texts):
            raise InputError(f"{path}:{number}: expected texts question and answer, got {row!r}")
        question, answer = map(str, texts)
        source = str(row.get("source") or f"{path.name}:{number}")
        found.append(Answered(question=question, answer=answer.strip(), source=source))
    return found


def drafts(
    gaps: Sequence[Gap], answered: Sequence[Answered], embedder: "Embedder"
) -> Iterator[ArticleDraft]:
    """A draft for each gap that a person has answered a question like; none for the others."""
    if not answered:
        return
    known = embedder.embed([item.question for item in answered])
    for gap in gaps:
        texts = list(dict.fromkeys(item.question for item in gap.asked))
        likeness = (known @ embedder.embed(texts).T).max(axis=1)
        order = sorted(range(len(answered)), key=lambda n: -float(likeness[n]))
        near = [answered[n] for n in order if likeness[n] >= ALIKE]
        unlike = {item.answer: item for item in reversed(near)}  # each answer once, its nearest
        kept = [item for item in near if unlike[item.answer] is item][:MOST]
        if kept:
            yield ArticleDraft(title=texts[0], answers=tuple(kept))


def markdown(draft: ArticleDraft) -> str:
    """The draft as an article of a help centre, marked as a draft."""
    sources = ", ".join(item.source for item in draft.answers)
    head = f"---\ndraft: true\nmade_from: {_quoted(sources)}\n---\n\n"
    parts = "\n\n".join(item.answer for item in draft.answers)
    return f"{head}# {draft.title}\n\n{parts}\n"


def write(draft: ArticleDraft, folder: Path) -> Path:
    """Writes the draft; one that is there already, and may have been edited, stays."""
    name = re.sub(r"[^a-z0-9]+", "-", draft.title.lower()).strip("-")[:60] or "draft"
    path = folder / f"draft-{name}.md"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(markdown(draft), encoding="utf-8")
    return path


def _quoted(text: str) -> str:
    """A YAML string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

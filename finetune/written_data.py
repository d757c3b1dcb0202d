"""Training examples from questions written for this project, the evidence of each marked.

finetune/data/questions_*.jsonl hold questions on passages of real texts, which they name: the
texts are read from the data folder and never stored here. passages_*.jsonl hold passages of
invented companies, a list of sentences each, with their questions.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finetune.pairs import Pair
from retrieval.chunk import embedded_text, passages
from retrieval.sentences import is_item, is_row, sentence_spans
from retrieval.sources import read_all
from retrieval.types import Article, Passage

_LEAST_WORDS = 20  # of a passage whose evidence was cut out
_MOST_WORDS = 150  # of a stretch, so that no evidence is cut off at the encoder's end
_NEAREST = 2
Embed = Callable[[Sequence[str]], Any]
Spans = tuple[tuple[int, int], ...]


def pairs(data: Path, written: Path, embed: Embed, rng: random.Random) -> Iterator[Pair]:
    """Yields the examples of every written question, and what search would bring up for it.

    Args:
        data: The folder with qa/ and helpcentres/.
        written: The folder with questions_*.jsonl, rows {passage, answerable: [[question,
            [sentence numbers]]], unanswerable: [question]}, and with passages_*.jsonl, rows with
            {company, title, headings, sentences} in place of {passage}.
        embed: Texts to unit vectors (n, width).
        rng: Chooses the negatives.
    """
    known = {passage.id: passage for passage in texts(data)}
    found = []
    for row in _rows(written, "questions_*.jsonl"):
        passage = known.get(row["passage"])
        if passage:
            spans = sentence_spans(passage.text)
            found.append(_Written(row=row, passage=passage, spans=tuple(spans)))
    found += [_invented(row) for row in _rows(written, "passages_*.jsonl")]
    for item in found:
        yield from _of(item, rng)
    yield from _neighbours(found, embed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A passage with its questions; `spans` are its sentences."""

    row: Mapping[str, Any]
    passage: Passage
    spans: Spans

    @property
    def group(self) -> str:
        """What must stay together when pairs are split."""
        return self.passage.article_id + self.passage.title


def _rows(folder: Path, pattern: str) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob(pattern)):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def _invented(row: Mapping[str, Any]) -> _Written:
    text, spans = "", []
    for sentence in row["sentences"]:
        if text:
            text += "\n" if is_item(sentence) or is_row(sentence) else " "
        spans.append((len(text), len(text) + len(sentence)))
        text += sentence
    passage = Passage(
        id="", article_id=row["company"], title=row["title"], headings=tuple(row["headings"]),
        text=text, start=0, end=len(text),
    )  # fmt: skip
    return _Written(row=row, passage=passage, spans=tuple(spans))


def texts(data: Path) -> Iterator[Passage]:
    """Yields the passages that questions were written for."""
    for article in read_all([data / "helpcentres" / "gnome-help"]).articles:
        yield from passages(article)
    for name in ("mtrag_un", "sharc_dev", "clapnq_dev"):
        for line in (data / "qa" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            for title, text in _sources(name, row):
                yield from passages(Article(id=name, title=title, text=text))


def _sources(name: str, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if name == "mtrag_un":
        for passage in row["passages"]:
            lead, _, rest = passage["text"].strip().partition("\n")
            yield lead[:80] if rest and len(lead) < 100 else "", passage["text"]
    else:
        yield row.get("title", ""), row["passage"]


def _neighbours(found: Sequence[_Written], embed: Embed) -> Iterator[Pair]:
    """Answerable questions against the nearest passages of other articles."""
    asked = [(item, question) for item in found for question, _ in item.row["answerable"]]
    vectors = embed([embedded_text(item.passage) for item in found])
    near = embed([question for _, question in asked]) @ vectors.T
    for (own, question), scores in zip(asked, near, strict=True):
        order = [found[i] for i in scores.argsort()[::-1][:10]]
        for other in [item for item in order if item.group != own.group][:_NEAREST]:
            text, _ = _stretch(other, other.spans[:1])
            yield _pair(own, question, text, False)


def _of(item: _Written, rng: random.Random) -> Iterator[Pair]:
    for question, numbers in item.row["answerable"]:
        held = [item.spans[number] for number in numbers if number < len(item.spans)]
        if held:
            text, offset = _stretch(item, held)
            evidence = tuple((a + offset, b + offset) for a, b in held)
            yield _pair(item, question, text, True, evidence)
            yield from _cut(item, question, held, rng)
    for question in item.row["unanswerable"]:
        yield _pair(item, question, _stretch(item, [rng.choice(item.spans)])[0], False)
        if rng.random() < 0.25:
            yield _pair(item, question, _under(item.passage, [rng.choice(item.spans)]), False)


def _stretch(item: _Written, held: Sequence[tuple[int, int]]) -> tuple[str, int]:
    """The passage as it is embedded, or of a long one what is around some of its sentences.

    Returns:
        The text, and how far the passage's characters are moved in it.
    """
    passage, spans = item.passage, item.spans
    first, last = spans.index(held[0]), spans.index(held[-1])

    def words() -> int:
        return len(passage.text[spans[first][0] : spans[last][1]].split())

    while words() < _MOST_WORDS and (first > 0 or last + 1 < len(spans)):
        first, last = max(first - 1, 0), min(last + 1, len(spans) - 1)
    start, end = spans[first][0], spans[last][1]
    text = embedded_text(replace(passage, text=passage.text[start:end]))
    return text, len(text) - end


def _cut(
    item: _Written, question: str, held: Sequence[tuple[int, int]], rng: random.Random
) -> Iterator[Pair]:
    """The evidence alone answers; the passage without it, and another sentence, don't."""
    passage = item.passage
    rest = [span for span in item.spans if span not in held]
    if rng.random() < 0.5:
        text = _under(passage, held)
        lead = len(text) - len(text[len(passage.title) :].lstrip("\n"))
        yield _pair(item, question, text, True, ((lead, len(text)),))
    without = _under(passage, rest)
    if len(without.split()) >= _LEAST_WORDS and rng.random() < 0.6:
        yield _pair(item, question, without, False)
    if rest and rng.random() < 0.5:
        yield _pair(item, question, _under(passage, [rng.choice(rest)]), False)


def _pair(
    item: _Written, question: str, text: str, label: bool, evidence: Spans | None = None
) -> Pair:
    return Pair(
        head="answer", first=question, second=text, label=label, source="written",
        group=item.group, evidence=evidence,
    )  # fmt: skip


def _under(passage: Passage, spans: Sequence[tuple[int, int]]) -> str:
    """Sentences of a passage under its title."""
    body = " ".join(passage.text[a:b] for a, b in spans)
    return f"{passage.title}\n{body}" if passage.title else body

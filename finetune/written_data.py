"""Training examples written for this project: questions with their evidence, and claims.

finetune/data/questions_*.jsonl hold questions and claims on passages of real texts, which they
name: the texts are read from the data folder and never stored here. passages_*.jsonl hold passages
of invented companies, a list of sentences each, with theirs.
"""

import argparse
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.prompt import PASSAGE_WORDS
from finetune.pairs import Pair, best_window
from retrieval.chunk import embedded_text, passages
from retrieval.sentences import is_item, is_row, sentence_spans, without_mark
from retrieval.sources import read_all
from retrieval.types import Article, Passage

_LEAST_WORDS = 20  # of a passage whose evidence was cut out
_MOST_WORDS = 150  # of a stretch, so that no evidence is cut off at the encoder's end
_NEAREST = 2
Embed = Callable[[Sequence[str]], Any]
Spans = tuple[tuple[int, int], ...]


def parts(data: Path, written: Path, embed: Embed, rng: random.Random) -> dict[str, list[Pair]]:
    """The examples of every question, what search would bring up for it, and every claim.

    Args:
        data: The folder with qa/ and helpcentres/.
        written: The folder with questions_*.jsonl, rows {passage, answerable: [[question,
            [sentence numbers]]], unanswerable: [question]} and maybe {supported: [claim],
            false: [{kind, claim}]}, and with passages_*.jsonl, rows with {company, title,
            headings, sentences} in place of {passage}.
        embed: Texts to unit vectors (n, width).
        rng: Chooses the negatives.
    """
    found = _load(data, written)
    asked = [pair for item in found for pair in _of(item, rng)]
    return {
        "written": asked + list(_neighbours(found, embed)),
        "claims": [pair for item in found for pair in _claims(item)],
    }


def answers(data: Path, written: Path) -> Iterator[dict[str, Any]]:
    """Yields rows for `truepenny train generator --qa`: the evidence, word for word, answers.

    A model that learns to copy what answers says what the guard can verify. Left out is evidence
    in tables, which is no sentence, and what is longer than an answer may be.
    """
    for item in _load(data, written):
        for question, numbers in item.row["answerable"]:
            held = [item.spans[number] for number in sorted(numbers) if number < len(item.spans)]
            said = [without_mark(item.passage.text[a:b]) for a, b in held]
            if not held or any(is_row(text) for text in said) or len(" ".join(said).split()) > 55:
                continue
            text, _ = _stretch(item, held, PASSAGE_WORDS - 5)
            title, key = item.passage.title, item.group
            text = text.removeprefix(title).strip()
            if " , " not in text:  # texts of tokenised corpora would be copied as they are
                yield {
                    "question": question, "answer": " ".join(said), "article": key,
                    "passages": [{"title": title, "text": text, "article": key}],
                }  # fmt: skip


def _load(data: Path, written: Path) -> "list[_Written]":
    known = {passage.id: passage for passage in texts(data)}
    found = []
    for row in _rows(written, "questions_*.jsonl"):
        passage = known.get(row["passage"])
        if passage:
            spans = sentence_spans(passage.text)
            found.append(_Written(row=row, passage=passage, spans=tuple(spans)))
    return found + [_invented(row) for row in _rows(written, "passages_*.jsonl")]


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


def _claims(item: _Written) -> Iterator[Pair]:
    """What is said of a passage, and what is said of it wrongly."""
    text, row = embedded_text(item.passage), item.row
    false = [(f"claim-{claim['kind']}", claim["claim"]) for claim in row.get("false", ())]
    for source, claim in [("claim", claim) for claim in row.get("supported", ())] + false:
        yield Pair(
            head="support", first=claim, second=best_window(claim, text, _MOST_WORDS),
            label=source == "claim", source=source, group=item.group,
        )  # fmt: skip


def _stretch(
    item: _Written, held: Sequence[tuple[int, int]], most: int = _MOST_WORDS
) -> tuple[str, int]:
    """The passage as it is embedded, or of a long one what is around some of its sentences.

    Returns:
        The text, and how far the passage's characters are moved in it.
    """
    passage, spans = item.passage, item.spans
    first, last = spans.index(held[0]), spans.index(held[-1])

    def words() -> int:
        return len(passage.text[spans[first][0] : spans[last][1]].split())

    while words() < most and (first > 0 or last + 1 < len(spans)):
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


def main() -> None:
    """Writes the rows of `answers` for `truepenny train generator --qa`."""
    parser = argparse.ArgumentParser(description="Questions answered by their evidence, as JSONL.")
    parser.add_argument("data", type=Path, help="the folder with qa/ and helpcentres/")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=2000, help="rows, drawn at random")
    given = parser.parse_args()
    rows = list(answers(given.data, Path(__file__).parent / "data"))
    chosen = random.Random(0).sample(rows, min(given.limit, len(rows)))
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in chosen]
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()

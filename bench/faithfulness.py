"""A file of short answers over the sample shop, to time `truepenny eval faithfulness` with.

    python -m bench.faithfulness --rows 1000 --out /tmp/answers.jsonl
    time truepenny eval faithfulness --input /tmp/answers.jsonl --json > /dev/null

An answer is a hand-written claim of examples/claims, true or false; every second one goes on with
a sentence of the help centre. It has the three passages that a retriever would give for it: the
one that the claim is about and two that share most of its words.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from guards.quotes import words
from retrieval.chunk import embedded_text, passages
from retrieval.sentences import is_heading, sentence_spans
from retrieval.sources import read_all
from retrieval.types import Passage

CLAIMS = Path("examples/claims/shop.jsonl")
HELP_CENTRE = Path("examples/helpcentre")
PASSAGES = 3
Row = dict[str, Any]


def rows(count: int, claims: Path = CLAIMS, source: Path = HELP_CENTRE) -> Iterator[Row]:
    """Yields rows {id, question, answer, passages}, the same ones every time."""
    known = {p.id: p for article in read_all([source]).articles for p in passages(article)}
    lines = [json.loads(line) for line in claims.read_text(encoding="utf-8").splitlines()]
    said = [
        (claim, known[line["passage"]])
        for line in lines
        for claim in [*line["supported"], *(false["claim"] for false in line["false"])]
    ]
    for number, (claim, about) in enumerate(islice(cycle(said), count)):
        found = [about, *_nearest(claim, about, list(known.values()))]
        yield {
            "id": f"a{number}",
            "question": about.title,
            "answer": f"{claim} {_sentence(about, number)}" if number % 2 else claim,
            "passages": [{"id": p.id, "text": embedded_text(p)} for p in found],
        }


def _nearest(claim: str, about: Passage, others: Sequence[Passage]) -> list[Passage]:
    mine = words(claim)
    left = [p for p in others if p.id != about.id]
    return sorted(left, key=lambda p: -len(mine & words(p.text)))[: PASSAGES - 1]


def _sentence(passage: Passage, number: int) -> str:
    units = [passage.text[a:b] for a, b in sentence_spans(passage.text)]
    prose = [u for u in units if not is_heading(u) and u.endswith(".")] or [passage.title + "."]
    return prose[number % len(prose)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the file and says how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    made = list(rows(given.rows))
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made)
    given.out.write_text(text, encoding="utf-8")
    print(f"{len(made)} rows in {given.out}", file=sys.stderr)


if __name__ == "__main__":
    main()

"""Turns examples/claims into rows for `truepenny eval guard`, one kind of error a source.

The claims name the passages they are about; the passages' texts are read from their help centres
and never stored with the claims.

    python -m bench.claims examples/claims/shop.jsonl --source examples/helpcentre --out rows.jsonl
    truepenny eval guard --input rows.jsonl
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from retrieval.chunk import embedded_text, passages
from retrieval.sources import read_all

Row = dict[str, Any]


def rows(claims: Path, sources: Sequence[Path]) -> Iterator[Row]:
    """Yields rows {evidence, claim, supported, source}; source is the kind of error.

    Raises:
        SystemExit: A passage of the claims isn't in the sources.
    """
    known = {p.id: p for article in read_all(sources).articles for p in passages(article)}
    for line in claims.read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        if item["passage"] not in known:
            sys.exit(f"{claims}: no passage {item['passage']} of {item['article']} in the sources")
        evidence = embedded_text(known[item["passage"]])
        for claim in item["supported"]:
            yield {"evidence": evidence, "claim": claim, "supported": True, "source": "paraphrase"}
        for false in item["false"]:
            yield {
                "evidence": evidence, "claim": false["claim"], "supported": False,
                "source": false["kind"],
            }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the rows and says how many."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("claims", type=Path)
    parser.add_argument("--source", type=Path, action="append", required=True, dest="sources")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    made = list(rows(given.claims, given.sources))
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made)
    given.out.write_text(text, encoding="utf-8")
    print(f"{len(made)} rows in {given.out}", file=sys.stderr)


if __name__ == "__main__":
    main()

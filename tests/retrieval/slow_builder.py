"""Builds an index slowly: `python -m tests.retrieval.slow_builder DIR SECONDS`, to be killed.

It prints "embedding" once its lock is held, then "writing" when the new version is half written.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.index import build
from retrieval.lexical import Lexical
from retrieval.types import Article
from tests.fake_models import FakeEmbedder

MORE = Article(id="new", title="New", text="Something new is written here at last.")


class Slow(FakeEmbedder):
    def embed(self, texts: Any) -> np.ndarray:
        print("embedding", flush=True)
        time.sleep(float(sys.argv[2]))
        return super().embed(texts)


def main() -> None:
    save = Lexical.save

    def slow_save(self: Lexical, folder: Path) -> None:
        save(self, folder)
        print("writing", flush=True)
        time.sleep(60)

    Lexical.save = slow_save  # type: ignore[method-assign]
    build([MORE], Path(sys.argv[1]), Slow())


if __name__ == "__main__":
    main()

"""Stand-ins for the three models: an embedder, a verifier, a generator. They go by shared words."""

import time
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from guards.quotes import words
from retrieval.chunk import embedded_text
from retrieval.types import Passage


class FakeEmbedder:
    """Words hashed into unit vectors of width 64; `texts` are all that were embedded.

    `fails` is raised instead; `poison` gives rows of NaN; `pause` is waited before each batch.
    """

    def __init__(
        self, name: str = "fake", *, fails: Exception | None = None, poison: bool = False,
        pause: float = 0.0,
    ) -> None:  # fmt: skip
        self.name = name
        self.fails = fails
        self.poison = poison
        self.pause = pause
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        time.sleep(self.pause)
        if self.fails:
            raise self.fails
        self.texts.extend(texts)
        rows = np.zeros((len(texts), 64), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[0] = 0.01
            for word in words(text):
                row[zlib.crc32(word.encode()) % 64] += 1
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return np.full_like(rows, np.nan) if self.poison else rows


class FakeVerifier:
    """Log-odds, -5 to 5, by the share of the first text's words that the second holds.

    `fails` says by method what is raised; methods in `poison` give NaN; `gullible` gives 9
    whatever is asked; `pause` is waited in each.
    """

    version = "fake-verifier"
    tokenizer = "fake-tokenizer"

    def __init__(
        self, *, fails: dict[str, Exception] | None = None, poison: Sequence[str] = (),
        gullible: bool = False, pause: float = 0.0,
    ) -> None:  # fmt: skip
        self.fails = fails or {}
        self.poison = poison
        self.gullible = gullible
        self.pause = pause
        self.calls: list[str] = []

    def logits(self, first: Sequence[str], second: Sequence[str], head: str) -> np.ndarray:
        pairs = zip(first, second, strict=True)
        return self._made("logits", [self._odds(a, b) for a, b in pairs])

    def support(self, claims: Sequence[str], passages: Sequence[Passage]) -> np.ndarray:
        texts = [embedded_text(found) for found in passages]
        return self._made("support", [[self._odds(c, text) for text in texts] for c in claims])

    def answers(self, question: str, passages: Sequence[Passage]) -> np.ndarray:
        odds = [self._odds(question, embedded_text(found)) for found in passages]
        return self._made("answers", odds)

    def evidence(
        self, question: str, passage: Passage, spans: Sequence[tuple[int, int]]
    ) -> np.ndarray:
        odds = [self._odds(question, passage.text[start:end]) for start, end in spans]
        return self._made("evidence", odds)

    def rerank(self, query: str, passages: Sequence[Passage]) -> list[float]:
        odds = [self._odds(query, embedded_text(found)) for found in passages]
        return [float(p) for p in 1 / (1 + np.exp(-self._made("rerank", odds)))]

    def _odds(self, first: str, second: str) -> float:
        mine = words(first)
        return 9.0 if self.gullible else 10 * len(mine & words(second)) / max(len(mine), 1) - 5

    def _made(self, method: str, odds: Any) -> np.ndarray:
        self.calls.append(method)
        time.sleep(self.pause)
        if method in self.fails:
            raise self.fails[method]
        made = np.array(odds, dtype=np.float32)
        return np.full_like(made, np.nan) if method in self.poison else made


class FakeGenerator(BaseChatModel):
    """Streams `pieces`, then raises `error` if there is one; `pause` is waited before each.

    `given` counts the pieces taken, `cancelled` the streams closed before their end.
    """

    pieces: tuple[str, ...] = ()
    error: Any = None
    pause: float = 0.0
    model_name: str = "fake-model"
    _prompts: list[Any] = PrivateAttr(default_factory=list)
    _counts: dict[str, int] = PrivateAttr(default_factory=lambda: {"given": 0, "cancelled": 0})

    @property
    def given(self) -> int:
        return self._counts["given"]

    @property
    def cancelled(self) -> int:
        return self._counts["cancelled"]

    @property
    def prompts(self) -> list[Any]:
        return self._prompts

    @property
    def _llm_type(self) -> str:
        return "fake"

    def _generate(self, messages: Any, stop: Any = None, **more: Any) -> ChatResult:
        raise NotImplementedError("the pipeline streams")

    def _stream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **more: Any
    ) -> Iterator[ChatGenerationChunk]:
        self._prompts.append(messages)
        try:
            for piece in self.pieces:
                time.sleep(self.pause)
                self._counts["given"] += 1
                yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
            if self.error:
                raise self.error
        except GeneratorExit:
            self._counts["cancelled"] += 1
            raise

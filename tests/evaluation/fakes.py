"""Fakes of the evaluation's tests: models that go by shared words, a tiny help centre."""

import warnings
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from bot.types import Citation, Reply, Sentence
from guards.guard import Guard, Thresholds
from guards.quotes import words
from retrieval.chunk import embedded_text
from retrieval.index import build, open_index
from retrieval.retriever import RetrievalConfig, Retriever
from retrieval.types import Article, Hit

ARTICLES = (
    Article(
        id="returns",
        title="Returns",
        text="You can return most items within 45 days of delivery. Opened soap is never refunded.",
    ),
    Article(
        id="delivery",
        title="Delivery",
        text="Standard delivery costs €4.95 and takes three days. Orders over €79 ship free.",
    ),
    Article(
        id="repairs",
        title="Repairs",
        text="Book a repair at the workshop in Hestwick. Zips are mended while you wait.",
    ),
)


class WordEmbedder:
    """Words hashed into 256 dimensions."""

    name = "words"

    def embed(self, texts):
        rows = np.zeros((len(texts), 256), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in words(text):
                row[zlib.crc32(word.encode()) % 256] += 1
        rows[:, 0] += 0.01
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class WordVerifier:
    """Log-odds by the share of words; `broken` gives what a failing session gives."""

    version = "fake-1"
    tokenizer = "fake-tokenizer"

    def __init__(self, broken: bool = False) -> None:
        self.broken = broken

    def support(self, claims, passages):
        if self.broken:
            raise RuntimeError("no session")
        return np.array([[_odds(claim, p.text) for p in passages] for claim in claims])

    def answers(self, question, passages):
        return np.array([_odds(question, embedded_text(p)) for p in passages])

    def evidence(self, question, passage, spans):
        return np.array([_odds(question, passage.text[a:b]) for a, b in spans])

    def logits(self, first, second, head):
        return np.array([_odds(a, b) for a, b in zip(first, second, strict=True)])

    def rerank(self, query, passages):
        return [float(1 / (1 + np.exp(-x))) for x in self.answers(query, passages)]


def _odds(first: str, second: str) -> float:
    mine = words(first)
    return 10 * (len(mine & words(second)) / max(len(mine), 1)) - 5


class Generator:
    """Says the same thing to every prompt, and keeps the prompts."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.calls: list = []

    def invoke(self, messages, **settings):
        self.calls.append((messages, settings))
        return SimpleNamespace(text=self.text)


def guard(support: float = 0.5, *, broken: bool = False) -> Guard:
    thresholds = Thresholds(
        support=support, answer=0.4, answer_bias=0.25,
        answer_weights=(1.0, 0.0, 0.0, 2.0, 0.0),
        verifier="fake-1", version="t-1", measured={"answer": {"rows": 7}},
    )  # fmt: skip
    return Guard(WordVerifier(broken), thresholds)


def retriever(folder: Path, *, reranker=None, **config) -> Retriever:
    embedder = WordEmbedder()
    build(ARTICLES, folder, embedder)
    with warnings.catch_warnings():  # open_index leaves passages.jsonl to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        index = open_index(folder, embedder.name)
    return Retriever(index, embedder, reranker, RetrievalConfig(**config))


def passages():
    from retrieval.chunk import passages as cut

    return [passage for article in ARTICLES for passage in cut(article)]


def reply(*sentences: str, article: str = "returns", action="answer", **timings) -> Reply:
    """A reply of those sentences, all cited to one article."""
    said, at = [], 0
    for text in sentences:
        said.append(
            Sentence(text=text, start=at, end=at + len(text), status="supported",
                     probability=1.0, citations=(1,))
        )  # fmt: skip
        at += len(text) + 1
    citation = Citation(n=1, article_id=article, passage_id="p", title="", url=None, quote="")
    answered = action == "answer"
    return Reply(
        reply_id="r", conversation_id="c", text=" ".join(sentences), action=action, cause=None,
        sentences=tuple(said) if answered else (), citations=(citation,) if answered else (),
        hits=tuple(Hit(passage=p, score=1.0, rank=i) for i, p in enumerate(passages(), 1)),
        timings=timings or {"first_sentence_ms": 10.0, "verify_ms": 5.0, "total_ms": 20.0},
    )  # fmt: skip

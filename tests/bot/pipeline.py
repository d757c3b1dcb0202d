"""The real pipeline over fake models: a small help centre, every part replaceable."""

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.answer import stream
from bot.policy import BotConfig, Policy
from bot.types import Reply, Sentence, State, Turn
from guards.answerability import FEATURES
from guards.guard import Guard, Thresholds
from retrieval.index import Index, build, open_index
from retrieval.retriever import RetrievalConfig, Retriever
from retrieval.types import Article
from tests.fakes import FakeEmbedder, FakeGenerator, FakeVerifier

QUESTION = "How long can I return most items after delivery?"
QUOTE = "You can return most items within 45 days of delivery."
ARTICLES = (
    Article(
        id="returns",
        title="How long you can return items",
        url="https://help.example.com/returns",
        text=f"{QUOTE} Opened soap is never refunded.\n\nBefore you send it back:\n\n"
        "1. Pack the item well\n2. Print the label\n3. Post the parcel",
    ),
    Article(
        id="delivery",
        title="What delivery costs",
        text="Standard delivery costs €4.95 and takes three days. Orders over €60 ship free.",
    ),
    Article(
        id="repairs",
        title="Repairs",
        text="Book a repair at the workshop in Hestwick. Zips are mended while you wait.",
    ),
)
THRESHOLDS = Thresholds(
    support=0.9, answer=0.5, answer_bias=0.0,
    answer_weights=(1.0, *[0.0] * (len(FEATURES) - 1)), verifier="fake-verifier", version="t-1",
)  # fmt: skip
Said = tuple[list[Sentence], Reply]


@lru_cache(maxsize=1)
def opened() -> Index:
    with TemporaryDirectory() as folder:  # what is mapped into memory outlives its name
        build(ARTICLES, Path(folder), FakeEmbedder())
        return open_index(Path(folder), "fake")


def state(*turns: str) -> State:
    """A conversation: the customer's turn, the bot's, and so on."""
    roles = ("user", "assistant")
    said = tuple(
        Turn(role=roles[n % 2], text=text)  # type: ignore[arg-type]
        for n, text in enumerate(turns)
    )
    return State(conversation_id="c1", turns=said)


def pipeline(
    *pieces: str,
    generator: Any = None,
    verifier: Any = None,
    embedder: Any = None,
    retriever: Any = None,
    thresholds: Thresholds = THRESHOLDS,
    **config: Any,
) -> dict[str, Any]:
    """Parts for `answer`; `pieces` are what the generator writes."""
    scorer = verifier or FakeVerifier()
    search = Retriever(opened(), embedder or FakeEmbedder(), scorer, RetrievalConfig())
    writer = generator or (FakeGenerator(pieces=pieces) if pieces else None)
    return {
        "retriever": retriever or search,
        "generator": writer,
        "guard": Guard(scorer, thresholds),
        "policy": Policy(config=BotConfig(**config)),
    }


def ask(question: str = QUESTION, *turns: str, **parts: Any) -> Said:
    """What was yielded before the reply, and the reply."""
    *said, reply = stream(question, state(*turns), **parts)
    assert isinstance(reply, Reply)
    assert all(isinstance(sentence, Sentence) for sentence in said)
    return said, reply  # type: ignore[return-value]


def assert_vouched(said: list[Sentence], reply: Reply) -> None:
    """Whatever was said is supported, cited, and stands where it says."""
    passages = {found.id: found for found in opened().passages}
    if reply.action == "answer":
        assert reply.sentences == tuple(said) != ()
        assert reply.cause is None
        assert reply.review is not None
        assert reply.review.status == "supported"
    else:
        assert reply.sentences == ()
        assert reply.citations == ()
    at = 0
    for sentence in reply.sentences:
        assert reply.text[sentence.start : sentence.end] == sentence.text
        assert not reply.text[at : sentence.start].strip()
        at = sentence.end
    assert reply.action != "answer" or not reply.text[at:].strip()
    numbers = [citation.n for citation in reply.citations]
    assert numbers == list(range(1, len(numbers) + 1))
    cited = {n for sentence in reply.sentences for n in sentence.citations}
    assert cited == set(numbers)
    for citation in reply.citations:
        assert citation.quote.strip()
        assert citation.quote in passages[citation.passage_id].text
        assert citation.article_id == passages[citation.passage_id].article_id
    for sentence in said:
        assert sentence.status == "supported"
        assert sentence.citations


def only_quotes(said: list[Sentence]) -> bool:
    """Whether every sentence stands in a passage, word for word."""
    return all(any(s.text in found.text for found in opened().passages) for s in said)


def quoted_or_declined(made: Said) -> None:
    """The answer is made of quotes, or there is none."""
    said, reply = made
    assert_vouched(said, reply)
    assert only_quotes(said)
    assert reply.action in ("answer", "abstain", "handoff")

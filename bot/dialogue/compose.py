"""Puts a reply together: what was answered from knowledge, what actions found, what is asked."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from bot.dialogue.flows import Flows, fill, places
from bot.dialogue.memory import results
from bot.dialogue.wording import shown
from bot.types import Citation, Frame, Reply, Sentence, State, Value
from guards.types import Claim, Evidence, Review, Span, Verdict

VERSION = "flow-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a fact comes from: an action's result or what the customer told."""

    name: str
    value: Value
    kind: Literal["slot", "action"]
    id: str
    title: str


def sources(flows: Flows, state: State, frame: Frame) -> dict[str, Source]:
    """Everything that a flow may say, by name, each with where it comes from."""
    found: dict[str, Source] = {}
    for result in reversed(results(state, frame)):
        title = flows.actions[result.action].title or result.action
        for name, value in result.values.items():
            found[name] = Source(
                name=name, value=value, kind="action", id=f"action:{result.key}", title=title
            )
    for name, slot in frame.slots.items():
        if slot.value and name in flows.slots_of(frame.flow):
            label = flows.slot(frame.flow, name).label or name
            found[name] = Source(
                name=name, value=slot.value, kind="slot", id=f"slot:{name}",
                title=f"what you told us: {label}",
            )  # fmt: skip
    return found


@dataclass
class Composer:
    """The text so far, with its sentences, citations and verdicts. Offsets count in `text`."""

    text: str = ""
    sentences: list[Sentence] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    answers: list[Reply] = field(default_factory=list)

    def line(self, text: str) -> None:
        """Adds a phrase of the company's own that tells no fact."""
        if text:
            self._begin()
            self.text += text

    def fact(self, template: str, known: dict[str, Source]) -> Sentence | None:
        """Adds a sentence whose {names} are facts; None, and nothing said, if one isn't known."""
        names = places(template)
        if not all(name in known for name in names):
            return None
        used = [known[name] for name in dict.fromkeys(names)]
        text = fill(template, {source.name: shown(source.value) for source in used})
        if not used:
            self.line(text)
            return None
        self._begin()
        start = len(self.text)
        self.text += text
        sentence = Sentence(
            text=text, start=start, end=len(self.text), status="supported", probability=1.0,
            citations=tuple(self._cite(source) for source in used),
        )  # fmt: skip
        self.sentences.append(sentence)
        self.verdicts.append(_verdict(sentence, used[0]))
        return sentence

    def answer(
        self, items: Iterator[Sentence | Reply], *, optional: bool = False
    ) -> Iterator[Sentence]:
        """Passes a verified answer's sentences on, moved to where they stand in this reply.

        With `optional`, an answer that couldn't be given is left out instead of apologised for.
        """
        before = self.text
        self._begin(gap="\n\n")
        base, cited = len(self.text), len(self.citations)
        for item in items:
            if isinstance(item, Sentence):
                yield _moved(item, base, cited)
            elif optional and item.action != "answer":
                self.text = before
            else:
                self._absorb(item, base, cited)

    def review(self) -> Review | None:
        """The verdicts on all that was said."""
        reviews = [reply.review for reply in self.answers if reply.review]
        verdicts = (*(v for review in reviews for v in review.verdicts), *self.verdicts)
        if not verdicts:
            return None
        chance = reviews[0].answerable if reviews else None
        return Review(verdicts=verdicts, answerable=chance, status="supported")

    def _absorb(self, reply: Reply, base: int, cited: int) -> None:
        self.answers.append(reply)
        self.text += reply.text
        self.sentences += [_moved(sentence, base, cited) for sentence in reply.sentences]
        self.citations += [replace(item, n=item.n + cited) for item in reply.citations]

    def _begin(self, gap: str = " ") -> None:
        if self.text:
            after_answer = self.answers and self.text.endswith(self.answers[-1].text)
            self.text += "\n\n" if after_answer else gap

    def _cite(self, source: Source) -> int:
        quote = f"{source.name}: {shown(source.value)}"
        for citation in self.citations:
            if citation.passage_id == source.id and citation.quote == quote:
                return citation.n
        citation = Citation(
            n=len(self.citations) + 1, article_id="", passage_id=source.id, title=source.title,
            url=None, quote=quote, kind=source.kind,
        )  # fmt: skip
        self.citations.append(citation)
        return citation.n


def _moved(sentence: Sentence, base: int, cited: int) -> Sentence:
    return replace(
        sentence, start=sentence.start + base, end=sentence.end + base,
        citations=tuple(n + cited for n in sentence.citations),
    )  # fmt: skip


def _verdict(sentence: Sentence, source: Source) -> Verdict:
    """A sentence of a flow is its author's words around a fact: the fact vouches for it."""
    quote = f"{source.name}: {shown(source.value)}"
    claim = Claim(
        text=sentence.text, span=Span(start=sentence.start, end=sentence.end),
        standalone=sentence.text,
    )  # fmt: skip
    evidence = Evidence(
        passage_id=source.id, span=Span(start=0, end=len(quote)), quote=quote,
        kind=source.kind,
    )  # fmt: skip
    return Verdict(
        claim=claim, status="supported", probability=1.0, evidence=evidence,
        reason=f"{source.name} comes from {source.title}", guard="flow", version=VERSION,
    )  # fmt: skip

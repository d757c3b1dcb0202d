"""From a question to a verified reply, top to bottom: read, find, decide, draft, check, say.

Nothing is yielded that the guard hasn't found supported by a passage of the help centre.
"""

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from langchain_core.language_models import BaseChatModel

from bot import drafting
from bot.policy import BYE, GREETING, THANKS, Policy
from bot.quoting import Quote, choose, says_already
from bot.types import (
    Action,
    Cause,
    Citation,
    Handoff,
    Reply,
    Sentence,
    State,
    Suggestion,
)
from bot.understanding import Message, read, standalone
from guards.claims import claims
from guards.guard import Guard
from guards.screens import screen, screen_hits
from guards.screens.injection import injection
from guards.types import Claim, Evidence, Review, Span, Verdict
from retrieval.retriever import Retriever
from retrieval.sentences import is_item, is_row
from retrieval.types import Hit, Passage


def answer(
    question: str,
    state: State,
    *,
    retriever: Retriever,
    generator: BaseChatModel | None,
    guard: Guard,
    policy: Policy,
) -> Reply:
    """Answers one message of a conversation with one verified reply."""
    *_, reply = stream(
        question, state, retriever=retriever, generator=generator, guard=guard, policy=policy
    )
    assert isinstance(reply, Reply)
    return reply


def stream(
    question: str,
    state: State,
    *,
    retriever: Retriever,
    generator: BaseChatModel | None,
    guard: Guard,
    policy: Policy,
    hits: Sequence[Hit] | None = None,
    query: str | None = None,
) -> Iterator[Sentence | Reply]:
    """Yields each sentence once it is verified, and the whole reply last.

    `query` is the question as it stands alone, and `hits` what was found for it, where these are
    known already. Closing the iterator cancels the generation. A failing model or search ends in
    a reply that says nothing unchecked (cause `unchecked`), never in an answer.
    """
    guard = guard.timed()
    run = _Run(state=state, retriever=retriever, guard=guard, policy=policy)
    message = read(question, policy.config.max_question_chars)
    if message.kind != "question":
        yield run.without_looking(message)
        return
    query, cause = run.screened(question, message, query)
    if cause:
        yield run.decline(cause)
        return
    try:
        hits, chance = run.look_up(query, hits)
    except Exception:  # noqa: BLE001 - the boundary: whatever failed, nothing is said
        drafting.log.exception("the search failed")
        yield run.decline("tool_failure")
        return
    if chance is None or chance < guard.thresholds.answer:
        yield run.decline("no_evidence" if chance is not None else "unchecked", hits)
        return
    try:
        quotes = run.quotes(query, hits)
    except Exception:  # noqa: BLE001 - the boundary
        drafting.log.exception("no quotes can be chosen")
        yield run.decline("unchecked", hits)
        return
    for text, verdict in run.verified_draft(query, hits, generator):
        yield run.say(text, verdict)
    for quote in quotes:
        if not says_already(quote.text, [sentence.text for sentence in run.said]):
            yield run.say(quote.text, run.verdict_on(quote))
    yield run.finish(query, hits, generator)


@dataclass
class _Run:
    """The making of one reply: what was said so far, and the clock."""

    state: State
    retriever: Retriever
    guard: Guard
    policy: Policy
    said: list[Sentence] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    passages: dict[str, Passage] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    answerable: float | None = None
    text: str = ""
    model: str = ""
    began: float = field(default_factory=time.perf_counter)

    def screened(
        self, question: str, message: Message, query: str | None
    ) -> tuple[str, Cause | None]:
        """The query, and the cause to decline for if a screen stops it."""
        try:
            if self.guard.config.screen:
                self.state = _without_attacks(self.state)
            query = query or standalone(message.text, self.state)
            return query, self._stopped(question, query)
        except Exception:  # noqa: BLE001 - the boundary: what can't be screened isn't looked up
            drafting.log.exception("a question can't be screened")
            return "", "unchecked"

    def look_up(
        self, query: str, found: Sequence[Hit] | None = None
    ) -> tuple[Sequence[Hit], float | None]:
        """Hits and the probability that they answer (None: it couldn't be judged)."""
        hits = self.guard.within(lambda: self.retriever.search(query)) if found is None else found
        hits = screen_hits(hits).hits if self.guard.config.screen else hits
        self.passages = {hit.passage.id: hit.passage for hit in hits}
        self._mark("retrieve_ms", self.began)
        if not hits:
            return [], 0.0
        began = time.perf_counter()
        try:
            signals = self.guard.within(lambda: self.retriever.signals(query, hits))
            self.answerable = self.guard.answerable(query, hits, signals)
        except Exception:  # noqa: BLE001 - the boundary: an unjudged question is not answered
            drafting.log.exception("answerability can't be judged")
        self._add("verify_ms", began)
        return hits, self.answerable

    def quotes(self, query: str, hits: Sequence[Hit]) -> list[Quote]:
        """The sentences to quote from the best hits; what a screen blanked is none."""
        config = self.policy.config
        chosen = self.guard.within(
            lambda: choose(
                query, hits[: config.quote_passages], self.retriever, self.guard,
                most=config.quotes, max_chars=config.max_quote_chars,
            )
        )  # fmt: skip
        return [quote for quote in chosen if quote.text.strip()]

    def verified_draft(
        self, query: str, hits: Sequence[Hit], generator: BaseChatModel | None
    ) -> Iterator[tuple[str, Verdict]]:
        """The draft's sentences that pass, up to the first that doesn't."""
        config = self.policy.config
        if generator is None or not config.draft:
            return
        began = time.perf_counter()
        passages = [hit.passage for hit in hits[: config.draft_passages]]
        sentences = drafting.sentences(
            generator, query, passages, self.state.turns, most=config.draft_sentences,
            seconds=self.guard.seconds_left,
        )  # fmt: skip
        for text in sentences:
            verdict = self._check(text, query, passages)
            if verdict is None or verdict.status != "supported":
                break  # what follows leans on what failed
            yield text, verdict
        sentences.close()
        self._mark("draft_ms", began)

    def verdict_on(self, quote: Quote) -> Verdict:
        """A quote proves itself: it is the passage's own sentence."""
        evidence = Evidence(
            passage_id=quote.passage.id,
            span=Span(start=quote.start, end=quote.end),
            quote=quote.text,
        )
        claim = Claim(
            text=quote.text, span=Span(start=0, end=len(quote.text)), standalone=quote.text
        )
        return Verdict(
            claim=claim, status="supported", probability=1.0, evidence=evidence,
            reason="verbatim quote", guard="quote", version=self.guard.version,
        )  # fmt: skip

    def say(self, text: str, verdict: Verdict) -> Sentence:
        """Appends a verified sentence to the reply, with its citation."""
        assert verdict.status == "supported"
        assert verdict.evidence is not None
        if not self.said:
            self._mark("first_sentence_ms", self.began)
        if self.text:
            self.text += _between(self.said[-1].text, text)
        start = len(self.text)
        self.text += text
        sentence = Sentence(
            text=text, start=start, end=len(self.text), status=verdict.status,
            probability=verdict.probability, citations=(self._cite(verdict.evidence),),
        )  # fmt: skip
        self.said.append(sentence)
        self.verdicts.append(verdict)
        return sentence

    def finish(self, query: str, hits: Sequence[Hit], generator: BaseChatModel | None) -> Reply:
        """The whole reply, checked once more as a whole."""
        began = time.perf_counter()
        passages = list(self.passages.values())
        review = self.guard.review(self.text, passages, query) if self.said else None
        self._add("verify_ms", began)
        if review is None or review.status != "supported":
            failed = [v for v in review.verdicts if v.status != "supported"] if review else []
            drafting.log.warning("the whole reply failed its check: %s", [v.guard for v in failed])
            return self.decline("unchecked" if failed else "no_evidence", hits)
        by_model = any(verdict.guard != "quote" for verdict in self.verdicts)
        self.model = drafting.name_of(generator) if generator and by_model else "quotes"
        return self._reply("answer", None, self.text, hits=hits, review=review)

    def decline(self, cause: Cause, hits: Sequence[Hit] = ()) -> Reply:
        """Says what the policy says for a cause, with the nearest articles."""
        outcome = self.policy.table[cause]
        self.said, self.citations = [], []
        return self._reply(outcome.action, cause, outcome.text, hits=hits)

    def without_looking(self, message: Message) -> Reply:
        """The reply to what isn't a question."""
        polite = {"greeting": GREETING, "thanks": THANKS, "bye": BYE}
        if words := polite.get(message.kind):
            return self._reply("clarify", None, words)
        assert message.cause is not None
        return self.decline(message.cause)

    def _stopped(self, question: str, query: str) -> Cause | None:
        config = self.guard.config
        if not config.screen:
            return None
        finding = screen(question, config.language) or injection(query, "question")
        if finding is None:
            return None
        drafting.log.warning("the %s screen stopped a question: %s", finding.screen, finding.reason)
        return "out_of_scope" if finding.screen == "language" else "unsafe_input"

    def _check(self, text: str, query: str, passages: Sequence[Passage]) -> Verdict | None:
        """The verdict on a drafted sentence; None if it states nothing."""
        began = time.perf_counter()
        found = claims(text, query, before=self.text)
        verdicts = self.guard.judge(found, passages, query)
        self._add("verify_ms", began)
        leads_nowhere = text.rstrip().endswith(":")
        return verdicts[0] if len(verdicts) == 1 and not leads_nowhere else None

    def _cite(self, evidence: Evidence) -> int:
        passage = self.passages[evidence.passage_id]
        for citation in self.citations:
            if citation.passage_id == passage.id and citation.quote == evidence.quote:
                return citation.n
        citation = Citation(
            n=len(self.citations) + 1, article_id=passage.article_id, passage_id=passage.id,
            title=passage.title, url=passage.url, quote=evidence.quote,
        )  # fmt: skip
        self.citations.append(citation)
        return citation.n

    def _reply(
        self,
        action: Action,
        cause: Cause | None,
        text: str,
        *,
        hits: Sequence[Hit] = (),
        review: Review | None = None,
    ) -> Reply:
        self._mark("total_ms", self.began)
        summary = "; ".join(turn.text[:200] for turn in self.state.turns if turn.role == "user")
        return Reply(
            reply_id=uuid.uuid4().hex, conversation_id=self.state.conversation_id, text=text,
            action=action, cause=cause, sentences=tuple(self.said),
            citations=tuple(self.citations), hits=tuple(hits), review=review,
            suggestions=self._suggestions(action, hits),
            handoff=Handoff(reason=cause or "", summary=summary) if action == "handoff" else None,
            timings={key: round(value, 1) for key, value in self.timings.items()},
            model=self.model, index_version=self.retriever.version,
            threshold_version=self.guard.thresholds.version,
        )  # fmt: skip

    def _suggestions(self, action: Action, hits: Sequence[Hit]) -> tuple[Suggestion, ...]:
        if action != "abstain":
            return ()
        titles = {hit.passage.article_id: hit.passage.title for hit in hits}
        most = self.policy.config.suggestions
        return tuple(
            Suggestion(text=title, article_id=key) for key, title in list(titles.items())[:most]
        )

    def _mark(self, name: str, began: float) -> None:
        self.timings[name] = (time.perf_counter() - began) * 1000

    def _add(self, name: str, began: float) -> None:
        spent = (time.perf_counter() - began) * 1000
        self.timings[name] = self.timings.get(name, 0.0) + spent


def _without_attacks(state: State) -> State:
    """The state without the turns that tried to steer the bot: they aren't shown to a model."""
    turns = tuple(
        turn for turn in state.turns
        if turn.role != "user" or injection(turn.text, "question") is None
    )  # fmt: skip
    return replace(state, turns=turns)


def _between(before: str, text: str) -> str:
    """What parts two sentences, so that they are read, and cut again, as they were."""
    if is_item(text) or (is_row(text) and is_row(before)):
        return "\n"
    prose = not is_item(before) and not text.startswith(("```", "~~~", "|"))
    return " " if prose and before.endswith((".", "!", "?")) else "\n\n"

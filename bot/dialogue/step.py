"""One message of a conversation, top to bottom: understand, remember, answer, go on, compose."""

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Unpack

from bot import answer as pipeline
from bot.dialogue import memory, wording
from bot.dialogue.asking import Asked, in_context, knowledge
from bot.dialogue.clarify import matter, which_article
from bot.dialogue.commands import (
    Answer,
    Cancel,
    Clarify,
    Command,
    CorrectSlot,
    HandOff,
    Pause,
    Resume,
    SetSlot,
    Skip,
    StartFlow,
    explain,
)
from bot.dialogue.compose import Composer
from bot.dialogue.handoff import given_back, handed_over, handoff, overdue
from bot.dialogue.parts import DialogueParts
from bot.dialogue.suggestions import cites, suggested
from bot.dialogue.walk import Walk
from bot.types import (
    Action,
    Cause,
    Handoff,
    Reply,
    Sentence,
    State,
    Suggestion,
    Turn,
)

_FAILURES = ("no_evidence", "partial_evidence", "contradicted", "unchecked", "tool_failure")


def step(state: State, message: str, parts: DialogueParts) -> tuple[State, Reply]:
    """Takes a conversation one message further; neither changes in place.

    What happens outside is in the parts alone: the models and the actions.
    """
    after, reply = state, None
    for item in stream(message, state, **parts):
        if isinstance(item, State):
            after = item
        elif isinstance(item, Reply):
            reply = item
    assert reply is not None
    return after, reply


def stream(
    message: str, state: State, **parts: Unpack[DialogueParts]
) -> Iterator[Sentence | State | Reply]:
    """`step` as it goes: each verified sentence, then the state after it, and the reply last."""
    began = time.perf_counter()
    state = replace(state, turn=state.turn + 1)
    dialogue = parts["dialogue"]
    if state.mode == "person":
        if not overdue(state, dialogue.now(), dialogue.give_back_hours):
            yield from _silent(state, message)
            return
        state = given_back(state)
    commands = dialogue.reader.read(message, state, dialogue.today())
    turn = _Turn(state=state, message=message, parts=parts, commands=commands, began=began)
    turn.timings["understand_ms"] = (time.perf_counter() - began) * 1000
    yield from turn.run()
    yield from turn.end()


@dataclass
class _Turn:
    """The making of one reply, and of the state after it."""

    state: State
    message: str
    parts: DialogueParts
    commands: Sequence[Command]
    began: float
    timings: dict[str, float] = field(default_factory=dict)
    said: Composer = field(default_factory=Composer)
    near: str | None = None
    failed: int = 0
    elsewhere: float = 0.0  # seconds in search and pipeline, which aren't the dialogue's own

    def __post_init__(self) -> None:
        dialogue = self.parts["dialogue"]
        before = self.state
        self.walk = Walk(
            state=replace(before, pending=None), flows=dialogue.flows, caller=dialogue.caller,
            answer=self._answering, said=self.said,
            patience=max(dialogue.patience - before.failures, 1),
        )  # fmt: skip
        moves = (StartFlow, Resume, SetSlot, CorrectSlot)
        moved = any(isinstance(command, moves) for command in self.commands)
        failing = before.pending is not None and before.pending.kind == "failure"
        self.walk.stalled = failing and not moved

    def run(self) -> Iterator[Sentence]:
        """Carries the commands out, answers what was asked, and goes on with the flows."""
        walk = self.walk
        self._not_understood()
        for command in self.commands:
            if walk.person is None:
                yield from self._apply(command)
        if walk.person is None:
            yield from walk.run()

    def end(self) -> Iterator[State | Reply]:
        """The state after this message, and the reply."""
        walk = self.walk
        failed = self.failed + walk.failed
        state = replace(walk.state, failures=walk.state.failures + failed if failed else 0)
        given = self._hand_over(state) if walk.person else None
        if not self.said.text:
            self.said.line(wording.ELSE)
        reply = self._reply(state, given)
        if given or reply.action == "handoff":
            state = handed_over(state, self.parts["dialogue"].now())
        asked = Turn(role="user", text=self.message, trace=tuple(map(explain, self.commands)))
        spoken = Turn(role="assistant", text=reply.text, reply_id=reply.reply_id, trace=reply.trace)
        yield replace(state, turns=(*state.turns, asked, spoken))
        yield reply

    def _not_understood(self) -> None:
        """A flow waits, and the message says nothing to it."""
        if self.commands or memory.active(self.state) is None:
            return
        self.failed += 1
        self.walk.lost = True
        if self.failed >= self.walk.patience:
            self.walk.person = ("policy", "the customer's answers couldn't be read")

    def _apply(self, command: Command) -> Iterator[Sentence]:
        walk, flows = self.walk, self.walk.flows
        match command:
            case HandOff(cause=cause, reason=reason):
                walk.person = (cause, reason)
            case StartFlow(flow=flow, anew=anew):
                walk.state = memory.begun(walk.state, flows, flow, anew=anew)
            case Resume(flow=flow):
                walk.state = memory.resumed(walk.state, flow)
            case SetSlot() | CorrectSlot():
                walk.state = memory.told(walk.state, flows, command)
            case Clarify(pending=pending) if pending.kind == "value":
                walk.state = replace(walk.state, pending=pending)
            case Clarify(pending=pending):
                walk.offer(wording.WHICH_TASK, pending)
            case Skip():
                self._skip()
            case Pause():
                walk.state = memory.paused(walk.state)
                self.said.line(wording.LATER)
            case Cancel():
                self._cancel()
            case Answer(question=question, near=near):
                self.near = near
                yield from self._answer(question)

    def _skip(self) -> None:
        walk = self.walk
        frame = memory.active(walk.state)
        name = memory.asked_slot(walk.flows, frame) if frame else None
        assert frame is not None
        assert name is not None
        if walk.flows.slot(frame.flow, name).optional:
            walk.state = memory.skipped(walk.state, frame, name)
            return
        self.said.line(wording.CANT_SKIP)
        self._failure(("policy", f"the customer can't tell {name}"))

    def _cancel(self) -> None:
        walk = self.walk
        walk.state = memory.cancelled(walk.state)
        walk.stalled = False
        self.said.line(wording.LEFT)
        if back := memory.active(walk.state):
            self.said.line(wording.BACK.format(title=walk.flows.flows[back.flow].title))

    def _answer(self, question: str) -> Iterator[Sentence]:
        """Answers from knowledge, or asks back which article it is about."""
        with self._elsewhere():
            asked = in_context(question, self.walk.state, self.parts)
        if asked.how != "alone":
            self.walk.trace.append(f"{asked.how}: {asked.query}")
        pending = which_article(asked.query, asked.hits, self.state) if asked.hits else None
        if pending:
            self.walk.offer(wording.WHICH, pending)
            clarified = (*self.walk.state.clarified, matter(pending.options))
            self.walk.state = replace(self.walk.state, clarified=clarified)
            return
        if asked.how == "contradiction":
            self.said.line(wording.STANDS)
        yield from self.said.answer(self._answering(question, self.walk.state, asked))
        reply = self.said.answers[-1]
        if reply.action == "handoff":
            self.walk.person = (reply.cause or "policy", "the answer failed")
        elif reply.action == "abstain" and reply.cause in _FAILURES:
            self._failure((reply.cause, "the help centre has no answer"))

    def _failure(self, why: tuple[Cause, str]) -> None:
        self.failed += 1
        if self.failed >= self.walk.patience:
            self.walk.person = why

    def _answering(
        self, question: str, state: State, asked: Asked | None = None
    ) -> Iterator[Sentence | Reply]:
        """The pipeline's answer; a flow's own question stands alone."""
        parts = self.parts
        items = pipeline.stream(
            question, knowledge(state), retriever=parts["retriever"],
            generator=parts["generator"], guard=parts["guard"], policy=parts["policy"],
            hits=asked.hits if asked else None, query=asked.query if asked else question,
        )  # fmt: skip
        while True:
            with self._elsewhere():
                item = next(items, None)
            if item is None:
                return
            yield item

    @contextmanager
    def _elsewhere(self) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.elsewhere += time.perf_counter() - began

    def _hand_over(self, state: State) -> Handoff:
        assert self.walk.person is not None
        cause, reason = self.walk.person
        table = self.parts["policy"].table
        if not any(reply.action == "handoff" for reply in self.said.answers):
            outcome = table[cause]
            self.said.line((outcome if outcome.action == "handoff" else table[LAST]).text)
        return handoff(state, self.walk.flows, reason, self.message)

    def _reply(self, state: State, given: Handoff | None) -> Reply:
        said, walk = self.said, self.walk
        answered = said.answers[0] if said.answers else None
        action = self._action(given)
        spent = time.perf_counter() - self.began
        self.timings |= {"total_ms": spent * 1000, "dialogue_ms": (spent - self.elsewhere) * 1000}
        timings = {**(answered.timings if answered else {}), **self.timings}
        return Reply(
            reply_id=answered.reply_id if answered else uuid.uuid4().hex,
            conversation_id=state.conversation_id, text=said.text, action=action,
            cause=walk.person[0] if walk.person else answered.cause if answered else None,
            sentences=tuple(said.sentences), citations=tuple(said.citations),
            hits=answered.hits if answered else (), review=said.review(),
            suggestions=() if given else self._suggestions(answered), handoff=given,
            form=None if given else walk.form,
            trace=(
                *map(explain, self.commands), *walk.trace, f"said: {action}",
                *cites(said.citations),
            ),
            timings={name: round(value, 1) for name, value in timings.items()},
            model=answered.model if answered else "flows",
            adapter=answered.adapter if answered else None,
            index_version=self.parts["retriever"].version,
            threshold_version=answered.threshold_version if answered else "",
        )  # fmt: skip

    def _action(self, given: Handoff | None) -> Action:
        if given:
            return "handoff"
        if any(isinstance(command, Answer) for command in self.commands) and self.said.answers:
            return self.said.answers[0].action
        return "clarify" if self.walk.state.pending else "flow"

    def _suggestions(self, answered: Reply | None) -> tuple[Suggestion, ...]:
        found = [Suggestion(text=text) for text in self.walk.buttons]
        if self.near and not memory.active(self.walk.state):
            found.append(Suggestion(text=self.walk.flows.flows[self.near].title))
        return (*found, *self._next(answered))

    def _next(self, answered: Reply | None) -> tuple[Suggestion, ...]:
        """What the customer may want next, unless a flow waits for them."""
        if answered is None or answered.action not in ("answer", "abstain") or not answered.hits:
            return ()
        if memory.active(self.walk.state) or self.walk.state.pending:
            return answered.suggestions
        parts = self.parts
        history, most = parts["dialogue"].history(), parts["policy"].config.suggestions
        return suggested(answered, self.walk.state, parts["retriever"], history, most)


LAST: Cause = "customer_request"


def _silent(state: State, message: str) -> Iterator[State | Reply]:
    """A person has the conversation: the message is on record, and nothing is said."""
    trace = ("a person has the conversation",)
    yield replace(state, turns=(*state.turns, Turn(role="user", text=message, trace=trace)))
    yield Reply(
        reply_id=uuid.uuid4().hex, conversation_id=state.conversation_id, text="",
        action="handoff", cause=None, trace=trace,
    )  # fmt: skip

"""Verified replies that are served again to whoever begins a conversation with the same question.

A reply is kept only if nothing but the question and what is loaded can have played a part in it:
the state before it and after it is that of a new conversation, so there were no earlier turns,
slots, facts or flows. What is loaded (index, thresholds, adapters, prompt, policy) is compared by
identity, so a reload of any of it drops everything.
"""

import re
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.service.readiness import Stream
from bot.types import Reply, Sentence, State
from bot.understanding import read
from guards.screens import redact

Items = tuple[Sentence | State | Reply, ...]
Key = tuple[str, str, str]
MAX_CHARS = 500  # nobody asks a longer question twice
_NUMBER = re.compile(r"\d{5}")  # of an order or a customer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A reply, the state after it, and until when (monotonic seconds) it may be served.

    Neither names the conversation that it was made in.
    """

    reply: Reply
    state: State
    until: float


class Reuse:
    """The replies at hand, those used last at the end. Safe to share between threads.

    Args:
        most: How many replies are kept; 0 keeps none.
        minutes: For how long.
        told: Is told of each reply made whether it was at hand.
        clock: Stands for the monotonic clock in tests.
    """

    def __init__(
        self,
        most: int,
        minutes: float,
        told: Callable[[bool], None] = lambda found: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._seconds = minutes * 60
        self._told = told
        self._clock = clock
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._parts: Mapping[str, Any] = {}
        self._lock = threading.Lock()

    def find(
        self, question: str, state: State, channel: str | None, parts: Mapping[str, Any]
    ) -> Items | None:
        """A reply at hand as this conversation's own: sentences, the state after, the reply.

        `channel` None is for messages that must neither get nor leave a reply here.
        """
        began = time.perf_counter()
        key = self._key(question, state, channel, parts)
        if key is None:
            return None
        with self._lock:
            if not _same(parts, self._parts):
                self._kept.clear()
                self._parts = dict(parts)
            kept = self._kept.get(key)
            if kept is None or kept.until < self._clock():
                self._kept.pop(key, None)
                return None
            self._kept.move_to_end(key)
        return _again(kept, question, state, began)

    def keep(
        self,
        question: str,
        state: State,
        channel: str | None,
        parts: Mapping[str, Any],
        made: tuple[State | None, Reply],
    ) -> None:
        """Keeps a reply, made in this state, with the state after it, if it may be served again."""
        then, reply = made
        key = self._key(question, state, channel, parts)
        if key is None or then is None or not _of_the_question_alone(question, then, reply):
            return
        with self._lock:
            if _same(parts, self._parts):  # else what is loaded has changed meanwhile
                self._kept[key] = _Kept(
                    reply=replace(reply, reply_id="", conversation_id=""),
                    state=replace(then, conversation_id=""),
                    until=self._clock() + self._seconds,
                )
                self._kept.move_to_end(key)
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)

    def over(self, stream: Stream, channel: str | None, again: Items | None = None) -> Stream:
        """The pipeline, which serves what is at hand and keeps what may be served again.

        It looks once more when its turn has come: if many ask the same at once, the first in line
        makes the reply, and the others get it. `again` is what was found already.
        """

        def run(question: str, state: State, **parts: object) -> Iterator[Sentence | State | Reply]:
            found = again or self.find(question, state, channel, parts)
            self._told(found is not None)
            if found:
                yield from found
                return
            then = None
            for item in stream(question, state, **parts):
                if isinstance(item, State):
                    then = item
                elif isinstance(item, Reply):
                    self.keep(question, state, channel, parts, (then, item))
                yield item

        return run if self._most else stream

    def _key(
        self, question: str, state: State, channel: str | None, parts: Mapping[str, Any]
    ) -> Key | None:
        message = read(question, MAX_CHARS)
        if not self._most or channel is None or message.kind != "question" or not _new(state):
            return None
        # Flows tell tasks from questions by the very words; knowledge doesn't.
        dialogue = parts.get("dialogue")
        exact = dialogue is not None and dialogue.flows.flows
        text = message.text if exact else message.text.casefold().rstrip(" ?!.")
        return channel, state.language, text


def _new(state: State) -> bool:
    """Whether nothing is known of a conversation, be it told, found or done."""
    empty = State(conversation_id=state.conversation_id, language=state.language)
    return replace(state, turn=0, failures=0) == empty


def _of_the_question_alone(question: str, then: State, reply: Reply) -> bool:
    """Whether a reply is a verified answer in which nothing of the customer's own played a part."""
    return (
        reply.action == "answer"
        and all(extra is None for extra in (reply.cause, reply.handoff, reply.form))
        and reply.review is not None
        and reply.review.status == "supported"
        and bool(reply.sentences)
        and all(sentence.status == "supported" for sentence in reply.sentences)
        and all(citation.kind == "passage" for citation in reply.citations)
        and [turn.role for turn in then.turns] == ["user", "assistant"]
        and _new(replace(then, turns=()))
        and not _NUMBER.search(question)
        and redact(question) == question
    )


def _again(kept: _Kept, question: str, state: State, began: float) -> Items:
    """A kept reply under the ids, the times and the state of another conversation."""
    spent = round((time.perf_counter() - began) * 1000, 1)
    reply = replace(
        kept.reply, reply_id=uuid.uuid4().hex, conversation_id=state.conversation_id,
        timings={"first_sentence_ms": spent, "total_ms": spent},
        trace=(*kept.reply.trace, "served again"),
    )  # fmt: skip
    asked, said = kept.state.turns
    turns = (
        replace(asked, text=question),
        replace(said, reply_id=reply.reply_id, trace=reply.trace),
    )
    after = replace(
        kept.state, conversation_id=state.conversation_id, turn=state.turn + 1, turns=turns
    )
    return (*reply.sentences, after, reply)


def _same(parts: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    return parts.keys() == others.keys() and all(parts[name] is others[name] for name in parts)

"""Conversations: each is held through the service's own `step`, and the last reply is judged.

right     what was expected came: an answer as `evaluation.answers` judges it, or the action
others    of an answer as there; of an expected action, `wrong` is any other action
asked     the bot asked, anywhere in the conversation, for what the customer had said already
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.types import Reply, State
from evaluation.answers import details, given, scored
from evaluation.questions import (
    InputError,
    Question,
    as_question,
    holds,
    normal,
    read_rows,
    spread,
)
from evaluation.statistics import Estimate, percentiles, share, shown

if TYPE_CHECKING:
    from bot.dialogue.parts import DialogueParts

Row = dict[str, Any]
Step = Callable[[State, str, "DialogueParts"], tuple[State, Reply]]
PARTS = ("dev", "test")
# the actions of a reply that do as expected; a flow that waits for a yes or a value is a flow too
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "answer": ("answer",),
    "flow": ("flow", "clarify"),
    "clarify": ("clarify",),
    "handoff": ("handoff",),
    "declined": ("abstain", "clarify", "handoff"),
}
_QUESTION = re.compile(r"[^.!?\n]*\?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What a customer writes, message by message, and what the last reply must be.

    `wanted` is the last message as a question with what a right reply holds. `known` are the
    values that the customer gives on the way, by name (a slot's name, where a flow has one).
    """

    id: str
    kind: str
    part: str
    turns: tuple[str, ...]
    action: str
    wanted: Question
    known: Mapping[str, str] = field(default_factory=dict)


def load(path: Path, part: str | None = None, limit: int | None = None) -> list[Conversation]:
    """Reads a file of conversations.

    Args:
        path: JSONL: turns, expected (action, articles, facts, forbidden), and optionally id,
            kind, part, known.
        part: Only these.
        limit: At most so many, evenly spread.

    Raises:
        InputError: The file is missing or empty, a row is wrong, or none is of the part.
    """
    found: dict[str, Conversation] = {}
    for number, row in read_rows(path):
        item = _conversation(row, f"{path}:{number}", f"{path.stem}-{number:03d}")
        if item.id in found:
            raise InputError(f"{path}:{number}: the id {item.id!r} is taken by an earlier row")
        found[item.id] = item
    chosen = [item for item in found.values() if part in (None, item.part)]
    if not chosen:
        raise InputError(f"{path} has no conversation of part {part!r}; there is: {PARTS}")
    return spread(chosen, limit)


def rows(
    conversations: Sequence[Conversation], parts: "DialogueParts", step: Step | None = None
) -> Iterator[Row]:
    """Holds each conversation and yields one scored row, in order.

    Args:
        conversations: Each begins with an empty state.
        parts: Of the dialogue.
        step: Stands for `bot.dialogue.step.step` in tests.
    """
    take = step or _step()
    for conversation in conversations:
        state = State(conversation_id=f"eval-{conversation.id}")
        replies: list[Reply] = []
        for message in conversation.turns:
            state, reply = take(state, message, parts)
            replies.append(reply)
        yield _row(conversation, replies)


def asked_again(conversation: Conversation, replies: Sequence[Reply]) -> list[str]:
    """The names of what the bot asked for though the customer had said it.

    It asks where a reply's form has a field of that name, where it asks back and the value is
    one of the buttons, and where a question of its own words has the name but not the value.
    """
    found = []
    for name, value in conversation.known.items():
        said = [holds(message, value) for message in conversation.turns]
        first = said.index(True) if True in said else len(said)
        if any(_asks(reply, name, value) for reply in replies[first:]):
            found.append(name)
    return found


def summary(found: Sequence[Row]) -> dict[str, Any]:
    """Metrics over rows, then by kind, and the dialogue's own time a turn."""
    kinds = sorted({row["kind"] for row in found})
    return {
        "n": len(found),
        "metrics": metrics(found),
        "kinds": {kind: metrics([row for row in found if row["kind"] == kind]) for kind in kinds},
        "latency": {
            name: percentiles([t[name] for row in found for t in row["turn_timings"] if name in t])
            for name in ("understand_ms", "dialogue_ms", "total_ms")
        },
        "not_right": [row["id"] for row in found if row["outcome"] != "right"],
        "asked_again": [row["id"] for row in found if row["asked_again"]],
    }


def metrics(found: Sequence[Row]) -> dict[str, Estimate]:
    """Shares of conversations with n and Wilson intervals."""
    return {
        "right": share([row["outcome"] == "right" for row in found]),
        "wrong": share([row["outcome"] == "wrong" for row in found]),
        "asked_again": share([bool(row["asked_again"]) for row in found if row["known"]]),
    }


def tables(result: Row) -> list[list[list[str]]]:
    """By kind, with all at the end; then milliseconds a turn."""
    names = list(result["metrics"])
    groups = {**result["kinds"], "all": result["metrics"]}
    body = [[kind, *(shown(found[name]) for name in names)] for kind, found in groups.items()]
    times = [
        [name, str(found["p50"]), str(found["p95"]), str(found["n"])]
        for name, found in result["latency"].items()
    ]
    return [[["kind", *names], *body], [["a turn", "p50", "p95", "n"], *times]]


def _row(conversation: Conversation, replies: Sequence[Reply]) -> Row:
    last, wanted = replies[-1], conversation.wanted
    found = scored(wanted, given(last))
    if conversation.action != "answer":
        found["outcome"] = "right" if _done(conversation.action, last, found) else "wrong"
    return {
        "id": conversation.id, "kind": conversation.kind, "part": conversation.part,
        "turns": list(conversation.turns), "replies": [reply.text for reply in replies],
        "expected": conversation.action, "known": dict(conversation.known),
        "asked_again": asked_again(conversation, replies),
        "answerable": conversation.action == "answer", "judged": True,
        "articles": list(wanted.articles), "facts": [list(fact) for fact in wanted.facts],
        **found, **details(last), "trace": [list(reply.trace) for reply in replies],
        "turn_timings": [dict(reply.timings) for reply in replies],
    }  # fmt: skip


def _done(action: str, last: Reply, found: Row) -> bool:
    """Whether the last reply does what was expected; a handoff from before is none."""
    if last.action not in ACTIONS[action] or (last.action == "handoff" and not last.handoff):
        return False
    return not found["missing"] and not found["forbidden_said"]


def _asks(reply: Reply, name: str, value: str) -> bool:
    fields = reply.form.fields if reply.form else ()
    if any(item.name == name for item in fields):
        return True
    buttons = [option.text for option in reply.suggestions]
    if reply.action == "clarify" and len(buttons) > 1 and any(holds(b, value) for b in buttons):
        return True
    label = name.replace("_", " ")
    asked = _QUESTION.findall(_own_words(reply))
    return any(holds(text, label) and not holds(text, value) for text in asked)


def _own_words(reply: Reply) -> str:
    """The text without the sentences that were quoted or verified: questions are there alone."""
    text, at = "", 0
    for sentence in reply.sentences:
        text += reply.text[at : sentence.start] + "\n"
        at = sentence.end
    return text + reply.text[at:]


def _conversation(row: Row, where: str, fallback: str) -> Conversation:
    turns, known, expected = row.get("turns"), row.get("known") or {}, row.get("expected")
    if not isinstance(turns, list) or not turns or not all(_is_text(turn) for turn in turns):
        raise InputError(f"{where}: turns must be a list of texts that isn't empty, got {turns!r}")
    if not isinstance(known, dict) or not all(_is_text(value) for value in known.values()):
        raise InputError(f"{where}: known must be texts by name, got {known!r}")
    if not isinstance(expected, dict):
        raise InputError(f"{where}: expected must be an object, got {expected!r}")
    action, part = expected.get("action", "answer"), row.get("part", "dev")
    if action not in ACTIONS:
        raise InputError(f"{where}: action must be one of {', '.join(ACTIONS)}, got {action!r}")
    if part not in PARTS:
        raise InputError(f"{where}: part must be one of {', '.join(PARTS)}, got {part!r}")
    last = {key: expected.get(key) for key in ("articles", "facts", "forbidden")}
    last |= {"id": row.get("id", fallback), "kind": row.get("kind", "plain"), "question": turns[-1]}
    wanted = as_question(last, where, fallback)
    if action == "answer" and not (wanted.facts or wanted.articles):
        raise InputError(f"{where}: an answer needs facts or articles, got {expected!r}")
    return Conversation(
        id=wanted.id, kind=wanted.kind, part=part, turns=tuple(turns), action=action,
        wanted=wanted, known=known,
    )  # fmt: skip


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(normal(value))


def _step() -> Step:
    from bot.dialogue.step import step

    return step

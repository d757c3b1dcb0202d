"""Passing a conversation to a person, and taking it back."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.dialogue.flows import Flows
from bot.dialogue.memory import active, values
from bot.dialogue.wording import shown
from bot.types import Handoff, State, Turn

MOST_EVIDENCE = 12
_SAID = "said: answer"


def handed_over(state: State, at: datetime) -> State:
    """The conversation with a person: nothing from before it can lead to a second handoff."""
    since = at.isoformat(timespec="seconds")
    return replace(state, mode="person", failures=0, pending=None, person_at=since)


def given_back(state: State) -> State:
    """The conversation with the bot again; what the person has dealt with isn't taken up."""
    return replace(state, mode="bot", failures=0, pending=None, stack=(), person_at=None)


def overdue(state: State, at: datetime, hours: float) -> bool:
    """Whether no person has written for so long that the bot goes on; with 0 hours never."""
    if not hours or state.person_at is None:
        return False
    return at - datetime.fromisoformat(state.person_at) >= timedelta(hours=hours)


def handoff(state: State, flows: Flows, reason: str, message: str) -> Handoff:
    """All that a person needs: why, a summary, slots, verified findings, the transcript."""
    frame = active(state)
    known = {name: shown(value) for name, value in values(state, frame).items()} if frame else {}
    kept = {name: slot.value for name, slot in state.slots.items()}
    said = (*state.turns, Turn(role="user", text=message))
    transcript = tuple(replace(turn, trace=()) for turn in said)
    return Handoff(
        reason=reason, summary=_summary(state, flows, reason, message),
        evidence=_findings(state)[-MOST_EVIDENCE:], slots=kept | known, transcript=transcript,
    )  # fmt: skip


def _summary(state: State, flows: Flows, reason: str, message: str) -> str:
    """In whole sentences, of nothing but what was said and done."""
    frame = active(state)
    lines = [f"Why: {reason}."]
    if frame:
        task = flows.flows[frame.flow].title
        lines.append(f"The customer was in the task: {task} (step {frame.step}).")
    others = [flows.flows[f.flow].title for f in state.stack if frame and f.id != frame.id]
    if others:
        lines.append(f"Left open: {', '.join(others)}.")
    if told := {name: slot.value for name, slot in (frame.slots if frame else state.slots).items()}:
        lines.append("Told: " + ", ".join(f"{k} = {v or 'skipped'}" for k, v in told.items()) + ".")
    asked = [turn.text for turn in state.turns if turn.role == "user"]
    if asked:
        lines.append(f"First message: {asked[0][:200]!r}.")
    lines.append(f"Last message: {message[:200]!r}.")
    return " ".join(lines)


def _findings(state: State) -> tuple[str, ...]:
    """What actions found, and what was answered with the guard's yes."""
    facts = [
        f"{result.action}: {result.outcome}"
        + "".join(f"; {name} = {shown(value)}" for name, value in result.values.items())
        for result in state.facts
    ]
    said = [turn.text for turn in state.turns if _SAID in turn.trace]
    return (*said, *facts)

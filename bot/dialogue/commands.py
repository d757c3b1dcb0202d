"""What a message means: commands, in the field's terms."""

from dataclasses import dataclass

from bot.types import Cause, Pending


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFlow:
    """Begin a flow. `anew` leaves what earlier flows were told aside ("another order")."""

    flow: str
    score: float
    anew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSlot:
    """Fill a slot; a confirmation is the slot that is named after its step."""

    slot: str
    value: str
    confidence: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectSlot:
    """Change a slot that was filled; an empty value asks for it again."""

    slot: str
    value: str
    confidence: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Clarify:
    """Ask which of several is meant."""

    pending: Pending


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Leave the flow for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Leave the flow for later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Go on with a flow that was left, or with an action that failed."""

    flow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Leave the slot that was asked for empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Answer from knowledge; `near` is a flow that may help too."""

    question: str
    near: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOff:
    """Pass the conversation to a person."""

    cause: Cause
    reason: str


Command = (
    StartFlow | SetSlot | CorrectSlot | Clarify | Cancel | Pause | Resume | Skip | Answer | HandOff
)


def explain(command: Command) -> str:
    """A command as a line of the trace: `set_slot order_number=FW-20418833 (0.95)`."""
    match command:
        case StartFlow(flow=flow, score=score, anew=anew):
            return f"start_flow {flow} ({score:.2f}){' anew' if anew else ''}"
        case SetSlot(slot=slot, value=value, confidence=confidence):
            return f"set_slot {slot}={value} ({confidence:.2f})"
        case CorrectSlot(slot=slot, value=value, confidence=confidence):
            return f"correct_slot {slot}={value} ({confidence:.2f})"
        case Clarify(pending=pending):
            return f"clarify {pending.kind}: {' | '.join(o.target for o in pending.options)}"
        case Resume(flow=flow):
            return f"resume {flow}"
        case Answer(question=question, near=near):
            return f"answer {question}{f' (near {near})' if near else ''}"
        case HandOff(cause=cause, reason=reason):
            return f"hand_off {cause}: {reason}"
        case Cancel():
            return "cancel"
        case Pause():
            return "pause"
        case Skip():
            return "skip"

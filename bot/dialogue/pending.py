"""Options that wait to be chosen from: which one did the customer take?"""

from collections.abc import Sequence

from bot.dialogue import cues
from bot.dialogue.commands import Answer, Cancel, Command, HandOff, Resume, SetSlot, StartFlow
from bot.dialogue.slots import SHARE, nearest
from bot.types import Option, Pending

TRY_AGAIN, PERSON = "Try again", "Talk to a person"
WHOLE = 0.9  # of an option's words: all of them, but for a slip


def offer_person(flow: str) -> Pending:
    """What is offered when an action failed."""
    options = (Option(text=TRY_AGAIN, target=flow), Option(text=PERSON, target=""))
    return Pending(kind="failure", options=options)


def chosen(pending: Pending, text: str) -> list[Command]:
    """What choosing from the options means; nothing if the message does no such thing."""
    if pending.kind == "failure" and cues.denied(text):
        return [Cancel()]
    option = _option(pending, text)
    if option is None:
        return []
    match pending.kind:
        case "flow":
            return [StartFlow(flow=option.target, score=1.0)]
        case "value":
            return [SetSlot(slot=pending.about, value=option.target)]
        case "article":
            return [Answer(question=f"{pending.about} ({option.text})")]
    if option.target:
        return [Resume(flow=option.target)]
    return [HandOff(cause="tool_failure", reason="an action failed, and the customer asked for it")]


def _option(pending: Pending, text: str) -> Option | None:
    options = pending.options
    if pending.kind == "failure":
        return _failure(options, text)
    at = cues.ordinal(text, len(options))
    return options[at] if at is not None else _alike(options, text)


def _failure(options: Sequence[Option], text: str) -> Option | None:
    """A yes takes the person: that is what the bot offers in so many words."""
    again, person = options
    if cues.retries(text):
        return again
    return person if cues.affirmed(text) else _alike(options, text)


def _alike(options: Sequence[Option], text: str) -> Option | None:
    """The option that a message names; a question must name the whole of it."""
    choice, share = nearest([(option.text, option.target) for option in options], text)
    if share < (WHOLE if cues.asks(text) else SHARE):
        return None
    return next(option for option in options if option.target == choice)

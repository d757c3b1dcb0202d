"""What the bot says around flows: its own few phrases, and values as a customer reads them."""

import re

from bot.types import Value

LEFT = "All right, I've left it at that."
LATER = "All right. Just say so when you want to go on."
CANT_SKIP = "I can't go on without that."
WHICH = "Which one do you mean?"
WHICH_TASK = "What would you like to do?"
FAILED_LOOK = "I couldn't get that from {source} just now."
FAILED_CHANGE = "I couldn't make sure with {source} that this was done."
OFFER = "Shall I pass you on to a person, or try again?"
LOST = "I didn't understand that."
ELSE = "Is there anything else I can do for you?"
STANDS = "I can only go by what the help centre says."
BACK = "Back to what you began: {title}."
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def shown(value: Value) -> str:
    """A value as it is said: a date in words, a list with "and", a truth value as yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " and ".join([*([", ".join(value[:-1])] if value[1:] else []), *value[-1:]])
    if isinstance(value, str) and _DATE.fullmatch(value):
        return _date(value)
    return str(value)


def sent(value: Value) -> str:
    """A value as an action gets it."""
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _date(value: str) -> str:
    from datetime import date

    from babel.dates import format_date

    try:
        return str(format_date(date.fromisoformat(value), "d MMMM y", locale="en"))
    except ValueError:
        return value

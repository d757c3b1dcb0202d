"""What is this message? The few cases that are told without a model, and what it is about.

The dialogue manager deepens this room; here it only has to be right about the plain cases.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from bot import phrases
from bot.followups import resolved
from bot.types import Cause, State

_PERSON = re.compile(
    r"\b(?:(?:talk|speak|chat|connect|transfer|pass|put)\b.{0,25}\b(?:to|with|through)\b.{0,20}"
    r"\b(?:human|person|agent|representative|someone|somebody|operator|staff|colleague)|"
    r"(?:want|need|get me|give me)\s+(?:a\s+)?(?:real\s+)?(?:human|person|live agent|agent)|"
    r"(?:any|some)(?:one|body)\b.{0,20}\b(?:i|we) can (?:talk|speak|chat)|"
    r"(?:can|could) (?:a|some)\s?(?:person|human|one|body)\b.{0,30}\b(?:take over|"
    r"look at (?:it|this|that|my)|deal with (?:it|this|that)|(?:call|ring|phone) me)|"
    r"complain to (?:a|some)\s?(?:person|human|one|body)|(?:call|ring|phone) me back)\b|"
    r"^\W*(?:(?:an? )?(?:human|person|(?:live |real )?agent|operator|representative))"
    r"(?:,? please)?\W*$",
    re.I,
)
_GREETING = re.compile(r"^(?:hi|hello|hey|good (?:morning|afternoon|evening))[\s!.,]*$", re.I)
_THANKS = re.compile(
    r"^(?:ok(?:ay)?,?\s*)?(?:thanks?|thank you|thx|cheers|great|perfect)\b[\w\s!.,]{0,30}$", re.I
)
_BYE = re.compile(
    r"^(?:ok(?:ay)?,?\s*)?(?:good ?bye|bye(?:[ -]bye)?|see you(?: later| soon)?|"
    r"have a (?:nice|good) (?:day|evening|weekend))[\s!.,]*$",
    re.I,
)
_INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Cn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A customer's message, cleaned; `cause` is set when it can't or needn't be looked up."""

    text: str
    kind: Literal["question", "greeting", "thanks", "bye", "person", "refused"]
    cause: Cause | None = None


def read(message: str, max_chars: int) -> Message:
    """Cleans a message and tells the plain cases apart."""
    if len(message) > max_chars:
        return Message(text=message[:max_chars], kind="refused", cause="unsafe_input")
    text = clean(message)
    if not any(char.isalnum() for char in text):
        return Message(text=text, kind="refused", cause="unsafe_input")
    if _GREETING.match(text) or phrases.only("greeting", text):
        return Message(text=text, kind="greeting")
    if _THANKS.match(text) or phrases.only("thanks", text):
        return Message(text=text, kind="thanks")
    if _BYE.match(text) or phrases.only("bye", text):
        return Message(text=text, kind="bye")
    if _PERSON.search(text) or phrases.inside("person", text):
        return Message(text=text, kind="person", cause="customer_request")
    if not _latin(text):
        return Message(text=text, kind="refused", cause="out_of_scope")
    return Message(text=text, kind="question")


def clean(message: str) -> str:
    """Drops control, formatting and unassigned characters; folds white space."""
    kept = (
        " " if char.isspace() else char
        for char in unicodedata.normalize("NFC", message)
        if char.isspace() or unicodedata.category(char) not in _INVISIBLE
    )
    return " ".join("".join(kept).split())


def standalone(question: str, state: State) -> str:
    """A question that leans on those before it, made to stand alone."""
    earlier = [clean(turn.text) for turn in state.turns if turn.role == "user"]
    return resolved(question, earlier).text


def _latin(text: str) -> bool:
    """Most letters are Latin: the default models read English only."""
    letters = [char for char in text if char.isalpha()]
    latin = sum(unicodedata.name(char, "").startswith("LATIN") for char in letters)
    return latin * 2 >= len(letters)

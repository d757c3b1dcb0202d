"""Cue words: yes and no, cancel, later, skip, go on, questions, places in a list."""

import re

from bot import phrases

MOST_WORDS = 8  # in a longer message, "last" or "first" may be about anything
_POLITE = (
    r"please|thanks?|thank you|you|i|i'?d|we|would|like|that|it|so|to|now|then|very|much|my|dear|"
    r"that's|thats|it's|its|is|this|do|for|me|the|a|one|just|and|of|will"
)
_YES = (
    r"yes|yeah|yep|yup|ya|aye|sure(?: thing)?|ok(?:ay)?|go ahead|do (?:it|so|that)|please do|"
    r"correct|right|confirm(?:ed)?|that'?s (?:right|it|correct|fine)|absolutely|definitely|"
    r"of course|sounds good|exactly|certainly|fine|proceed|agreed?|perfect|great|good|y"
)
_NO = (
    r"no|nope|nah|not? (?:really|thanks|thank you)|don'?t|do not|wrong|incorrect|"
    r"not (?:right|that)|negative|n|rather not|never"
)
_YES_START = re.compile(rf"^(?:{_YES})\b", re.I)
_NO_START = re.compile(rf"^(?:(?:sorry|oh|hm+|well|wait),?\s+)*(?:{_NO})\b", re.I)
_REST = re.compile(rf"\b(?:{_YES}|{_POLITE})\b|[^\w]", re.I)
_CANCEL = re.compile(
    r"^(?:(?:ok(?:ay)?|oh|no|sorry|actually|please|well),?\s+)*"
    r"(?:never ?mind|forget (?:it|that|about (?:it|that))|stop(?: (?:it|this|that|here))?|"
    r"quit|exit|abort|leave it(?: be)?|drop (?:it|this|that)|i(?:'ve| have)? changed my mind|"
    r"i don'?t want (?:to do )?(?:this|that|it)(?: any ?more)?|no longer needed)"
    r"(?:\s+(?:please|then|thanks?|thank you|now))*[\s.!]*$",
    re.I,
)
_CANCEL_WORD = re.compile(r"^(?:please\s+)?cancel(?: (?:this|that|it))?(?: please)?[\s.!]*$", re.I)
_LATER = re.compile(
    r"^(?:(?:ok(?:ay)?|sorry|please|oh),?\s+)*(?:(?:not (?:yet|now|right now)|hold on|wait|"
    r"(?:one|just a|give me a) (?:moment|minute|sec(?:ond)?)|(?:maybe )?later|"
    r"(?:i'?ll|i will|let me) (?:come back|get back|look|check|find|do (?:it|that|this) later)\b.*|"
    r"(?:let'?s |can we )?(?:do (?:it|that|this)|go on|continue) later)"
    r"(?:\s+(?:please|then|thanks?))*)[\s.!,]*$",
    re.I,
)
_SKIP = re.compile(
    r"^(?:skip(?: (?:it|this|that))?|pass|next|i (?:don'?t|do not) (?:know|"
    r"have (?:it|one|that|any)|want to say|remember)|no idea|not sure|none|"
    r"i'?d rather not(?: say)?|don'?t (?:know|have (?:it|one)))"
    r"(?:\s+(?:please|sorry|thanks?|right now|at hand))*[\s.!]*$",
    re.I,
)
_GO_ON = re.compile(
    r"^(?:(?:ok(?:ay)?|so|right|well|now),?\s+)*(?:(?:let'?s |can we |please )?(?:continue|go on|"
    r"carry on|resume|proceed)|where were we|back to|(?:let'?s |can we )?(?:go|get|come) back|"
    r"i'?m (?:back|ready)|i have it now|got it now)\b",
    re.I,
)
_AGAIN = re.compile(
    r"^(?:please )?(?:try|retry|do it|once)(?: (?:it|once|that))?(?: again)?\b.{0,20}$", re.I
)
_ANEW = re.compile(r"\b(?:another|an other|(?:a |my )?different|(?:my|the) other|one more)\b", re.I)
_QUESTION = re.compile(
    r"\?\s*$|^(?:(?:and|but|so|also|ok(?:ay)?|by the way|btw|before that|first|one question|"
    r"quick question|hm+)[,:]?\s+)*(?:what|when|where|who|why|which|whose|how|can (?:i|you|we)|"
    r"could (?:i|you|we)|do (?:i|you|we|they)|does|did|is (?:it|there|that|this|the)|are (?:there|"
    r"you|they|the)|may i|will|would|should|must i|am i|has|have you|tell me (?:about|how|what))\b",
    re.I,
)
_PLACES = (
    (r"first|1st|former", 0), (r"second|2nd|latter", 1), (r"third|3rd", 2), (r"fourth|4th", 3),
    (r"fifth|5th", 4), (r"last|latest", -1),
)  # fmt: skip
_FILLER = re.compile(
    rf"\b(?:{_YES}|{_NO}|{_POLITE}|order|number|no\.|other|first|second|third|last|what about|"
    r"how about|or|mean|meant|sorry|hi|hello|here|on|at|with|address|e-?mail)\b|[^\w]|_",
    re.I,
)
_OTHER = re.compile(r"\bthe other(?: one)?\b", re.I)


def affirmed(text: str) -> bool | None:
    """Whether a message says yes or no; None if neither, or with a "but" that must be read."""
    text = text.strip()
    if _NO_START.match(text) or phrases.begins("no", text):
        return False
    if phrases.only("yes", text):
        return True
    if not _YES_START.match(text) or re.search(r"\b(?:but|not|don'?t|except|only)\b", text, re.I):
        return None
    return True if not _REST.sub("", text) else None


def denied(text: str) -> bool:
    """Whether a message begins with a no, whatever follows."""
    return bool(_NO_START.match(text.strip())) or phrases.begins("no", text)


def cancels(text: str, task_cancels: bool) -> bool:
    """Whether the customer leaves the task. "Cancel it" is none where cancelling is the task."""
    if _CANCEL.match(text) or phrases.only("cancel", text):
        return True
    return not task_cancels and bool(_CANCEL_WORD.match(text))


def postpones(text: str) -> bool:
    """Whether the customer wants to do it later."""
    return bool(_LATER.match(text)) or phrases.only("later", text)


def skips(text: str) -> bool:
    """Whether the customer has no answer to give."""
    return bool(_SKIP.match(text)) or phrases.only("skip", text)


def resumes(text: str) -> bool:
    """Whether the customer wants to go on with what was left."""
    return bool(_GO_ON.match(text))


def retries(text: str) -> bool:
    """Whether the customer wants an action tried again."""
    return bool(_AGAIN.match(text))


def another(text: str) -> bool:
    """Whether the customer speaks of something other than what was said before."""
    return bool(_ANEW.search(text))


def filler(text: str) -> bool:
    """Whether nothing in what is left of a message tells what is wanted."""
    return not _FILLER.sub("", phrases.without("correction", text))


def asks(text: str) -> bool:
    """Whether a sentence is a question."""
    return bool(_QUESTION.search(text.strip()))


def ordinal(text: str, count: int) -> int | None:
    """The place in a list of `count` that a message names ("the second one"), from 0."""
    if re.fullmatch(r"\s*(?:number |no\.? |option )?\d{1,2}[.)]?\s*", text, re.I):
        at = int(re.sub(r"\D", "", text)) - 1
        return at if 0 <= at < count else None
    if len(text.split()) > MOST_WORDS:
        return None
    for words, at in _PLACES:
        if re.search(rf"\b(?:the|my|number|option)?\s*(?:{words})\b", text, re.I):
            return at % count if -count <= at < count else None
    return 1 if count == 2 and _OTHER.search(text) else None

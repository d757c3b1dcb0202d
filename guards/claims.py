"""From an answer to its claims: the sentences of it that can be true or false."""

import re

from guards.types import Claim, Span
from retrieval.sentences import is_heading, sentence_spans, without_mark

_POLITE = re.compile(
    r"^(?:hi|hello|hey|dear (?:customer|sir|madam)|thanks?(?: (?:you|for [\w ]{1,30}))?|thank you|"
    r"you'?re welcome|sure|of course|certainly|good (?:morning|day|evening)|great|"
    r"happy to help|(?:i'?m )?glad to help|i hope (?:this|that) helps|"
    r"(?:please )?(?:let (?:me|us) know|feel free to ask)"
    r"(?: if (?:you (?:have|need)|there is) [a-z ]{1,40})?|"
    r"(?:is there )?anything else(?: (?:i|we) can [a-z ]{1,30})?|"
    r"(?:i'?m )?sorry (?:to hear that|for the inconvenience|about that)|"
    r"here (?:is|are|'s) (?:what i found|the answer|an answer)|best regards)[\s!.,?:]*$",
    re.I,
)
_BARE = re.compile(r"^(?:yes|no|yep|nope|correct|right|exactly|true|false)[\s.!,]*$", re.I)
SHORT_WORDS = 3


def claims(answer: str, question: str | None = None, language: str = "en") -> tuple[Claim, ...]:
    """Finds the claims of an answer; greetings, offers, questions and headings are none.

    Args:
        answer: Any text; Markdown lists and block quotes are understood.
        question: Folded into claims too short to stand alone ("Yes.", "30 days").
        language: For the sentence splitter.
    """
    found = []
    for start, end in sentence_spans(answer, language):
        text = answer[start:end]
        bare = without_mark(text.removeprefix("> "))
        start = end - len(bare)
        if bare.strip() and not is_heading(bare) and not _states_nothing(bare):
            standalone = fold(bare, question)
            found.append(Claim(text=bare, span=Span(start=start, end=end), standalone=standalone))
    return tuple(found)


def fold(text: str, question: str | None) -> str:
    """Makes an elliptic sentence standalone by putting its question before it."""
    if question and (_BARE.match(text) or len(text.split()) <= SHORT_WORDS):
        return f"{question.strip()} {text}"
    return text


def _states_nothing(text: str) -> bool:
    if text.rstrip().endswith("?") or not any(char.isalnum() for char in text):
        return True
    return bool(_POLITE.match(text))

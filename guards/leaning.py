"""Sentences that lean on what stands before them, and what makes them stand alone.

Who "it" is can't be told by rule; that the sentence before names it nearly always holds. So
that sentence is put before the claim, and both together must be borne out.
"""

import re
from collections.abc import Sequence

from guards.types import Claim

SHORT_WORDS = 3
_YES_NO = r"(?:yes|no|yep|yeah|nope|correct|right|exactly|true|false|sure|of course|indeed|not)"
_BARE = re.compile(rf"^{_YES_NO}[\s.!,]*$", re.I)
_ANSWERED = re.compile(rf"^{_YES_NO}\b[\s,.;:!—–-]+(?P<rest>.+)$", re.I | re.S)
_AUXILIARY = (
    r"(?:is|are|was|were|do|does|did|can|could|may|might|must|will|would|shall|should|have|has|"
    r"had|isn't|aren't|don't|doesn't|didn't|can't|cannot|won't|wouldn't|shouldn't|haven't|hasn't)"
)
_ECHO = re.compile(
    rf"^(?:but )?(?:you|we|i|it|they|that|this|these|those|there) {_AUXILIARY}(?: not)?"
    r"(?: (?:so|that|it|this|too|be))?[\s.!]*$",
    re.I,
)
_OPENER = re.compile(
    r"^(?:(?:and|but|so|also|then|however|still|yet|note that|plus|usually|normally|otherwise|"
    r"therefore|instead|please note that|in (?:general|most cases)),?\s+)*"
    r"(?:it|its|it's|they|they're|their|them|this|that|these|those|he|she|his|her|both|neither|"
    r"either (?:one|of)|such|one of (?:them|these|those)|each of (?:them|these|those)|"
    r"all of (?:them|these|those|this|it)|none of (?:them|these|those|this)|"
    r"the (?:same|former|latter|other one|rest)|(?:if|when|once) (?:so|not|it|they|that|this)|"
    r"doing (?:so|this|that)|to do (?:so|this|that)|after (?:that|this|which)|in (?:that|this|"
    r"such) (?:case|event)|for (?:this|that|these|those)|until then|otherwise|afterwards?|"
    r"in (?:either|both) case|similarly|likewise|the (?:first|second) one)\b",
    re.I,
)
_PRONOUN = re.compile(r"\b(?:it|them|they|ones)\b", re.I)
_EXPLETIVE = re.compile(
    r"^(?:it is|it's|it was|it turns out) (?:important|recommended|best|possible|not possible|"
    r"advisable|necessary|worth|a good idea|that)\b",
    re.I,
)
_FRAGMENT = re.compile(
    r"^(?:only|except|not|unless|from|within|until|till|after|before|up to|at (?:least|most)|about|"
    r"around|for|in|on|to|by|with|without|via|through|under|over|between|during|because|since|"
    r"as long as|provided|if|usually|normally|free|also|plus|and|but|or|always|never)\b",
    re.I,
)
_CLAUSE = re.compile(
    rf"\b(?:{_AUXILIARY}|you|we|i|they|it|takes?|costs?|gets?|needs?|contact|call|write|visit|"
    r"go|click|open|send|see|use|press|select|choose|keep|return|ask|check|make|wait|add|log)\b",
    re.I,
)
_FUNCTION = re.compile(
    r"a|an|and|are|as|at|be|been|but|by|can|could|do|does|either|for|from|had|has|have|how|i|"
    r"if|in|into|is|may|might|must|my|need|not|of|on|once|or|our|out|please|shall|should|so|"
    r"than|that|the|then|there|this|to|up|was|we|were|what|when|where|which|while|who|will|"
    r"with|within|without|would|you|your|yours|back"
)
MOST_CHARS = 300  # of an antecedent; a longer one would push the evidence out of the window


def fold(text: str, question: str | None, before: str = "", *, part: bool = False) -> str:
    """Makes a sentence standalone by putting what it leans on before it.

    Args:
        text: A sentence of an answer.
        question: Put before what answers it elliptically ("Yes.", "30 days", "Yes, you can.").
        before: The sentence that names what the pronouns stand for; a list's lead-in.
        part: The text is an item of the list that `before` leads in.
    """
    asked = (question or "").strip()
    if part:
        return f"{before} {text}"
    behind = bool(before) and len(before) <= MOST_CHARS and leans(text)
    if behind and _OPENER.match(text):
        return f"{before} {text}"
    if asked and _answers_elliptically(text):
        return f"{asked} {text}"
    return f"{before} {text}" if behind else text


def leans(text: str) -> bool:
    """Whether a sentence names less than it needs: a pronoun without a noun, a fragment."""
    answered = _ANSWERED.match(text)
    rest = answered["rest"] if answered else text
    if _EXPLETIVE.match(rest):
        return False
    return bool(_OPENER.match(rest)) or _is_fragment(rest) or _pronoun_first(rest)


def antecedent_of(found: Sequence[Claim]) -> str:
    """What a sentence after these claims would lean on: the last that stands by itself."""
    return next((claim.text for claim in reversed(found) if not leans(claim.text)), "")


def _answers_elliptically(text: str) -> bool:
    if _BARE.match(text) or len(text.split()) <= SHORT_WORDS or _is_fragment(text):
        return True
    answered = _ANSWERED.match(text)
    if answered is None:
        return False
    rest = answered["rest"]
    return bool(_ECHO.match(rest)) or _is_fragment(rest) or len(rest.split()) <= SHORT_WORDS


def _is_fragment(text: str) -> bool:
    """A few words without a verb that begin like the end of a sentence: "Only in the EU."."""
    words = text.split()
    begins = len(words) <= 8 and "," not in text and _FRAGMENT.match(text)
    return bool(begins) and not _CLAUSE.search(text)


def _pronoun_first(text: str) -> bool:
    """A pronoun before which at most a verb stands: "Send it back within 30 days"."""
    pronoun = _PRONOUN.search(text)
    if pronoun is None:
        return False
    earlier = re.findall(r"[a-z0-9']+", text[: pronoun.start()].lower())
    return sum(not _FUNCTION.fullmatch(word) for word in earlier) <= 1

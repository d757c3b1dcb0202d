"""Pairs of words that turn a sentence round."""

import re

from guards.facts.numerals import listed
from guards.facts.words import stem

_PAIRS = (
    "increase/decrease,reduce enable/disable included/excluded,exclude "
    "open/closed,shut accept/refuse,reject,decline "
    "earlier/later permanent,permanently/temporary,temporarily automatically/manually "
    "always/never all/none active/inactive valid/invalid lock/unlock "
    "first/last start,begin/end,finish "
    "higher/lower raise/lower longer/shorter inside/outside public/private buy/sell "
    "approve/reject,deny keep/discard add/remove "
    "connected/disconnected visible/hidden cheaper/dearer larger/smaller "
    "required,mandatory,compulsory/optional,voluntary upgrade/downgrade "
    "weekday/weekend incoming/outgoing online/offline manual/automatic same/different "
    "import/export sender/recipient deposit/withdraw subscribe/unsubscribe"
)
_RAW = [tuple(side.split(",") for side in pair.split("/")) for pair in _PAIRS.split()]
_KEPT = frozenset(
    listed(
        "before after over under more less all none always never most least first last on off same"
    )
)
_WHEN = re.compile(r"\b(before|after) (?:the |your |an? |its? )?(\w+)")
_PREFIX = re.compile(r"^(?:un|in|im|ir|non|dis)(?=[a-z]{4})")
FREE = re.compile(
    r"\b(?:free|(?:no|without(?: an?y?)?) (?:\w+ )?(?:cost|charge|fee)s?|complimentary"
    r"|costs? (?:you )?nothing|costless)\b",
    re.I,
)
PAID = re.compile(
    r"[£€$] ?[0-9]|[0-9] ?(?-i:[A-Z]{3}|[a-z]{3}/)|\b(?:(?:is|are|be|get) charged|fee (?:of|is)"
    r"|costs? (?:you )?(?:an? )?extra|surcharge|(?:for|at) (?:a|an additional"
    r"|an extra) (?:fee|charge"
    r"|cost)|charges? (?:an?|for)|(?:additional|extra) (?:fee|charge|cost)|chargeable)\b",
    re.I,
)


def _words(text: str) -> frozenset[str]:
    plain = re.findall(r"[a-z]+", text.lower())
    return frozenset(stem(word) for word in plain) | frozenset(w for w in plain if w in _KEPT)


def flips(claim: str, sentence: str) -> int:
    """How many opposites part the two: "before" here against "after" there, free against paid.

    A sentence that has both sides of a pair doesn't count.
    """
    mine, theirs = _words(claim), _words(sentence)
    count = sum(_parted(left, right, mine, theirs) for left, right in _RAW)
    free, other_free = bool(FREE.search(claim)), bool(FREE.search(sentence))
    paid = bool(PAID.search(FREE.sub("", claim))), bool(PAID.search(FREE.sub("", sentence)))
    if (free, other_free) != (True, True) and ((free and paid[1]) or (other_free and paid[0])):
        count += not (free and paid[0]) and not (other_free and paid[1])
    return count + _order(claim, sentence)


def _order(claim: str, sentence: str) -> int:
    """1 if "before X" here stands against "after X" there, about the same X."""
    mine, theirs = (set(_WHEN.findall(text.lower())) for text in (claim, sentence))
    turned = {("before" if way == "after" else "after", word) for way, word in mine}
    return int(bool(turned & theirs) and not mine & theirs)


def _parted(
    left: list[str], right: list[str], mine: frozenset[str], theirs: frozenset[str]
) -> bool:
    a, b = {stem(word) for word in left}, {stem(word) for word in right}
    sides = (bool(a & mine), bool(b & mine), bool(a & theirs), bool(b & theirs))
    return sides in ((True, False, False, True), (False, True, True, False))


def unprefixed(words: frozenset[str], other: frozenset[str]) -> tuple[frozenset[str], int]:
    """`words` with "un-", "in-", "non-" taken off where `other` has the bare word, or the reverse.

    Returns the words and how many were turned, since each turns the sense.
    """
    out, count = set(), 0
    for word in words:
        bare = _PREFIX.sub("", word)
        if bare != word and bare in other and word not in other:
            out.add(bare)
            count += 1
            continue
        longer = next((o for o in other if _PREFIX.sub("", o) == word and o != word), "")
        if longer and word not in other:
            out.add(longer)
            count += 1
            continue
        out.add(word)
    return frozenset(out), count

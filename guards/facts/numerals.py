"""Numbers in digits and in words, and folding that keeps every character's place."""

import re
from decimal import Decimal, InvalidOperation

FLAGS = re.IGNORECASE | re.ASCII
MASK = "\x00"


def listed(words: str) -> list[str]:
    """The words of a table that is written as one string."""
    return words.split()


_SMALL = listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS = listed("twenty thirty forty fifty sixty seventy eighty ninety")
_SCALES = {"dozen": 12, "hundred": 100, "thousand": 1000, "million": 1_000_000}
_WORDS = {word: index for index, word in enumerate(_SMALL)} | {
    word: 10 * (index + 2) for index, word in enumerate(_TENS)
}
_SUB100 = (
    rf"(?:(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_SMALL[1:10])})(?![a-z]))?"
    rf"|(?:{'|'.join(reversed(_SMALL))})(?![a-z]))"
)
_SCALE = "(?:hundred|thousand|million)"
WORDS = (
    rf"(?:(?:{_SUB100}|an?) (?:{_SCALE}(?: {_SCALE})?(?: and)?(?: {_SUB100})?|dozen)"
    rf"|{_SUB100})(?![a-z])(?: and a (?:half|quarter))?"
)
DIGITS = (
    r"(?:[0-9]{1,3}(?:[,_'][0-9]{3})+(?![0-9])(?:\.[0-9]+)?"
    r"|[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[0-9]+(?:[.,][0-9]+)?)(?:[½¼¾]| and a half)?"
    r"(?: (?:hundred|thousand|million|billion)(?![a-z]))?|[½¼¾]"
)
NUMBER = rf"(?:(?:(?<![\w.,/])|(?<=[0-9][xX]))(?:{DIGITS})|(?<![\w-])(?:{WORDS}))"

_FRACTIONS = {"½": "0.5", "¼": "0.25", "¾": "0.75", "half": "0.5", "quarter": "0.25"}
_GROUPED = re.compile(
    r"(?<![0-9.,])[1-9][0-9]{0,2}(?:(?:[\u00a0\u2009\u202f][0-9]{3})+|(?: 000)+)(?![0-9])"
)
_FOLD = str.maketrans(
    {
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\t", " "),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u2018\u2019\u02bc\u00b4", "'"),
        "×": "x",
        "*": " ",
    }
)


def fold(text: str) -> str:
    """Plain spaces, hyphens and apostrophes; same length, so offsets still hold."""
    text = _GROUPED.sub(lambda match: re.sub(r"[^0-9]", "_", match.group()), text)
    return text.translate(_FOLD)


def plain(value: Decimal) -> str:
    """A decimal without exponent, thousands marks or trailing zeros."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def parse_number(text: str) -> Decimal | None:
    """Value of what NUMBER matched, or None if it isn't one after all."""
    words = text.lower().replace("-", " ").split()
    if not words:
        return None
    if words[0][0].isdigit() or words[0][0] in _FRACTIONS:
        return _from_digits(words)
    return _from_words(words)


def _from_digits(words: list[str]) -> Decimal | None:
    scale = Decimal(_SCALES.get(words[-1], 10**9 if words[-1] == "billion" else 1))
    token, extra = re.sub("[_']", ",", words[0]), Decimal(0)
    if token[-1] in _FRACTIONS or words[-1] == "half":
        extra = Decimal(_FRACTIONS.get(token[-1], "0.5"))
        token = token.rstrip("½¼¾")
    if re.fullmatch(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?", token):
        token = token.replace(",", "")
    elif "," in token:
        token = token.replace(".", "").replace(",", ".")
    try:
        return (Decimal(token or "0") + extra) * scale
    except InvalidOperation:
        return None


def _from_words(words: list[str]) -> Decimal | None:
    total, current, extra = Decimal(0), Decimal(0), Decimal(0)
    for word in words:
        if word in _FRACTIONS:
            extra = Decimal(_FRACTIONS[word])
        elif word in _WORDS:
            current += _WORDS[word]
        elif word in ("hundred", "dozen"):
            current = max(current, Decimal(1)) * _SCALES[word]
        elif word in _SCALES:
            total, current = total + max(current, Decimal(1)) * _SCALES[word], Decimal(0)
        elif word not in ("a", "an", "and"):
            return None
    return total + current + extra

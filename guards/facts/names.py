"""Names of products, brands, plans and buttons that a claim brings in from nowhere."""

import re
from collections.abc import Sequence

from guards.facts.numerals import fold, listed
from guards.facts.words import STOP, stem, tokens

_KNOWN = frozenset(
    listed(
        "I OK ID PIN SMS PDF FAQ URL TV PC USB CEO VAT UK US USA EU AM PM Wi-Fi WiFi Wifi "
        "Internet Web "
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday Mon Tue Wed Thu Fri Sat "
        "Sun January "
        "February March April May June July August September October November December English "
        "Mr Mrs Ms Dr GBP EUR USD CET GMT UTC EST PST Christmas Easter Yes No Sorry IDs PINs A4 "
        "Covid DIY QR"
    )
)
_LABEL = re.compile(r"\*\*([^*\n]{2,60})\*\*|\"([^\"\n]{2,60})\"|“([^”\n]{2,60})”|`([^`\n]{2,60})`")
_TOKEN = re.compile(r"[^\W_][\w&'’+-]*[\w+]|[^\W_]")
_OPENS = re.compile(r"(?:^|[.!?:;>|\n•(/]|[-–—])[\s\"'“‘*`(]*$")


def unknown_names(claim: str, evidence: Sequence[str], question: str = "") -> tuple[str, ...]:
    """Capitalised names and quoted labels of `claim` found neither in evidence nor question.

    Compared without case, by stem, and with hyphens and spaces alike. The first word of a
    sentence counts only if it is written as no common word is (PayPal, iPhone).
    """
    around = "\n".join([*evidence, question])
    stems = {stem(word) for word in tokens(fold(around))}
    solid = re.sub(r"[\W_]+", "", around.lower())
    unknown = [name for name in _names(claim) if not _known(name, stems, solid)]
    labels = (next(g for g in match.groups() if g) for match in _LABEL.finditer(claim))
    unknown += [label for label in labels if not _label_known(label, stems, solid)]
    return tuple(dict.fromkeys(unknown))


def _names(claim: str) -> list[str]:
    """Words with a capital where no sentence begins, and words with a capital inside."""
    out = []
    for match in _TOKEN.finditer(claim):
        word = match.group()
        inner = any(char.isupper() for char in word[1:]) and not word.isupper()
        opens = bool(_OPENS.search(claim[max(0, match.start() - 60) : match.start()]))
        if (
            word in _KNOWN
            or word.lower() in STOP
            or re.match("I['’]", word)
            or re.match(r"mid-|non-|pre-", word)
            or not any(char.isupper() for char in word)
        ):
            continue
        if inner or (word[0].isupper() and not opens):
            out.append(word)
    return out


def _known(name: str, stems: set[str], solid: str) -> bool:
    parts = tokens(fold(name))
    if all(
        stem(part) in stems or part.isdigit() or part in _KNOWN or part.removesuffix("s") in _KNOWN
        for part in parts
    ):
        return True
    flat = re.sub(r"[\W_]+", "", name.lower())
    if len(flat) >= 3 and (flat in solid or any(s.startswith(flat) for s in stems)):
        return True
    from rapidfuzz import fuzz

    return len(flat) >= 5 and any(fuzz.ratio(flat, s) >= 84 for s in stems)


def _label_known(label: str, stems: set[str], solid: str) -> bool:
    flat = re.sub(r"[\W_]+", "", label.lower())
    return flat in solid or all(stem(word) in stems for word in tokens(fold(label)))

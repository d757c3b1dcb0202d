"""Personal data out of past conversations, before anything is learnt from them.

The guard's own screen finds numbers and addresses; names are added here, since an export tells
who took part. What also stands in the help centre (the support address) is public and stays.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from guards.screens.personal import personal

_CAPITAL = r"[A-Z][\w'-]+(?: [A-Z][\w'-]+)?"
_CALLED = re.compile(
    rf"(?:(?<=\b[Hh]i )|(?<=\b[Hh]ello )|(?<=\b[Dd]ear )|(?<=\b[Mm]y name is )){_CAPITAL}"
)
_NOBODY = {"there", "all", "team", "everyone", "sir", "madam", "customer", "support"}


def scrub(text: str, *, names: Iterable[str] = (), public: str = "") -> tuple[str, Counter[str]]:
    """Replaces personal data by its kind in brackets: `[email]`, `[phone]`, `[name]`.

    Args:
        text: What somebody wrote.
        names: People who are known to have taken part.
        public: Text whose addresses and numbers are everybody's to know.

    Returns:
        The text without it, and how many of each kind there were.
    """
    found = [(item.span.start, item.span.end, str(item.kind)) for item in personal(text)]
    found = [item for item in found if text[item[0] : item[1]] not in public]
    found += [(start, end, "name") for start, end in _named(text, names)]
    counts: Counter[str] = Counter()
    made, at = [], 0
    for start, end, kind in sorted(found, key=lambda item: (item[0], -item[1])):
        if start >= at:
            made += [text[at:start], f"[{kind}]"]
            at = end
            counts[kind] += 1
    return "".join(made) + text[at:], counts


def _named(text: str, names: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Participants, whole or by one part that is written as a name; then whoever is greeted."""
    for name in names:
        yield from (match.span() for match in re.finditer(rf"\b{re.escape(name)}\b", text, re.I))
        for part in name.split():
            if len(part) > 2 and part[0].isupper():
                yield from (m.span() for m in re.finditer(rf"\b{re.escape(part)}\b", text))
    for match in _CALLED.finditer(text):
        if match[0].split()[0].lower() not in _NOBODY:
            yield match.span()

"""Words of a sentence for comparison: stems, content words, sentences, clauses."""

import re
from functools import lru_cache
from typing import Any

from guards.facts.numerals import listed

STOP = frozenset(
    listed(
        "a an the this that these those it its he she they them their theirs his her hers "
        "we us our "
        "ours you your yours i me my mine who whom whose which what when where why how is "
        "are was were "
        "be been being am do does did doing done have has had having will would shall can "
        "could may "
        "might must should need ought to of in on at by for from with as into onto about "
        "than then so "
        "and or but if because while also just too very there here yes no not never none "
        "any some all "
        "each every both either neither nor only even still yet already please sorry up "
        "out over under "
        "again once such own same other more most less least via per between within "
        "during until till "
        "upon off if unless except whether though although however simply always get gets got able "
        "let lets make makes one ones way us n't cannot can't don't won't without isn't aren't s t "
        "ll re ve d m unfortunately afraid currently"
    )
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"')\]”]*\s+(?=[^a-z])|\n+|(?<=\|)\s*(?=\|)")
_ABBREVIATION = re.compile(
    r"\b(?:e\.g|i\.e|etc|approx|no|nos|Mr|Mrs|Dr|St|vs|incl|max|min|[ap]\.m)\.\s*$"
)


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english")


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """English Snowball stem, lower case, possessive taken off."""
    word = re.sub(r"['’](?:s|re|ve|ll|d|m)?$", "", word.lower())
    return str(_stemmer().stemWord(word))


def tokens(text: str) -> list[str]:
    """Words as they are written, without punctuation."""
    return _WORD.findall(text)


@lru_cache(maxsize=8192)
def content(text: str) -> frozenset[str]:
    """Stems of the words that carry meaning: no function words, negations or auxiliaries."""
    words = (word.lower().replace("’", "'") for word in tokens(text))
    return frozenset(stem(word) for word in words if word not in STOP and not word.endswith("n't"))


@lru_cache(maxsize=4096)
def sentences(text: str) -> tuple[str, ...]:
    """Sentences, list items and lines of a passage; rough, but quick and never empty-handed."""
    out: list[str] = []
    for part in _SENTENCE.split(text):
        part = part.strip(" \t*-#>|")
        if out and _ABBREVIATION.search(out[-1]):
            out[-1] = f"{out[-1]} {part}"
        elif part:
            out.append(part)
    return tuple(out)


def overlap(words: frozenset[str], other: frozenset[str]) -> float:
    """Share of `words` that `other` has; 0 where there are none."""
    return len(words & other) / len(words) if words else 0.0

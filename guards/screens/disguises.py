"""The readings of a text once its disguises are taken off.

A model reads through look-alike letters, invisible characters, spelled-out words and encodings;
patterns don't. So each disguise that a text shows signs of gives one more plain reading of it.
"""

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from urllib.parse import unquote

_INVISIBLE = {"Cf", "Cc", "Co", "Cs", "Cn", "Mn", "Me"}
_KEPT = "\n\t"
_TAGS = re.compile("[\U000e0020-\U000e007e]{6,}")  # invisible twins of ASCII, six and more
_LEET = str.maketrans("0134578@$", "oieastbas")
_LEET_WORD = re.compile(r"(?=\S*[a-z])(?=\S*[0134578@$])[\w@$]{3,}|(?<= )[4](?= )")
_SPACED = re.compile(r"(?<!\w)(?:\w[\s.,_*|/-]{1,3}){6,}\w(?!\w)")
_HYPHEN = re.compile(r"(?<=[a-z])-(?=[a-z])")
_BASE64 = re.compile(r"(?<![\w+/-])[A-Za-z0-9+/_-]{20,}={0,2}(?![\w+/])")
_HEX = re.compile(r"(?<!\w)(?:[0-9a-fA-F]{2}[ :]?){12,}(?!\w)")
# "ignore", "disregard", "forget", "instruction", "prompt", each in rot13 and backwards
_ROT13 = re.compile("vtaber|qvfertneq|sbetrg|vafgehpgvba|cebzcg")
_BACKWARDS = re.compile("erongi|drageresid|tegrof|noitcurtsni|tpmorp")


@lru_cache(maxsize=4096)
def readings(text: str) -> tuple[str, ...]:
    """All readings of a text, the plain one first; each lower case, without doubles."""
    first = plain(text)
    found = [first, *(plain(part) for part in _hidden(text)), *_undone(first)]
    return tuple(dict.fromkeys(reading for reading in found if reading.strip()))


@lru_cache(maxsize=4096)
def spelled(text: str) -> tuple[str, ...]:
    """Runs of single letters ("i g n o r e"), each joined into one string without gaps."""
    return tuple(re.sub(r"[\W_]+", "", run.group()) for run in _SPACED.finditer(plain(text)))


def plain(text: str) -> str:
    """NFKC, no invisible characters or accents, look-alikes as Latin, no underscores, lower."""
    kept = "".join(
        char
        for char in unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text))
        if char in _KEPT or unicodedata.category(char) not in _INVISIBLE
    )
    kept = kept.replace("_", " ")
    return kept.casefold() if kept.isascii() else "".join(map(_latin, kept)).casefold()


@lru_cache(maxsize=8192)
def _latin(char: str) -> str:
    """The ASCII letter that a character looks like, else itself. Source: Unicode TR39."""
    if char.isascii():
        return char
    from confusable_homoglyphs.confusables import (
        confusables_data,
    )

    alike = (entry["c"] for entry in confusables_data.get(char, ()))
    return next((other for other in alike if other.isascii() and other.isalnum()), char)


def _hidden(text: str) -> Iterator[str]:
    """What other encodings in a text say."""
    for run in _TAGS.finditer(text):
        yield "".join(chr(ord(char) - 0xE0000) for char in run.group())
    if "&" in text or "%" in text:
        yield unquote(html.unescape(text))
    for run in _BASE64.finditer(text):
        yield from _decoded(_from_base64, run.group())
    for run in _HEX.finditer(text):
        yield from _decoded(bytes.fromhex, re.sub("[ :]", "", run.group()))


def _from_base64(part: str) -> bytes:
    bare = part.rstrip("=")
    return base64.b64decode(
        bare + "=" * (-len(bare) % 4), altchars=b"-_" if "-" in bare or "_" in bare else None
    )


def _decoded(decode: Callable[[str], bytes], part: str) -> Iterator[str]:
    """The text that a fragment decodes to; nothing if it decodes to no readable text."""
    try:
        text = decode(part).decode("ascii")
    except (binascii.Error, ValueError):  # UnicodeDecodeError is a ValueError
        return
    if sum(char.isalpha() or char.isspace() for char in text) > 0.8 * len(text):
        yield text


def _undone(text: str) -> Iterator[str]:
    """Readings of a plain text with digits for letters, hyphens, rot13 or reversal undone."""
    if _LEET_WORD.search(text):
        yield _LEET_WORD.sub(lambda word: word.group().translate(_LEET), text)
    if _HYPHEN.search(text):
        yield _HYPHEN.sub("", text)
    if _ROT13.search(text):
        yield codecs.decode(text, "rot13")
    if _BACKWARDS.search(text):
        yield text[::-1]

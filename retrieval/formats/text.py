"""Plain text, and the decoding that every text format shares."""

import codecs
import re

from retrieval.errors import SourceError
from retrieval.formats.page import Page, page_from

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL = re.compile(r"[\x01-\x08\x0b\x0e-\x1f\x7f]")


def read_text(data: bytes) -> Page:
    """Reads plain text, its line ends and blank lines made regular."""
    return page_from({}, text=tidy(decode(data)))


def decode(data: bytes, encoding: str | None = None) -> str:
    r"""Decodes UTF-8, or UTF-16 and UTF-32 with a byte order mark; line ends become `\n`.

    Args:
        data: the bytes of a file.
        encoding: what the file itself declares; a byte order mark goes before it.

    Raises:
        SourceError: a byte that the encoding doesn't have, or a NUL (a binary file).
    """
    mark = next((pair for pair in _BOMS if data.startswith(pair[0])), None)
    if mark:
        data, encoding = data[len(mark[0]) :], mark[1]
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(_wrong_byte(data, error, encoding)) from None
    except (LookupError, ValueError):
        raise SourceError(f"unknown character encoding {encoding!r}; save it as UTF-8") from None
    if "\x00" in text:
        raise SourceError("holds NUL bytes, so it is a binary file or UTF-16 without its mark")
    return _CONTROL.sub("", re.sub(r"\r\n?|\x0c|\u2028|\u2029|\x85", "\n", text))


def tidy(text: str) -> str:
    """Drops trailing spaces, and blank lines beyond one in a row."""
    text = re.sub(r"[^\S\n]+$", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def _wrong_byte(data: bytes, error: UnicodeDecodeError, encoding: str | None) -> str:
    line = data.count(b"\n", 0, error.start) + 1
    at = f"byte 0x{data[error.start]:02X} on line {line} (offset {error.start})"
    hint = "convert it, for example: iconv -f WINDOWS-1252 -t UTF-8"
    return f"not {(encoding or 'utf-8').upper()}: {at}; {hint}"

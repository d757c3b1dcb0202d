"""PDF: the text of its pages, put together again into paragraphs."""

import io
import logging
import re
from collections import Counter
from collections.abc import Iterator

from pypdf import PdfReader
from pypdf.errors import DependencyError

from retrieval.errors import SourceError
from retrieval.formats.page import Page, one_line, page_from
from retrieval.formats.text import tidy

MAX_PAGES = 3000
_EDGE = 3  # lines at the top and the bottom of a page where headers and footers stand
_BULLET = re.compile(r"[•◦▪‣●○■·∙]\s*(?=\S)")
_STARTS = re.compile(r"(?:- |\d{1,3}[.)] |[a-z]\) )")
_ENCRYPTED = "encrypted; save a copy without a password"
_LEFTOVER = re.compile(r"untitled|microsoft (?:word|powerpoint)|\.(?:docx?|indd|tex|pdf)$", re.I)


def read_pdf(data: bytes) -> Page:
    """Reads the text of a PDF.

    Raises:
        SourceError: damaged, encrypted, or without text.
    """
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        title, pages = _extract(data)
    except SourceError:
        raise
    except DependencyError:
        raise SourceError(_ENCRYPTED) from None
    except Exception as error:  # noqa: BLE001 - pypdf raises anything on a damaged file
        raise SourceError(f"damaged PDF: {one_line(str(error)) or type(error).__name__}") from None
    text = tidy("\n\n".join(_paragraphs(_without_edges(pages))))
    if not re.search(r"\w", text):
        raise SourceError("no text (scanned?)")
    return page_from({}, text=text, title=title)


def _extract(data: bytes) -> tuple[str | None, list[list[str]]]:
    """The title, and the lines of each page."""
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise SourceError(_ENCRYPTED)
    count, declared = len(reader.pages), reader.root_object["/Pages"].get_object()["/Count"]  # type: ignore[index]
    if count < int(declared):
        raise SourceError(f"damaged PDF: {count} of {declared} pages found")
    if count > MAX_PAGES:
        raise SourceError(f"{count} pages, more than {MAX_PAGES}; split it")
    pages = [page.extract_text().replace("\x00", "").split("\n") for page in reader.pages]
    named = one_line((reader.metadata and reader.metadata.title) or "")
    return named if named and not _LEFTOVER.search(named) else None, pages


def _without_edges(pages: list[list[str]]) -> list[list[str]]:
    """Drops headers and footers: lines at an edge that most pages have, but for their number."""
    trimmed = [[one_line(line) for line in page] for page in pages]
    edges = [_edges(page, number) for number, page in enumerate(trimmed)]
    counts = Counter(key for lines in edges for key in set().union(*lines.values()))
    usual = {key for key, count in counts.items() if len(pages) > 2 and count > len(pages) / 2}
    return [
        [line for at, line in enumerate(page) if not usual & lines.get(at, set())]
        for page, lines in zip(trimmed, edges, strict=True)
    ]


def _edges(page: list[str], number: int) -> dict[int, set[str]]:
    """The lines near an edge of a page, by position, each with the keys it is compared by."""
    filled = [at for at, line in enumerate(page) if line]
    return {at: _keys(page[at], number) for at in (*filled[:_EDGE], *filled[-_EDGE:])}


def _keys(line: str, number: int) -> set[str]:
    """The line itself, and the line with its first or last number taken relative to the page."""
    found = list(re.finditer(r"[0-9]{1,6}", line))
    ends = [found[0], found[-1]] if found else []
    relative = {f"{line[: m.start()]}<{int(m[0]) - number}>{line[m.end() :]}" for m in ends}
    return {line, *relative}


def _paragraphs(pages: list[list[str]]) -> Iterator[str]:
    """Joins lines into paragraphs, across pages too."""
    lines = [_BULLET.sub("- ", line) for page in pages for line in page]
    words = set(re.findall(r"\w+-\w+", "\n".join(lines)))
    lengths = sorted(len(line) for line in lines if line)
    width = lengths[len(lengths) * 9 // 10] if lengths else 0
    paragraph, last = "", ""
    for line in lines:
        if paragraph and _breaks(last, line, width):
            yield paragraph
            paragraph = ""
        paragraph = _joined(paragraph, line, words) if line else paragraph
        last = line
    if paragraph:
        yield paragraph


def _breaks(last: str, line: str, width: int) -> bool:
    """Whether a new paragraph starts at `line`."""
    if not last or not line or _STARTS.match(line):
        return True
    if last[-1] in ".!?:":
        return len(last) < 0.8 * width
    return len(last) < 0.6 * width and not line[0].islower()


def _joined(before: str, line: str, words: set[str]) -> str:
    """Puts a line behind the text, undoing hyphenation, but not a compound's own hyphen."""
    split = re.search(r"(\w+)[-\u00ad\u2010]$", before)
    rest = re.match(r"\w+", line)
    if not split or not rest or not line[0].islower():
        return f"{before} {line}".strip()
    hyphen = "-" if f"{split[1]}-{rest[0]}" in words else ""
    return before[:-1] + hyphen + line

"""Reads sources into articles: a folder, or one file, of any format that `formats` knows.

Nothing here is fatal but a source that isn't there or is of an unknown kind. A file that can't be
read whole is skipped with its reason, which the caller reports.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import SourceError
from retrieval.formats.files import File, find_files, read_bytes, shown
from retrieval.formats.page import Page
from retrieval.types import Article

if TYPE_CHECKING:
    from retrieval.formats.tables import Row

# A function is looked up when the first file of its kind is read: the parsers load slowly.
_PAGES = {
    ".md": "markdown.read_markdown",
    ".markdown": "markdown.read_markdown",
    ".mdx": "markdown.read_markdown",
    ".html": "html.read_html",
    ".htm": "html.read_html",
    ".pdf": "pdf.read_pdf",
    ".docx": "docx.read_docx",
    ".txt": "text.read_text",
}
_TABLES = {
    ".csv": "tables.read_csv",
    ".tsv": "tables.read_csv",
    ".jsonl": "tables.read_jsonl",
    ".ndjson": "tables.read_jsonl",
}
_KNOWN = ", ".join([*_PAGES, *_TABLES])
_LICENCE = re.compile(r"(licen[cs]e|copying)([-_.](mit|apache|bsd|cc|a?gpl|mpl).*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file, or a row (`file:line`), that was not read, and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What sources gave: articles with unique ids, in order, and what was skipped."""

    articles: tuple[Article, ...]
    skipped: tuple[Skipped, ...]


def read(source: Path) -> Reading:
    """Reads a folder with all that is in it, in sorted order, or one file.

    Raises:
        SourceError: the source doesn't exist, or is a file of an unknown kind.
    """
    return read_all([source])


def read_all(sources: Sequence[Path]) -> Reading:
    """Reads several sources; an article is skipped if an earlier one has its id.

    Raises:
        SourceError: a source doesn't exist, or is a file of an unknown kind.
    """
    files = [file for source in sources for file in _files(source)]
    shelf = _Shelf()
    for file in files:
        shelf.put(file)
    return Reading(articles=tuple(shelf.articles.values()), skipped=tuple(shelf.skipped))


def _files(source: Path) -> list[File]:
    files = find_files(source)
    for file in files:
        if file.named and _suffix(file) not in {**_PAGES, **_TABLES}:
            raise SourceError(f"{shown(source)}: unknown kind of file; known are {_KNOWN}")
    return files


@dataclass(slots=True)
class _Shelf:
    """Articles read so far, and the file or row that each came from."""

    articles: dict[str, Article] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)

    def put(self, file: File) -> None:
        """Reads one file; if anything is wrong with it, it is skipped."""
        try:
            if _suffix(file) in _TABLES:
                self._put_rows(file, _parse(_TABLES[_suffix(file)], read_bytes(file)))
            else:
                self._put_page(shown(file.path), file.key, _page(file))
        except SourceError as error:
            self._skip(shown(file.path), str(error))
        except RecursionError:
            self._skip(shown(file.path), "nested too deep")

    def _put_rows(self, file: File, rows: Sequence["Row"]) -> None:
        for row in rows:
            origin = f"{shown(file.path)}:{row.line}"
            if row.page:
                self._put_page(origin, f"{file.key}-{row.number}", row.page)
            else:
                self._skip(origin, row.reason)

    def _put_page(self, origin: str, key: str, page: Page) -> None:
        article_id = page.id or key
        if article_id in self.articles:
            first = self.origins[article_id]
            self._skip(origin, f"has the same id as {first}: {article_id}")
            return
        self.origins[article_id] = origin
        self.articles[article_id] = Article(
            id=article_id,
            title=page.title or _readable(key),
            url=page.url,
            text=page.text,
            language=page.language or "en",
            updated_at=page.updated_at,
            metadata=page.metadata,
        )

    def _skip(self, origin: str, reason: str) -> None:
        self.skipped.append(Skipped(source=origin, reason=reason))


def _page(file: File) -> Page:
    suffix = _suffix(file)
    data = b"" if suffix not in _PAGES and not file.reason else read_bytes(file)
    if not file.named and _LICENCE.fullmatch(file.path.stem) and not data.startswith(b"---"):
        raise SourceError("a licence, not an article")
    if suffix not in _PAGES:
        raise SourceError(f"unknown kind of file ({suffix or 'no suffix'})")
    page: Page = _parse(_PAGES[suffix], data)
    return page


def _parse(name: str, data: bytes) -> Any:
    module, function = name.split(".")
    return getattr(import_module(f"retrieval.formats.{module}"), function)(data)


def _suffix(file: File) -> str:
    return file.path.suffix.lower()


def _readable(key: str) -> str:
    """A title made from a file name: `help/how-to_pay` reads "How to pay"."""
    words = " ".join(re.split(r"[-_\s]+", key.rpartition("/")[2])).strip()
    return words[:1].upper() + words[1:] or key

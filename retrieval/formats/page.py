"""What one file, or one row of a table, says before it becomes an article."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from retrieval.errors import SourceError

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The text of a file as readable Markdown, and what the file says about itself."""

    text: str
    title: str | None = None
    id: str | None = None
    url: str | None = None
    language: str | None = None
    updated_at: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


def page_from(fields: Mapping[str, str], *, text: str, title: str | None = None) -> Page:
    """Makes a page: known fields by name, the rest to metadata.

    Raises:
        SourceError: there is no text, or a field holds half a surrogate pair.
    """
    named = dict(fields)
    page = Page(
        text=text.strip("\n"),
        title=one_line(named.pop("title", "")) or title,
        id=named.pop("id", "").strip() or None,
        url=safe_url(named.pop("url", "")),
        language=named.pop("language", "").strip() or None,
        updated_at=named.pop("updated_at", "").strip() or None,
        metadata=named,
    )
    _check(page)
    return page


def one_line(text: str) -> str:
    """The text on one line with single spaces."""
    return " ".join(text.split())


def safe_url(url: str) -> str | None:
    """The URL if a reader may follow it: http, https, or a path; else None."""
    url = url.strip()
    scheme = re.match(r"[^/?#]*:", url)
    allowed = not scheme or scheme[0].lower() in ("http:", "https:")
    return url if url and allowed and not re.search(r"[\s<>\"]", url) else None


def _check(page: Page) -> None:
    if not page.text.strip():
        raise SourceError("no text")
    said = [page.text, page.title, page.id, page.url, page.language, page.updated_at]
    for value in (*said, *page.metadata, *page.metadata.values()):
        if value and _SURROGATE.search(value):
            raise SourceError("half a surrogate pair (such as \\ud800), which no encoding can hold")

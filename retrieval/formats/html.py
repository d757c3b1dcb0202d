"""HTML pages: the main part of the page, without what the site puts around it."""

import codecs
import re

from bs4 import BeautifulSoup, Tag
from bs4.dammit import EncodingDetector

from retrieval.clean import clean_markdown
from retrieval.formats.markdown import first_heading
from retrieval.formats.page import Page, one_line, page_from
from retrieval.formats.soup import drop_unseen, parse_html, to_markdown
from retrieval.formats.text import decode

# https://encoding.spec.whatwg.org/#names-and-labels: these labels mean windows-1252.
_WINDOWS = {"iso-8859-1", "iso8859-1", "latin1", "latin-1", "ascii", "us-ascii"}
_MAIN = ("main", "[role=main]", "article", "body")


def read_html(data: bytes) -> Page:
    """Reads a page of HTML; what a browser wouldn't show is not read."""
    soup = parse_html(decode(data, _declared(data)))
    fields = {
        "language": _attribute(soup, "html", "lang"),
        "url": _absolute(_attribute(soup, "link[rel=canonical]", "href")),
        "updated_at": _attribute(soup, 'meta[property="article:modified_time"]', "content"),
    }
    drop_unseen(soup)
    heading, named = _text(soup, "h1"), _text(soup, "title")
    text = clean_markdown(to_markdown(_main(soup)))
    title = heading if heading and heading in named else named
    return page_from(
        {key: value for key, value in fields.items() if value},
        text=text,
        title=title or heading or first_heading(text),
    )


def _declared(data: bytes) -> str | None:
    """The encoding that the page declares, read as browsers read it."""
    name = EncodingDetector.find_declared_encoding(data, is_html=True)
    name = name.strip().lower() if name else None
    if name is None or name.startswith("utf-16"):
        return None
    if name in _WINDOWS:
        return "windows-1252"
    try:
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        return name


def _main(soup: BeautifulSoup) -> Tag:
    for selector in _MAIN:
        found = soup.select(selector)
        if len(found) == 1:
            return _without_site_header(found[0])
    return soup


def _without_site_header(main: Tag) -> Tag:
    for header in main.find_all("header"):
        if not header.find(re.compile("^h[1-6]$")):
            header.decompose()
    for tag in main.find_all("title"):
        tag.decompose()
    return main


def _attribute(soup: BeautifulSoup, selector: str, name: str) -> str:
    tag = soup.select_one(selector)
    return str(tag.get(name) or "").strip() if tag else ""


def _absolute(url: str) -> str:
    return url if url.startswith(("https://", "http://")) else ""


def _text(soup: BeautifulSoup, name: str) -> str:
    tag = soup.find(name)
    return one_line(tag.get_text()) if tag else ""

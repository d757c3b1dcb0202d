"""HTML to Markdown: what a browser wouldn't show is dropped, tables keep their columns."""

import copy
import re
import warnings
from collections.abc import Iterator

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag
from bs4.exceptions import ParserRejectedMarkup
from markdownify import MarkdownConverter

from retrieval.errors import SourceError
from retrieval.formats.tags import TAG, is_placeholder

MAX_DEPTH = 100
_UNSEEN = (
    "script,style,noscript,template,nav,aside,footer,form,button,input,select,textarea,iframe,svg,"
    "object,video,audio,del,s,strike,[hidden],[aria-hidden=true],[role=navigation],[role=search]"
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BLOCKS = ("p", "li", "div", "dt", "dd", "blockquote", "br")
_MAX_SPAN = 50
_MAX_REPEATED = 500  # characters
_BREAK = "\ue000"


class _Converter(MarkdownConverter):
    """Markdownify, with code fences longer than the fences inside them."""

    def convert_pre(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        code = text.strip("\n")
        return f"\n\n{fence(code, _language(el))}\n\n" if code.strip() else ""

    def convert_td(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        parts = [" ".join(part.split()) for part in text.split(_BREAK)]
        joined = ""
        for part in filter(None, parts):
            joined += (" " if joined[-1:] in set(".!?:;,") else "; ") * bool(joined) + part
        return f" {joined} |" + " |" * (_span(el, "colspan") - 1)

    convert_th = convert_td


def parse_html(text: str) -> BeautifulSoup:
    """Parses HTML without touching what it refers to.

    Raises:
        SourceError: not parseable, or nested so deep that the parser would lose text.
    """
    try:
        with warnings.catch_warnings():
            # They say that the text looks like a file name, or like XML: neither matters here.
            warnings.simplefilter("ignore", UserWarning)
            soup = BeautifulSoup(text, "lxml")
    except ParserRejectedMarkup as error:
        raise SourceError(f"not HTML: {error}") from None
    if any(sum(1 for _ in tag.parents) > MAX_DEPTH for tag in soup.find_all(True)):
        raise SourceError(f"HTML tags nested more than {MAX_DEPTH} deep")
    return soup


def fragment_to_markdown(html: str, closed: frozenset[str]) -> str:
    """Converts HTML inside Markdown; Markdown inside that HTML stays as it is."""

    def keep(match: re.Match[str]) -> str:
        return f"&lt;{match[0][1:-1]}&gt;" if is_placeholder(match[0], closed) else match[0]

    soup = parse_html(TAG.sub(keep, html))
    for string in list(_strings(soup)):
        escaped = string.replace("&", "&amp;").replace("<", "&lt;")
        inside_cell = string.find_parent(["td", "th"]) is not None
        string.replace_with(escaped.replace("|", "\\|") if inside_cell else escaped)
    return to_markdown(soup, escape=False)


def to_markdown(root: Tag, *, escape: bool = True) -> str:
    """Converts what a reader sees under a tag to Markdown, which `clean_markdown` then cleans."""
    drop_unseen(root)
    for tag in root.find_all(["kbd", "u", "ins", "mark", "font"]):
        tag.unwrap()
    for tag in root.find_all(["summary", "caption"]):
        tag.name = "p"
    for tag in root.find_all(href=True):
        tag["href"] = re.sub(r"[\s()<>]", lambda m: f"%{ord(m[0]):02X}", str(tag["href"]).strip())
    for table in root.find_all("table"):
        _regular(table)
    converter = _Converter(
        heading_style="atx",
        bullets="-",
        sup_symbol="<sup>",
        table_infer_header=True,
        escape_misc=escape,
        escape_asterisks=escape,
        escape_underscores=escape,
    )
    return str(converter.convert_soup(root))


def drop_unseen(root: Tag) -> None:
    """Removes scripts, navigation, forms and whatever is hidden from the reader."""
    for string in root.find_all(string=lambda text: isinstance(text, PreformattedString)):
        string.extract()
    hidden = [tag for tag in root.find_all(style=True) if _HIDDEN_STYLE.search(str(tag["style"]))]
    for tag in (*root.select(_UNSEEN), *hidden):
        tag.decompose()


def fence(code: str, language: str = "") -> str:
    """A fenced code block."""
    longest = max((len(run) for run in re.findall("`{3,}", code)), default=2)
    return f"{'`' * (longest + 1)}{language}\n{code}\n{'`' * (longest + 1)}"


def _language(pre: Tag) -> str:
    tags = [pre, *pre.find_all("code", limit=1)]
    names = " ".join(str(name) for tag in tags for name in tag.get_attribute_list("class") if name)
    match = re.search(r"\blang(?:uage)?-([\w+#-]+)", names)
    return match[1] if match else ""


def _strings(root: Tag) -> Iterator[NavigableString]:
    for string in root.find_all(string=True):
        plain = isinstance(string, NavigableString) and not isinstance(string, PreformattedString)
        if plain and not string.find_parent(["pre", "code"]):
            yield string


def _regular(table: Tag) -> None:
    """Makes a table one Markdown can show, or takes apart one that only lays out the page."""
    if table.find(["table", "h1", "h2", "h3", "h4", "h5", "h6", "pre"]):
        parts = table.find_all(["tr", "td", "th", "tbody", "thead", "tfoot"])
        for tag in [table, *(part for part in parts if part.find_parent("table") is table)]:
            tag.name = "div"
        return
    for cell in table.find_all(["td", "th"]):
        _one_line(cell)
    _fill_spans(table)


def _one_line(cell: Tag) -> None:
    """Marks where the paragraphs and list items of a cell begin and end."""
    for tag in cell.find_all(_BLOCKS):
        tag.insert_before(NavigableString(_BREAK))
        tag.insert_after(NavigableString(_BREAK))
    for tag in cell.find_all([*_BLOCKS, "ul", "ol", "dl"]):
        tag.unwrap()


def _fill_spans(table: Tag) -> None:
    """Repeats a cell that spans rows in each of them, so that columns stay columns."""
    spanning: dict[int, tuple[Tag, int]] = {}
    for row in table.find_all("tr"):
        column, cells = 0, list(row.find_all(["td", "th"], recursive=False))
        while cells or column in spanning:
            if column in spanning:
                cell, left = spanning.pop(column)
                cell = copy.copy(cell)
                _insert(row, cells, cell)
            else:
                cell = cells.pop(0)
                left = _span(cell, "rowspan") if len(cell.get_text()) < _MAX_REPEATED else 1
            if left > 1:
                spanning[column] = (cell, left - 1)
            column += _span(cell, "colspan")


def _insert(row: Tag, following: list[Tag], cell: Tag) -> None:
    if following:
        following[0].insert_before(cell)
    else:
        row.append(cell)


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name, "1"))
    return max(1, min(_MAX_SPAN, int(value))) if value.isdecimal() and len(value) < 5 else 1

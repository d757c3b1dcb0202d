"""DOCX: headings, lists and tables in the order of the document.

The XML is walked here, because python-docx passes over content controls and tracked insertions.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from docx import Document
from docx.oxml.ns import qn

from retrieval.errors import SourceError
from retrieval.formats.links import show_link
from retrieval.formats.markdown import first_heading
from retrieval.formats.page import Page, one_line, page_from
from retrieval.formats.text import tidy

MAX_UNPACKED = 200_000_000  # bytes
_OLE = b"\xd0\xcf\x11\xe0"
_PASSED_OVER = {qn("w:del"), qn("w:moveFrom"), qn("w:pPr"), qn("w:rPr"), qn("w:instrText")}
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_TEXT = {qn("w:tab"): " ", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
_CONTAINERS = {qn("w:sdt"), qn("w:sdtContent"), qn("w:ins"), qn("w:customXml")}


def read_docx(data: bytes) -> Page:
    """Reads a Word document as Markdown.

    Raises:
        SourceError: not a DOCX, damaged, encrypted, or without text.
    """
    _check(data)
    try:
        document = Document(io.BytesIO(data))
        text = _Writer(document).text()
        title = one_line(document.core_properties.title or "")
    except SourceError:
        raise
    except Exception as error:  # noqa: BLE001 - zipfile, lxml and python-docx raise anything
        raise SourceError(f"damaged DOCX: {one_line(str(error)) or type(error).__name__}") from None
    return page_from({}, text=text, title=first_heading(text) or title or None)


def _check(data: bytes) -> None:
    if data.startswith(_OLE):
        raise SourceError("encrypted, or an old .doc; save it as .docx without a password")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(info.file_size for info in archive.infolist())
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError):
        raise SourceError("not a DOCX (no zip archive)") from None
    if "[Content_Types].xml" not in names:
        raise SourceError("not a DOCX (a zip archive of something else)")
    if size > MAX_UNPACKED:
        raise SourceError(f"unpacks to {size / 1e6:.0f} MB, more than {MAX_UNPACKED / 1e6:.0f} MB")


class _Writer:
    """Writes a document's blocks as Markdown."""

    def __init__(self, document: Any) -> None:
        self.body, self.links = document.element.body, document.part.rels
        self.styles = {style.style_id: style for style in document.styles}
        self.formats = _number_formats(document)
        self.numbers: dict[tuple[str, int], int] = {}

    def text(self) -> str:
        text, last_is_item = "", False
        for block in _blocks(self.body):
            shown, is_item = self.block(block)
            if shown:
                text += ("\n" if is_item and last_is_item else "\n\n") * bool(text) + shown
                last_is_item = is_item
        return tidy(text)

    def block(self, block: Any) -> tuple[str, bool]:
        """A block's Markdown, and whether it is an item of a list."""
        if block.tag == qn("w:tbl"):
            return self.table(block), False
        text = self.inline(block).strip()
        style = self.style(block)
        heading = re.fullmatch(r"[Hh]eading (\d)", style)
        if not text:
            return "", False
        if heading or style == "Title":
            return "#" * min(int(heading[1]) if heading else 1, 6) + " " + one_line(text), False
        level, marker = self.item(block, style)
        indent = "   " * level
        if marker:
            return f"{indent}{marker} " + text.replace("\n", f"\n{indent}   "), True
        return text, False

    def style(self, paragraph: Any) -> str:
        found = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        style = self.styles.get(found.get(qn("w:val"))) if found is not None else None
        return str(style.name) if style is not None else ""

    def item(self, paragraph: Any, style: str) -> tuple[int, str]:
        """The level (from 0) and the marker of a list item; no marker for a plain paragraph."""
        named = re.fullmatch(r"List (Bullet|Number)(?: (\d))?", style)
        numbering = paragraph.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
        if numbering is None and not named:
            self.numbers.clear()
            return 0, ""
        number_id = _value(numbering, "w:numId") or style
        level = int(_value(numbering, "w:ilvl") or 0)
        level = int(named[2]) - 1 if named and named[2] else level
        if (
            self.formats.get((number_id, level), named[1] if named else "bullet").lower()
            == "bullet"
        ):
            return level, "-"
        for key in [key for key in self.numbers if key[1] > level]:
            del self.numbers[key]
        self.numbers[number_id, level] = self.numbers.get((number_id, level), 0) + 1
        return level, f"{self.numbers[number_id, level]}."

    def table(self, table: Any) -> str:
        rows = [
            [self.cell(cell) for cell in _children(row, "w:tc")] for row in _children(table, "w:tr")
        ]
        rows = [row for row in rows if any(row)]
        if not rows:
            return ""
        width = max(len(row) for row in rows)
        rows = [row + [""] * (width - len(row)) for row in rows]
        rows.insert(1, ["---"] * width)
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def cell(self, cell: Any) -> str:
        texts = [one_line(self.inline(paragraph)) for paragraph in cell.iter(qn("w:p"))]
        return "; ".join(filter(None, texts)).replace("|", "\\|")

    def inline(self, node: Any) -> str:
        """The text that a reader sees under a node; a link shows its address."""
        if node.tag in _PASSED_OVER or node.tag == _FALLBACK or _is_hidden(node):
            return ""
        if node.tag == qn("w:t"):
            return re.sub(r"\s", " ", node.text or "")
        if node.tag in _TEXT:
            return _TEXT[node.tag]
        text = "".join(self.inline(child) for child in node if isinstance(child.tag, str))
        link = self.links.get(node.get(qn("r:id"))) if node.tag == qn("w:hyperlink") else None
        return show_link(text, link.target_ref) if link is not None and link.is_external else text


def _blocks(parent: Any) -> Iterator[Any]:
    for child in parent:
        if child.tag in (qn("w:p"), qn("w:tbl")):
            yield child
        elif child.tag in _CONTAINERS:
            yield from _blocks(child)


def _children(parent: Any, name: str) -> Iterator[Any]:
    for child in parent:
        if child.tag == qn(name):
            yield child
        elif child.tag in _CONTAINERS:
            yield from _children(child, name)


def _is_hidden(node: Any) -> bool:
    mark = node.find(f"{qn('w:rPr')}/{qn('w:vanish')}") if node.tag == qn("w:r") else None
    return mark is not None and mark.get(qn("w:val"), "1") not in ("0", "false")


def _value(parent: Any, name: str) -> str | None:
    found = parent.find(qn(name)) if parent is not None else None
    return found.get(qn("w:val")) if found is not None else None


def _number_formats(document: Any) -> dict[tuple[str, int], str]:
    """The kind of numbers ("bullet", "decimal", ...) by list and level."""
    try:
        root = document.part.numbering_part.element
    except (KeyError, NotImplementedError):
        return {}
    levels = {
        (abstract.get(qn("w:abstractNumId")), int(level.get(qn("w:ilvl")))): _value(
            level, "w:numFmt"
        )
        for abstract in root.findall(qn("w:abstractNum"))
        for level in abstract.findall(qn("w:lvl"))
    }
    return {
        (number.get(qn("w:numId")), level): kind or "decimal"
        for number in root.findall(qn("w:num"))
        for (abstract_id, level), kind in levels.items()
        if abstract_id == _value(number, "w:abstractNumId")
    }

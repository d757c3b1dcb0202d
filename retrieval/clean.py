"""Cleans markup: whatever help centres write becomes readable Markdown that can be quoted.

Kept: headings, lists and their numbers, tables, code word for word. Gone: emphasis, link targets
that mean nothing outside the site, images, HTML, comments, anchors, site builders' tags, rules,
tables of contents. A paragraph is one line, so that a sentence in it is a substring.
"""

import re
from collections.abc import Iterator, Sequence

from markdown_it.tree import SyntaxTreeNode

from retrieval.formats.inline import show_inline
from retrieval.formats.syntax import parse
from retrieval.formats.tags import closed_tags, show_tags

_CONTENTS = re.compile(
    r"#*\s*(in this (article|section|page|guide|document|topic)|on this page|(table of )?contents)"
    r"\W*",
    re.IGNORECASE,
)
_STARTS_BLOCK = re.compile(r"#{1,6}(?=\s|$)|>|`{3,}|~{3,}|:{3,}|([-*_]\s*){3,}$")
_UNDER = ("bullet_list", "ordered_list", "fence", "code_block")
_MAX_HTML = 3


def clean_markdown(text: str) -> str:
    """Cleans Markdown, with whatever HTML is in it, to readable Markdown.

    Returns:
        Paragraphs of one line each, one blank line between blocks; empty if nothing is said.

    Raises:
        SourceError: lists, quotes or tags nested too deep to read whole.
    """
    return _Cleaner(closed_tags(text), 0).clean(text)


class _Cleaner:
    """Shows a document's blocks; `depth` counts HTML in Markdown in HTML."""

    def __init__(self, closed: frozenset[str], depth: int) -> None:
        self.closed, self.depth = closed, depth

    def clean(self, text: str) -> str:
        return self.blocks(parse(text).children)

    def blocks(self, nodes: Sequence[SyntaxTreeNode], *, close: bool = False) -> str:
        """Shows blocks in order, without a table of contents and what announces it.

        Args:
            nodes: the blocks.
            close: whether a list or code sits close under its paragraph, as in a list item.
        """
        shown: list[tuple[str, str]] = []
        for node in _without_quotes(nodes):
            if _links_within(node) and shown and _CONTENTS.fullmatch(shown[-1][1]):
                shown.pop()
            elif text := self.block(node):
                shown.append((node.type, text))
        return _join(shown, close)

    def block(self, node: SyntaxTreeNode) -> str:
        match node.type:
            case "paragraph":
                return self.paragraph(node)
            case "heading":
                title = self.line(node)
                return f"{'#' * int(node.tag[1])} {title}" if title else ""
            case "bullet_list" | "ordered_list":
                return self.items(node)
            case "table":
                return self.table(node)
            case "fence" | "code_block":
                return _code(node)
            case "html_block":
                return self.html(node.content)
            case _:
                return ""

    def paragraph(self, node: SyntaxTreeNode) -> str:
        """Shows a paragraph; each hard line break starts a new one, a lone row reads `a: b; c`."""
        text = _row([self.line(inline, urls=True) for inline in node.children])
        return "\n\n".join(_escaped(line) for line in text.split("\n") if line)

    def line(self, node: SyntaxTreeNode, *, urls: bool = False) -> str:
        """Shows the inline content of a node; on one line, unless it is the inline itself."""
        if node.type == "inline":
            return show_inline(node.children, self.closed, urls=urls)
        return " ".join(self.line(child, urls=urls) for child in node.children).replace("\n", " ")

    def items(self, node: SyntaxTreeNode) -> str:
        """Shows a list; a number that the source skips stays skipped."""
        items, number = [], 0
        for item in node.children:
            number = max(number + 1, int(item.info)) if item.info else 0
            marker = f"{number}{item.markup} " if item.info else "- "
            text = self.blocks(item.children, close=True)
            if text:
                items.append(marker + re.sub(r"\n(?=[^\n])", "\n" + " " * len(marker), text))
        return ("\n\n" if any("\n\n" in item for item in items) else "\n").join(items)

    def table(self, node: SyntaxTreeNode) -> str:
        """Shows a table without the rows and columns that only held pictures."""
        head, *body = [
            [self.line(cell, urls=True) for cell in row.children]
            for part in node.children
            for row in part.children
        ]
        if not body:
            return _escaped(_row(head))
        columns = [at for at in range(len(head)) if any(row[at] for row in body)]
        rows = [[row[at].replace("|", "\\|") for at in columns] for row in (head, *body)]
        shown = [row for at, row in enumerate(rows) if any(row) and row != rows[at - 1]]
        rows = [rows[0], ["---"] * len(columns), *(row for row in shown if row is not rows[0])]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows) if columns else ""

    def html(self, content: str) -> str:
        """Shows HTML by way of Markdown."""
        if not re.search(r"\w", re.sub(r"<[^>]*>|<!--.*?-->", "", content, flags=re.DOTALL)):
            return ""
        if self.depth >= _MAX_HTML:
            return _escaped(show_tags(" ".join(content.split())))
        from retrieval.formats.soup import fragment_to_markdown

        markdown = fragment_to_markdown(content, self.closed)
        return _Cleaner(self.closed, self.depth + 1).clean(markdown)


def _without_quotes(nodes: Sequence[SyntaxTreeNode]) -> Iterator[SyntaxTreeNode]:
    """The nodes, with what is in a block quote in its place."""
    for node in nodes:
        if node.type == "blockquote":
            yield from _without_quotes(node.children)
        else:
            yield node


def _join(shown: list[tuple[str, str]], close: bool) -> str:
    text, before = "", ""
    for kind, block in shown:
        under = close and before == "paragraph" and kind in _UNDER
        single = under or kind == before == "bullet_list"
        text += ("\n" if single else "\n\n") * bool(text) + block
        before = kind
    return text


def _links_within(node: SyntaxTreeNode) -> bool:
    """Whether a node is a list of nothing but links to parts of the same page."""
    if node.type not in ("bullet_list", "ordered_list"):
        return False
    parts = [part for inline in node.walk() if inline.type == "inline" for part in inline.children]
    said = [part for part in parts if part.type == "link" or part.content.strip()]
    return all(str(part.attrs.get("href", "")).startswith("#") for part in said) and bool(said)


def _code(node: SyntaxTreeNode) -> str:
    if not node.content.strip():
        return ""
    longest = max((len(run) for run in re.findall("`{3,}", node.content)), default=2)
    marks = "`" * (longest + 1)
    language = node.info.split(maxsplit=1)[0] if node.info.strip() else ""
    return f"{marks}{language.strip('{}.`')}\n{node.content.rstrip(chr(10))}\n{marks}"


def _escaped(line: str) -> str:
    """Keeps a line of text from reading as a heading, a quote, a fence or a rule."""
    return "\\" + line if _STARTS_BLOCK.match(line) else line


def _row(cells: list[str]) -> str:
    """A row outside of any table: `first: second; third`."""
    first, *others = list(filter(None, cells)) or [""]
    return f"{first}: {'; '.join(others)}" if others else first

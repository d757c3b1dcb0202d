"""Markdown's syntax as help centres write it: CommonMark, tables, and what site builders add.

Site builders' own markup (Liquid, shortcodes, `:::` containers, attribute lists, MDX) is parsed as
markup, so it leaves no trace in the text and code blocks stay as they are.
"""

import functools
import re

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.tree import SyntaxTreeNode

from retrieval.errors import SourceError

MAX_NESTING = 60

_TEMPLATE = re.compile(
    r"\{%.*?%\}|\{\{[<%].*?[>%]\}\}|\{/\*.*?\*/\}|\{[#.][A-Za-z][^{}\n]*\}|\{:[^{}\n]*\}", re.DOTALL
)
_JSX = re.compile(
    r"</?[A-Z][\w.]*(?:\s+[\w-]+(?:=(?:\"[^\"]*\"|'[^']*'|\{(?:[^{}]|\{[^{}]*\})*\}))?)*\s*/?>"
)
_FOOTNOTE = re.compile(r"\[\^[^\]\s]+\](?!\()")
_FOOTNOTE_TEXT = re.compile(r"\[\^[^\]\s]+\]:\s*(.*)")
_CONTAINER = re.compile(r":{3,} *[\w-]*(.*)$")
_MARKER = re.compile(
    r"(?:\{%(?:(?!%\}).)*%\}\s*)+$|\{\{[<%](?:(?!\}\}).)*\}\}$|\{/\*(?:(?!\*/).)*\*/\}$"
    r"|::[\w-]+(?:\[[^\]]*\])?\{[^}]*\}$"
    r"|import\s.*['\"][^'\"]+['\"];?$|export\s+(?:const|let|default|function)\b.*[;{}]$"
)
_DELIMITER = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?$")
_PIPE = re.compile(r"(?<!\\)\|")


def parse(text: str) -> SyntaxTreeNode:
    """Parses Markdown to a tree.

    Raises:
        SourceError: lists or quotes nested too deep for the parser to keep their text.
    """
    tokens = _parser().parse(text)
    if any(token.level >= MAX_NESTING - 1 for token in tokens):
        raise SourceError(f"lists or quotes nested more than {MAX_NESTING // 2} deep")
    return SyntaxTreeNode(tokens)


@functools.cache
def _parser() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING})
    markdown.enable(["table", "strikethrough"])
    # Any target makes a link, `javascript:` too: `links.show_link` shows harmless ones only.
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]
    anywhere: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    markdown.block.ruler.before("reference", "footnote_text", _footnote_text, anywhere)
    markdown.block.ruler.after("table", "marker", _marker, anywhere)
    markdown.block.ruler.after("marker", "row", _row, {"alt": ["paragraph", "reference", "list"]})
    markdown.inline.ruler.before("link", "template", _template)
    markdown.inline.ruler.before("html_inline", "jsx", _jsx)
    return markdown


def _line(state: StateBlock, number: int) -> str:
    if number >= state.lineMax or state.is_code_block(number):
        return ""
    start = state.bMarks[number] + state.tShift[number]
    return state.src[start : state.eMarks[number]].strip()


def _paragraph(state: StateBlock, line: int, contents: list[str]) -> None:
    """Pushes one paragraph with an inline token for each of its contents."""
    state.push("paragraph_open", "p", 1).map = [line, line + 1]
    for content in contents:
        token = state.push("inline", "", 0)
        token.content, token.map, token.children = content, [line, line + 1], []
    state.push("paragraph_close", "p", -1)


def _marker(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A line that is only a site builder's markup; the title of a container stays."""
    line = _line(state, start)
    container = _CONTAINER.match(line)
    if not container and not _MARKER.match(line):
        return False
    if not silent:
        title = container[1].strip() if container else ""
        title = title[1:-1] if title.startswith("[") and title.endswith("]") else title
        if title and not title.startswith("{"):
            _paragraph(state, start, [title])
        state.line = start + 1
    return True


def _footnote_text(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A footnote's text stays as a paragraph."""
    match = _FOOTNOTE_TEXT.match(_line(state, start))
    if not match:
        return False
    if not silent:
        if match[1]:
            _paragraph(state, start, [match[1]])
        state.line = start + 1
    return True


def _row(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A table row that stands alone, without a head: a paragraph of several inlines."""
    line = _line(state, start)
    if len(line) < 3 or line[0] != "|" or line[-1] != "|" or _DELIMITER.match(line):
        return False
    if _DELIMITER.match(_line(state, start + 1) or "no"):
        return False
    if not silent:
        cells = [cell.strip() for cell in _PIPE.split(line[1:-1])]
        _paragraph(state, start, [cell for cell in cells if cell] or [""])
        state.line = start + 1
    return True


def _template(state: StateInline, silent: bool) -> bool:
    """Liquid tags, shortcodes, attribute lists and footnote marks: nothing is left of them."""
    mark = state.src[state.pos]
    pattern = {"{": _TEMPLATE, "[": _FOOTNOTE}.get(mark)
    match = pattern.match(state.src, state.pos) if pattern else None
    if not match:
        return False
    state.pos = match.end()
    return True


def _jsx(state: StateInline, silent: bool) -> bool:
    match = _JSX.match(state.src, state.pos) if state.src[state.pos] == "<" else None
    if not match:
        return False
    if not silent:
        state.push("html_inline", "", 0).content = match[0]
    state.pos = match.end()
    return True

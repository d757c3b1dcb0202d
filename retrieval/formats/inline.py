"""The inside of a paragraph as plain, quotable text."""

import itertools
import re
from collections.abc import Sequence

from markdown_it.tree import SyntaxTreeNode

from retrieval.formats.links import shorten_all, show_link
from retrieval.formats.tags import TAG, is_placeholder, show_tags

_ALERT = re.compile(r"\[!(note|tip|important|warning|caution|info)\]\s*", re.IGNORECASE)
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_RAISED = str.maketrans("0123456789+-()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿ")
_VERB = re.compile(
    r"\b(is|are|was|were|has|have|can|cannot|must|should|will|shows?|means?|needs?|reads?)\b"
)
_DROPPED = {"del", "s", "strike", "script", "style"}
_KIND = re.compile(r"[\s.]*\b(?:icon|button|image|logo|symbol|screenshot)?[\s.]*$", re.IGNORECASE)
_CJK = re.compile("[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")


def show_inline(
    nodes: Sequence[SyntaxTreeNode], closed: frozenset[str], *, urls: bool = True
) -> str:
    r"""Shows inline nodes as text; a `\n` is a hard line break, code keeps its backticks.

    Args:
        nodes: children of a tree's `inline` node.
        closed: names of tags that the document closes, see `tags.is_placeholder`.
        urls: whether links show their address.
    """
    writer = _Writer(closed, urls)
    for at, node in enumerate(nodes):
        writer.add(node, nodes[at + 1 :] if node.type == "image" else ())
    text = "".join(writer.parts)
    text = _ALERT.sub(lambda match: f"{match[1].capitalize()}: ", text, count=1)
    text = re.sub(r"[^\S\n]+", " ", _INVISIBLE.sub("", text))
    text = re.sub(r" *\n *", "\n", re.sub(r" +(?:\( *\)|([.,;])(?=\s|$))", r"\1", text))
    return text.strip()


def is_sentence(alt: str) -> bool:
    """Whether an image's alternative text is a sentence (English only), not a label."""
    return alt.rstrip()[-1:] in set(".!?") and len(alt.split()) > 5 and bool(_VERB.search(alt))


class _Writer:
    """Text written so far, and the HTML tags that are open in it."""

    def __init__(self, closed: frozenset[str], urls: bool) -> None:
        self.closed, self.urls = closed, urls
        self.parts: list[str] = []
        self.open: list[tuple[str, int]] = []

    def add(self, node: SyntaxTreeNode, after: Sequence[SyntaxTreeNode]) -> None:
        """Adds one node; `after` are the nodes that follow an image."""
        match node.type:
            case "text":
                self.parts.append(shorten_all(show_tags(re.sub(r"\s", " ", node.content))))
            case "code_inline":
                self.parts.append(show_code(node.content))
            case "softbreak":
                self.parts.append(_soft_break("".join(self.parts[-1:]), node))
            case "hardbreak":
                self.parts.append("\n")
            case "link":
                self.parts.append(self._link(node))
            case "image":
                self.parts.append(self._image(node, after))
            case "html_inline":
                self._tag(node.content)
            case "s":
                pass
            case _:
                self.parts.append(self._inside(node))

    def _inside(self, node: SyntaxTreeNode) -> str:
        return show_inline_raw(node.children, self.closed, self.urls)

    def _link(self, node: SyntaxTreeNode) -> str:
        label = self._inside(node).strip()
        if not label and node.children:
            label = _KIND.sub("", _alt(node.children[0]))
        href = str(node.attrGet("href") or "")
        return show_link(label, href if self.urls else "")

    def _image(self, node: SyntaxTreeNode, after: Sequence[SyntaxTreeNode]) -> str:
        """A picture of a button in a sentence is read out, unless its name follows anyway."""
        alt, following = _alt(node), _words(after)
        before = any(part.strip() for part in itertools.takewhile("\n".__ne__, self.parts[::-1]))
        if not before and not following:
            return alt if is_sentence(alt) else ""
        words = _KIND.sub("", alt).split()
        if not before or not following or len(words) > 4:
            return ""
        for count in range(len(words), 0, -1):
            if following[:count] == [word.lower() for word in words[-count:]]:
                return " ".join(words[:-count])
        return " ".join(words)

    def _tag(self, tag: str) -> None:
        if is_placeholder(tag, self.closed):
            self.parts.append(tag)
            return
        match = TAG.match(tag)
        name = (match[1] or "").lower() if match else ""
        if name == "br":
            self.parts.append("\n")
        elif not tag.startswith("</"):
            self.open.append((name, len(self.parts)))
        elif name in (opened := [pair[0] for pair in self.open]):
            at = len(opened) - 1 - opened[::-1].index(name)
            start = self.open[at][1]
            del self.open[at:]
            self.parts[start:] = [_wrap(name, "".join(self.parts[start:]))]


def show_inline_raw(nodes: Sequence[SyntaxTreeNode], closed: frozenset[str], urls: bool) -> str:
    """`show_inline` without its tidying: spaces at the ends matter inside emphasis."""
    writer = _Writer(closed, urls)
    for at, node in enumerate(nodes):
        writer.add(node, nodes[at + 1 :] if node.type == "image" else ())
    return "".join(writer.parts)


def show_code(content: str) -> str:
    """A code span, with as many backticks as its content needs."""
    longest = max((len(run) for run in re.findall("`+", content)), default=0)
    pad = " " if content.startswith("`") or content.endswith("`") else ""
    return f"{'`' * (longest + 1)}{pad}{content}{pad}{'`' * (longest + 1)}"


def _wrap(name: str, inside: str) -> str:
    if name in _DROPPED:
        return ""
    if name in ("code", "tt", "samp") and inside.strip() and "`" not in inside:
        return show_code(inside.strip())
    if name == "sup" and re.search(r"\d", inside):
        raised = inside.translate(_RAISED)
        return raised if not re.search(r"[\w+-]", raised, re.ASCII) else f"^{inside}"
    return inside


def _words(nodes: Sequence[SyntaxTreeNode]) -> list[str]:
    """The first words, lower case, that the nodes show before a line ends."""
    words: list[str] = []
    for node in itertools.takewhile(lambda node: node.type != "hardbreak", nodes):
        shown = (n.content for n in node.walk() if n.type in ("text", "code_inline"))
        words += [word.strip(".,:;!?()").lower() for text in shown for word in text.split()]
        if len(words) > 4:
            break
    return words


def _alt(node: SyntaxTreeNode) -> str:
    return " ".join(node.content.split()) if node.type == "image" else ""


def _soft_break(before: str, node: SyntaxTreeNode) -> str:
    after = node.next_sibling.content if node.next_sibling else ""
    return "" if _CJK.match(before[-1:]) and _CJK.match(after[:1]) else " "

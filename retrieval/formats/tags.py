"""Tags in text: which are HTML, which a component, and which a placeholder to keep."""

import re

TAG = re.compile(r"</?([A-Za-z][\w.:-]*)((?:\"[^\"]*\"|'[^']*'|[^<>\"'])*)>|<!--.*?-->", re.DOTALL)
_CLOSED = re.compile(r"</([A-Za-z][\w.:-]*)\s*>")
_HTML = re.compile(
    r"a|abbr|address|article|aside|audio|b|big|blockquote|body|br|button|caption|center|cite|code"
    r"|col|colgroup|data|dd|del|details|dfn|dialog|div|dl|dt|em|embed|fieldset|figcaption|figure"
    r"|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|label|legend|li|link"
    r"|main|map|mark|meta|nav|noscript|object|ol|optgroup|option|p|param|picture|pre|q|s|samp"
    r"|script|section|select|small|source|span|strike|strong|style|sub|summary|sup|svg|table|tbody"
    r"|td|textarea|tfoot|th|thead|time|title|tr|track|tt|u|ul|var|video|wbr",
    re.IGNORECASE,
)


def closed_tags(text: str) -> frozenset[str]:
    """Names of the tags that are closed somewhere in the text: `</Note>`."""
    return frozenset(_CLOSED.findall(text))


def is_placeholder(tag: str, closed: frozenset[str]) -> bool:
    """Whether a tag is something for the reader to fill in, like `<package-name>` or `COM<N>`.

    HTML, a tag with attributes, one that closes itself and one that is closed elsewhere are markup.
    """
    match = TAG.match(tag)
    if not match or not match[1] or _HTML.fullmatch(match[1]) or tag.startswith("</"):
        return False
    rest = match[2]
    return "=" not in rest and not rest.rstrip().endswith("/") and match[1] not in closed


def show_tags(text: str) -> str:
    """Puts HTML that the text speaks about into backticks, so that it stays text."""
    return TAG.sub(lambda match: f"`{match[0]}`" if _is_markup(match) else match[0], text)


def _is_markup(match: re.Match[str]) -> bool:
    rest = (match[2] or "").strip()
    plain = not rest or rest == "/" or "=" in rest
    return plain and not is_placeholder(match[0], frozenset())

"""Links as a customer reads them: the text, then the address where it is needed."""

import re
from urllib.parse import urlsplit, urlunsplit

_URL = re.compile(r"https?://[^\s<>\"`]+")
_TRACKING = re.compile(
    r"(?:utm_\w+|gclid|gclsrc|dclid|fbclid|msclkid|yclid|igshid|mc_[ce]id|_ga|_gl|_hs\w+|hsCtaTracking"
    r"|wbraid|gbraid|twclid|mkt_tok)(?:=|$)",
    re.IGNORECASE,
)


def show_link(text: str, href: str) -> str:
    """`text`, or `text (url)` where the address is absolute and says more than the text.

    A link whose text holds no letter or digit (`#`, `¶`, `(?)`) is dropped.
    """
    if not re.search(r"\w", text):
        return ""
    scheme = href.split(":", 1)[0].lower()
    if scheme == "mailto":
        address = href[7:].split("?")[0]
    elif scheme in ("http", "https") and "://" in href:
        address = shorten(href)
    else:
        return text
    return text if not address or _same(text, address) else f"{text} ({address})"


def shorten(url: str) -> str:
    """The URL without its tracking parameters and text fragment (`#:~:text=`)."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    fragment = parts.fragment.split(":~:", 1)[0]
    query = "&".join(p for p in parts.query.split("&") if not _TRACKING.match(p))
    if (fragment, query) == (parts.fragment, parts.query):
        return url
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, fragment))


def shorten_all(text: str) -> str:
    """Shortens every URL that stands in the text."""
    return _URL.sub(lambda match: shorten(match[0]), text) if "://" in text else text


def _same(text: str, address: str) -> bool:
    def bare(url: str) -> str:
        return re.sub(r"^(https?://)?(www\.)?", "", url.strip("`. ").lower()).rstrip("/")

    return bare(text) == bare(address) or bare(shorten(text)) == bare(address)

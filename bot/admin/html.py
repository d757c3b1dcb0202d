"""Templates to HTML: everything is escaped, links only lead to web addresses."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bot.store.types import now

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
ACTIONS = {
    "answer": "Answered",
    "clarify": "Asked back",
    "abstain": "Declined",
    "handoff": "Handed over",
    "flow": "In a flow",
}
CAUSES = {
    "no_evidence": "Nothing found",
    "partial_evidence": "Only part of it found",
    "contradicted": "The sources disagree",
    "out_of_scope": "Out of scope",
    "policy": "By policy",
    "unsafe_input": "Unsafe input",
    "customer_request": "The customer asked for it",
    "tool_failure": "An action failed",
    "unchecked": "Could not be checked",
}
STATUSES = {
    "supported": "Supported",
    "unsupported": "Not supported",
    "contradicted": "Contradicted",
    "unchecked": "Not checked",
}


def render(template: str, **given: Any) -> bytes:
    """A page. What can't be encoded, such as half of a surrogate pair, becomes "?"."""
    return _environment().get_template(template).render(**given).encode("utf-8", "replace")


def web_link(url: str | None) -> str | None:
    """The URL if it leads to a web page, else None: `javascript:` and its like are no links."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def moment(at: datetime) -> str:
    """A time, UTC."""
    return f"{at:%-d %b %Y, %H:%M}" if at.year != now().year else f"{at:%-d %b, %H:%M}"


def percent(share: float | None) -> str:
    """A share of 0 to 1 with as many digits as tell something."""
    if share is None:
        return "–"
    return f"{share:.0%}" if share == 0 or share >= 0.1 else f"{share:.1%}"


def milliseconds(value: float | None) -> str:
    """A time, in seconds from one second on."""
    if value is None:
        return "–"
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "web_link": web_link, "moment": moment, "percent": percent, "ms": milliseconds,
    }  # fmt: skip
    environment.globals |= {"ACTIONS": ACTIONS, "CAUSES": CAUSES, "STATUSES": STATUSES}
    return environment

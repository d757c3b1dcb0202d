"""Markdown with front matter."""

import re
from typing import Any

import yaml

from retrieval.clean import clean_markdown
from retrieval.errors import SourceError
from retrieval.formats.page import Page, one_line, page_from
from retrieval.formats.text import decode

MAX_FRONT_MATTER = 64_000  # characters
_FRONT = re.compile(r"\s*---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_UNCLOSED = re.compile(r"\s*---[ \t]*\n[A-Za-z_][\w-]*:(?:\s|$)")
_FENCE = re.compile(r"\s*(?:[-\d.)]+ )?(`{3,}|~{3,})")
_NOTHING = ("", "~", "null", "Null", "NULL")


class _Loader(yaml.BaseLoader):
    """YAML whose scalars stay as they are written (`id: 007`), without aliases."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuses aliases, which can blow up a small file."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not allowed")
        return super().compose_node(parent, index)


def read_markdown(data: bytes) -> Page:
    """Reads Markdown; the title falls back to the first heading.

    Raises:
        SourceError: not readable, empty, or a draft.
    """
    fields, body = split_front_matter(decode(data))
    if fields.pop("draft", "false").lower() in ("true", "yes", "on", "1"):
        raise SourceError("draft")
    text = clean_markdown(body)
    return page_from(fields, text=text, title=first_heading(text))


def split_front_matter(text: str) -> tuple[dict[str, str], str]:
    """Takes front matter off a text; lists in it are joined with a comma.

    Raises:
        SourceError: front matter that isn't YAML, or that never ends.
    """
    match = _FRONT.match(text)
    if not match:
        if _UNCLOSED.match(text):
            raise SourceError("front matter is opened with --- and never closed")
        return {}, text
    try:
        loaded = _load(match[1])
    except yaml.YAMLError as error:
        raise SourceError(f"front matter is not YAML: {_where(error)}") from None
    if not isinstance(loaded, dict):
        return {}, text[match.end() :] if not loaded else text
    fields = {str(key): _said(value).strip() for key, value in loaded.items()}
    return {k: v for k, v in fields.items() if v not in _NOTHING}, text[match.end() :]


def first_heading(text: str) -> str | None:
    """The first heading of cleaned Markdown, none that is in code."""
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif not fence and re.match(r"#{1,6} \S", line):
            return one_line(line.lstrip("#"))
    return None


def _load(front: str) -> object:
    if len(front) > MAX_FRONT_MATTER:
        raise yaml.YAMLError(f"longer than {MAX_FRONT_MATTER} characters")
    try:
        return yaml.load(front, Loader=_Loader)
    except (RecursionError, ValueError, TypeError) as error:
        raise yaml.YAMLError(str(error) or "nested too deep") from None


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_said(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_said(item)}" for key, item in value.items())
    return str(value)


def _where(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        # The mark counts from 0 and from the line after the opening ---.
        return f"{error.problem or error.context}, line {error.problem_mark.line + 2}"
    return one_line(str(error))

"""The widget's files: one script out of its modules, and its texts by language.

The modules are plain ES modules, joined here without a build step: each becomes a function that
returns what it exports, in the order of their imports, with texts and styles put in as strings.
"""

import gzip
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import Response

from bot.service.problems import ProblemError

FOLDER = Path(__file__).parents[1] / "widget"
ENTRY = "main"
A_YEAR = "public, max-age=31536000, immutable"
TEN_MINUTES = "public, max-age=600, stale-while-revalidate=86400"
_IMPORT = re.compile(r'^import (?:\{ ([\w, ]+) \}|(\w+)) from "\./([\w./-]+)"(?: with .+)?;$', re.M)
_EXPORT = re.compile(r"^export ((?:async )?(?:function\*?|class|const) (\w+))", re.M)

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file as it is sent, plain and packed."""

    body: bytes
    packed: bytes
    media_type: str


@router.get("/widget.js")
async def script(
    v: str = "",
    if_none_match: Annotated[str, Header()] = "",
    accept_encoding: Annotated[str, Header()] = "",
) -> Response:
    """The widget; with `?v=VERSION` it may be kept for good."""
    return _sent(widget_script(), v, if_none_match, accept_encoding)


@router.get("/widget/texts/{language}.json")
async def texts(
    language: str,
    v: str = "",
    if_none_match: Annotated[str, Header()] = "",
    accept_encoding: Annotated[str, Header()] = "",
) -> Response:
    """The widget's words in a language."""
    if language not in languages():
        known = ", ".join(languages())
        raise ProblemError(404, "unknown-language", f"There are texts in: {known}.")
    return _sent(widget_texts(language), v, if_none_match, accept_encoding)


def languages() -> tuple[str, ...]:
    """The languages that there are texts for."""
    return tuple(sorted(path.stem for path in (FOLDER / "texts").glob("*.json")))


@lru_cache(maxsize=1)
def version() -> str:
    """Changes with any of the widget's files: the start of their SHA-256."""
    files = sorted(path for path in FOLDER.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


@lru_cache(maxsize=1)
def widget_script() -> Asset:
    """The script, joined once a process."""
    return _asset(bundle(FOLDER, version()), "text/javascript")


@lru_cache(maxsize=16)
def widget_texts(language: str) -> Asset:
    """The texts of a language that there is."""
    text = (FOLDER / "texts" / f"{language}.json").read_text(encoding="utf-8")
    return _asset(text, "application/json")


def bundle(folder: Path, version: str) -> str:
    """Joins the modules of a folder into one script, starting at `main.js`.

    They are given the version as `VERSION`.

    Raises:
        ValueError: Modules import each other in a circle.
    """
    parts: dict[str, str] = {}
    _add(folder, f"{ENTRY}.js", parts, ())
    head = ["(() => {", '"use strict";', f'const VERSION = "{version}";']
    return "\n".join([*head, *parts.values(), "})();", ""])


def _add(folder: Path, name: str, parts: dict[str, str], above: tuple[str, ...]) -> None:
    if name in above:
        raise ValueError(f"the widget's modules import each other: {' -> '.join((*above, name))}")
    if name in parts:
        return
    text = (folder / name).read_text(encoding="utf-8")
    for found in _IMPORT.finditer(text):
        _add(folder, found[3], parts, (*above, name))
    parts[name] = f"const {_name(name)} = {_VALUES[Path(name).suffix](text)};"


def _module(text: str) -> str:
    exported = ", ".join(found[2] for found in _EXPORT.finditer(text))
    text = _IMPORT.sub(lambda m: f"const {_taken(m)} = {_name(m[3])};", text)
    text = _EXPORT.sub(lambda m: m[1], text)
    return f"(() => {{\n{text}return {{ {exported} }};\n}})()"


def _style(text: str) -> str:
    sheet = "const made = new CSSStyleSheet();"
    return f"(() => {{\n{sheet}\nmade.replaceSync({json.dumps(text)});\nreturn made;\n}})()"


_VALUES: dict[str, Callable[[str], str]] = {".js": _module, ".css": _style, ".json": str.strip}


def _taken(found: re.Match[str]) -> str:
    return f"{{ {found[1]} }}" if found[1] else found[2]


def _name(path: str) -> str:
    return "$" + re.sub(r"\W", "_", path.removesuffix(".js"))


def _asset(text: str, media_type: str) -> Asset:
    body = text.encode()
    return Asset(body=body, packed=gzip.compress(body, 9, mtime=0), media_type=media_type)


def _sent(asset: Asset, asked: str, known: str, encodings: str) -> Response:
    packed = "gzip" in encodings
    tag = f'"{version()}{"-gz" if packed else ""}"'
    headers = {
        "ETag": tag,
        "Cache-Control": A_YEAR if asked == version() else TEN_MINUTES,
        "Vary": "Accept-Encoding",
        "Access-Control-Allow-Origin": "*",  # public files; lets pages pin the script's hash
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if tag in (each.strip().removeprefix("W/") for each in known.split(",")):
        return Response(status_code=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(
        asset.packed if packed else asset.body, headers=headers, media_type=asset.media_type
    )

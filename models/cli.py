"""The commands `truepenny models list | fetch | verify`."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table

from models.config import ModelsConfig, section
from models.store import Store
from models.terminal import explained, out

app = typer.Typer(
    name="models", help="The weights: their pins, where they lie.", no_args_is_help=True
)
console = Console(stderr=True)

NAMES = ("embedder", "generator", "encoders")

Config = Annotated[Path | None, typer.Option("--config", help="truepenny.toml")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Names = Annotated[list[str] | None, typer.Argument(help=f"Of {', '.join(NAMES)}; all if none.")]


@app.command("list")
@explained
def list_(config: Config = None, as_json: Json = False) -> None:
    """Lists the models: what they are, their pins, where they lie and in what state."""
    settings = section(config, "models", ModelsConfig)
    rows = _rows(settings)
    if as_json:
        return out({"cache": str(Store.of(settings).root), "models": rows})
    table = Table("name", "what", "source", "pin", "where", "MB", "state")
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        size = "" if row["bytes"] is None else f"{row['bytes'] / 1e6:.0f}"
        pin = (row["pin"] or "").split("sha256:")[0] + (row["pin"] or "").partition("sha256:")[2][
            :8
        ]
        cells = [
            row["name"],
            row["what"],
            row["source"],
            pin,
            row["path"] or "",
            size,
            row["state"],
        ]
        table.add_row(*cells)
    return console.print(table)


@app.command()
@explained
def fetch(names: Names = None, config: Config = None, as_json: Json = False) -> None:
    """Fetches, converts and exports what serving needs; repairs what is damaged."""
    wanted = _wanted(names)
    settings = section(config, "models", ModelsConfig)
    with _log_to_console():
        _discard_damaged(settings, wanted)
        done = [_fetch(name, settings) for name in wanted]
    if as_json:
        return out({"fetched": done})
    for row in done:
        for path in row["paths"]:
            console.print(f"{row['name']}: {path} ({row['seconds']} s)", soft_wrap=True)
    return None


@app.command()
@explained
def verify(names: Names = None, config: Config = None, as_json: Json = False) -> None:
    """Compares every file in the cache with the hash it had when it was made."""
    wanted = _wanted(names)
    checked = _verify(section(config, "models", ModelsConfig), wanted)
    healthy = bool(checked) and not any(row["problems"] for row in checked)
    if as_json:
        out({"ok": healthy, "checked": checked})
    else:
        for row in checked:
            state = "; ".join(row["problems"]) or "fine"
            console.print(f"{row['name']}: {row['path']}: {state}", soft_wrap=True)
        if not checked:
            console.print("no model is there to verify; run `truepenny models fetch`")
    if not healthy:
        raise typer.Exit(1)


def _rows(config: ModelsConfig) -> list[dict[str, Any]]:
    """One row for each configured model, then one for each other folder of the store."""
    from models.resolve import artefacts

    store, rows, seen = Store.of(config), [], set()
    for item in artefacts(config):
        state = _state(store, item.folder, item.managed)
        seen.add(item.folder)
        row = {"name": item.name, "what": item.what, "source": item.source, "pin": item.pin}
        rows.append({**row, **_place(item.folder), "state": state})
    for folder in store.folders():
        if folder not in seen:
            row = {"name": folder.name.split("-")[0], "what": folder.name, "source": "built"}
            place = {**row, "pin": None, **_place(folder)}
            rows.append({**place, "state": _state(store, folder, True)})
    return rows


def _place(folder: Path | None) -> dict[str, Any]:
    if folder is None or not folder.is_dir():
        return {"path": str(folder) if folder else None, "bytes": None}
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {"path": str(folder), "bytes": size}


def _state(store: Store, folder: Path | None, managed: bool) -> str:
    if folder is None or not folder.is_dir():
        return "absent"
    if not managed:
        return "yours"
    return "damaged" if store.check(folder) else "ready"


def _verify(config: ModelsConfig, wanted: list[str]) -> list[dict[str, Any]]:
    store = Store.of(config)
    found = [folder for folder in store.folders() if _name(folder) in wanted]
    return [
        {"name": _name(folder), "path": str(folder), "problems": store.verify(folder)}
        for folder in found
    ]


def _name(folder: Path) -> str:
    """What isn't the embedder's or the generator's own folder was exported for the encoders."""
    prefix = folder.name.split("-")[0]
    return prefix if prefix in NAMES and "-onnx-" not in folder.name else "encoders"


def _discard_damaged(config: ModelsConfig, wanted: list[str]) -> None:
    for row in _verify(config, wanted):
        if row["problems"]:
            console.print(f"{row['path']}: {row['problems'][0]}; making it anew", soft_wrap=True)
            Store.of(config).discard(Path(row["path"]).name)


def _fetch(name: str, config: ModelsConfig) -> dict[str, Any]:
    from models import resolve

    started = time.perf_counter()
    if name == "embedder":
        paths = [resolve.embedder_folder(config)]
    elif name == "generator":
        paths = [resolve.generator_folder(config)]
    else:
        paths = _build_encoders(config)
    seconds = round(time.perf_counter() - started, 1)
    return {"name": name, "paths": [str(path) for path in paths], "seconds": seconds}


def _build_encoders(config: ModelsConfig) -> list[Path]:
    """The ONNX exports of the embedder and the cross-encoder, where that room is there."""
    import importlib

    try:
        encoder = importlib.import_module("models.encoder")
    except ModuleNotFoundError as error:
        if error.name != "models.encoder":
            raise
        return []
    build_all = getattr(encoder, "build_all", None)
    return list(build_all(config)) if build_all else []


def _wanted(names: list[str] | None) -> list[str]:
    for name in names or []:
        if name not in NAMES:
            raise typer.BadParameter(f"{name!r} is no model; there are: {', '.join(NAMES)}")
    return list(dict.fromkeys(names or NAMES))


@contextmanager
def _log_to_console() -> Iterator[None]:
    log = logging.getLogger("truepenny.models")
    handler = RichHandler(console=console, show_path=False)
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)

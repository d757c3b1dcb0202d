"""The registry of adapters: numbered versions of each name, of which one serves.

    ROOT/NAME/CURRENT          the number of the version that serves
    ROOT/NAME/HISTORY.jsonl    who let which version serve, when and why
    ROOT/NAME/3/               an adapter's folder, and entry.json

A version is written whole or not at all and never changed; CURRENT is replaced in one step, so a
service that reads it sees the old version or the new one.
"""

import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.config import ModelsConfig
from models.errors import ModelDamaged, ModelError, ModelMissing
from models.store import sha256

CURRENT, HISTORY, ENTRY = "CURRENT", "HISTORY.jsonl", "entry.json"
LEFT_OUT = ("checkpoint.pt", "best.pt", "drafts.jsonl", "merged", "logs")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A version of an adapter: what it is for, how good it was, who let it in and why.

    `base` is the base model's name and weights digest; `files` are the SHA-256 of each file.
    """

    name: str
    version: int
    task: str
    base: Mapping[str, str]
    files: Mapping[str, str]
    metrics: Mapping[str, Any]
    by: str
    why: str
    at: str


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry's folder. Safe for many processes at once."""

    root: Path

    @classmethod
    def of(cls, config: ModelsConfig) -> "Registry":
        """The registry that the configuration names."""
        return cls(Path(config.adapters).expanduser().absolute())

    def promote(
        self, name: str, adapter: Path, *, metrics: Mapping[str, Any], by: str, why: str
    ) -> Entry:
        """Copies an adapter's folder in as the next version and lets it serve.

        Raises:
            ModelMissing: The folder holds no adapter.
            ModelError: The name can't be used, or the registry can't be written.
        """
        if not (adapter / "adapter_config.json").is_file():
            raise ModelMissing(f"{adapter} holds no adapter: expected adapter_config.json in it")
        with self._writing(name) as folder:
            version = max(self.versions(name), default=0) + 1
            temporary = folder / f".{uuid.uuid4().hex}.tmp"
            try:
                _copy(adapter, temporary)
                entry = _entry(name, version, temporary, metrics, by, why)
                _write(temporary / ENTRY, json.dumps(asdict(entry), indent=1) + "\n")
                temporary.rename(folder / str(version))
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
            self._serve(folder, version, by, why)
        return entry

    def rollback(self, name: str, *, by: str, why: str, to: int | None = None) -> Entry:
        """Lets an earlier version serve again; by default the one that served before.

        Raises:
            ModelMissing: There is no such version, or none served before.
            ModelDamaged: Its files have changed.
        """
        self._served(name)
        with self._writing(name) as folder:
            target = to or self._before(name)
            entry = self.entry(name, target)
            self.check(entry)
            self._serve(folder, target, by, why)
        return entry

    def names(self) -> list[str]:
        """All names that have a version."""
        found = sorted(self.root.iterdir()) if self.root.is_dir() else []
        return [
            path.name for path in found if _NAME.fullmatch(path.name) and (path / CURRENT).is_file()
        ]

    def versions(self, name: str) -> list[int]:
        """The versions of a name, ascending."""
        folder = self.root / name
        found = folder.iterdir() if folder.is_dir() else ()
        return sorted(int(path.name) for path in found if path.name.isdecimal())

    def current(self, name: str) -> int | None:
        """The version that serves; None if there is none."""
        try:
            return int((self.root / name / CURRENT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def entry(self, name: str, version: int) -> Entry:
        """What is known of a version.

        Raises:
            ModelMissing: There is no such version.
        """
        try:
            text = (self.folder(name, version) / ENTRY).read_text(encoding="utf-8")
            return Entry(**json.loads(text))
        except (OSError, ValueError, TypeError):
            known = ", ".join(map(str, self.versions(name))) or "none"
            raise ModelMissing(
                f"the registry {self.root} has no version {version} of {name!r}; it has {known}"
            ) from None

    def folder(self, name: str, version: int) -> Path:
        """Where a version lies."""
        return self.root / name / str(version)

    def history(self, name: str) -> list[dict[str, Any]]:
        """Every change of the version that serves, oldest first."""
        path = self.root / name / HISTORY
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        return [json.loads(line) for line in lines]

    def serving(self, name: str) -> Path:
        """The folder of the version that serves, its files checked.

        Raises:
            ModelMissing: None serves.
            ModelDamaged: Its files have changed since it was let in.
        """
        version = self._served(name)
        self.check(self.entry(name, version))
        return self.folder(name, version)

    def check(self, entry: Entry) -> None:
        """Compares every file with its hash.

        Raises:
            ModelDamaged: One has changed or is gone.
        """
        folder = self.folder(entry.name, entry.version)
        for name, expected in entry.files.items():
            path = folder / name
            if not path.is_file() or sha256(path) != expected:
                raise ModelDamaged(
                    f"{path} isn't what was let into the registry; go back with `truepenny "
                    f"adapters rollback {entry.name}`"
                )

    def _served(self, name: str) -> int:
        version = self.current(name)
        if version is None:
            known = ", ".join(self.names()) or "none"
            raise ModelMissing(
                f"the registry {self.root} has no adapter {name!r} (it has {known}); let one in "
                "with `truepenny adapters promote`"
            )
        return version

    def _before(self, name: str) -> int:
        now = self.current(name)
        earlier = [row["version"] for row in self.history(name) if row["version"] != now]
        if not earlier:
            raise ModelMissing(f"no other version of {name!r} has served before version {now}")
        return int(earlier[-1])

    def _serve(self, folder: Path, version: int, by: str, why: str) -> None:
        row = {"version": version, "by": by, "why": why, "at": _now()}
        with (folder / HISTORY).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
            lines.flush()
            os.fsync(lines.fileno())
        temporary = folder / f".{CURRENT}.tmp"
        _write(temporary, f"{version}\n")
        temporary.replace(folder / CURRENT)

    @contextmanager
    def _writing(self, name: str) -> Iterator[Path]:
        from filelock import FileLock

        if not _NAME.fullmatch(name):
            raise ModelError(
                f"an adapter's name has small letters, digits, - and _, and begins with a letter "
                f"or digit; got {name!r}"
            )
        folder = self.root / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / ".lock"):
                yield folder
        except OSError as error:
            raise ModelError(
                f"the registry {self.root} can't be written ({error}); the version that served "
                "before goes on serving"
            ) from error


def _entry(
    name: str, version: int, folder: Path, metrics: Mapping[str, Any], by: str, why: str
) -> Entry:
    path = folder / "summary.json"
    summary = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    files = {p.relative_to(folder).as_posix(): sha256(p) for p in _files(folder)}
    return Entry(
        name=name, version=version, task=summary.get("task", ""), base=summary.get("base", {}),
        files=files, metrics=metrics, by=by, why=why, at=_now(),
    )  # fmt: skip


def _copy(adapter: Path, target: Path) -> None:
    shutil.copytree(adapter, target, ignore=shutil.ignore_patterns(*LEFT_OUT, "*.tmp"))
    for path in _files(target):
        _sync(path)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

"""The model cache: folders that are published whole or not at all, each with a manifest."""

import errno
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.config import ModelsConfig
from models.errors import ModelError

log = logging.getLogger("truepenny.models")

MANIFEST = "truepenny-manifest.json"
Build = Callable[[Path], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Store:
    """The cache folder. Safe for many threads and processes at once."""

    root: Path

    @classmethod
    def of(cls, config: ModelsConfig) -> "Store":
        """The store that the configuration names; by default the user's cache folder."""
        if config.cache:
            return cls(Path(config.cache).expanduser().absolute())
        from platformdirs import user_cache_path

        return cls(user_cache_path("truepenny"))

    def publish(self, folder_name: str, build: Build) -> Path:
        """Returns the folder of that name, building it first unless it is there and whole.

        Args:
            folder_name: One path component; it should name the content (a version, a hash).
            build: Fills an empty folder; the facts it returns are kept in the manifest.
                It runs in one process at a time, and nothing of a failed build remains.

        Raises:
            ModelError: The disk is full or the cache can't be written.
        """
        target = self.root / folder_name
        if not self.check(target):
            return target
        with self._locked(folder_name):
            problems = self.check(target)
            if problems:
                if target.exists():
                    log.warning("%s is damaged (%s); building it again", target, problems[0])
                self._build(target, build)
        return target

    def check(self, folder: Path) -> list[str]:
        """The quick check, fit for every use: the manifest is there and all sizes agree."""
        manifest = _read_manifest(folder)
        if manifest is None:
            return [f"{folder} has no readable {MANIFEST}"]
        problems = []
        for name, entry in manifest["files"].items():
            try:
                size = (folder / name).stat().st_size
            except OSError:
                problems.append(f"{name} is missing")
                continue
            if size != entry["size"]:
                problems.append(f"{name} has {size} bytes, expected {entry['size']}")
        return problems

    def verify(self, folder: Path) -> list[str]:
        """The full check: every file's SHA-256 too. An empty list means the folder is whole."""
        problems = self.check(folder)
        if problems:
            return problems
        manifest = _read_manifest(folder)
        assert manifest is not None
        for name, entry in manifest["files"].items():
            got = sha256(folder / name)
            if got != entry["sha256"]:
                problems.append(f"{name} has SHA-256 {got}, expected {entry['sha256']}")
        return problems

    def facts(self, folder: Path) -> dict[str, Any]:
        """What the build told of itself; empty when there is no manifest."""
        return dict((_read_manifest(folder) or {}).get("facts", {}))

    def discard(self, folder_name: str) -> None:
        """Deletes a folder, so that the next use builds it again."""
        with self._locked(folder_name):
            shutil.rmtree(self.root / folder_name, ignore_errors=True)

    def folders(self) -> list[Path]:
        """All published folders, whole or damaged, by name."""
        if not self.root.is_dir():
            return []
        return sorted(path.parent for path in self.root.glob(f"*/{MANIFEST}"))

    def _build(self, target: Path, build: Build) -> None:
        for leftover in self.root.glob(f".{target.name}.tmp-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        temporary = self.root / f".{target.name}.tmp-{os.getpid()}"
        try:
            with _disk_full_is_an_error(self.root, target.name):
                temporary.mkdir()
                facts = build(temporary)
                _write_manifest(temporary, dict(facts or {}))
                if target.exists():
                    shutil.rmtree(target)
                temporary.rename(target)
                _sync(self.root)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    @contextmanager
    def _locked(self, folder_name: str) -> Iterator[None]:
        from filelock import FileLock, Timeout

        if Path(folder_name).name != folder_name or folder_name.startswith("."):
            raise ValueError(f"a folder name must be one plain path component, got {folder_name!r}")
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.root / f".{folder_name}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                log.info("waiting for another process that builds %s", folder_name)
                lock.acquire()
        except OSError as error:
            raise ModelError(
                f"the model cache {self.root} can't be written ({error.strerror}); set cache in "
                "[models] of truepenny.toml, or TRUEPENNY_MODELS_CACHE, to a folder that can"
            ) from error
        try:
            yield
        finally:
            lock.release()


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)


def _write_manifest(folder: Path, facts: dict[str, Any]) -> None:
    files = {}
    for path in _files(folder):
        _sync(path)
        entry = {"size": path.stat().st_size, "sha256": sha256(path)}
        files[path.relative_to(folder).as_posix()] = entry
    if not files:
        raise ModelError(f"the build of {folder.name} wrote no file")
    manifest = folder / MANIFEST
    text = json.dumps({"format": 1, "facts": facts, "files": files}, indent=1)
    manifest.write_text(text, encoding="utf-8")
    _sync(manifest)
    for path in [*(path for path in folder.rglob("*") if path.is_dir()), folder]:
        _sync(path)


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    try:
        data = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(data, dict) and data.get("format") == 1
    return data if whole and isinstance(data.get("files"), dict) else None


def _sync(path: Path) -> None:
    """Makes sure that the file or folder survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _disk_full_is_an_error(root: Path, name: str) -> Iterator[None]:
    """The libraries below wrap ENOSPC in errors of their own, so the text is looked at too."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        if full or os.strerror(errno.ENOSPC) in str(error):
            free = shutil.disk_usage(root).free / 1e6
            raise ModelError(
                f"the disk is full: {name} could not be built in {root} ({free:.0f} MB free); "
                "make room (about 2 GB for all models) or set another cache in [models]"
            ) from error
        raise

"""Finds the files of a source and reads their bytes, without leaving the source."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import SourceError

MAX_BYTES = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of a source.

    `key` is its path inside the source, with `/` and without suffix; `named` is whether the file
    is the source itself; `reason` is why it can't be read, if that is known already.
    """

    path: Path
    key: str
    named: bool = False
    reason: str = ""


def find_files(source: Path) -> list[File]:
    """All files of a source in sorted order, hidden ones left out.

    Raises:
        SourceError: the source doesn't exist.
    """
    if source.is_dir():
        return sorted(_walk(source), key=lambda file: file.path.parts)
    if not source.exists():
        raise SourceError(f"no such file or folder: {shown(source)}")
    return [File(path=source, key=source.stem, named=True)]


def read_bytes(file: File) -> bytes:
    """Reads a whole file.

    Raises:
        SourceError: not a regular file, not readable, empty, or larger than `MAX_BYTES`.
    """
    if file.reason:
        raise SourceError(file.reason)
    try:
        if not stat.S_ISREG(file.path.stat().st_mode):
            raise SourceError("not a regular file")
        with file.path.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise SourceError(f"can't be read: {error.strerror or error}") from None
    if not data:
        raise SourceError("no text (the file is empty)")
    if len(data) > MAX_BYTES:
        raise SourceError(f"larger than {MAX_BYTES // 1_000_000} MB")
    return data


def shown(path: Path) -> str:
    """The path as text that any encoding of the output can hold."""
    return os.fspath(path).encode("utf-8", "backslashreplace").decode()


def _walk(source: Path) -> Iterator[File]:
    root = source.resolve()
    unreadable: list[OSError] = []
    for folder, folders, names in os.walk(source, onerror=unreadable.append):
        here = Path(folder)
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if (here / name).is_symlink()]
        for name in [*names, *links]:
            if not name.startswith("."):
                yield _file(here / name, source, root)
    for error in unreadable:
        path = Path(error.filename)
        yield File(path=path, key=path.name, reason=f"can't be read: {error.strerror}")


def _file(path: Path, source: Path, root: Path) -> File:
    relative = path.relative_to(source)
    return File(path=path, key=relative.with_suffix("").as_posix(), reason=_objection(path, root))


def _objection(path: Path, root: Path) -> str:
    if shown(path) != os.fspath(path):
        return "a file name that is not UTF-8"
    if not path.is_symlink():
        return ""
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return "a broken symbolic link"
    if not target.is_relative_to(root):
        return "a symbolic link that leaves the folder"
    return "a symbolic link to a folder" if target.is_dir() else ""

"""Debian's PostgreSQL in a folder of its own, on loopback, as a user who isn't root."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """A fresh server; gives the URL of its database."""
    home = Path(tempfile.mkdtemp(prefix="truepenny-postgres-"))
    user = _unprivileged(home)
    data, port = home / "data", _free_port()
    try:
        initdb = ["initdb", "-D", data, "-U", "truepenny", "-A", "trust", "-E", "UTF8"]
        _run(folder, user, *initdb, "--locale=C", "--no-sync")
        options = f"-p {port} -h 127.0.0.1 -k {home} -c fsync=off -c max_connections=60"
        _run(folder, user, "pg_ctl", "-D", data, "-w", "-l", home / "log", "-o", options, "start")
        try:
            yield f"postgresql://truepenny@127.0.0.1:{port}/postgres"
        finally:
            _run(folder, user, "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home)


def _unprivileged(home: Path) -> dict[str, Any]:
    if os.getuid() != 0:
        return {}
    shutil.chown(home, "nobody", "nogroup")
    return {"user": "nobody", "group": "nogroup", "extra_groups": []}


def _run(folder: Path, user: dict[str, Any], program: str, *arguments: object) -> None:
    command = [str(folder / program), *map(str, arguments)]
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", timeout=60, **user
    )
    assert done.returncode == 0, done.stderr.decode()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])

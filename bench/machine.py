"""Where and with what a measurement was made."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "truepenny", "torch", "transformers", "sentence-transformers", "onnxruntime",
    "onnxruntime-genai", "faiss-cpu", "bm25s", "numpy",
)  # fmt: skip


def about() -> dict[str, Any]:
    """The machine, how busy it was at the start, versions, commit and date."""
    import psutil  # type: ignore[import-untyped]

    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_1_min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
        "commit": _commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def line(found: dict[str, Any]) -> str:
    """The same, on one line for people."""
    return (
        f"{found['cpu']}, {found['cores']} cores, {found['memory_gb']} GB, "
        f"load {found['load_1_min']}; commit {found['commit']}; {found['date']}"
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (row.partition(":")[2].strip() for row in lines if row.startswith("model name"))
    return next(names, platform.machine())


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Short hash, with a plus where the working tree differs from it."""

    def git(*words: str) -> str | None:
        done = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), *words],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout.strip() if done.returncode == 0 else None

    try:
        found = git("rev-parse", "--short", "HEAD")
        return f"{found}+" if found and git("status", "--porcelain") else found
    except OSError:
        return None

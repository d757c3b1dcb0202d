"""Reads rows for a test, as a file of that name would be read."""

import tempfile
from pathlib import Path

from evaluation import inputs


def read(name: str, content: str | bytes) -> list[inputs.Line]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return inputs.load(path)

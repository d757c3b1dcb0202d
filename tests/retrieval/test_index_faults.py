"""What stops a build on its way leaves the old index as it was."""

import errno
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from retrieval.errors import RetrievalError
from retrieval.index import build, open_index
from tests.fakes import FakeEmbedder
from tests.retrieval.test_index import DELIVERY, RETURNS, make

CHANGED = replace(RETURNS, text="All is other now, in every word.")


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if "tmp" in path.name]


def assert_serves_old(folder: Path, version: str) -> None:
    index = open_index(folder, "fake")
    assert index.version == version
    assert index.passages[0].text == RETURNS.text
    assert index.passage_vectors.ntotal == 2
    assert index.lexical.scores("soap").any()


def _full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def _faiss_full(*_: Any, **__: Any) -> None:
    raise RuntimeError("Error in write: could not write: No space left on device")


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("faiss.write_index", _full),
        ("faiss.write_index", _faiss_full),
        ("retrieval.lexical.Lexical.save", _full),
        ("retrieval.index._sync", _full),
        ("pathlib.Path.write_text", _full),
        ("pathlib.Path.mkdir", _full),
    ],
)
def test_a_full_disk_leaves_the_old_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, fault: Any
) -> None:
    before = make(tmp_path)
    with monkeypatch.context() as patch:
        if target.endswith("mkdir"):  # only where the new version is made
            mkdir = Path.mkdir
            patch.setattr(
                Path,
                "mkdir",
                lambda p, *a, **k: fault() if ".tmp-" in p.name else mkdir(p, *a, **k),
            )
        else:
            patch.setattr(target, fault)
        with pytest.raises(RetrievalError, match=r"full.*old one still serves.*free some space"):
            make(tmp_path, CHANGED)
    assert leftovers(tmp_path) == []
    assert_serves_old(tmp_path, before.version)
    assert make(tmp_path, CHANGED).passages == 1


def test_another_error_while_writing_is_not_called_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = make(tmp_path)

    def denied(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("faiss.write_index", denied)
        with pytest.raises((PermissionError, RetrievalError), match="Permission denied"):
            make(tmp_path, CHANGED)
    assert leftovers(tmp_path) == []
    assert_serves_old(tmp_path, before.version)


@pytest.mark.parametrize("fault", [RuntimeError("the model fails"), KeyboardInterrupt()])
def test_an_embedder_that_fails_leaves_the_old_index(tmp_path: Path, fault: Exception) -> None:
    before = make(tmp_path)
    with pytest.raises(type(fault)):
        make(tmp_path, CHANGED, embedder=FakeEmbedder(fails=fault))
    assert leftovers(tmp_path) == []
    assert_serves_old(tmp_path, before.version)


@pytest.mark.parametrize(("stage", "seconds"), [("embedding", "60"), ("writing", "0")])
def test_a_killed_build_changes_nothing(tmp_path: Path, stage: str, seconds: str) -> None:
    before = make(tmp_path)
    command = [sys.executable, "-m", "tests.retrieval.slow_builder", str(tmp_path), seconds]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as builder:
        assert builder.stdout
        for line in builder.stdout:
            if line.strip() == stage:
                break
        with pytest.raises(RetrievalError, match="another process is indexing"):
            make(tmp_path, CHANGED)
        builder.send_signal(signal.SIGKILL)
        assert builder.wait(10) == -signal.SIGKILL
    assert bool(leftovers(tmp_path)) == (stage == "writing")
    assert_serves_old(tmp_path, before.version)
    after = make(tmp_path, CHANGED, DELIVERY)
    assert leftovers(tmp_path) == []
    assert open_index(tmp_path, "fake").version == after.version != before.version
    assert after.passages == 2


def test_two_builders_in_one_process(tmp_path: Path) -> None:
    make(tmp_path)
    inside, leave = threading.Event(), threading.Event()

    class Waiting(FakeEmbedder):
        def embed(self, texts: Any) -> Any:
            inside.set()
            leave.wait(10)
            return super().embed(texts)

    first = threading.Thread(target=build, args=([CHANGED], tmp_path, Waiting()))
    first.start()
    try:
        assert inside.wait(10)
        with pytest.raises(RetrievalError, match=r"another process.*--out"):
            make(tmp_path, DELIVERY)
    finally:
        leave.set()
        first.join(10)
    assert open_index(tmp_path, "fake").passages[0].text == CHANGED.text

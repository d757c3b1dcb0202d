import errno
import json
import multiprocessing
import threading
import time
from pathlib import Path

import pytest

from models.errors import ModelError
from models.store import MANIFEST, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def _build(folder: Path) -> dict[str, int]:
    (folder / "deep").mkdir()
    (folder / "deep" / "weights.bin").write_bytes(b"12345678")
    (folder / "config.json").write_text("{}")
    return {"answer": 42}


def test_publish_builds_once_and_keeps_the_facts(store: Store) -> None:
    calls = []

    def build(folder: Path) -> dict[str, int]:
        calls.append(folder)
        return _build(folder)

    first = store.publish("thing-1", build)
    assert store.publish("thing-1", build) == first == store.root / "thing-1"
    assert len(calls) == 1
    assert store.facts(first) == {"answer": 42}
    assert store.verify(first) == []
    assert store.folders() == [first]


def test_a_build_that_raises_leaves_nothing(store: Store) -> None:
    def build(folder: Path) -> None:
        (folder / "half.bin").write_bytes(b"half")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        store.publish("thing-1", build)
    assert [path.name for path in store.root.iterdir()] == [".thing-1.lock"]


def test_an_empty_build_is_not_published(store: Store) -> None:
    with pytest.raises(ModelError, match="wrote no file"):
        store.publish("thing-1", lambda folder: None)
    assert not (store.root / "thing-1").exists()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("SafetensorError: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_a_clear_error(store: Store, error: Exception) -> None:
    def build(folder: Path) -> None:
        (folder / "half.bin").write_bytes(b"half")
        raise error

    with pytest.raises(ModelError, match="the disk is full: thing-1"):
        store.publish("thing-1", build)
    assert [path.name for path in store.root.iterdir()] == [".thing-1.lock"]


def test_leftovers_of_a_killed_build_are_cleaned_up(store: Store) -> None:
    leftover = store.root / ".thing-1.tmp-4711"
    leftover.mkdir(parents=True)
    (leftover / "half.bin").write_bytes(b"half")
    store.publish("thing-1", _build)
    assert not leftover.exists()


def test_check_sees_sizes_and_verify_sees_bits(store: Store) -> None:
    folder = store.publish("thing-1", _build)
    weights = folder / "deep" / "weights.bin"
    weights.write_bytes(b"1234567X")
    assert store.check(folder) == []
    assert "deep/weights.bin has SHA-256" in store.verify(folder)[0]
    weights.write_bytes(b"123")
    assert store.check(folder) == ["deep/weights.bin has 3 bytes, expected 8"]
    weights.unlink()
    assert store.check(folder) == ["deep/weights.bin is missing"]


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2, "files": {}}', '{"format": 1}'])
def test_a_broken_manifest_is_a_problem(store: Store, text: str) -> None:
    folder = store.publish("thing-1", _build)
    (folder / MANIFEST).write_text(text)
    assert "no readable" in store.check(folder)[0]


def test_a_damaged_folder_is_built_again(store: Store) -> None:
    folder = store.publish("thing-1", _build)
    (folder / "config.json").unlink()
    store.publish("thing-1", _build)
    assert store.verify(folder) == []


def test_a_failed_rebuild_does_not_take_the_old_folder_away(store: Store) -> None:
    folder = store.publish("thing-1", _build)
    (folder / "config.json").unlink()

    def build(_: Path) -> None:
        raise ModelError("no network")

    with pytest.raises(ModelError, match="no network"):
        store.publish("thing-1", build)
    assert (folder / "deep" / "weights.bin").exists()


def test_discard_makes_the_next_use_build(store: Store) -> None:
    folder = store.publish("thing-1", _build)
    store.discard("thing-1")
    assert not folder.exists()


@pytest.mark.parametrize("name", ["a/b", "../up", ".hidden"])
def test_a_folder_name_is_one_plain_component(store: Store, name: str) -> None:
    with pytest.raises(ValueError, match="plain path component"):
        store.publish(name, _build)


def test_a_cache_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="TRUEPENNY_MODELS_CACHE"):
        Store(tmp_path / "file" / "cache").publish("thing-1", _build)


def _slow(root: Path) -> None:
    def build(folder: Path) -> dict[str, int]:
        with (root / "log").open("a") as log:
            log.write("built\n")
        time.sleep(0.3)
        return _build(folder)

    Store(root / "cache").publish("thing-1", build)


def test_two_threads_build_once(tmp_path: Path) -> None:
    threads = [threading.Thread(target=_slow, args=(tmp_path,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "log").read_text() == "built\n"


def test_two_processes_build_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_slow, args=(tmp_path,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert (tmp_path / "log").read_text() == "built\n"
    manifest = json.loads((tmp_path / "cache" / "thing-1" / MANIFEST).read_text())
    assert sorted(manifest["files"]) == ["config.json", "deep/weights.bin"]

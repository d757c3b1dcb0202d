import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from models import genai, gguf, resolve
from models.cli import app
from models.config import ModelsConfig
from models.errors import ModelDamaged, ModelError, ModelMissing
from models.store import Store


@pytest.fixture
def config(tmp_path: Path) -> ModelsConfig:
    return ModelsConfig(cache=str(tmp_path / "cache"))


@pytest.fixture
def environment(config: ModelsConfig) -> dict[str, str]:
    return {"TRUEPENNY_MODELS_CACHE": config.cache}


def _fill(config: ModelsConfig) -> list[Path]:
    """Publishes stand-ins for all default models."""

    def build(folder: Path) -> None:
        (folder / "weights.bin").write_bytes(b"12345678")

    managed = [item.folder for item in resolve.artefacts(config) if item.managed]
    return [Store.of(config).publish(folder.name, build) for folder in managed if folder]


def test_a_filled_cache_needs_no_network(config: ModelsConfig) -> None:
    embedder, torch, onnx = _fill(config)
    assert resolve.embedder_folder(config) == embedder
    assert resolve.generator_torch_folder(config) == torch
    assert resolve.generator_folder(config) == onnx


def test_the_export_is_used_without_its_source(config: ModelsConfig) -> None:
    _, torch, onnx = _fill(config)
    Store.of(config).discard(torch.name)
    assert resolve.generator_folder(config) == onnx


def test_own_folders_are_used_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"x")
    config = ModelsConfig(embedder=str(tmp_path), generator=str(tmp_path))
    assert resolve.embedder_folder(config) == tmp_path
    assert resolve.generator_torch_folder(config) == tmp_path
    (tmp_path / genai.CONFIG).write_text("{}")
    assert resolve.generator_folder(config) == tmp_path


def test_an_own_folder_is_exported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "model.safetensors").write_bytes(b"x")
    config = ModelsConfig(cache=str(tmp_path / "cache"), generator=str(tmp_path / "own"))
    calls = []

    def export(source: Path, target: Path, precision: str) -> dict[str, str]:
        calls.append(source)
        (target / genai.CONFIG).write_text("{}")
        return {"precision": precision}

    monkeypatch.setattr(genai, "export", export)
    first = resolve.generator_folder(config, "int4")
    assert resolve.generator_folder(config, "int4") == first
    assert calls == [tmp_path / "own"]
    assert Store.of(config).facts(first) == {"precision": "int4"}


def test_a_failed_self_test_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"x")
    config = ModelsConfig(cache=str(tmp_path / "cache"), generator=str(tmp_path))

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        (Path(command[command.index("-o") + 1]) / genai.CONFIG).write_text("{}")
        return subprocess.CompletedProcess(command, 0, "", "")

    def fail(*_: object) -> None:
        raise ModelDamaged("top-1 agreement 12 %")

    monkeypatch.setattr(genai.subprocess, "run", run)
    monkeypatch.setattr(genai, "self_test", fail)
    with pytest.raises(ModelDamaged, match="12 %"):
        resolve.generator_folder(config)
    assert Store.of(config).folders() == []


def test_a_failed_export_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "Traceback\nNotImplementedError: Foo")

    monkeypatch.setattr(genai.subprocess, "run", run)
    with pytest.raises(ModelError, match="NotImplementedError: Foo"):
        genai.export(tmp_path, tmp_path)


def test_compare_measures_agreement_and_divergence() -> None:
    logits = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    same = genai._compare(np.pad(logits, ((0, 0), (0, 2))), logits)
    assert (same.tokens, same.agreement, same.kl) == (5, 1.0, 0.0)
    other = genai._compare(-logits, logits)
    assert other.agreement < 0.5
    assert other.kl > 0.1


def test_threads_are_as_configured_or_the_cores() -> None:
    assert genai.available_threads(ModelsConfig(threads=3)) == 3
    assert genai.available_threads(ModelsConfig()) >= 1


def test_several_gguf_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").touch()
    assert gguf.find_gguf(tmp_path) == tmp_path / "a.gguf"
    (tmp_path / "b.gguf").touch()
    with pytest.raises(ModelMissing, match=r"a\.gguf, b\.gguf"):
        gguf.find_gguf(tmp_path)
    (tmp_path / "model.safetensors").touch()
    assert gguf.find_gguf(tmp_path) is None


def test_a_broken_gguf_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"GGUF but not really")
    with pytest.raises(ModelDamaged, match="can't be read as GGUF"):
        gguf.convert(tmp_path / "a.gguf", tmp_path / "out")


def test_list_tells_states(config: ModelsConfig, environment: dict[str, str]) -> None:
    result = CliRunner().invoke(app, ["list", "--json"], env=environment)
    assert [row["state"] for row in json.loads(result.stdout)["models"]] == ["absent"] * 3
    embedder, *_ = _fill(config)
    (embedder / "weights.bin").write_bytes(b"1")
    result = CliRunner().invoke(app, ["list", "--json"], env=environment)
    states = [row["state"] for row in json.loads(result.stdout)["models"]]
    assert states == ["damaged", "ready", "ready"]
    result = CliRunner().invoke(app, ["list"], env=environment)
    assert (result.exit_code, result.stdout) == (0, "")


def test_verify_finds_a_damaged_file(config: ModelsConfig, environment: dict[str, str]) -> None:
    folders = _fill(config)
    result = CliRunner().invoke(app, ["verify", "--json"], env=environment)
    assert (result.exit_code, json.loads(result.stdout)["ok"]) == (0, True)
    (folders[1] / "weights.bin").write_bytes(b"1234567X")
    result = CliRunner().invoke(app, ["verify", "--json"], env=environment)
    assert result.exit_code == 1
    problems = [row["problems"] for row in json.loads(result.stdout)["checked"]]
    assert sorted(map(len, problems)) == [0, 0, 1]
    assert CliRunner().invoke(app, ["verify", "embedder"], env=environment).exit_code == 0


def test_verify_of_an_empty_cache_fails(environment: dict[str, str]) -> None:
    assert CliRunner().invoke(app, ["verify"], env=environment).exit_code == 1


def test_fetch_of_a_filled_cache(config: ModelsConfig, environment: dict[str, str]) -> None:
    embedder, _, onnx = _fill(config)
    command = ["fetch", "embedder", "generator", "--json"]
    result = CliRunner().invoke(app, command, env=environment)
    paths = [row["paths"] for row in json.loads(result.stdout)["fetched"]]
    assert paths == [[str(embedder)], [str(onnx)]]


def test_fetch_of_what_is_not_there_fails(tmp_path: Path) -> None:
    environment = {"TRUEPENNY_MODELS_EMBEDDER": str(tmp_path / "no")}
    assert CliRunner().invoke(app, ["fetch", "embedder"], env=environment).exit_code == 1


@pytest.mark.parametrize("command", [["fetch", "verifer"], ["verify", "x"], ["nothing"]])
def test_wrong_use(command: list[str]) -> None:
    assert CliRunner().invoke(app, command).exit_code == 2


def test_a_wrong_configuration_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text("[models]\ncash = 1\n")
    result = CliRunner().invoke(app, ["list", "--config", str(tmp_path / "t.toml")])
    assert result.exit_code == 2
    assert "did you mean 'cache'" in result.stderr


def test_nothing_heavy_is_imported() -> None:
    heavy = "('torch', 'transformers', 'faiss', 'onnxruntime', 'onnxruntime_genai')"
    code = "import sys, models.cli, models.resolve, models.genai, models.gguf, bot.generator\n"
    code += f"sys.exit(','.join(name for name in {heavy} if name in sys.modules) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

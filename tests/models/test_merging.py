"""An adapter merged into its base: the same model, one folder, and no other adapter's."""

import json
from pathlib import Path
from typing import Any

import pytest

from models import resolve
from models.config import ModelsConfig
from models.errors import ModelDamaged, ModelError, ModelMissing
from models.merging import merge, weights_digest
from tests.finetune import tiny_families
from tests.models import tiny, tiny_bert

pytestmark = tiny_bert.PEFT_WARNS


def adapter(base: Path, out: Path, method: str = "lora", seed: int = 0, **changes: Any) -> Path:
    """A random adapter of a folder's model, as `train generator` leaves it."""
    import torch

    from finetune import bases, methods
    from finetune.config import FinetuneConfig

    config = FinetuneConfig(**{"method": method, "rank": 4, **changes})
    model = methods.apply(bases.causal(base)[0], config, causal=True)
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight) * 0.05)
    methods.save(model, out)
    summary = {"base": {"name": base.name, "digest": weights_digest(base)}}
    (out / "summary.json").write_text(json.dumps(summary))
    return out


def logits(model: Any) -> Any:
    import torch

    with torch.no_grad():
        return model(input_ids=torch.arange(5, 40)[None]).logits


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("llama"))


@pytest.mark.parametrize("dora", [False, True])
def test_merged_is_base_and_adapter(base: Path, tmp_path: Path, dora: bool) -> None:
    from finetune import bases, methods

    folder = adapter(base, tmp_path / "adapter", dora=dora)
    facts = merge(base, folder, tmp_path / "merged")
    assert facts["divergence"] < 1e-4
    wanted = logits(methods.load(bases.causal(base)[0], folder).eval())
    got = logits(bases.causal(tmp_path / "merged")[0].eval())
    assert (got - wanted).abs().max() < 1e-3
    assert (got - logits(bases.causal(base)[0].eval())).abs().max() > 0.1
    names = {path.name for path in (tmp_path / "merged").iterdir()}
    assert {path.name for path in base.iterdir()} <= names


def test_the_configuration_leads_to_the_merged_model(base: Path, tmp_path: Path) -> None:
    folder = adapter(base, tmp_path / "adapter")
    config = ModelsConfig(
        cache=str(tmp_path / "cache"), generator=str(base), generator_adapter=str(folder)
    )
    merged = resolve.generator_torch_folder(config)
    assert merged.parent == tmp_path / "cache"
    assert resolve.generator_torch_folder(config) == merged
    listed = {item.what: item.folder for item in resolve.artefacts(config)}
    assert merged in listed.values()
    plain = config.model_copy(update={"generator_adapter": ""})
    assert resolve.generator_torch_folder(plain) == base
    names = {item.folder for item in resolve.artefacts(plain)}
    assert not names & {f for w, f in listed.items() if "GenAI" in w}
    other = adapter(base, tmp_path / "other", seed=1)
    changed = config.model_copy(update={"generator_adapter": str(other)})
    assert resolve.generator_torch_folder(changed) != merged


@pytest.mark.slow
def test_the_merged_model_is_exported_and_self_tested(tmp_path: Path) -> None:
    """The whole seam: adapter, merge, ONNX Runtime GenAI; what is exported is not the base."""
    from models import genai

    base = tiny_families.folder(tmp_path / "llama")  # long enough for the self-test's text
    folder = adapter(base, tmp_path / "adapter")
    config = ModelsConfig(
        cache=str(tmp_path / "cache"), generator=str(base), generator_adapter=str(folder), threads=1
    )
    exported = resolve.generator_folder(config, "fp32")
    manifest = json.loads((exported / "truepenny-manifest.json").read_text())
    assert manifest["facts"]["self_test"]["agreement"] >= 0.99
    with pytest.raises(ModelDamaged, match="failed its self-test"):
        genai.self_test(exported, base, "fp32")


def test_an_adapter_of_another_base_is_refused(base: Path, tmp_path: Path) -> None:
    folder = adapter(base, tmp_path / "adapter")
    other = tiny.llama(tmp_path / "other", seed=5)
    with pytest.raises(ModelError, match="was trained on a model with weights"):
        merge(other, folder, tmp_path / "merged")
    (folder / "summary.json").unlink()
    gpt2 = tiny_families.folder(tmp_path / "gpt2", "gpt2")
    with pytest.raises(ModelError, match="doesn't fit the model"):
        merge(gpt2, folder, tmp_path / "merged")


@pytest.mark.parametrize("method", ["bottleneck", "prefix", "prompt"])
def test_what_cannot_be_merged_is_refused(method: str, base: Path, tmp_path: Path) -> None:
    folder = adapter(base, tmp_path / "adapter", method=method)
    config = ModelsConfig(generator=str(base), generator_adapter=str(folder))
    with pytest.raises(ModelError, match="can't be merged into the weights"):
        resolve.generator_torch_folder(config)


def test_no_adapter_there_and_a_base_that_is_exported_already(base: Path, tmp_path: Path) -> None:
    config = ModelsConfig(generator=str(base), generator_adapter=str(tmp_path))
    with pytest.raises(ModelMissing, match="holds no adapter"):
        resolve.generator_torch_folder(config)
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "genai_config.json").write_text("{}")
    folder = adapter(base, tmp_path / "adapter")
    config = ModelsConfig(generator=str(tmp_path / "onnx"), generator_adapter=str(folder))
    with pytest.raises(ModelError, match="exported already"):
        resolve.generator_folder(config)

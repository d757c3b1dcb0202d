"""Methods on every family: what they change, what they leave, what they save, what they refuse."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finetune.config import FinetuneConfig
from finetune.errors import MethodError
from tests.finetune.tiny_families import CACHE_WARNS, FAMILIES, build
from tests.models import tiny_bert

pytestmark = [*tiny_bert.PEFT_WARNS, CACHE_WARNS]
METHODS = ("lora", "bottleneck", "prefix", "prompt", "full")
ADAPTERS = METHODS[:-1]


def config(method: str, **changes: Any) -> FinetuneConfig:
    return FinetuneConfig(
        **{"method": method, "rank": 4, "bottleneck": 8, "virtual_tokens": 3, **changes}
    )


def ids() -> Any:
    import torch

    return torch.arange(10, 34).reshape(2, 12)


def states(model: Any) -> np.ndarray:
    import torch

    with torch.no_grad():
        out = model(input_ids=ids(), attention_mask=torch.ones_like(ids())).last_hidden_state
    return np.asarray(out[:, -12:])


def shaken(model: Any, seed: int = 3) -> Any:
    """Moves what is trained off its start."""
    import torch

    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight) * 0.2)
    return model


def applied(name: str, method: str, **changes: Any) -> Any:
    from finetune import methods

    return methods.apply(build(name), config(method, **changes)).eval()


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("method", ["lora", "bottleneck"])
def test_a_fresh_adapter_changes_nothing(name: str, method: str) -> None:
    assert states(applied(name, method)) == pytest.approx(states(build(name)), abs=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("method", METHODS)
def test_gradients_reach_all_that_is_trained_and_nothing_else(name: str, method: str) -> None:
    from finetune import methods

    if (name, method) == ("xlnet", "prefix"):
        with pytest.raises(MethodError, match=r"xlnet has none; choose lora"):
            applied(name, method)
        return
    model = shaken(applied(name, method))
    states_ = model(input_ids=ids(), attention_mask=(ids() > 0).long()).last_hidden_state
    (states_**2).sum().backward()
    learnt = {n: p for n, p in model.named_parameters() if p.requires_grad}
    reached = {n for n, p in learnt.items() if p.grad is not None and bool(p.grad.abs().sum() > 0)}
    if method != "full":
        assert reached == set(learnt)
        few, total = methods.trainable(model)
        assert few == sum(p.numel() for p in learnt.values()) < total / 2
    assert reached
    assert all(p.grad is None for p in model.parameters() if not p.requires_grad)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("method", ADAPTERS)
def test_what_is_saved_is_what_is_loaded(name: str, method: str, tmp_path: Path) -> None:
    from finetune import methods

    if (name, method) == ("xlnet", "prefix"):
        pytest.skip("refused, see above")
    model = shaken(applied(name, method))
    wanted = states(model)
    methods.save(model, tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {
        "adapter_config.json", "adapter_model.safetensors"
    }  # fmt: skip
    loaded = methods.load(build(name), tmp_path).eval()
    assert states(loaded) == pytest.approx(wanted, abs=1e-5)
    assert np.abs(wanted - states(build(name))).max() > 0.01


@pytest.mark.parametrize("method", ADAPTERS)
def test_disabled_is_the_base_model(method: str) -> None:
    from finetune import methods

    def logits(model: Any) -> np.ndarray:
        return np.asarray(
            model(input_ids=ids()).logits.detach()[:, methods.virtual_tokens(model) :]
        )

    base = build("gpt2", "AutoModelForCausalLM")
    wanted = logits(base)
    model = shaken(methods.apply(base, config(method), causal=True).eval())
    before = logits(model)
    with methods.disabled(model):
        assert logits(model) == pytest.approx(wanted, abs=1e-4)
    assert logits(model) == pytest.approx(before)
    assert np.abs(before - wanted).max() > 0.01


def test_full_fine_tuning_has_no_base_left() -> None:
    from finetune import methods

    with pytest.raises(MethodError, match="set kl = 0"), methods.disabled(applied("bert", "full")):
        pass


@pytest.mark.parametrize(("rslora", "scale"), [(False, 8 / 4), (True, 8 / 4**0.5)])
def test_lora_is_its_formula(rslora: bool, scale: float) -> None:
    model = shaken(applied("llama", "lora", alpha=8, rslora=rslora))
    layer = model.base_model.model.layers[0].mlp.up_proj
    w, a, b, x = (
        np.asarray(t.detach(), dtype=np.float64)
        for t in (layer.base_layer.weight, layer.lora_A["default"].weight,
                  layer.lora_B["default"].weight, _inputs(32))
    )  # fmt: skip
    wanted = x @ (w + scale * b @ a).T
    assert np.asarray(layer(_inputs(32)).detach()) == pytest.approx(wanted, abs=1e-4)


def test_dora_is_its_formula() -> None:
    model = shaken(applied("llama", "lora", alpha=8, dora=True))
    layer = model.base_model.model.layers[0].mlp.up_proj
    w, a, b, m, x = (
        np.asarray(t.detach(), dtype=np.float64)
        for t in (layer.base_layer.weight, layer.lora_A["default"].weight,
                  layer.lora_B["default"].weight,
                  layer.lora_magnitude_vector["default"].weight, _inputs(32))
    )  # fmt: skip
    v = w + 8 / 4**0.5 * b @ a
    wanted = x @ (m[:, None] * v / np.linalg.norm(v, axis=1, keepdims=True)).T
    assert np.asarray(layer(_inputs(32)).detach()) == pytest.approx(wanted, abs=1e-4)


def test_a_bottleneck_is_its_formula() -> None:
    from math import erf

    from finetune.methods.bottleneck import Bottleneck

    layer = shaken(Bottleneck(32, 8))
    down, up = (
        [np.asarray(t.detach(), dtype=np.float64) for t in (part.weight, part.bias)]
        for part in (layer.down, layer.up)
    )
    x = np.asarray(_inputs(32), dtype=np.float64)
    inner = x @ down[0].T + down[1]
    gelu = inner * 0.5 * (1 + np.vectorize(erf)(inner / 2**0.5))
    wanted = x + gelu @ up[0].T + up[1]
    assert np.asarray(layer(_inputs(32)).detach()) == pytest.approx(wanted, abs=1e-5)


def test_an_adapter_for_another_model_is_refused(tmp_path: Path) -> None:
    from finetune import methods

    for method in ("bottleneck", "lora"):
        methods.save(applied("llama", method), tmp_path / method)
        with pytest.raises(MethodError, match="base model"):
            methods.load(build("bert"), tmp_path / method)
    with pytest.raises(MethodError, match=r"holds no adapter: expected adapter_config\.json"):
        methods.load(build("bert"), tmp_path)


def test_an_unknown_family_is_refused() -> None:
    from transformers import T5Config, T5Model

    from finetune import methods

    model = T5Model(T5Config(vocab_size=20, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2))
    with pytest.raises(MethodError, match=r"type 't5' can't be adapted yet; expected one of llama"):
        methods.apply(model, config("lora"))


def test_bottlenecks_are_not_inserted_twice() -> None:
    from finetune import methods

    with pytest.raises(MethodError, match="already"):
        methods.apply(applied("gpt2", "bottleneck"), config("bottleneck"))


@pytest.mark.parametrize("name", ["bert", "roberta"])
@pytest.mark.parametrize("method", ["prefix", "prompt"])
def test_an_encoder_with_a_prefix_still_reads_both_ways(name: str, method: str) -> None:
    import torch

    model = shaken(applied(name, method))
    other = ids().clone()
    other[:, -1] = 99
    mask = torch.ones_like(other)
    with torch.no_grad():
        one, two = (
            model(input_ids=x, attention_mask=mask).last_hidden_state[:, -12:]
            for x in (ids(), other)
        )
    assert (one[:, 0] - two[:, 0]).abs().max() > 1e-4


def _inputs(width: int) -> Any:
    import torch

    torch.manual_seed(5)
    return torch.randn(3, width)

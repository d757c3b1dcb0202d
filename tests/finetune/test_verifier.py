"""Training the cross-encoder: it learns, goes on after a kill, and saves what it learnt."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.pairs import Pair, best_window
from finetune.verifier_data import split
from tests.models import tiny_bert

pytestmark = tiny_bert.PEFT_WARNS
SUPPORT = "support"


def pair(n: int, head: Any, label: bool) -> Pair:
    second = "soap is free" if label else "soap is never free"
    return Pair(
        head=head, first=f"items {n % 9}", second=second, label=label, source="toy", group=str(n)
    )


TOY = [pair(n, head, label) for n in range(8) for head in ("support", "answer")
       for label in (True, False)]  # fmt: skip


def recipe(**changes: Any) -> Any:
    from finetune.verifier import Recipe

    given_ = {"rank": 4, "epochs": 4, "batch_tokens": 256, "threads": 1, "bf16": False,
              "learning_rate": 3e-3, "head_rate": 3e-3}  # fmt: skip
    return Recipe(**{**given_, **changes})


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The loss of each step; torch gets its threads back at the end."""
    import torch

    from finetune import verifier

    threads, found, real = torch.get_num_threads(), [], verifier._loss

    def noted(*args: Any) -> Any:
        loss = real(*args)
        found.append(loss.item())
        return loss

    monkeypatch.setattr(verifier, "_loss", noted)
    yield found
    torch.set_num_threads(threads)


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    names = ("adapter_model", "heads")
    return {k: v for name in names for k, v in load_file(folder / f"{name}.safetensors").items()}


def test_it_learns(tiny_encoder: Path, tmp_path: Path, losses: list[float]) -> None:
    from finetune.verifier import train

    summary = train(TOY, TOY, tiny_encoder, tmp_path, recipe(epochs=12))
    tenth = len(losses) // 5
    assert sum(losses[-tenth:]) < 0.5 * sum(losses[:tenth])
    assert summary["held_out_auc"] == {"support": 1.0, "answer": 1.0}
    assert summary["steps"] == len(losses)
    assert summary["pairs"] == len(TOY)
    assert json.loads((tmp_path / "summary.json").read_text()) == summary


def test_a_finished_training_is_not_gone_on_with(
    tiny_encoder: Path, tmp_path: Path, losses: list[float]
) -> None:
    from finetune.verifier import train

    long = recipe(epochs=7, batch_tokens=32, learning_rate=1e-3)
    for _ in range(2):
        losses.clear()
        assert train(TOY, TOY, tiny_encoder, tmp_path, long)["steps"] == len(losses) > 200


def test_the_same_seed_gives_the_same_adapter(
    tiny_encoder: Path, tmp_path: Path, losses: list[float]
) -> None:
    from finetune.verifier import train

    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(TOY, TOY, tiny_encoder, tmp_path / name, recipe(epochs=1, seed=seed))
    first, same, other = (weights(tmp_path / name) for name in "abc")
    assert all((first[name] == same[name]).all() for name in first)
    assert any((first[name] != other[name]).any() for name in first)


def test_a_killed_training_goes_on_where_it_was(
    tiny_encoder: Path, tmp_path: Path, losses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    from finetune import verifier

    long = recipe(epochs=13, batch_tokens=32, learning_rate=1e-3)  # one pair a step, 416 steps
    whole = verifier.train(TOY, TOY, tiny_encoder, tmp_path / "whole", long)
    straight, steps = list(losses), whole["steps"]
    save = verifier._checkpoint

    class Killed(BaseException):
        pass

    def killed(*args: Any) -> None:
        save(*args)
        raise Killed

    losses.clear()
    with monkeypatch.context() as patch:
        patch.setattr(verifier, "_checkpoint", killed)
        with pytest.raises(Killed):
            verifier.train(TOY, TOY, tiny_encoder, tmp_path / "cut", long)
    before = len(losses)
    assert 0 < before < steps
    assert not (tmp_path / "cut" / "summary.json").exists()
    verifier.train(TOY, TOY, tiny_encoder, tmp_path / "cut", long)
    assert len(losses) == steps
    assert losses == pytest.approx(straight, abs=1e-5)
    wanted, got = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert all(got[name] == pytest.approx(wanted[name], abs=1e-3) for name in wanted)


def test_what_is_saved_is_what_is_loaded(tiny_encoder: Path, tmp_path: Path) -> None:
    import torch

    from finetune.verifier import _encode, save, score, wrap
    from models.cross_encoder import prepare
    from models.encoder import load_verifier_torch

    model = wrap(tiny_encoder, recipe())
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.2)
    tokenizer = prepare(tiny_encoder / "tokenizer.json")
    data = _encode(tokenizer, TOY)
    before = score(model, data)
    save(model, tmp_path, {})
    loaded = load_verifier_torch(tiny_encoder, tmp_path)
    assert (before - score(wrap(tiny_encoder, recipe()), data)).abs().max() > 0.05
    assert score(loaded, data).numpy() == pytest.approx(before.numpy(), abs=2e-2)
    assert not [path.name for path in tmp_path.iterdir() if "tmp" in path.name]


def test_training_can_start_from_an_adapter(
    tiny_encoder: Path, tiny_adapter: Path, tmp_path: Path, losses: list[float]
) -> None:
    from finetune.verifier import train

    still = recipe(epochs=1, learning_rate=0.0, head_rate=0.0, weight_decay=0.0)
    train(TOY, TOY, tiny_encoder, tmp_path, still, start=tiny_adapter)
    before, after = weights(tiny_adapter), weights(tmp_path)
    assert before.keys() == after.keys()
    assert all((before[name] == after[name]).all() for name in before)


def test_scores_keep_their_order(tiny_encoder: Path) -> None:
    from finetune.verifier import _encode, score, wrap
    from models.cross_encoder import prepare

    model = wrap(tiny_encoder, recipe())
    mixed = [pair(n, SUPPORT, n % 3 == 0) for n in range(9)]
    data = _encode(prepare(tiny_encoder / "tokenizer.json"), mixed)
    together = score(model, data, batch=2)
    alone = [score(model, [item])[0] for item in data]
    assert all(a.numpy() == pytest.approx(b.numpy(), abs=1e-5)
               for a, b in zip(together, alone, strict=True))  # fmt: skip


@given(lengths=st.lists(st.integers(1, 256), min_size=1, max_size=80), epoch=st.integers(0, 2))
def test_every_pair_is_in_one_batch_of_an_epoch(lengths: list[int], epoch: int) -> None:
    from finetune.verifier import _batches, _Encoded

    data = [_Encoded([0] * length, [0] * length, 0, 1.0, [0.0] * length) for length in lengths]
    batches = list(_batches(data, recipe(batch_tokens=1024), epoch))
    assert sorted(i for batch in batches for i in batch) == list(range(len(data)))
    for batch in batches:
        assert len({-(-lengths[i] // 32) for i in batch}) == 1
        assert len(batch) * 32 * -(-lengths[batch[0]] // 32) <= 1024


@given(groups=st.lists(st.text(max_size=4), max_size=60), share=st.floats(0, 1))
def test_a_group_is_on_one_side(groups: list[str], share: float) -> None:
    made = [
        Pair(head="support", first=str(n), second="", label=True, source="s", group=group)
        for n, group in enumerate(groups)
    ]
    kept, held = split(made, share)
    assert {item.group for item in kept} & {item.group for item in held} == set()
    assert sorted([*kept, *held], key=lambda item: int(item.first)) == made
    assert (kept, held) == split(made, share)
    assert split(kept, share) == (kept, [])


def test_the_share_is_about_what_was_asked() -> None:
    kept, held = split([pair(n, SUPPORT, True) for n in range(4000)], 0.06)
    assert 0.04 < len(held) / (len(held) + len(kept)) < 0.08


@given(
    words=st.lists(st.sampled_from(["soap", "days", "free", "45"]), max_size=300),
    claim=st.sampled_from(["soap is free", "", "zzz"]),
)
def test_a_window_is_a_stretch_of_the_evidence(words: list[str], claim: str) -> None:
    evidence = " ".join(words)
    window = best_window(claim, evidence, 30)
    assert f" {window} " in f" {evidence} "
    assert len(window.split()) == min(len(words), 30) or len(words) > 30


def test_the_window_holds_what_the_claim_is_about() -> None:
    evidence = " ".join([*["nothing"] * 200, "opened soap is never refunded", *["else"] * 200])
    assert "opened soap is never refunded" in best_window("Opened soap is refunded.", evidence)

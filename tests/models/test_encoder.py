"""The exported encoders say what torch says, in whatever order and batches they are asked."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.config import ModelsConfig
from models.cross_encoder import HEADS, MAX_TOKENS, encode, prepare
from models.encoder import (
    EncoderSession,
    _by_length,
    _export_embedder,
    load_verifier_torch,
    verifier_folder,
    verifier_onnx,
)
from models.errors import ModelDamaged, ModelMissing
from tests.models import tiny_bert

pytestmark = tiny_bert.PEFT_WARNS
FIRST = ["You can return most items.", "soap", "", "How long? " * 9, "€4.95 中文", "is " * 400]
SECOND = ["Opened soap is never refunded.", "days " * 120, "", "a", "What?", "of delivery " * 300]


@pytest.fixture(scope="module")
def session(tiny_verifier: Path) -> EncoderSession:
    return EncoderSession(tiny_verifier, threads=1)


def test_the_merged_adapters_logits_are_torchs(
    session: EncoderSession, tiny_encoder: Path, tiny_adapter: Path
) -> None:
    import torch

    encodings = encode(session.tokenizer, FIRST, SECOND)
    got = session.run(encodings)
    model = load_verifier_torch(tiny_encoder, tiny_adapter)
    with torch.inference_mode():
        for row, item in zip(got, encodings, strict=True):
            wanted, _ = model(
                torch.tensor([item.ids]), torch.ones(1, len(item.ids)),
                torch.tensor([item.type_ids]),
            )  # fmt: skip
            assert row == pytest.approx(wanted[0].numpy(), abs=2e-3)
    assert got.shape == (len(FIRST), len(HEADS))
    assert np.ptp(got, axis=0).min() > 0.1  # they differ, or the test says nothing


def test_the_adapter_is_in_the_export(
    session: EncoderSession, tiny_encoder: Path, tmp_path: Path
) -> None:
    import torch

    other = tiny_bert.adapter(tiny_encoder, tmp_path, seed=2)
    model = load_verifier_torch(tiny_encoder, other)
    [item] = encode(session.tokenizer, FIRST[:1], SECOND[:1])
    with torch.inference_mode():
        given_ids = torch.tensor([item.ids])
        there, _ = model(given_ids, torch.ones_like(given_ids), torch.tensor([item.type_ids]))
    assert np.abs(session.run([item])[0] - there[0].numpy()).max() > 0.05


def test_merging_and_export_change_nothing(
    session: EncoderSession, tiny_encoder: Path, tiny_adapter: Path
) -> None:
    import torch

    from finetune.verifier import Recipe, wrap
    from models.cross_encoder import load_adapter

    unmerged = wrap(tiny_encoder, Recipe(rank=4))
    load_adapter(unmerged, tiny_adapter)
    for item in encode(session.tokenizer, FIRST, SECOND):
        ids, types = torch.tensor([item.ids]), torch.tensor([item.type_ids])
        with torch.inference_mode():
            wanted = unmerged.eval()(ids, torch.ones_like(ids), types)[0][0].numpy()
        assert session.run([item])[0] == pytest.approx(wanted, abs=2e-3)


@given(order=st.permutations(range(len(FIRST))), batch_tokens=st.sampled_from([1, 300, 4096]))
def test_order_and_batches_do_not_matter(
    session: EncoderSession, order: list[int], batch_tokens: int
) -> None:
    encodings = encode(session.tokenizer, FIRST, SECOND)
    plain = session.run(encodings)
    mixed = session.run([encodings[i] for i in order], batch_tokens)
    assert mixed == pytest.approx(plain[order], abs=1e-4)


def test_a_text_alone_gives_the_same_bits_as_in_a_batch(session: EncoderSession) -> None:
    for item in encode(session.tokenizer, FIRST, SECOND):
        together = session.run([item] * 3)
        assert (session.run([item])[0] == together).all()


def test_the_same_call_gives_the_same_bits(session: EncoderSession) -> None:
    encodings = encode(session.tokenizer, FIRST, SECOND)
    assert (session.run(encodings) == session.run(encodings)).all()


@given(lengths=st.lists(st.integers(1, 256), max_size=60), batch_tokens=st.integers(1, 2000))
def test_batches_hold_everything_once_and_no_more_than_they_may(
    lengths: list[int], batch_tokens: int
) -> None:
    batches = list(_by_length(lengths, batch_tokens))
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = max(lengths[i] for i in batch) * len(batch)
        assert len(batch) == 1 or padded <= batch_tokens


def test_pairs_are_cut_longest_first_and_marked(tiny_encoder: Path) -> None:
    tokenizer = prepare(tiny_encoder / "tokenizer.json")
    short, long = encode(tokenizer, ["soap", "is " * 400], ["days " * 400, "of " * 400])
    assert len(short.ids) == len(long.ids) == MAX_TOKENS
    assert short.tokens[:3] == ["[CLS]", "soap", "[SEP]"]
    assert short.type_ids.count(0) == 3
    assert abs(long.type_ids.count(0) - long.type_ids.count(1)) <= 2
    with pytest.raises(ValueError):
        encode(tokenizer, ["a", "b"], ["c"])


def test_the_embedder_gives_unit_vectors(tiny_encoder: Path, tmp_path: Path) -> None:
    facts = _export_embedder(tiny_encoder, tmp_path)
    assert facts["largest_difference_to_torch"] < 2e-3
    session = EncoderSession(tmp_path, threads=1)
    rows = session.run(session.tokenizer.encode_batch(["soap", "", "Returns. " * 200]))
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("data", [b"", b"no model", None])
def test_a_damaged_model_says_so(tmp_path: Path, tiny_verifier: Path, data: bytes | None) -> None:
    (tmp_path / "tokenizer.json").write_bytes((tiny_verifier / "tokenizer.json").read_bytes())
    if data is not None:
        (tmp_path / "model.onnx").write_bytes(data)
    with pytest.raises(ModelDamaged, match=r"cannot load .*model\.onnx"):
        EncoderSession(tmp_path)


def test_no_adapter(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"no verifier adapter.*truepenny train verifier"):
        verifier_folder(ModelsConfig(verifier=str(tmp_path)))


def test_the_export_is_made_once_and_anew_for_another_adapter(
    tiny_encoder: Path, tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []

    def export(base: Path, adapter: Path, to: Path) -> dict[str, float]:
        made.append(adapter)
        (to / "model.onnx").write_bytes(b"made")
        return {}

    monkeypatch.setattr("models.resolve.embedder_folder", lambda _: tiny_encoder)
    monkeypatch.setattr("models.encoder._export_verifier", export)
    config = ModelsConfig(cache=str(tmp_path / "cache"), verifier=str(tiny_adapter))
    assert verifier_onnx(config) == verifier_onnx(config)
    other = tiny_bert.adapter(tiny_encoder, tmp_path / "other", seed=3)
    assert verifier_onnx(config.model_copy(update={"verifier": str(other)})) != verifier_onnx(
        config
    )
    assert made == [tiny_adapter, other]

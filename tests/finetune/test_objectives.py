"""Each loss against a plain numpy version, and what each must not look at."""

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.config import FinetuneConfig
from finetune.errors import MethodError
from tests.finetune.tiny_families import CACHE_WARNS, FAMILIES, SIZE, build
from tests.models import tiny_bert

pytestmark = [*tiny_bert.PEFT_WARNS, CACHE_WARNS]


def log_softmax(x: np.ndarray) -> np.ndarray:
    shifted = x - x.max(-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)))


def encoded(*rows: tuple[list[int], int]) -> list[Any]:
    from finetune.dataset.encoding import IGNORED, Encoded

    return [Encoded(ids, [IGNORED] * asked + ids[asked:]) for ids, asked in rows]


ROWS = (([9, 8, 7, 6, 5, 4, 3], 4), ([30, 31, 32, 33, 34], 2), ([50, 51, 52, 53, 54, 55], 5))


def causal() -> Any:
    from finetune.objectives.causal import CausalLM

    return CausalLM(padding=0)


def loss(model: Any, objective: Any, items: list[Any]) -> float:
    return float(objective.loss(model, objective.collate(items, Random(0))).detach())


def writer(name: str, method: str = "full") -> Any:
    from finetune import methods

    config = FinetuneConfig(method=method, rank=4, virtual_tokens=3, bottleneck=8)  # type: ignore[arg-type]
    return methods.apply(build(name, "AutoModelForCausalLM"), config, causal=True).eval()


def whole_logits(model: Any, ids: list[int]) -> np.ndarray:
    """Logits of one sequence, unpadded; causal where the family needs telling."""
    import torch

    more = {}
    if model.config.model_type == "xlnet":
        more = {"perm_mask": torch.ones(1, len(ids), len(ids)).triu(1)}
    with torch.no_grad():
        return np.asarray(model(input_ids=torch.tensor([ids]), **more).logits[0])


@pytest.mark.parametrize("name", FAMILIES)
def test_causal_loss_is_that_of_the_answer_alone(name: str) -> None:
    model, objective = writer(name), causal()
    wanted = -sum(
        log_softmax(whole_logits(model, ids))[at - 1, ids[at]]
        for ids, asked in ROWS for at in range(asked, len(ids))
    )  # fmt: skip
    batch = objective.collate(encoded(*ROWS), Random(0))
    assert objective.terms(batch) == 3 + 3 + 1
    assert float(objective.loss(model, batch).detach()) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("method", ["lora", "prefix", "prompt", "bottleneck"])
def test_no_position_sees_a_later_one(name: str, method: str) -> None:
    """A changed last token changes no loss but its own: it is not among the labels here."""
    if (name, method) == ("xlnet", "prefix"):
        pytest.skip("refused")
    model, objective = writer(name, method), causal()
    losses = []
    for last in (5, 77):
        (item,) = encoded(([9, 8, 7, 6, 60, last], 2))
        item.labels[-1] = -100
        losses.append(loss(model, objective, [item]))
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    other = encoded(([9, 8, 7, 61, 60, 5], 2))
    assert loss(model, objective, other) != pytest.approx(losses[0])


def test_an_encoder_that_reads_both_ways_cannot_learn_to_write() -> None:
    objective = causal()
    with pytest.raises(MethodError, match="is_decoder=True"):
        objective.loss(build("bert"), objective.collate(encoded(*ROWS), Random(0)))


@pytest.mark.parametrize("method", ["lora", "bottleneck", "prompt"])
def test_divergence_is_its_formula(method: str) -> None:
    import torch

    model, objective = writer("llama", method), causal()
    batch = objective.collate(encoded(*ROWS), Random(0))
    with torch.no_grad():
        for weight in (p for p in model.parameters() if p.requires_grad):
            weight.add_(torch.randn_like(weight) * 0.3)
    from finetune import methods

    wanted = 0.0
    for ids, asked in ROWS:
        q = log_softmax(whole_logits(model, ids)[methods.virtual_tokens(model) :])
        with methods.disabled(model):
            p = log_softmax(whole_logits(model, ids))
        wanted += (np.exp(p) * (p - q)).sum(-1)[asked - 1 : len(ids) - 1].sum()
    assert wanted > 0.1
    assert float(objective.divergence(model, batch).detach()) == pytest.approx(wanted, rel=1e-3)


def test_masked_loss_is_its_formula() -> None:
    import torch

    model, objective = build("bert", "AutoModelForMaskedLM"), masked()
    items = [list(range(10, 60)), list(range(60, 90))]
    batch = objective.collate(items, Random(1))
    assert (batch["input_ids"] != 3).any()
    with torch.no_grad():
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    found, labels = log_softmax(np.asarray(logits)), np.asarray(batch["labels"])
    wanted = -sum(found[b, t, labels[b, t]] for b, t in np.argwhere(labels != -100))
    assert float(objective.loss(model, batch).detach()) == pytest.approx(wanted, rel=1e-4)


def masked() -> Any:
    from finetune.objectives.masked import MaskedLM

    return MaskedLM(mask_token=3, padding=0, special=frozenset({0, 1, 2, 3}), vocabulary=SIZE)


def test_masking_has_its_proportions_and_spares_special_tokens() -> None:
    objective = masked()
    item = [1, *([50, 51, 52, 53] * 500), 2]
    batch = objective.collate([item], Random(0))
    ids, labels = (np.asarray(batch[name][0][: len(item)]) for name in ("input_ids", "labels"))
    chosen = labels != -100
    assert chosen.sum() == 300
    assert not chosen[[0, -1]].any()
    assert (labels[chosen] == np.asarray(item)[chosen]).all()
    assert (ids[~chosen] == np.asarray(item)[~chosen]).all()
    assert 0.75 < (ids[chosen] == 3).mean() < 0.85
    kept = (ids[chosen] == labels[chosen]).mean()
    assert 0.05 < kept < 0.16


def triples() -> list[Any]:
    from finetune.objectives.contrastive import Triple

    def made(n: int, key: str, negatives: tuple[str, ...], answers: set[str]) -> Any:
        documents = {"a": [40, 41], "b": [50, 51, 52], "c": [60], "d": [70, 71]}
        return Triple(
            query=[10 + n, 20 + n, 30], positive=(key, documents[key]),
            negatives=tuple((other, documents[other]) for other in negatives),
            answers=frozenset(answers),
        )  # fmt: skip

    return [made(0, "a", ("d",), {"a"}), made(1, "b", (), {"b", "c"}), made(2, "c", (), {"c"})]


@pytest.mark.parametrize("name", FAMILIES)
def test_infonce_is_its_formula(name: str) -> None:
    import torch

    from finetune.objectives.contrastive import InfoNCE

    model, objective = build(name), InfoNCE(padding=0, temperature=0.1)

    def vector(ids: list[int]) -> np.ndarray:
        with torch.no_grad():
            x = np.asarray(model(input_ids=torch.tensor([ids])).last_hidden_state[0].mean(0))
        return np.asarray(x / np.linalg.norm(x))

    documents = {"a": [40, 41], "b": [50, 51, 52], "c": [60], "d": [70, 71]}
    wanted = 0.0
    for item in triples():
        scores = {k: vector(item.query) @ vector(ids) / 0.1 for k, ids in documents.items()}
        right = item.positive[0]
        others = [v for k, v in scores.items() if k == right or k not in item.answers]
        wanted -= scores[right] - np.log(np.exp(others).sum())
    batch = objective.collate(triples(), Random(0))
    assert objective.terms(batch) == 3
    assert float(objective.loss(model, batch).detach()) == pytest.approx(wanted, rel=2e-3)


def test_hard_negatives_are_near_but_not_too_near() -> None:
    from finetune.objectives.contrastive import hard_negatives

    queries = np.array([[1.0, 0.0]])
    angles = np.array([0.3, 0.29, 0.6, 0.9, 1.4])
    documents = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert hard_negatives(queries, documents, [{0}], 2) == [[2, 3]]
    assert hard_negatives(queries, documents, [{0, 4}], 9) == [[2, 3]]
    assert hard_negatives(queries, documents, [{4}], 2) == [[]]


def test_classification_is_its_formula() -> None:
    import torch

    from finetune.objectives.classification import Classification, Classifier, Labelled

    torch.manual_seed(0)
    model, objective = Classifier(build("roberta"), 3).eval(), Classification(padding=0)
    items = [Labelled([10, 11, 12], 2), Labelled([20, 21, 22, 23, 24], 0)]
    wanted = 0.0
    for item in items:
        with torch.no_grad():
            states = model.encoder(input_ids=torch.tensor([item.ids])).last_hidden_state[0]
            wanted -= log_softmax(np.asarray(model.head(states.mean(0))))[item.label]
    batch = objective.collate(items, Random(0))
    assert float(objective.loss(model, batch).detach()) == pytest.approx(wanted, rel=1e-4)


@given(st.lists(st.lists(st.integers(4, 99), min_size=1, max_size=70), min_size=1, max_size=6))
def test_padding_keeps_what_it_pads(rows: list[list[int]]) -> None:
    from finetune.objectives.types import WIDTH, mask, pad

    made, marks = pad(rows, 0), mask(rows)
    assert made.shape == marks.shape
    assert made.shape[1] % WIDTH == 0
    for row, ids, mark in zip(rows, made.tolist(), marks.tolist(), strict=True):
        assert ids[: len(row)] == row
        assert sum(mark) == len(row)
        assert not any(ids[len(row) :])

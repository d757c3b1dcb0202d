from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from bot.dialogue.flows import Flows
from bot.dialogue.intents import Rows
from bot.dialogue.schema import Flow, Say
from bot.dialogue.triggers import CEILING, FLOOR, Triggers
from tests.bot.dialogue.shop import FLOWS, flows_in
from tests.bot.dialogue.test_intents import BETWEEN, SEND, STOP
from tests.fakes import FakeEmbedder

SHOP = flows_in(FLOWS)
TRIGGERS = Triggers(SHOP, FakeEmbedder())


def test_a_title_begins_its_flow_whatever_the_model_says() -> None:
    broken = Triggers(SHOP, FakeEmbedder())
    broken._embedder = FakeEmbedder(fails=RuntimeError("no session"))
    (match,) = broken.match("where is my ORDER")
    assert (match.flow, match.score, match.sure) == ("track_order", 1.0, True)
    assert broken.match("my parcel hasn't come") == []


def test_vectors_that_are_no_numbers_match_nothing() -> None:
    broken = Triggers(SHOP, FakeEmbedder())
    broken._embedder = FakeEmbedder(poison=True)
    assert broken.match("my parcel hasn't come") == []


@pytest.mark.parametrize("name", SHOP.flows)
def test_each_flow_knows_its_own_examples(name: str) -> None:
    flow = SHOP.flows[name]
    for example in flow.examples:
        best = TRIGGERS.match(example)[0]
        assert (best.flow, best.sure) == (name, True), example
    for against in flow.counter_examples:
        assert not [m for m in TRIGGERS.match(against) if m.flow == name and m.sure], against


def test_thresholds_come_from_the_examples_and_stay_in_bounds() -> None:
    def flow(*examples: str) -> Flow:
        return Flow(title=examples[0], examples=examples, steps=(Say(id="s", say=("x",)),))

    alike = flow(*["please send my money back now"] * 3)
    apart = flow("red house", "blue boat", "green tree")
    found = Triggers(Flows(flows={"alike": alike, "apart": apart}), FakeEmbedder()).thresholds
    assert found == {"alike": pytest.approx(CEILING), "apart": pytest.approx(FLOOR)}


@dataclass(frozen=True, slots=True)
class Fixed:
    """Vectors by text."""

    rows: dict[str, Rows]
    name: str = "fixed"

    def embed(self, texts: Sequence[str]) -> Rows:
        return np.stack([self.rows[text] for text in texts])


def test_of_flows_that_are_near_enough_the_classifier_chooses() -> None:
    named = {f"send {n}": row for n, row in enumerate(SEND)}
    named |= {f"stop {n}": row for n, row in enumerate(STOP)}
    flows = {
        kind: Flow(title=f"{kind} 0", examples=[t for t in named if kind in t],
                   steps=(Say(id="s", say=("x",)),))
        for kind in ("send", "stop")
    }  # fmt: skip
    triggers = Triggers(Flows(flows=flows), Fixed({**named, "between": BETWEEN[0]}))
    first, second = triggers.match("between")
    assert (first.flow, first.sure, second.sure) == ("send", True, True)
    assert first.score < second.score  # the nearest example is the other's
    assert first.rank > second.rank


def test_no_flows_match_nothing() -> None:
    assert Triggers(Flows(), FakeEmbedder()).match("anything") == []


def test_a_wish_among_other_sentences_is_seen() -> None:
    words = "I like the lovely weather in the mountains. I want to return something. Bye for now."
    whole = FakeEmbedder().embed([words])
    assert np.isfinite(whole).all()
    assert TRIGGERS.match(words)[0].flow == "return_item"

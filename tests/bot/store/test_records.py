"""Any state and any reply survive the way through JSON."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.store.records import from_json, to_json
from bot.types import Reply, State, Turn
from tests.fakes import PASSAGES, FakeGuard, FakeRetriever, make_reply

text = st.text(st.characters(codec="utf-8"), max_size=20)
st.register_type_strategy(str, text)
st.register_type_strategy(
    Mapping, lambda kind: st.dictionaries(*(st.from_type(inner) for inner in kind.__args__))
)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


@settings(max_examples=30)
@given(st.from_type(State))
def test_a_state_comes_back_the_same(state: State) -> None:
    assert from_json(State, to_json(state)) == state


def test_a_reply_comes_back_the_same_with_hits_and_verdicts() -> None:
    review = FakeGuard().review("Refunds are instant and free.", PASSAGES)
    state = State(conversation_id="c1")
    hits = tuple(FakeRetriever().search("return"))
    reply = make_reply(state, "So.", review=review, hits=hits, timings={"total_ms": 1.5})
    assert from_json(Reply, to_json(reply)) == reply


def test_a_field_of_a_later_release_is_dropped_and_one_that_lacks_has_its_default() -> None:
    state = from_json(State, '{"conversation_id": "c1", "mood": "good"}')
    assert state == State(conversation_id="c1")


def test_the_record_is_plain_json() -> None:
    state = State(conversation_id="c1", turns=(Turn(role="user", text="ü"),))
    assert '"text":"ü"' in to_json(state)

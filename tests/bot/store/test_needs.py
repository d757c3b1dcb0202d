"""What past conversations needed: answered questions alone, in order."""

from dataclasses import replace

from bot.store.store import Store
from bot.types import Need, SlotValue, State
from tests.bot.store.helpers import receive
from tests.fakes import make_reply


def answer(store: Store, text: str, article: str = "returns", **changes: object) -> None:
    """A message, answered from an article; `changes` are of the reply or the state."""
    message = receive(store, text)
    state = store.turns.standing(message.id, "a").state
    assert state is not None
    made = make_reply(state, text, action=changes.pop("action", "answer"))
    cited = tuple(replace(item, article_id=article) for item in made.citations)
    after = replace(state, **changes)  # type: ignore[arg-type]
    assert store.turns.finish(message.id, "a", replace(made, citations=cited), after)


def test_answered_questions_come_in_order_with_their_article(store: Store) -> None:
    answer(store, "How long can I return it?", "returns")
    answer(store, "asdf", "returns", action="abstain")
    answer(store, "Where is FW-1?", "", action="answer")  # what an action found has no article
    answer(store, "What does delivery cost?", "delivery")
    assert [(need.question, need.article) for need in store.needs.latest()] == [
        ("How long can I return it?", "returns"), ("What does delivery cost?", "delivery"),
    ]  # fmt: skip
    assert [need.question for need in store.needs.latest(1)] == ["What does delivery cost?"]


def test_a_profile_is_what_the_caller_or_the_customer_told(store: Store) -> None:
    slots = {"plan": SlotValue(value="Free", turn=1), "email": SlotValue(value="a@b.c", turn=1)}
    answer(store, "Hi?", slots=slots, profile={"plan": "Team", "country": "IE"})
    (need,) = store.needs.latest()
    assert need == Need(
        conversation_id="c1", question="Hi?", article="returns",
        profile={"plan": "Free", "country": "IE"},
    )  # fmt: skip


def test_a_profile_stays_until_another_is_told(store: Store) -> None:
    def profile() -> dict[str, str]:
        state = store.conversations.state("c1")
        assert isinstance(state, State)
        return dict(state.profile)

    receive(store, "a", profile={"plan": "Team"})
    receive(store, "b")
    assert profile() == {"plan": "Team"}
    receive(store, "c", profile={"plan": "Free"})
    assert profile() == {"plan": "Free"}

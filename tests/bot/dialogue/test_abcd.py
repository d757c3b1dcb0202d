"""Three subflows of the ABCD guidelines, played through conversations in our own words."""

import pytest

from bot.dialogue.play import Conversation, load_conversations, play
from examples.flows.abcd import actions
from tests.bot.dialogue.shop import FLOWS, dialogue_parts, flows_in

SCRIPTS = load_conversations(FLOWS / "conversations/abcd.toml")
PARTS = dialogue_parts(flows_in(FLOWS / "abcd"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_conversation_comes_to_the_guidelines_actions(script: Conversation) -> None:
    assert play(script, PARTS).problems == ()


def test_the_actions_get_what_the_guideline_asks_for() -> None:
    actions.CALLS.clear()
    play(SCRIPTS[0], PARTS)
    assert actions.CALLS == [
        ("pull-up-account", ("priya raman",)),
        ("validate-purchase", ("praman44", "praman44@mail.example", "5550192837")),
        ("membership", ("bronze",)),
        ("enter-details", ("12 Orchard Street, Millbrook, NY 10482",)),
        ("update-order", ("in store",)),
    ]


def test_a_conversation_that_goes_otherwise_is_told() -> None:
    wrong = SCRIPTS[7].model_copy(update={"actions": ("pull_up_account",)})
    (problem,) = play(wrong, PARTS).problems
    assert "expected ('pull_up_account',), got ('pull_up_account', 'verify_identity'" in problem
    turn = (
        SCRIPTS[7]
        .turns[0]
        .model_copy(update={"says": ("nothing like it",), "action": "answer", "flow": ""})
    )
    found = play(SCRIPTS[7].model_copy(update={"turns": (turn,), "actions": None}), PARTS).problems
    assert [problem.split(": ")[1] for problem in found] == ["action", "flow", "says"]

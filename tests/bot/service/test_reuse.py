"""Replies that are served again: the same to the letter, and never with anybody's own in them."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot.dialogue import step
from bot.dialogue.flows import Flows
from bot.service.reuse import Reuse
from bot.types import (
    ActionResult,
    Citation,
    Form,
    Frame,
    Handoff,
    Option,
    Pending,
    Reply,
    Sentence,
    SlotValue,
    State,
    Turn,
)
from guards.types import Review
from tests.bot.client import assert_problem, events, say, serving
from tests.bot.dialogue.shop import FLOWS, dialogue_parts, flows_in
from tests.bot.pipeline import QUESTION, QUOTE
from tests.bot.service.test_observability import labelled, samples
from tests.fakes import make_reply

WHERE = State(conversation_id="c1")
PARTS: dict[str, Any] = {"retriever": object(), "guard": object(), "policy": object()}
SLOT = SlotValue(value="FW-20418833", turn=1)
CHECKED = Review(verdicts=(), answerable=None, status="supported")
SAID = Turn(role="user", text="My parcel is late."), Turn(role="assistant", text="I see.")


class Counted:
    """The real dialogue; `asked` are the questions for which it made a reply."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        self.asked: list[str] = []
        self.gate = gate

    def __call__(self, question: str, state: State, **parts: Any) -> Iterator[Any]:
        if state.conversation_id != "self-test":
            self.asked.append(question)
            if self.gate:
                assert self.gate.wait(10)
        return step.stream(question, state, **parts)


def knowing(flows: Flows | None = None) -> Any:
    return lambda: dialogue_parts(flows or Flows())


def after(state: State, question: str, reply: Reply, **changes: Any) -> State:
    turns = (*state.turns, Turn(role="user", text=question), Turn(role="assistant", text="x"))
    return replace(state, turns=turns, turn=state.turn + 1, **changes)


def again(
    question: str = QUESTION,
    *,
    before: State = WHERE,
    then: dict[str, Any] | None = None,
    channel: str | None = "web",
    **changes: Any,
) -> Any:
    """What is served to a new conversation that asks what this reply was made for."""
    reuse = Reuse(10, 60)
    reply = replace(make_reply(before, QUOTE, review=CHECKED), **changes)
    assert reuse.find(question, before, channel, PARTS) is None
    made = (after(before, question, reply, **(then or {})), reply)
    reuse.keep(question, before, channel, PARTS, made)
    return reuse.find(question, State(conversation_id="c2"), channel, PARTS)


def test_a_verified_reply_is_served_again_as_the_next_conversations_own() -> None:
    stream = Counted()
    with serving(stream, knowing()) as client:
        first, second = (say(client, text).json() for text in (QUESTION, f" {QUESTION.upper()}"))
        told = events(say(client, QUESTION, stream=True).text)
        kept = client.get(f"/v1/conversations/{second['conversation_id']}").json()
        found = samples(client)
    assert stream.asked == [QUESTION]
    own = {"reply_id", "conversation_id", "timings"}
    assert {k: v for k, v in first.items() if k not in own} == {
        k: v for k, v in second.items() if k not in own
    }
    assert first["reply_id"] != second["reply_id"]
    assert first["conversation_id"] != second["conversation_id"]
    assert set(second["timings"]) == {"first_sentence_ms", "total_ms"}
    assert [name for name, _ in told] == [
        "status",
        *["sentence"] * len(first["sentences"]),
        "reply",
    ]
    assert [turn["text"] for turn in kept["turns"]] == [QUESTION.upper(), second["text"]]
    assert kept["turns"][1]["reply_id"] == second["reply_id"]
    assert found[labelled("truepenny_reuse_total", result="hit")] == 2
    assert found[labelled("truepenny_reuse_total", result="miss")] == 1
    answers = labelled("truepenny_replies_total", action="answer", cause="none", model="quotes")
    assert found[answers] == 3


def test_a_conversation_goes_on_after_a_reply_that_was_served_again() -> None:
    stream = Counted()
    with serving(stream, knowing()) as client:
        say(client, QUESTION)
        name = say(client, QUESTION).json()["conversation_id"]
        say(client, "And what does delivery cost?", conversation_id=name)
        say(client, QUESTION, conversation_id=name)
        kept = client.get(f"/v1/conversations/{name}").json()
    assert stream.asked == [QUESTION, "And what does delivery cost?", QUESTION]
    assert len(kept["turns"]) == 6


def test_the_same_asked_by_many_at_once_is_made_once() -> None:
    gate = threading.Event()
    stream, got = Counted(gate), list[Any]()
    with serving(stream, knowing()) as client:
        asking = [
            threading.Thread(target=lambda: got.append(say(client, QUESTION).json()))
            for _ in range(6)
        ]
        for thread in asking:
            thread.start()
        lane = client.app.state.service.replies  # type: ignore[attr-defined]
        deadline = time.monotonic() + 10
        while lane.waiting < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        gate.set()
        for thread in asking:
            thread.join(10)
    assert stream.asked == [QUESTION]
    assert len({reply["reply_id"] for reply in got}) == 6
    assert {reply["text"] for reply in got} == {got[0]["text"]}


def test_what_is_at_hand_needs_no_place_in_line() -> None:
    gate = threading.Event()
    gate.set()
    stream = Counted(gate)
    with serving(stream, knowing(), max_waiting=0) as client:
        say(client, QUESTION)
        gate.clear()
        asking = threading.Thread(target=say, args=(client, "What does delivery cost?"))
        asking.start()
        deadline = time.monotonic() + 10
        while len(stream.asked) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert say(client, QUESTION).json()["text"].startswith(QUOTE)
        assert_problem(say(client, "Where is the workshop?"), 429, "busy")
        gate.set()
        asking.join(10)


def test_what_is_declined_or_handed_over_is_made_each_time() -> None:
    stream = Counted()
    asked = ["Do you sell submarines?", "I want to talk to a person", "Hello!"] * 2
    with serving(stream, knowing()) as client:
        actions = [say(client, text).json()["action"] for text in asked]
    assert actions[:3] == ["abstain", "handoff", "clarify"]
    assert stream.asked == asked


def test_flows_begin_each_time_and_take_the_very_words() -> None:
    stream = Counted()
    asked = ["where is my order?", "where is my order?", QUESTION, QUESTION.lower(), QUESTION]
    with serving(stream, knowing(flows_in(FLOWS))) as client:
        actions = [say(client, text).json()["action"] for text in asked]
    assert actions == ["flow", "flow", "answer", "answer", "answer"]
    assert stream.asked == asked[:4]


def test_a_prompt_of_ones_own_neither_gets_nor_leaves_a_reply() -> None:
    stream = Counted()
    user = {"role": "user", "content": QUESTION}
    own = [{"role": "system", "content": "You are a pirate."}, user]
    with serving(stream, knowing()) as client:
        for messages in (own, own, [user], [user], own):
            body = {"model": "truepenny", "messages": messages}
            assert client.post("/v1/chat/completions", json=body).status_code == 200
    assert len(stream.asked) == 4


def test_a_reload_drops_what_was_kept() -> None:
    stream, told = Counted(), threading.Event()
    with serving(stream, knowing()) as client:
        readiness = client.app.state.service.readiness  # type: ignore[attr-defined]
        readiness._told = lambda found: told.set()
        for _ in range(2):
            say(client, QUESTION)
        assert client.post("/v1/admin/reload", json={}).status_code == 202
        assert told.wait(10)
        for _ in range(2):
            say(client, QUESTION)
    assert stream.asked == [QUESTION] * 2


def test_it_can_be_turned_off() -> None:
    stream = Counted()
    with serving(stream, knowing(), reuse_replies=0) as client:
        for _ in range(2):
            say(client, QUESTION)
        assert not [name for name, _ in samples(client) if name == "truepenny_reuse_total"]
    assert stream.asked == [QUESTION] * 2


def test_what_may_be_served_again_is() -> None:
    *said, then, reply = again()
    assert [sentence.text for sentence in said] == [QUOTE]
    assert (then.conversation_id, then.turn) == ("c2", 1)
    assert (reply.conversation_id, reply.text) == ("c2", QUOTE)
    assert then.turns[1].reply_id == reply.reply_id
    assert reply.trace[-1] == "served again"


TOLD = [
    {"slots": {"order_number": SLOT}},
    {"facts": (ActionResult(key="k", action="find_order", turn=1),)},
    {"stack": (Frame(id="1", flow="track", step="number"),)},
    {"pending": Pending(kind="article", options=(Option(text="A", target="a"),))},
    {"clarified": ("a",)},
    {"ended": "track"},
    {"mode": "person"},
    {"profile": {"plan": "pro"}},
]


@pytest.mark.parametrize("own", [*TOLD, {"turns": SAID}])
def test_a_conversation_that_knows_something_neither_gets_nor_leaves_a_reply(own: Any) -> None:
    told = replace(WHERE, **own)
    assert again(before=told) is None
    reuse = Reuse(10, 60)
    reuse.find(QUESTION, WHERE, "web", PARTS)
    reply = make_reply(WHERE, QUOTE, review=CHECKED)
    reuse.keep(QUESTION, WHERE, "web", PARTS, (after(WHERE, QUESTION, reply), reply))
    assert reuse.find(QUESTION, WHERE, "web", PARTS)
    assert reuse.find(QUESTION, told, "web", PARTS) is None


@pytest.mark.parametrize("own", TOLD)
def test_a_reply_after_which_something_is_known_is_not_kept(own: Any) -> None:
    assert again(then=own) is None


def doubtful(reply: Reply, **changes: Any) -> tuple[Sentence, ...]:
    return tuple(replace(sentence, **changes) for sentence in reply.sentences)


MADE = make_reply(WHERE, QUOTE)
FACT = Citation(
    n=1, article_id="", passage_id="x", title="", url=None, quote="status: sent", kind="action"
)


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "abstain", "cause": "no_evidence"},
        {"action": "flow"},
        {"action": "clarify"},
        {"action": "handoff"},
        {"handoff": Handoff(reason="policy", summary="")},
        {"cause": "unchecked"},
        {"form": Form(fields=())},
        {"review": None},
        {"review": replace(CHECKED, status="unchecked")},
        {"review": replace(CHECKED, status="unsupported")},
        {"review": replace(CHECKED, status="contradicted")},
        {"sentences": ()},
        {"sentences": doubtful(MADE, status="unchecked")},
        {"citations": (FACT,)},
        {"citations": (replace(FACT, kind="slot"),)},
    ],
)
def test_what_is_no_verified_answer_from_passages_is_not_kept(changes: Any) -> None:
    assert again(**changes) is None


@pytest.mark.parametrize(
    "question",
    [
        "Can you write to ann@mail.example about returns?",
        "Is 4111 1111 1111 1111 good for a refund?",
        "Call me on +44 20 7946 0958 about the repair",
        "Can I return FW-20418833?",
        f"{'very ' * 100}long, how long?",
    ],
)
def test_what_holds_somebodys_own_is_not_kept(question: str) -> None:
    assert again(question) is None


def test_a_channel_keeps_its_own_replies() -> None:
    assert again(channel=None) is None
    reuse = Reuse(10, 60)
    put(reuse, QUESTION)
    assert reuse.find(QUESTION, WHERE, "web", PARTS)
    assert reuse.find(QUESTION, WHERE, "mail", PARTS) is None
    assert reuse.find(QUESTION, replace(WHERE, language="de"), "web", PARTS) is None


def put(reuse: Reuse, question: str, parts: Any = None) -> None:
    reply = make_reply(WHERE, QUOTE, review=CHECKED)
    reuse.find(question, WHERE, "web", parts or PARTS)
    reuse.keep(question, WHERE, "web", parts or PARTS, (after(WHERE, question, reply), reply))


@pytest.mark.parametrize("changed", PARTS)
def test_whatever_is_loaded_anew_drops_all(changed: str) -> None:
    reuse = Reuse(10, 60)
    put(reuse, QUESTION)
    assert reuse.find(QUESTION, WHERE, "web", dict(PARTS))
    newer = {**PARTS, changed: object()}
    assert reuse.find(QUESTION, WHERE, "web", newer) is None
    assert reuse.find(QUESTION, WHERE, "web", PARTS) is None


def test_a_reply_that_was_under_way_at_a_reload_is_not_kept() -> None:
    reuse = Reuse(10, 60)
    newer = {**PARTS, "retriever": object()}
    reply = make_reply(WHERE, QUOTE, review=CHECKED)
    for loaded in (PARTS, newer):
        reuse.find(QUESTION, WHERE, "web", loaded)
    reuse.keep(QUESTION, WHERE, "web", PARTS, (after(WHERE, QUESTION, reply), reply))
    assert reuse.find(QUESTION, WHERE, "web", newer) is None


def test_the_longest_unused_goes_first_and_all_go_in_time() -> None:
    at = [0.0]
    reuse = Reuse(2, 10, clock=lambda: at[0])
    put(reuse, "How long?")
    put(reuse, "What does it cost?")
    assert reuse.find("How long?", WHERE, "web", PARTS)
    put(reuse, "Where is it made?")
    found = [
        bool(reuse.find(question, WHERE, "web", PARTS))
        for question in ("How long?", "What does it cost?", "Where is it made?")
    ]
    assert found == [True, False, True]
    at[0] = 601.0
    assert reuse.find("How long?", WHERE, "web", PARTS) is None

"""The streaming form says the same as `step`: sentences first, then the state, the reply last."""

from bot.dialogue.asking import knowledge
from bot.dialogue.step import stream
from bot.types import Reply, Sentence, State, Turn
from tests.bot.dialogue.shop import Shop
from tests.bot.pipeline import QUESTION


def test_sentences_then_the_state_then_the_reply(shop: Shop) -> None:
    state, _ = shop.talk("where is my order?", "FW-20400123")
    items = list(stream(f"It's sam@mail.example. {QUESTION}", state, **shop.parts))
    *said, after, reply = items
    assert isinstance(after, State)
    assert isinstance(reply, Reply)
    assert all(isinstance(item, Sentence) for item in said)
    assert tuple(said) == reply.sentences
    assert after.turns[-1].text == reply.text
    assert after.turns[-1].reply_id == reply.reply_id
    numbers = [citation.n for citation in reply.citations]
    assert numbers == list(range(1, len(numbers) + 1))
    assert {n for sentence in reply.sentences for n in sentence.citations} == set(numbers)
    for sentence in reply.sentences:
        assert reply.text[sentence.start : sentence.end] == sentence.text


def test_knowledge_sees_nothing_of_the_flows() -> None:
    turns = (
        Turn(role="user", text="where is it", trace=("start_flow track (0.9)",)),
        Turn(role="assistant", text="Which order?"),
        Turn(role="user", text="how long?", trace=("answer how long?",)),
        Turn(role="assistant", text="45 days."),
        Turn(role="user", text="from elsewhere"),
    )
    kept = knowledge(State(conversation_id="c", turns=turns)).turns
    assert [turn.text for turn in kept] == ["how long?", "45 days.", "from elsewhere"]

"""The prompt: system, the last turns, the passages and the question."""

from hypothesis import given
from hypothesis import strategies as st

from bot.prompt import HISTORY_TURNS, PASSAGE_WORDS, SYSTEM, messages
from tests.bot.pipeline import state
from tests.fakes import PASSAGES, passage

QUESTION = "How long?"


def test_the_order_of_messages() -> None:
    made = messages(QUESTION, PASSAGES, state("Hi", "Hello!").turns)
    assert [message.type for message in made] == ["system", "human", "ai", "human"]
    assert made[0].text == SYSTEM
    last = made[-1].text
    assert last.endswith(f"Question: {QUESTION}")
    at = [last.index(text) for found in PASSAGES for text in (found.title, found.text)]
    assert at == sorted(at)


def test_only_the_last_turns_are_shown() -> None:
    turns = state(*(f"turn {n}" for n in range(9))).turns
    shown = messages(QUESTION, PASSAGES, turns)[1:-1]
    assert [message.text for message in shown] == [t.text for t in turns[-HISTORY_TURNS:]]
    assert len(messages(QUESTION, PASSAGES)) == 2


@given(
    lines=st.lists(st.lists(st.sampled_from(["soap", "45", "€"]), max_size=200), max_size=20),
    glue=st.sampled_from(["\n", "\n\n"]),
)
def test_a_long_passage_is_cut_at_a_line(lines: list[list[str]], glue: str) -> None:
    text = glue.join(" ".join(words) for words in lines)
    shown = messages(QUESTION, [passage("p", "Title", text)])[-1].text
    body = shown.removeprefix("Title\n").removesuffix(f"\n\nQuestion: {QUESTION}")
    assert len(body.split()) <= PASSAGE_WORDS
    assert text.split()[: len(body.split())] == body.split()


def test_no_passages() -> None:
    assert messages(QUESTION, [])[-1].text.strip() == f"Question: {QUESTION}"


def test_the_same_input_gives_the_same_prompt() -> None:
    assert messages(QUESTION, PASSAGES) == messages(QUESTION, PASSAGES)

"""Building the data set: the guard's word, no personal data, no duplicate, no leak."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.types import Turn
from finetune.config import FinetuneConfig
from finetune.dataset.augment import augmented, perturbed, reordered, retyped
from finetune.dataset.build import build
from finetune.dataset.card import card_markdown, data_card, fingerprint
from finetune.dataset.duplicates import without_duplicates
from finetune.dataset.scrub import scrub
from finetune.dataset.split import components, split
from finetune.dataset.types import Example, Exchange
from finetune.errors import DataError
from retrieval.types import Article, Passage
from tests.fakes import FakeEmbedder, passage

THINGS = ("boots", "tents", "ropes", "lamps", "stoves", "socks", "gloves", "tarps", "mugs", "maps")


def articles() -> list[Article]:
    return [
        Article(id=thing, title=thing.capitalize(),
                text=f"You can send {thing} back within {30 + n} days. Repairs of {thing} are free "
                     "until Friday.")
        for n, thing in enumerate(THINGS)
    ]  # fmt: skip


def exchange(question: str, answer: str, **more: Any) -> Exchange:
    return Exchange(question=question, answer=answer, **{"source": "test", **more})


def exchanges() -> list[Exchange]:
    return [
        exchange(
            f"How long can I return {thing}?", f"You can send {thing} back within {30 + n} days."
        )
        for n, thing in enumerate(THINGS)
    ]  # fmt: skip


def judge(answer: str, passages: Sequence[Passage], _question: str) -> bool:
    """All words of the answer stand in the passages."""
    read = set(" ".join(passage.text for passage in passages).lower().replace(".", "").split())
    return set(answer.lower().replace(".", "").split()) <= read


def made(given_: Sequence[Exchange] | None = None, **changes: Any) -> Any:
    config = FinetuneConfig(**{"held_out": 0.3, **changes})
    return build(
        exchanges() if given_ is None else given_, articles(), embed=FakeEmbedder().embed,
        judge=judge, config=config,
    )  # fmt: skip


def shown(side: Sequence[Example]) -> set[str]:
    return {passage.article_id for example in side for passage in example.passages}


@pytest.mark.parametrize("seed", range(5))
def test_no_article_is_on_both_sides_not_even_as_a_distractor(seed: int) -> None:
    dataset = made(seed=seed)
    assert len(dataset.held) == 3
    assert len([e for e in dataset.train if not e.augmented]) == 7
    assert not shown(dataset.train) & shown(dataset.held)
    assert data_card(dataset, [])["shared_articles"] == 0


def test_every_example_cites_what_supports_it_among_distractors() -> None:
    for example in (*made().train, *made().held):
        assert judge(example.answer, example.cited, example.question)
        assert set(example.cited) <= set(example.passages)
        assert len(example.passages) == 2
    order = {example.passages.index(example.cited[0]) for example in made().train}
    assert order == {0, 1}


def test_what_the_guard_rejects_is_left_out() -> None:
    false = exchange("How long can I return boots now?", "You can send boots back within 99 days.")
    dataset = made([*exchanges(), false])
    assert dataset.tally.dropped["the guard rejects it"] == 1
    assert not any("99" in example.answer for example in dataset.held)
    assert not any("99" in e.answer for e in dataset.train if not e.augmented)


def test_what_is_of_no_use_is_counted() -> None:
    useless = [
        exchange("Is it Ada who asked?", "Sure, write to ada.byron@example.com about it."),
        exchange("Can you help me?", "Happy to help!"),
        exchange("what", "You can send maps back within 39 days."),
        exchange("Say it all please", "words " * 70),
    ]
    dropped = made([*exchanges(), *useless]).tally.dropped
    assert dropped["answer about one person"] == 1
    assert dropped["answer states nothing"] == 1
    assert dropped["no question"] == 1
    assert dropped["answer over 60 words"] == 1


def test_the_named_article_is_looked_at_first_and_two_may_support_together() -> None:
    both = exchange(
        "And tents and ropes?", "You can send tents ropes back within 31 32 days.",
        passages=(passage("t", "Tents", articles()[1].text), passage("r", "Ropes",
                                                                     articles()[2].text)),
    )  # fmt: skip
    named = exchange("How about lamps then?", "Repairs of lamps are free.", article="lamps")
    dataset = made([*exchanges(), both, named], augment=0.0)
    found = {e.question: e for e in (*dataset.train, *dataset.held)}
    assert len(found["And tents and ropes?"].cited) == 2
    assert found["How about lamps then?"].cited[0].article_id == "lamps"


def test_history_is_kept_and_scrubbed_and_holds_its_conversation_together() -> None:
    said = (Turn(role="user", text="I am at ada@example.com"),)
    talk = [replace(e, history=said, conversation="c1") for e in exchanges()[:3]]
    dataset = made([*talk, *exchanges()[3:]])
    sides = [any(e.conversation for e in side) for side in (dataset.train, dataset.held)]
    assert sorted(sides) == [False, True]
    texts = {t.text for e in (*dataset.train, *dataset.held) for t in e.history}
    assert texts == {"I am at [email]"}
    assert dataset.tally.scrubbed["email"] == 3


@pytest.mark.parametrize("rows", [[], exchanges()[:1], [exchange("a b", "Nobody says this.")]])
def test_too_little_is_an_error(rows: list[Exchange]) -> None:
    with pytest.raises(DataError, match=r"no example is left|nothing can be held out"):
        made(rows)


def test_the_same_seed_gives_the_same_data() -> None:
    first, same, other = (made(seed=seed) for seed in (1, 1, 2))
    assert (first.train, first.held) == (same.train, same.held)
    assert fingerprint(first.train) != fingerprint(other.train)


def test_the_card_counts_and_shows_no_text() -> None:
    card = data_card(made([*exchanges(), exchanges()[0]]), ["faq.csv"])
    assert card["train"]["examples"] == 7 + sum(card["train"]["augmented"].values())
    assert card["held_out"]["examples"] == 3
    assert card["held_out"]["augmented"] == {}
    assert card["dropped"]["near-duplicate"] == 1
    page = card_markdown(card)
    assert "| examples |" in page
    assert "faq.csv" in page
    assert "boots" not in page


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("Write to me: ada@mail.org", (), "Write to me: [email]"),
        ("Card 4111 1111 1111 1111 please", (), "Card [card] please"),
        ("Order 4111 1111 1111 1112", (), "Order 4111 1111 1111 1112"),
        ("IBAN DE89 3704 0044 0532 0130 00.", (), "IBAN [iban]."),
        ("Call +44 20 7946 0958 now", (), "Call [phone] now"),
        ("Hi Ada, all is well", (), "Hi [name], all is well"),
        ("Hi there, all is well", (), "Hi there, all is well"),
        ("I asked Grace and grace period", ("Grace Hopper",), "I asked [name] and grace period"),
        ("Write to help@shop.com", (), "Write to help@shop.com"),
    ],
)
def test_scrubbing(text: str, names: tuple[str, ...], expected: str) -> None:
    assert scrub(text, names=names, public="Our address is help@shop.com.")[0] == expected


def test_near_duplicates_go_and_other_numbers_stay() -> None:
    one = exchange("How long can I return my new boots?", "You have 30 days to return them.")
    alike = exchange("How long can i return my new boots", "You have 30 days to return them!")
    other = exchange("How long can I return my new boots?", "You have 60 days to return them.")
    assert without_duplicates([one, alike, other, one]) == [one, other]


@given(
    st.lists(st.sets(st.integers(0, 12), max_size=3), min_size=3, max_size=40),
    st.floats(0.05, 0.9), st.integers(0, 3),
)  # fmt: skip
def test_a_split_shares_no_group(groups: list[set[int]], share: float, seed: int) -> None:
    items = list(range(len(groups)))
    try:
        kept, held = split(items, groups, share, seed)
    except DataError:
        assert max(map(len, components(groups))) > 0
        return
    assert sorted(kept + held) == items
    assert 0 < len(held) <= max(1, round(share * len(items)))
    kept_groups = {g for n in kept for g in groups[n]}
    assert not kept_groups & {g for n in held for g in groups[n]}


def test_components_hang_together_over_steps() -> None:
    assert sorted(map(sorted, components([{1}, {2}, {1, 3}, {3, 4}, set()]))) == [
        [0, 2, 3],
        [1],
        [4],
    ]


def example(question: str = "How long for Tents?", answer: str = "Within 31 days.") -> Example:
    cited = passage("tents", "Tents", "Send tents back within 31 days, until Friday. Not 9:31.")
    other = passage("ropes", "Ropes", "Ropes: 31 days too, or 12.50 euros.")
    return Example(
        question=question, answer=answer, passages=(other, cited), cited=(cited,), source="t"
    )


@given(st.integers(0, 200))
def test_a_perturbed_value_is_the_same_in_passage_and_answer(seed: int) -> None:
    copy = perturbed(example(), (), Random(seed))
    assert copy is not None
    number = copy.answer.removeprefix("Within ").removesuffix(" days.")
    assert number not in ("31", "12")
    assert copy.cited[0].text == (f"Send tents back within {number} days, until Friday. Not 9:31.")
    assert copy.passages == (copy.passages[0], copy.cited[0])
    assert copy.passages[0].text == f"Ropes: {number} days too, or 12.50 euros."
    assert copy.groups == example().groups


def test_a_weekday_is_swapped_for_another() -> None:
    copy = perturbed(example(answer="Until Friday."), (), Random(1))
    assert copy is not None
    day = copy.answer.removeprefix("Until ").rstrip(".")
    assert day != "Friday"
    assert f"until {day}." in copy.cited[0].text


@pytest.mark.parametrize(
    "one", [example("Is it 31 days?"), example(answer="Send tents back."), example(answer="In 77.")]
)
def test_no_perturbation_without_a_value_of_the_passage(one: Example) -> None:
    assert perturbed(one, (), Random(0)) is None


def test_reordered_and_retyped_keep_what_matters() -> None:
    pool = [passage(n, n, f"text {n}") for n in "abcdef"]
    copy = reordered(example(), pool, Random(0))
    assert copy is not None
    assert copy.cited == example().cited
    assert copy.cited[0] in copy.passages
    assert copy.passages != example().passages
    typed = retyped(example(), (), Random(0))
    assert typed is not None
    assert typed.question == typed.question.lower()
    assert sorted(typed.question) == sorted("how long for tents")
    assert retyped(example("how"), (), Random(0)) is None


def test_copies_that_the_guard_rejects_are_left_out() -> None:
    given_ = [example()] * 30
    assert len(augmented(given_, (), lambda *_: True, 2.0, Random(0))) == 60
    assert augmented(given_, (), lambda *_: False, 2.0, Random(0)) == []
    assert 5 < len(augmented(given_, (), lambda *_: True, 0.5, Random(0))) < 25

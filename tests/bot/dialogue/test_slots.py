from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue.schema import Slot
from bot.dialogue.slots import find, mentions, whole
from tests.bot.dialogue.shop import TODAY

ORDER = Slot(type="pattern", pattern=r"(?:FW)?[-\s]?(\d{8})", format="FW-{0}")
CHOICE = Slot(type="choice", choices={"by post": ("mail",), "in a store": ("shop",)})


def values(text: str, asked: str | None = None, **slots: Slot) -> dict[str, str]:
    return {item.slot: item.value for item in find(slots, text, asked=asked, today=TODAY)}


@pytest.mark.parametrize(
    ("slot", "text", "value"),
    [
        (ORDER, "it's fw 20418833, thanks", "FW-20418833"),
        (ORDER, "20418833", "FW-20418833"),
        (Slot(type="email"), "mail Sam.Lee@Mail.example.", "sam.lee@mail.example"),
        (Slot(type="phone", region="IE"), "call me on 01 555 0142", "+35315550142"),
        (Slot(type="phone", region="US"), "it is (977) 625-2661", "+19776252661"),
        (Slot(type="number"), "five of them", "5"),
        (Slot(type="money"), "it was €59.9", "59.90"),
        (Slot(type="money"), "50 dollars", "50.00"),
        (Slot(type="date"), "on 3 May 2026", "2026-05-03"),
        (Slot(type="date"), "12/03/2026", "2026-03-12"),
        (Slot(type="date", date_order="MDY"), "12/03/2026", "2026-12-03"),
        (Slot(type="date"), "the day was yesterday", "2026-11-24"),
        (Slot(type="date", after="today"), "next Friday", "2026-11-27"),
        (Slot(type="date"), "on the 12th, please", "2026-11-12"),
        (Slot(type="date", after="today"), "the 12th of next month", "2026-12-12"),
        (Slot(type="date", after="today"), "Tuesday next week", "2026-12-01"),
        (Slot(type="date", after="today"), "the day after tomorrow", "2026-11-27"),
        (Slot(type="time"), "at 4pm", "16:00"),
        (Slot(type="time"), "from 17:30 on", "17:30"),
        (Slot(type="time"), "half past 11 in the morning", "11:30"),
        (Slot(type="yes_no"), "yes, please", "yes"),
        (Slot(type="yes_no"), "nope", "no"),
        (CHOICE, "I'll send it by mail", "by post"),
        (CHOICE, "the second one", "in a store"),
        (CHOICE, "in teh stroe", "in a store"),
        (CHOICE, "2", "in a store"),
        (Slot(pattern=r"new address is (.+)"), "my new address is 3 Hill Road.", "3 Hill Road"),
    ],
)
def test_a_value_is_found_and_written_in_one_way(slot: Slot, text: str, value: str) -> None:
    assert values(text, asked="it", it=slot) == {"it": value}


@pytest.mark.parametrize(
    ("slot", "text"),
    [
        (ORDER, "2041883"), (ORDER, "A20418833B"), (Slot(type="email"), "sam at mail"),
        (Slot(type="email"), "x@-.example"), (Slot(type="phone"), "12"),
        (Slot(type="number"), "none of your business"), (Slot(type="date"), "soonish"),
        (Slot(type="yes_no"), "yes but only the boots"), (CHOICE, "by pigeon"), (CHOICE, "3"),
        (CHOICE, "my last pair of trousers was lost when they fell out of a window"),
        (Slot(), "free text is never guessed"),
    ],
)  # fmt: skip
def test_what_is_no_value_is_not_taken(slot: Slot, text: str) -> None:
    assert values(text, asked="it", it=slot) == {}


@pytest.mark.parametrize("slot", [Slot(type="number"), Slot(type="yes_no")])
def test_plain_words_count_only_when_asked_for(slot: Slot) -> None:
    assert values("yes, 2 of them", asked=None, it=slot) == {}


NIGHTS = Slot(type="number", words=("night",))
WRAPPED = Slot(type="yes_no", words=("gift wrapping",))
BACK = Slot(type="date", words=("until", "back"))


@pytest.mark.parametrize(
    ("slot", "text", "value"),
    [
        (NIGHTS, "a room for 3 people, four nights", "4"),
        (NIGHTS, "2 whole nights", "2"),
        (WRAPPED, "two mugs with gift wrapping", "yes"),
        (WRAPPED, "no gift wrapping for the mugs", "no"),
    ],
)
def test_a_slot_s_words_tell_its_values_unasked(slot: Slot, text: str, value: str) -> None:
    assert values(text, it=slot) == {"it": value}


@pytest.mark.parametrize(
    ("slot", "text"),
    [
        (NIGHTS, "3 people at night"),
        (WRAPPED, "Do you offer gift wrapping?"),
        (WRAPPED, "I wonder if gift wrapping costs more"),
        (BACK, "I leave on 3 May"),
    ],
)
def test_other_words_and_questions_tell_nothing(slot: Slot, text: str) -> None:
    assert values(text, it=slot) == {}


def test_two_dates_are_told_apart_by_the_words_before_them() -> None:
    slots = {"leave": Slot(type="date"), "back": BACK}
    found = values("back on 9 May 2026, and I leave on 3 May 2026", **slots)
    assert found == {"leave": "2026-05-03", "back": "2026-05-09"}
    assert values("9 May 2026", asked="back", **slots) == {"back": "2026-05-09"}


def test_several_values_of_one_sentence_dont_overlap() -> None:
    slots: dict[str, Any] = {
        "number": Slot(type="number"), "order": ORDER, "email": Slot(type="email"),
        "day": Slot(type="date"),
    }  # fmt: skip
    found = values("2 pairs of FW-20418833 on 3 May 2026, a@b.example", asked="number", **slots)
    assert found == {
        "number": "2", "order": "FW-20418833", "email": "a@b.example", "day": "2026-05-03",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("slot", "text"),
    [
        (Slot(type="number", maximum=3), "4"),
        (Slot(type="number", minimum=3), "2"),
        (Slot(type="date", after="today"), "yesterday"),
        (Slot(type="date", before="2026-01-01"), "3 May 2026"),
    ],
)
def test_a_value_out_of_bounds_is_invalid(slot: Slot, text: str) -> None:
    (found,) = find({"it": slot}, text, asked="it", today=TODAY)
    assert not found.valid


def test_a_choice_can_come_from_a_fact() -> None:
    slots = {"it": Slot(type="choice", choices_from="items")}
    listed = {"it": ["Leather boots", "Merino socks"]}
    found = find(slots, "the socks please", asked="it", today=TODAY, choices=listed)
    assert [item.value for item in found] == ["Merino socks"]


def test_the_whole_message_is_a_text_less_its_lead() -> None:
    found = whole("it", Slot(), "It's 12 Hill Road.")
    assert found
    assert found.value == "12 Hill Road"
    assert whole("it", Slot(max_chars=5), "far too long") is None
    assert whole("it", Slot(type="number"), "12") is None


def test_mentions_are_in_order_and_different() -> None:
    said = ["FW-20418833 or 20400123", "I mean fw20418833"]
    assert mentions(ORDER, said, TODAY) == ["FW-20418833", "FW-20400123"]


@given(st.text(max_size=200))
def test_any_text_gives_only_values_that_stand_in_it(text: str) -> None:
    slots = {"a": ORDER, "b": Slot(type="email"), "c": Slot(type="date"), "d": CHOICE,
             "e": Slot(type="phone"), "f": Slot(type="number")}  # fmt: skip
    for item in find(slots, text, asked="d", today=TODAY):
        assert 0 <= item.start < item.end <= len(text)
        assert item.value

"""Abuse without a question, other languages and attacks stop a question; little else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.screens import screen
from guards.screens.abuse import abuse
from guards.screens.language import foreign


@pytest.mark.parametrize(
    "text",
    ["fuck you", "You stupid bot!", "this is shit", "sh1t bot", "you are all useless idiots"],
)
def test_abuse_alone_is_met(text: str) -> None:
    found = screen(text)
    assert found
    assert found.screen == "abuse"
    assert 0 < found.score <= 1


@pytest.mark.parametrize(
    "text",
    [
        "how the fuck do i return this shit", "where is my damn order",
        "stupid question but can I return soap", "my card was declined you idiots",
        "I hate this tent, can I send it back?", "kill a process", "can I buy screws",
        "Dick Smith jacket returns", "scunthorpe delivery", "",
    ],
)  # fmt: skip
def test_abuse_with_a_question_is_a_question(text: str) -> None:
    assert abuse(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Wie lange kann ich meine Bestellung zurückgeben?", "wo ist mein paket",
        "¿Cuánto tarda el envío a España?", "où est ma commande", "Quanto costa la spedizione?",
        "Ik wil mijn account verwijderen", "esqueci minha senha, o que faço",
        "gdzie jest moja paczka", "Hur lång tid tar leveransen?", "ürünü nasıl iade edebilirim",
        "Miten voin palauttaa tuotteen?", "Bao lâu thì tôi nhận được hàng?",
    ],
)  # fmt: skip
def test_other_languages_are_foreign(text: str) -> None:
    found = screen(text)
    assert found
    assert found.screen == "language"
    assert foreign(text, "") is None


@pytest.mark.parametrize(
    "text",
    [
        "Minimum macOS for IDE 2?", "refund?", "ACC-423??", "dependencies vs devDependencies?",
        "drwxrw-r--", "can I wax my nubuck boots", "in which folder is my Thunderbird mail?",
        "npm ERR! code ERESOLVE", "retrun polcy opend soap", "Fernway Outfitters Hestwick hours",
        "pen too soft, change pressure", "do ya ship to Hungary", "pls wheres my parcel thx",
    ],
)  # fmt: skip
def test_names_scraps_and_misspellings_are_not(text: str) -> None:
    assert screen(text) is None


def test_a_foreign_question_is_at_home_in_its_language() -> None:
    text = "Wie lange kann ich meine Bestellung zurückgeben?"
    assert foreign(text, "de") is None
    assert foreign("How long can I return my order after delivery?", "de")


@given(text=st.text(max_size=200))
def test_any_text_is_screened(text: str) -> None:
    assert screen(text) == screen(text)

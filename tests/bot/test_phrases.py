"""Cue phrases in other languages, and no trap in them for English."""

import time

import pytest

from bot import phrases
from bot.dialogue import cues
from bot.dialogue.step import step
from bot.phrases import Cue
from bot.types import State
from bot.understanding import read
from tests.bot.dialogue.shop import FLOWS, dialogue_parts, flows_in, open_shop


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("greeting", ("Hallo!", "Guten Tag", "Buenos días", "bonjour", "你好", "hello")),
        ("thanks", ("danke schön!", "vielen Dank", "muchas gracias", "merci beaucoup", "谢谢你啊")),
        ("bye", ("Tschüss", "auf Wiedersehen", "hasta luego", "au revoir", "再见", "ok, goodbye!")),
        ("person", (
            "Ich möchte mit einem Menschen sprechen", "Mitarbeiter bitte", "转人工",
            "bitte verbinden Sie mich mit einem Mitarbeiter", "quiero hablar con una persona",
            "Je veux parler à un conseiller", "puis-je parler avec quelqu'un", "我想和真人说话",
        )),
        ("question", (
            "Wie lange kann ich zurückgeben?", "¿puedo devolver con etiqueta?",
            "hallo, wo ist mein Paket", "personne ne répond", "is a bye week covered?",
        )),
        ("refused", ("人工智能是什么", "多少钱")),
    ],
)  # fmt: skip
def test_what_is_told_without_a_model(kind: str, texts: tuple[str, ...]) -> None:
    assert {text: read(text, 2000).kind for text in texts} == dict.fromkeys(texts, kind)


@pytest.mark.parametrize(
    "text",
    ["ja", "Ja, bitte", "sí", "vale", "oui, s'il vous plaît", "d'accord", "是的", "好，可以"],
)
def test_yes(text: str) -> None:
    assert cues.affirmed(text) is True


@pytest.mark.parametrize(
    "text",
    ["nein", "Nein, die zweite", "non, le deuxième", "不是", "不，第二个", "Entschuldigung, nein",
     "para nada"],
)  # fmt: skip
def test_no(text: str) -> None:
    assert cues.affirmed(text) is False


@pytest.mark.parametrize(
    "text",
    ["ja aber nicht die Stiefel", "japan", "non-stick pans", "不知道", "不好意思，请问", "是不是",
     "nonetheless", "bitte", "si je veux rendre"],
)  # fmt: skip
def test_neither(text: str) -> None:
    assert cues.affirmed(text) is None


@pytest.mark.parametrize(
    ("cue", "texts"),
    [
        ("cancel", ("abbrechen bitte", "vergiss es", "olvídalo", "laisse tomber", "算了吧")),
        ("later", ("später", "un momento", "plus tard", "稍等")),
        ("skip", ("weiß ich nicht", "no sé", "je ne sais pas", "不知道")),
    ],
)
def test_ways_out(cue: Cue, texts: tuple[str, ...]) -> None:
    assert all(phrases.only(cue, text) for text in texts)
    assert not phrases.only(cue, "ich will meine Bestellung abbrechen")


def test_a_correction_is_filler() -> None:
    assert cues.filler("ich meinte")
    assert cues.filler("我是说")
    assert not cues.filler("ich meinte Stiefel")


def test_no_message_takes_long() -> None:
    began = time.perf_counter()
    for text in ("是的" * 30, "ja " * 20, "不是" * 30 + "x", "okok" * 15 + "x"):
        for cue in phrases.PHRASES:
            phrases.only(cue, text)
            phrases.begins(cue, text * 40)
            phrases.inside(cue, text * 40)
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ("ja, bitte", "is cancelled. You get €59.00 back."),
        ("是的", "is cancelled. You get €59.00 back."),
        ("non", "I haven't cancelled anything."),
        ("算了", "All right, I've left it at that."),
    ],
)
def test_a_confirmation_is_read_in_any_of_them(said: str, ends: str) -> None:
    with open_shop() as shop:
        state, _ = shop.talk(
            "I want to cancel my order FW-20418834, sam@mail.example", "überspringen"
        )
        _, (reply,) = shop.talk(said, state=state)
    assert ends in reply.text


def test_a_message_that_says_goodbye_is_answered() -> None:
    parts = dialogue_parts(flows_in(FLOWS))
    _, reply = step(State(conversation_id="c"), "再见", parts)
    assert reply.text.startswith("Goodbye!")

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from bot.store.config import StoreConfig
from bot.store.store import Store, open_store
from bot.store.types import Incoming
from bot.types import Reply, State
from evaluation import gaps as room
from evaluation.cli_gaps import app
from tests.evaluation import fakes

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # of open_index
QUOTE = "You can return most items within 45 days of delivery."


@pytest.fixture
def store(tmp_path):
    opened = open_store(StoreConfig(url=f"sqlite:///{tmp_path / 'store.db'}"))
    yield opened
    opened.close()


def abstains(cause="no_evidence") -> Reply:
    return replace(fakes.reply("I don't know.", action="abstain"), cause=cause)


def says(store: Store, who: str, question: str, reply: Reply, rating: str = "") -> None:
    n = says.count = getattr(says, "count", 0) + 1
    conversation = f"c-{who}"
    incoming = Incoming(conversation_id=conversation, client_id=str(n), text=question, user_id=who)
    message = store.turns.receive(incoming, "owner", 5)
    given = replace(reply, reply_id=f"r-{n}", conversation_id=conversation)
    assert store.turns.finish(message.id, "owner", given, State(conversation_id=conversation))
    if rating:
        assert store.conversations.rate(f"r-{n}", rating)


def fill(store: Store) -> None:
    says(store, "ann", "Do you ship to Mars?", abstains())
    says(store, "ann", "Do you ship to Mars ?", abstains())
    says(store, "bob", "do you ship to mars", abstains("partial_evidence"))
    says(store, "cleo", "How are gloves washed?", fakes.reply(QUOTE), rating="down")
    says(store, "dan", "May I return items?", fakes.reply(QUOTE), rating="up")
    says(store, "eve", "A person, please!", abstains("customer_request"))


def parts(tmp_path):
    return {"retriever": fakes.retriever(tmp_path / "index"), "generator": None,
            "guard": fakes.guard(), "policy": None}  # fmt: skip


def test_gaps_are_ranked_by_people(store, tmp_path) -> None:
    fill(store)
    asked = list(room.history(store))
    assert len(asked) == 6
    first, second = room.groups(asked, fakes.WordEmbedder())
    assert (first.customers, len(first.asked)) == (2, 3)
    assert second.asked[0].why == "thumbs down"
    shown = room.described(first, fakes.retriever(tmp_path / "index"))
    assert shown["why"] == ["abstain: no_evidence", "abstain: partial_evidence"]
    assert shown["nearest_article"] == "delivery"
    assert shown["lacks"] == ["mars?"]


def test_no_gaps() -> None:
    assert room.groups([], fakes.WordEmbedder()) == []


def test_replay_counts_what_is_answered_now(store, tmp_path, monkeypatch) -> None:
    fill(store)
    found = room.groups(list(room.history(store)), fakes.WordEmbedder())

    def answer(question: str, state: State, **_: object) -> Reply:
        return fakes.reply(QUOTE) if question == "do you ship to mars" else abstains()

    monkeypatch.setattr("bot.answer.answer", answer)
    rows = list(room.replayed(found, parts(tmp_path)))
    assert rows[0] == {"question": "Do you ship to Mars?", "asked": 3, "answered_now": 1}
    assert rows[1]["answered_now"] == 0


def test_past_answers_that_are_false_now(store, tmp_path) -> None:
    old = fakes.reply("You can return most items within 90 days of delivery.")
    gone = fakes.reply("Zips are free.", article="zips")
    for n, reply in enumerate((old, gone, fakes.reply(QUOTE))):
        says(store, f"u{n}", "Returns?", reply)
    found = list(room.stale(list(room.history(store)), parts(tmp_path)))
    assert [row["sentence"] for row in found] == [old.text, gone.text]
    assert found[1]["reason"] == "the article is gone"


def test_what_cannot_be_checked_proves_nothing(store, tmp_path) -> None:
    says(store, "u", "Returns?", fakes.reply("Items go back within 90 days."))
    broken = {**parts(tmp_path), "guard": fakes.guard(broken=True)}
    assert list(room.stale(list(room.history(store)), broken)) == []


def test_the_command(store, tmp_path, monkeypatch) -> None:
    fill(store)
    monkeypatch.setenv("TRUEPENNY_STORE_URL", f"sqlite:///{tmp_path / 'store.db'}")
    made = parts(tmp_path)
    monkeypatch.setattr("bot.parts.load", lambda config, index: made)
    monkeypatch.setattr("bot.answer.answer", lambda *_, **__: fakes.reply(QUOTE))
    done = CliRunner().invoke(app, ["gaps", "--replay", "--stale", "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert (result["messages"], result["in_vain"], result["groups"]) == (6, 4, 2)
    assert result["replay"][0]["answered_now"] == 3
    shown = CliRunner().invoke(app, ["gaps"])
    assert "thumbs" in shown.stderr


def test_contradictions_and_drafts_by_the_command(store, tmp_path, monkeypatch) -> None:
    fill(store)
    monkeypatch.setenv("TRUEPENNY_STORE_URL", f"sqlite:///{tmp_path / 'store.db'}")
    made = parts(tmp_path)
    monkeypatch.setattr("bot.parts.load", lambda config, index: made)
    answers = tmp_path / "agents.jsonl"
    answers.write_text(json.dumps({"question": "Do you ship to Mars?", "answer": "Not yet."}))
    call = ["gaps", "--contradictions", "--answers", str(answers), "--drafts", str(tmp_path / "d")]
    result = json.loads(CliRunner().invoke(app, [*call, "--json"]).stdout)
    assert result["contradictions"] == []
    assert [path.rpartition("/")[2] for path in result["drafts"]] == [
        "draft-do-you-ship-to-mars.md"
    ]
    assert CliRunner().invoke(app, call).exit_code == 0

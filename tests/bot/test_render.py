"""The JSON of replies, reviews and hits has the contract's keys and no others."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.render import hit_json, reply_json, review_json
from bot.types import Form, FormField
from tests.bot.pipeline import QUESTION, ask, pipeline
from tests.fakes import FakeVerifier

DRAFT = "You can return most items within 45 days after delivery."
REPLY = {
    "reply_id", "conversation_id", "text", "action", "cause", "sentences", "citations",
    "suggestions", "handoff", "form", "timings", "model", "adapter", "index_version",
    "threshold_version",
}  # fmt: skip
SENTENCE = {"text", "start", "end", "status", "probability", "citations"}
CITATION = {"n", "article_id", "passage_id", "title", "url", "quote", "kind"}
HIT = {"rank", "score", "article_id", "passage_id", "title", "headings", "text", "url"}
REVIEW = {"status", "probability", "answerable", "verdicts"}
VERDICT = {
    "claim", "start", "end", "status", "probability", "quote", "passage_id", "reason", "guard",
}  # fmt: skip


def through_json(data: Any) -> Any:
    return json.loads(json.dumps(data, allow_nan=False))


def test_an_answer() -> None:
    _, reply = ask(**pipeline(DRAFT, verifier=FakeVerifier(gullible=True)))
    made = through_json(reply_json(reply))
    assert set(made) == REPLY
    assert made["action"] == "answer"
    assert made["sentences"]
    assert all(set(item) == SENTENCE for item in made["sentences"])
    assert all(set(item) == CITATION for item in made["citations"])
    assert made["handoff"] is None
    assert all(isinstance(value, float) for value in made["timings"].values())
    for item in made["sentences"]:
        assert made["text"][item["start"] : item["end"]] == item["text"]


def test_an_abstention_and_a_handoff() -> None:
    _, declined = ask("Who painted the ceiling of the chapel?", **pipeline())
    made = through_json(reply_json(declined))
    assert set(made) == REPLY
    assert (made["sentences"], made["citations"]) == ([], [])
    assert all(set(item) == {"text", "article_id"} for item in made["suggestions"])
    _, over = ask("I want to talk to a person", **pipeline())
    made = through_json(reply_json(over))
    assert set(made["handoff"]) == {"reason", "summary", "evidence"}


def test_a_form() -> None:
    _, reply = ask("I want to talk to a person", **pipeline())
    assert reply_json(reply)["form"] is None
    wanted = FormField(name="order", label="Order number", type="text", pattern="F-[0-9]{4}")
    made = through_json(reply_json(replace(reply, form=Form(fields=(wanted,)))))
    assert made["form"] == {
        "fields": [
            {
                "name": "order", "label": "Order number", "type": "text", "required": True,
                "pattern": "F-[0-9]{4}", "choices": [],
            }
        ]
    }  # fmt: skip


def test_a_hit() -> None:
    hits = pipeline()["retriever"].search(QUESTION)
    rows = through_json([hit_json(hit) for hit in hits])
    assert all(set(row) == HIT for row in rows)
    assert [row["rank"] for row in rows] == [1, 2, 3]


@pytest.mark.parametrize("answer", ["Opened soap is never refunded. It costs €99.", "", "Hi!"])
def test_a_review(answer: str) -> None:
    parts = pipeline()
    found = [hit.passage for hit in parts["retriever"].search(QUESTION)]
    review = parts["guard"].review(answer, found)
    made = through_json(review_json(review))
    assert set(made) == REVIEW
    assert made["status"] == review.status
    assert all(set(item) == VERDICT for item in made["verdicts"])
    for item in made["verdicts"]:
        assert answer[item["start"] : item["end"]] == item["claim"]
    known = [item["probability"] for item in made["verdicts"]]
    assert made["probability"] == (min(known) if known else 1.0)


def test_an_unchecked_review_has_no_probability_and_no_quote() -> None:
    review = pipeline()["guard"].review("It costs €99.", [])
    made = through_json(review_json(review))
    assert (made["status"], made["probability"]) == ("unchecked", None)
    [verdict] = made["verdicts"]
    assert (verdict["quote"], verdict["passage_id"]) == (None, None)
    assert verdict["reason"]

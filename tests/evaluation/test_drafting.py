import pytest

from evaluation import drafting as room
from evaluation.questions import InputError, Question
from guards.evidence import as_passages
from retrieval.types import Passage
from tests.evaluation import fakes


def passage(title: str, text: str, key: str = "a") -> Passage:
    return Passage(id=f"p-{key}", article_id=key, title=title, headings=(), text=text,
                   start=0, end=len(text))  # fmt: skip


HELP = (
    passage("Return an item", "You can return your items within 45 days. You can keep the box."),
    passage(
        "How to cancel an order", "You can't cancel an order unless we agree. You can undo it.", "b"
    ),
    passage("Do you ship abroad?", "Shipping is slow. - You can list things.", "c"),
    passage("Delivery", "We deliver.", "d"),
    passage("If your parcel is lost", "Write to us.", "e"),
)


def by_kind() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for draft in room.drafts(HELP):
        found.setdefault(draft.question.kind, []).append(draft.question.question)
    return found


def test_kinds_by_template() -> None:
    found = by_kind()
    assert found["how-to"] == [
        "How do I return an item?",
        "How do I cancel an order?",
        "What can I do if my parcel is lost?",
    ]  # fmt: skip
    assert found["factoid"] == ["Do you ship abroad?"]
    assert found["yes-no"] == ["Can I return my items within 45 days?", "Can I keep the box?"]
    assert found["exception"] == ["Can I cancel an order?"]
    assert found["false-presupposition"] == [
        "Is it true that I can return my items within 91 days?"
    ]
    assert found["near-miss"][1].startswith("Can I keep the box ")
    assert found["two-articles"] == ["How do I return an item, and how do I cancel an order?"]
    assert found["follow-up"][0] == "And can I return my items within 45 days?"


def test_what_is_expected_comes_with_the_question() -> None:
    given = {draft.question.kind: draft for draft in room.drafts(HELP)}
    assert given["false-presupposition"].question.facts == (("45 days",),)
    assert given["two-articles"].question.articles == ("a", "b")
    assert not given["near-miss"].question.answerable
    assert given["near-miss"].question.articles == ()
    turns = given["follow-up"].question.history
    assert [turn.role for turn in turns] == ["user", "assistant"]
    ids = [draft.question.id for draft in room.drafts(HELP)]
    assert len(set(ids)) == len(ids)
    assert ids == [draft.question.id for draft in room.drafts(HELP)]


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # of open_index
def test_drafts_must_be_borne_out(tmp_path) -> None:
    retriever, guard = fakes.retriever(tmp_path / "i"), fakes.guard()
    given = [
        room.Draft(question=Question(id=str(n), question=text, articles=articles,
                                     answerable=bool(articles)), evidence="")
        for n, (text, articles) in enumerate([
            ("You can return most items within 45 days of delivery", ("returns",)),
            ("You can return most items within 45 days of delivery", ("elsewhere",)),
            ("You can return most items within 45 days of delivery", ()),
            ("quantum chromodynamics", ()),
        ])
    ]  # fmt: skip
    kept = list(room.checked(given, retriever, guard))
    assert [draft.question.id for draft in kept if draft] == ["0", "3"]


def test_near_duplicates_are_left_out() -> None:
    texts = ["Can I return an item?", "Can I return an item ?", "Is soap refunded?"]
    given = [
        room.Draft(question=Question(id=str(n), question=text, kind="k"), evidence="")
        for n, text in enumerate(texts)
    ]
    left = room.distinct(given, fakes.WordEmbedder())
    assert [draft.question.id for draft in left] == ["0", "2"]
    assert room.distinct([], fakes.WordEmbedder()) == []


def test_the_csv_goes_there_and_back() -> None:
    rows = [room.row(draft) for draft in room.drafts(HELP)]
    text = room.to_csv(rows)
    back = room.from_csv(text, "f.csv")
    assert [r["question"] for r in back] == [r["question"] for r in rows]
    assert [r["answerable"] for r in back] == [r["answerable"] for r in rows]
    assert [r["facts"] for r in back] == [[list(f) for f in r["facts"]] for r in rows]
    less = text.replace("yes,", "no,", 1).replace("yes,", ",", 1)
    assert len(room.from_csv(less, "f.csv")) == len(rows) - 2
    with pytest.raises(InputError, match=r"f.csv:2: answerable must be JSON"):
        room.from_csv(text.replace("true", "perhaps", 1), "f.csv")
    with pytest.raises(InputError, match="columns keep"):
        room.from_csv("a,b\n", "f.csv")


def test_passages_without_titles_give_nothing() -> None:
    assert room.drafts(as_passages(["Soap is never refunded."])) == []

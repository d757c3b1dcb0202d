import pytest

from evaluation.contradictions import conflict, contradictions
from tests.evaluation.fakes import WordEmbedder
from tests.fakes import passage

RETURNS = "You can return most items within 45 days of delivery."


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ("Most items can be returned within 30 days of delivery.", "45 days against 30 days"),
        ("You can return most items within 45 days of delivery.", ""),
        ("Opened soap goes back within 30 days of purchase at the counter.", ""),
        ("You cannot return most items within 45 days of delivery.", "one says the reverse"),
    ],
)
def test_the_same_matter_with_another_value_is_a_conflict(other: str, reason: str) -> None:
    assert conflict(RETURNS, other).startswith(reason)
    assert bool(conflict(RETURNS, other)) == bool(reason)


def test_pairs_of_two_articles_are_listed_once() -> None:
    given = [
        passage("returns", "Returns", f"{RETURNS} Zips are mended while you wait."),
        passage(
            "faq", "Questions", "# 30 days\n\nYou can return most items within 30 days of delivery."
        ),
        passage("soap", "Soap", "Soap is never refunded."),
    ]
    (found,) = contradictions(given, WordEmbedder())
    assert {found.first.article_id, found.second.article_id} == {"returns", "faq"}
    assert "45 days" in found.reason


def test_one_article_does_not_disagree_with_itself() -> None:
    given = [passage("a", "A", RETURNS), passage("a", "A", RETURNS.replace("45", "30"))]
    assert contradictions(given, WordEmbedder()) == []
    assert contradictions([], WordEmbedder()) == []

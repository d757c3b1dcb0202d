import numpy as np
import pytest

from bot.dialogue.intents import DOUBT, IntentClassifier, Rows


def unit(*rows: list[float]) -> Rows:
    found = np.array(rows, dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


# the first direction tells the two apart; the others are as strong and tell nothing
SEND = unit([1, 3, 0, 1], [1, 0, 3, 1], [1, 2, 2, 1])
STOP = unit([-1, 3, 0, 1], [-1, 0, 3, 1], [-1, 2, 1, 3])
BETWEEN = unit([1, 2, 1, 3])  # nearest to the last of STOP


def test_the_regression_overrules_a_chance_likeness() -> None:
    assert (BETWEEN @ STOP.T).max() > (BETWEEN @ SEND.T).max()
    assert IntentClassifier([SEND, STOP]).scores(BETWEEN).argmax() == 0


def test_a_score_is_a_cosine_less_doubt() -> None:
    classifier = IntentClassifier([SEND, STOP])
    (own,) = classifier.scores(SEND[:1])
    assert 1 - DOUBT < own[0] < 1
    assert own[1] < own[0]
    (far,) = classifier.scores(unit([0, -1, -1, -1]))
    assert far.max() < 0


def test_one_intent_is_told_by_likeness_alone() -> None:
    assert IntentClassifier([SEND]).scores(SEND) == pytest.approx(np.ones((3, 1)))


def test_intents_may_have_different_numbers_of_examples() -> None:
    classifier = IntentClassifier([SEND[:1], STOP, unit([0, 0, 0, -1], [0, 0, -1, -1])])
    scores = classifier.scores(np.concatenate([SEND[:1], STOP, unit([0, 0, 0, -1])]))
    assert list(scores.argmax(axis=1)) == [0, 1, 1, 1, 2]

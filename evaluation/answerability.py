"""Learns the weights and the threshold that decide whether a question is answered at all."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.questions import Question
from evaluation.statistics import share, shown

if TYPE_CHECKING:
    from guards.guard import Guard, Thresholds
    from retrieval.retriever import Retriever

FOLDS = 5
STRENGTH = 0.3  # of the inverse L2 penalty, on standardised features


def rows(
    questions: Sequence[Question], retriever: "Retriever", guard: "Guard"
) -> Iterator[dict[str, Any]]:
    """One row a question: its features, and whether it is answerable."""
    from bot.understanding import clean, standalone
    from guards.answerability import features

    for question in questions:
        query = standalone(clean(question.question), question.state())
        hits = retriever.search(query)
        found = features(guard.verifier, query, hits, retriever.signals(query, hits))
        yield {
            "id": question.id,
            "set": retriever.version,
            "features": found,
            "answerable": question.answerable,
        }


def artefact(
    guard: "Guard", found: Sequence[dict[str, Any]], declined: float, files: Sequence[Path]
) -> "Thresholds":
    """The current thresholds with new answerability weights and threshold.

    Every question set weighs the same, and so do its answerable and unanswerable questions. The
    threshold is the lowest that declines the wanted share of the unanswerable ones, as a mean
    over the sets, by scores that each come from a model fitted without that question.
    """
    x = np.array([row["features"] for row in found])
    y = np.array([row["answerable"] for row in found])
    sets = np.array([row["set"] for row in found])
    held_out = _cross_validated(x, y, _weights(sets, y))
    threshold = _threshold(held_out, y, sets, declined)
    bias, weights = _fit(x, y, _weights(sets, y))
    record = {
        "questions": len(found),
        "files": [path.name for path in files],
        "sha256": hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest(),
        "answered_of_answerable": share(list(held_out[y] >= threshold)),
        "declined_of_unanswerable": share(list(held_out[~y] < threshold)),
        "auc": _auc(held_out, y),
        "auc_of_each_feature": [_auc(x[:, i], y) for i in range(x.shape[1])],
    }
    digest = hashlib.sha256(json.dumps([record, weights]).encode()).hexdigest()[:8]
    old = guard.thresholds
    return replace(
        old, answer=round(threshold, 4), answer_bias=bias, answer_weights=tuple(weights),
        verifier=guard.verifier.version, tokenizer=guard.verifier.tokenizer,
        version=f"{old.version.split('+')[0]}+answers-{digest}",
        measured={**old.measured, "answers": record},
    )  # fmt: skip


def tables(result: dict[str, Any]) -> list[list[list[str]]]:
    """One table: the threshold, its cost, and what each feature is worth."""
    from guards.answerability import FEATURES

    found = result["measured"]["answers"]
    body = [
        ["threshold", f"{result['answer']:g}"],
        ["questions", str(found["questions"])],
        ["AUC, cross-validated", f"{found['auc']:.3f}"],
        ["answerable answered", shown(found["answered_of_answerable"])],
        ["unanswerable declined", shown(found["declined_of_unanswerable"])],
    ]
    for name, weight, auc in zip(
        FEATURES, result["answer_weights"], found["auc_of_each_feature"], strict=True
    ):
        body.append([name, f"weight {weight:.2f}, alone AUC {auc:.3f}"])
    return [[["answerability", "value"], *body]]


def _weights(sets: Any, y: Any) -> Any:
    """One weight a question, so that each set's two classes weigh the same."""
    share = np.array(
        [1 / np.sum((sets == s) & (y == label)) for s, label in zip(sets, y, strict=True)]
    )
    return share * len(share) / share.sum()


def _threshold(scores: Any, y: Any, sets: Any, declined: float) -> float:
    for threshold in np.sort(scores):
        shares = [np.mean(scores[(sets == s) & ~y] < threshold) for s in np.unique(sets[~y])]
        if np.mean(shares) >= declined:
            return float(threshold)
    return 1.0


def _fit(x: Any, y: Any, weights: Any) -> tuple[float, list[float]]:
    """Logistic regression on standardised features, folded back to raw ones."""
    from sklearn.linear_model import LogisticRegression

    mean, scale = x.mean(0), x.std(0) + 1e-9
    model = LogisticRegression(C=STRENGTH)
    model.fit((x - mean) / scale, y, sample_weight=weights)
    raw = model.coef_[0] / scale
    bias = float(model.intercept_[0] - raw @ mean)
    return round(bias, 6), [round(float(weight), 6) for weight in raw]


def _cross_validated(x: Any, y: Any, weights: Any) -> Any:
    from sklearn.model_selection import StratifiedKFold

    scores = np.zeros(len(y))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(x, y):
        bias, fitted = _fit(x[train], y[train], weights[train])
        scores[test] = 1 / (1 + np.exp(-(x[test] @ np.array(fitted) + bias)))
    return scores


def _auc(scores: Any, y: Any) -> float:
    from sklearn.metrics import roc_auc_score

    return round(float(roc_auc_score(y, scores)), 4)

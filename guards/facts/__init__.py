"""Exact facts of a claim, and whether the evidence has each: no model, no network, under 2 ms."""

from guards.facts.bounds import Bound, bound, bound_conflict
from guards.facts.entailment import check
from guards.facts.extraction import extract
from guards.facts.names import unknown_names
from guards.facts.polarity import answer_conflict, contradiction, polarity, polarity_conflict
from guards.facts.types import Fact, FactCheck, Kind, Modality, Polarity

__all__ = [
    "Bound",
    "Fact",
    "FactCheck",
    "Kind",
    "Modality",
    "Polarity",
    "answer_conflict",
    "bound",
    "bound_conflict",
    "check",
    "contradiction",
    "extract",
    "polarity",
    "polarity_conflict",
    "unknown_names",
]

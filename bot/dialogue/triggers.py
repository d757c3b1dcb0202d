"""Which flow does a message ask for? Near enough to an example of one, and which of those."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.dialogue.flows import Flows
from bot.dialogue.intents import IntentClassifier
from retrieval.embedder import Embedder

log = logging.getLogger("truepenny.dialogue")
FLOOR, CEILING = 0.53, 0.57  # bounds of a flow's threshold, in cosine
QUESTION = 0.3  # how much likelier a question about the rules is a question than a wish
WISH = 0.1  # how much nearer a counter-example must be to turn down what is no question
NEAR = 0.12  # below its threshold, a flow is still worth a suggestion
TIE = 0.2  # two flows of which the classifier is this little surer can't be told apart
_RULES = re.compile(
    r"^\W*(?:(?:hi|hello|hey|and|but|so|also|ok)\b\W*)*(?:how|what|who|which|until|till|why|do|does|did|"
    r"is(?! my)|are(?! my)|may|must|would|will|can i|could i|should|when (?:do|can|does|is))\b|"
    r"\b(?:how (?:long|many|much|do|can|to)|until when|till when|can i|do i|who pays|what if)\b"
    r".*\?|\b(?:can|may|could|do) i\b(?!.*\bplease\b)|\bwould you\b",
    re.I,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_MOST_SENTENCES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How like its nearest example a message is (cosine), and the flow's threshold.

    `rank` is the classifier's score: which of several flows it is, not whether it is one.
    """

    flow: str
    score: float
    threshold: float
    rank: float

    @property
    def sure(self) -> bool:
        """Whether it is like enough to begin."""
        return self.score >= self.threshold


class Triggers:
    """The examples of all flows as vectors. Safe to share between threads.

    A flow's threshold lies where nine in ten of its own examples would be recognised by the
    others. A message that is nearer to a counter-example is no match at all. Which of the flows
    that are near enough it is, the classifier says.
    """

    def __init__(self, flows: Flows, embedder: Embedder) -> None:
        self._embedder = embedder
        self._titles = {_plain(flow.title): name for name, flow in flows.flows.items()}
        self._for: dict[str, npt.NDArray[np.float32]] = {}
        self._against: dict[str, npt.NDArray[np.float32]] = {}
        for name, flow in flows.flows.items():
            self._for[name] = embedder.embed([flow.title, *flow.examples])
            if flow.counter_examples:
                self._against[name] = embedder.embed(flow.counter_examples)
        self.thresholds = {name: _threshold(rows) for name, rows in self._for.items()}
        self._classifier = IntentClassifier([*self._for.values()]) if self._for else None

    def match(self, text: str) -> list[Match]:
        """The flows that a message may ask for, likeliest first, as far as suggestions go."""
        if flow := self._titles.get(_plain(text)):
            return [Match(flow=flow, score=1.0, threshold=0.0, rank=1.0)]
        if self._classifier is None:
            return []
        units = _units(text)
        rules = any(_RULES.search(unit) for unit in units)
        try:
            rows = self._embedder.embed(units)
        except Exception:  # the boundary: without vectors, only titles match
            log.exception("a message can't be embedded; flows begin by their titles only")
            return []
        if not np.isfinite(rows).all():
            log.error("a message's vector is not a number; flows begin by their titles only")
            return []
        ranks = self._classifier.scores(rows).max(axis=0)
        found = [
            match
            for name, rank in zip(self._for, ranks, strict=True)
            if (match := self._score(name, rows, rules, float(rank)))
        ]
        return sorted(found, key=lambda match: -match.rank)

    def similarity(self, first: str, second: str) -> float:
        """Cosine of the nearest examples of two flows."""
        return float((self._for[first] @ self._for[second].T).max())

    def _score(
        self, name: str, rows: npt.NDArray[np.float32], rules: bool, rank: float
    ) -> Match | None:
        nearest = (rows @ self._for[name].T).max(axis=1)
        if name in self._against:
            against = (rows @ self._against[name].T).max(axis=1)
            nearest = np.where(against > nearest + (0.0 if rules else WISH), 0.0, nearest)
        score = float(nearest.max()) - (QUESTION if rules else 0.0)
        match = Match(flow=name, score=score, threshold=self.thresholds[name], rank=rank)
        return match if match.score >= match.threshold - NEAR else None


def _threshold(rows: npt.NDArray[np.float32]) -> float:
    own = rows @ rows.T
    np.fill_diagonal(own, -1.0)
    return float(np.clip(np.quantile(own.max(axis=1), 0.1), FLOOR, CEILING))


def _units(text: str) -> Sequence[str]:
    """The message and, of a longer one, its first sentences."""
    sentences = [part for part in _SENTENCE.split(text) if len(part.split()) > 1]
    return [text, *sentences[:_MOST_SENTENCES]] if len(sentences) > 1 else [text]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))

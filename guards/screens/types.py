"""The words of the screens: finding, screened passages."""

from dataclasses import dataclass
from typing import Literal

from guards.types import Span
from retrieval.types import Hit

Screen = Literal["injection", "abuse", "language"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Why a text was stopped. `score` is 0 to 1; `reason` names what was met, without the text."""

    screen: Screen
    reason: str
    score: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisoned:
    """A stretch of a passage that speaks to the bot: `span` counts in the passage's text."""

    article_id: str
    passage_id: str
    span: Span
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenedHits:
    """Hits whose poisoned stretches are blanked out, offsets kept, and what was blanked."""

    hits: tuple[Hit, ...]
    poisoned: tuple[Poisoned, ...]

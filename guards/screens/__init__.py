"""Screens on what comes in: questions, and the passages found for them."""

from guards.screens.passages import screen_hits
from guards.screens.personal import redact
from guards.screens.question import screen
from guards.screens.types import Finding, Poisoned, ScreenedHits

__all__ = ["Finding", "Poisoned", "ScreenedHits", "redact", "screen", "screen_hits"]

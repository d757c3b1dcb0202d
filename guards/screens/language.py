"""Is a question in the language that the help centre is answered in?

Asked the cautious way: a text is foreign when its own language would be next to impossible, not
when another one would be likelier. Short questions, names and misspellings stay in.
"""

import threading
from functools import cache, lru_cache
from typing import Any

from guards.screens.types import Finding

# probability of the wanted language under which a text is foreign; chosen on English questions
IMPOSSIBLE = 0.005
LEAST_LETTERS = 12
_lock = threading.Lock()


@lru_cache(maxsize=2048)
def foreign(text: str, language: str) -> Finding | None:
    """The finding on a text that isn't in the language; None for one that may be.

    Args:
        text: A question. Under 12 letters it is never foreign.
        language: ISO 639-1 code; empty lets every language pass.
    """
    if not language or sum(char.isalpha() for char in text) < LEAST_LETTERS:
        return None
    with _lock:
        chances = dict(_detector().rank(text))
    likeliest = max(chances, key=lambda code: chances[code])
    if likeliest == language or chances.get(language, 1.0) >= IMPOSSIBLE:
        return None
    reason = f"reads like {likeliest!r}, not {language!r}"
    return Finding(screen="language", reason=reason, score=float(1 - chances[language]))


@cache
def _detector() -> Any:
    """py3langid's own model, which its wheel holds; loads in about 0.4 s."""
    from py3langid.langid import (
        MODEL_FILE,
        LanguageIdentifier,
    )

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

"""The screens that a question passes before anything is looked up for it."""

from guards.screens.abuse import abuse
from guards.screens.injection import injection
from guards.screens.language import foreign
from guards.screens.types import Finding


def screen(question: str, language: str = "en") -> Finding | None:
    """The first finding on a question as it was sent; None lets it pass.

    Args:
        question: Uncleaned: invisible characters are part of what is looked for.
        language: See `foreign`.
    """
    return injection(question, "question") or abuse(question) or foreign(question, language)

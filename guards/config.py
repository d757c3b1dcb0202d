"""The guard's section of the configuration."""

from pydantic import Field

from models.config import Section


class GuardsConfig(Section):
    """How strict the guard is.

    `thresholds` names the artefact; the packaged one by default. `max_claims` a review; a longer
    answer is `unchecked` beyond it. `reply_seconds` is the time for all checks of one reply.
    `screen` turns the screens on questions and passages on; `language` (ISO 639-1) is the one
    that questions must be in, empty for any.
    """

    thresholds: str = "default"
    max_claims: int = 60
    reply_seconds: float = Field(default=20.0, gt=0)
    screen: bool = True
    language: str = "en"

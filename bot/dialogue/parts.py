"""Puts the dialogue's parts together as configured: those of the pipeline, and the flows."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot import parts as pipeline
from bot.dialogue.actions import Caller
from bot.dialogue.flows import Flows, load_flows
from bot.dialogue.suggestions import History
from bot.dialogue.triggers import Triggers
from bot.dialogue.understand import Reader
from bot.parts import Parts
from bot.policy import BotConfig
from models.config import section
from models.errors import ConfigError

if TYPE_CHECKING:
    from retrieval.embedder import Embedder

SECRET = "TRUEPENNY_BOT_ACTION_SECRET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """What the dialogue needs beside the pipeline; without flows it answers and hands over.

    `patience` is after how many failures in a row a person takes over, `give_back_hours` after
    how long without a word of theirs the bot goes on (0: never). `today` and `now` are the clock.
    `history` gives what past conversations tell about what customers need next.
    """

    flows: Flows = field(default_factory=Flows)
    reader: Reader = field(default_factory=Reader)
    caller: Caller = field(default_factory=Caller)
    patience: int = 2
    give_back_hours: float = 0.0
    today: Callable[[], date] = date.today
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    history: Callable[[], History] = History


class DialogueParts(Parts):
    """What `step` needs beside the message: `stream(message, state, **parts)`."""

    dialogue: Dialogue


def load_dialogue(
    config: Path | None = None,
    index: Path | None = None,
    flows: Path | None = None,
    history: Callable[[], History] = History,
) -> DialogueParts:
    """Loads models, index and flows.

    Args:
        config: truepenny.toml; None reads ./truepenny.toml if it is there.
        index: Stands for `[retrieval] index`.
        flows: Stands for `[bot] flows`.
        history: Gives what past conversations tell; by default nothing.

    Raises:
        TruepennyError: The configuration, a model, the index or a flow is unusable.
    """
    settings = dialogue_config(config)
    folder = flows or (Path(settings.flows) if settings.flows else None)
    loaded = load_flows(folder) if folder else Flows()
    parts = pipeline.load(config, index)
    made = make_dialogue(loaded, parts["retriever"].embedder, settings)
    return DialogueParts(**parts, dialogue=replace(made, history=history))


def make_dialogue(
    flows: Flows, embedder: "Embedder", settings: BotConfig, caller: Caller | None = None
) -> Dialogue:
    """The dialogue over flows; `caller` stands for the configured one in tests."""
    triggers = Triggers(flows, embedder) if flows.flows else None
    return Dialogue(
        flows=flows,
        reader=Reader(flows=flows, triggers=triggers, max_chars=settings.max_question_chars),
        caller=caller or Caller(url=settings.action_url, secret=settings.action_secret),
        patience=settings.patience,
        give_back_hours=settings.give_back_hours,
    )


def dialogue_config(path: Path | None) -> BotConfig:
    """Reads `[bot]`; the secret that signs actions comes from the environment alone.

    Raises:
        ConfigError: A key or value is wrong, or the secret stands in the file.
    """
    if section(path, "bot", BotConfig, {}).action_secret:
        raise ConfigError(
            f"[bot] action_secret is a secret and doesn't belong in {path or 'truepenny.toml'}: "
            f"put it into the environment variable {SECRET}"
        )
    return section(path, "bot", BotConfig)

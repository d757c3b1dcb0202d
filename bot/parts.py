"""Puts the parts of the pipeline together as configured."""

from pathlib import Path
from typing import TypedDict

from langchain_core.language_models import BaseChatModel

from bot.policy import BotConfig, Policy
from guards.guard import Guard, GuardsConfig, load_guard
from models.config import ModelsConfig, section
from retrieval.embedder import load_embedder
from retrieval.index import open_index
from retrieval.retriever import RetrievalConfig, Retriever


class Parts(TypedDict):
    """What `answer` needs beside the question: `answer(question, state, **parts)`."""

    retriever: Retriever
    generator: BaseChatModel | None
    guard: Guard
    policy: Policy


def load(config: Path | None = None, index: Path | None = None) -> Parts:
    """Loads models and index.

    Args:
        config: truepenny.toml; None reads ./truepenny.toml if it is there.
        index: Stands for `[retrieval] index`.

    Raises:
        TruepennyError: The configuration, a model or the index is unusable.
    """
    models = section(config, "models", ModelsConfig)
    retrieval = section(config, "retrieval", RetrievalConfig)
    bot = section(config, "bot", BotConfig)
    guard = load_guard(models, section(config, "guards", GuardsConfig))
    embedder = load_embedder(models)
    opened = open_index(index or Path(retrieval.index), embedder.name)
    return Parts(
        retriever=Retriever(opened, embedder, guard.verifier, retrieval),
        generator=_generator(bot, models),
        guard=guard,
        policy=Policy(config=bot),
    )


def _generator(bot: BotConfig, models: ModelsConfig) -> BaseChatModel | None:
    if not bot.draft:
        return None
    from bot.generator import load_generator

    return load_generator(bot.generator, models, max_tokens=bot.max_tokens)

"""A new index, and another version of the generator's adapter, are taken up while it runs."""

import asyncio
import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.service.readiness import Readiness
from models.config import ModelsConfig
from models.registry import Registry

if TYPE_CHECKING:
    from bot.parts import Parts

log = logging.getLogger("truepenny.service")
EVERY_S = 2.0


async def follow(folder: Path, readiness: Readiness, every_s: float = EVERY_S) -> None:
    """Opens each version that an index folder comes to name, for as long as the service runs.

    A version that can't be used is tried once; the one before goes on serving.
    """
    tried = await asyncio.to_thread(named, folder)
    while True:
        await asyncio.sleep(every_s)
        found = await asyncio.to_thread(named, folder)
        if found in (None, tried) or readiness.status == "starting":
            continue
        tried = found
        if found != readiness.index_version:
            log.info("taking up the index %s", found)
            await asyncio.to_thread(readiness.renew, partial(reopened, folder))


async def follow_adapter(
    models: ModelsConfig, readiness: Readiness, every_s: float = EVERY_S
) -> None:
    """Loads each version that the registry lets serve under the generator's name.

    The old one serves until the new one is merged, exported and tested, and goes on if it fails.
    """
    registry, name = Registry.of(models), models.generator_adapter
    tried = await asyncio.to_thread(registry.current, name)
    while True:
        await asyncio.sleep(every_s)
        found = await asyncio.to_thread(registry.current, name)
        if found in (None, tried) or readiness.status == "starting":
            continue
        tried = found
        log.info("taking up version %s of the adapter %s", found, name)
        await asyncio.to_thread(readiness.renew, partial(redrafted, models))


def redrafted(models: ModelsConfig, parts: "Parts") -> "Parts":
    """The same parts with the generator loaded anew; without one, they stay as they are.

    Raises:
        ModelError: It can't be built or loaded.
    """
    from bot.generator import load_generator

    config = parts["policy"].config
    if not config.draft:
        return parts
    generator = load_generator(config.generator, models, max_tokens=config.max_tokens)
    return {**parts, "generator": generator}


def named(folder: Path) -> str | None:
    """The version that an index folder names as the current one; None if there is none."""
    try:
        return (folder / "CURRENT").read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def reopened(folder: Path, parts: "Parts") -> "Parts":
    """The same parts over the version that is current now; models stay loaded.

    Raises:
        IndexUnusable: It can't be opened.
    """
    from retrieval.index import open_index
    from retrieval.retriever import Retriever

    old = parts["retriever"]
    index = open_index(folder, old.embedder.name)
    retriever = Retriever(index, old.embedder, old.reranker, old.config)
    return {**parts, "retriever": retriever}

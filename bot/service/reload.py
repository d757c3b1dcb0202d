"""A new index is taken up while the service runs."""

import asyncio
import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.service.readiness import Readiness

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

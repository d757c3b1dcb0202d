"""The draft, sentence by sentence, while the model goes on writing the next."""

import logging
import queue
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.language_models import BaseChatModel

from bot.embedded import EmbeddedGenerator
from bot.prompt import messages
from bot.types import Turn
from guards.screens import redact
from retrieval.sentences import sentence_spans
from retrieval.types import Passage

log = logging.getLogger("truepenny.bot")
STOPS_WITHIN_S = 5.0  # between two pieces; a model that hangs is left behind
_END = object()


def sentences(
    generator: BaseChatModel,
    question: str,
    passages: Sequence[Passage],
    history: Sequence[Turn] = (),
    *,
    most: int = 3,
    seconds: float = 60.0,
) -> Generator[str, None, None]:
    """Yields the draft's sentences, whole ones only, at most `most`.

    The model writes in a thread of its own, so a sentence is checked while the next is being
    generated. Closing this generator stops the model. A model that fails, or takes longer than
    `seconds`, ends the draft. Personal data is masked for a model that isn't ours.
    """
    ends = time.monotonic() + seconds
    pieces: queue.Queue[Any] = queue.Queue()
    stop = threading.Event()
    if not isinstance(generator, EmbeddedGenerator):
        question = redact(question)
        history = [replace(turn, text=redact(turn.text)) for turn in history]
    prompt = messages(question, passages, history)
    writer = threading.Thread(target=_write, args=(generator, prompt, pieces, stop), daemon=True)
    writer.start()
    text, given = "", 0
    try:
        while given < most:
            try:
                piece = pieces.get(timeout=max(ends - time.monotonic(), 0.0))
            except queue.Empty:
                log.warning("the generator took longer than the %.0f s left for a reply", seconds)
                return
            ended = piece is _END
            text += "" if ended else piece
            spans = sentence_spans(text)
            whole = spans if ended and _closed(text) else spans[:-1]
            for start, end in whole[given:most]:
                given += 1
                yield text[start:end]
            if ended:
                return
    finally:
        stop.set()
        writer.join(STOPS_WITHIN_S)


def name_of(generator: BaseChatModel) -> str:
    """The model's name as the reply shows it."""
    return str(getattr(generator, "model_name", None) or getattr(generator, "_llm_type", ""))


def _closed(text: str) -> bool:
    """Whether the last sentence was finished, not cut off by the token limit."""
    return text.rstrip().endswith((".", "!", "?", ":", ")", '"', "”", "`"))


def _write(
    generator: BaseChatModel, prompt: Any, pieces: "queue.Queue[Any]", stop: threading.Event
) -> None:
    try:
        written = generator.stream(prompt)
        for chunk in written:
            if stop.is_set():
                break
            pieces.put(str(chunk.text))
        close = getattr(written, "close", None)
        if close:
            close()
    except Exception:  # a draft that fails is no draft: quotes answer instead
        log.exception("the generator failed")
    finally:
        pieces.put(_END)

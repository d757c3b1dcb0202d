"""What the embedded generators share: a chat model that streams, stops and can be cancelled.

One generation runs at a time in each: two would share the same cores, and both would be slower
than one after the other.
"""

import asyncio
import threading
from abc import abstractmethod
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
)
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field, PrivateAttr

from bot.prompt import as_chat


class EmbeddedGenerator(BaseChatModel):
    """What both engines share: rendering, stop strings, usage, one generation at a time.

    `max_tokens`, `temperature` and `repetition_penalty` can be given for one call too. A
    temperature of 0 is greedy, so the same prompt gives the same text.
    """

    folder: Path
    threads: int = 0
    max_tokens: int = Field(default=120, ge=1)
    temperature: float = Field(default=0.0, ge=0.0)
    repetition_penalty: float = Field(default=1.0, ge=1.0)

    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @abstractmethod
    def encode(self, messages: Sequence[BaseMessage]) -> list[int]:
        """The prompt's token ids: the chat template, up to where the answer starts."""

    @abstractmethod
    def context_length(self) -> int:
        """The most tokens, prompt and answer together, that the model takes."""

    @abstractmethod
    def _pieces(self, ids: list[int], settings: dict[str, Any]) -> Generator[str | None]:
        """The answer's text, one piece for each token, without the end; None between other work."""

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"folder": str(self.folder), **self._settings({})}

    def _settings(self, given: dict[str, Any]) -> dict[str, Any]:
        names = ("max_tokens", "temperature", "repetition_penalty")
        return {name: given.get(name, getattr(self, name)) for name in names}

    def _prompt(self, messages: Sequence[BaseMessage], settings: dict[str, Any]) -> list[int]:
        ids = self.encode(messages)
        room = self.context_length() - int(settings["max_tokens"])
        if len(ids) > room:
            raise ValueError(
                f"the prompt has {len(ids)} tokens, but {self.folder.name} takes "
                f"{self.context_length()}, of which {settings['max_tokens']} are kept for the "
                f"answer; shorten it to {room} tokens or lower max_tokens"
            )
        return ids

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """Yields the answer's text as it comes; closing the iterator ends the generation.

        The last chunk is empty and carries the usage. Text that may be the start of a stop
        string is held back until it is known not to be.
        """
        return self._chunks(messages, stop, threading.Event(), self._settings(kwargs))

    def _chunks(
        self,
        messages: Sequence[BaseMessage],
        stop: list[str] | None,
        cancelled: threading.Event,
        settings: dict[str, Any],
    ) -> Generator[ChatGenerationChunk]:
        ids = self._prompt(messages, settings)
        stops = [text for text in stop or [] if text]
        held, written, reason = "", 0, "length"
        with self._turn(cancelled) as free, closing(self._pieces(ids, settings)) as pieces:
            for piece in pieces if free else ():
                written += piece is not None
                ready, held, stopped = _split(held + (piece or ""), stops)
                if ready:
                    yield ChatGenerationChunk(message=AIMessageChunk(content=ready))
                if stopped or cancelled.is_set():
                    reason = "stop"
                    break
        if written < settings["max_tokens"]:
            reason = "stop"
        if held:
            yield ChatGenerationChunk(message=AIMessageChunk(content=held))
        yield self._last(len(ids), written, reason)

    @contextmanager
    def _turn(self, cancelled: threading.Event) -> Iterator[bool]:
        """Waits for the one before; yields False when cancelled while waiting."""
        while not self._lock.acquire(timeout=0.05):
            if cancelled.is_set():
                yield False
                return
        try:
            yield not cancelled.is_set()
        finally:
            self._lock.release()

    def _last(self, read: int, written: int, reason: str) -> ChatGenerationChunk:
        usage = UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)
        about = {"finish_reason": reason, "model_name": self.folder.name}
        message = AIMessageChunk(
            content="", usage_metadata=usage, response_metadata=about, chunk_position="last"
        )
        return ChatGenerationChunk(message=message)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        """The same from a thread of its own.

        LangChain's default takes a thread of the loop's pool for each step. Requests that wait
        for the lock could then hold every thread that the running generation needs.
        """
        loop, queue = asyncio.get_running_loop(), asyncio.Queue[Any]()
        cancelled = threading.Event()

        def put(item: ChatGenerationChunk | Exception | None) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(queue.put_nowait, item)

        def work() -> None:
            try:
                for chunk in self._chunks(messages, stop, cancelled, self._settings(kwargs)):
                    put(chunk)
            except Exception as error:  # noqa: BLE001 - raised again where it is awaited
                put(error)
            put(None)

        threading.Thread(target=work, name="truepenny-generator", daemon=True).start()
        try:
            while (item := await queue.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            cancelled.set()

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        chunks = [cast(AIMessageChunk, c.message) for c in self._stream(messages, stop, **kwargs)]
        message = AIMessage(
            content="".join(str(chunk.content) for chunk in chunks),
            usage_metadata=chunks[-1].usage_metadata,
            response_metadata=chunks[-1].response_metadata,
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def chat(self, messages: Sequence[BaseMessage], specials: Sequence[str]) -> list[Any]:
        """The messages as a chat template takes them; see `as_chat`."""
        return as_chat(messages, specials)


def _split(text: str, stops: Sequence[str]) -> tuple[str, str, bool]:
    """Splits text into what may be said, what must be held back, and whether a stop came."""
    found = [index for stop in stops if (index := text.find(stop)) >= 0]
    if found:
        return text[: min(found)], "", True
    for size in range(min(len(text), max(map(len, stops), default=1) - 1), 0, -1):
        if any(stop.startswith(text[-size:]) for stop in stops):
            return text[:-size], text[-size:], False
    return text, "", False

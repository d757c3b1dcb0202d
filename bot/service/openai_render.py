"""Replies in the form of OpenAI's chat completions, whole and in chunks.

Source: https://platform.openai.com/docs/api-reference/chat
"""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from bot.render import reply_json
from bot.service.openai_schemas import MODEL
from bot.types import Reply, Sentence
from retrieval.sentences import is_item, is_row

BYTES_PER_TOKEN = 4  # the usual rule of thumb: most of what is said is quoted, not generated


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What every chunk of one completion repeats; `prompt_tokens` are estimated."""

    prompt_tokens: int
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, reply: Reply) -> dict[str, Any]:
        """The completion in one piece."""
        message = {"role": "assistant", "content": reply.text, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": finish(reply), "logprobs": None}
        return {
            **self._head("chat.completion"),
            "choices": [choice],
            "usage": self.usage(reply),
            "truepenny": reply_json(reply),
        }

    def chunk(self, finish_reason: str | None = None, **delta: str) -> dict[str, Any]:
        """A chunk that adds `delta` to the message."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def usage_chunk(self, reply: Reply) -> dict[str, Any]:
        """The chunk after the last, for who asked for the usage."""
        head = self._head("chat.completion.chunk")
        return {**head, "choices": [], "usage": self.usage(reply)}

    def usage(self, reply: Reply) -> dict[str, int]:
        """What was read and written, in estimated tokens."""
        written = tokens(reply.text)
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": written,
            "total_tokens": self.prompt_tokens + written,
        }

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": MODEL}


class Deltas:
    """Cuts a reply into what can be appended: verified sentences as they come, the rest last."""

    def __init__(self) -> None:
        self._said: list[Sentence] = []
        self._end = 0

    def sentence(self, sentence: Sentence) -> str:
        """What a sentence adds; empty if what stands before it isn't known yet."""
        gap = sentence.start - self._end
        if gap < 0 or gap > (2 if self._said else 0):
            return ""
        self._said.append(sentence)
        self._end = sentence.end
        line = "\n" if is_item(sentence.text) or is_row(sentence.text) else " "
        return ("", line, "\n\n")[gap] + sentence.text

    def rest(self, reply: Reply) -> str:
        """What the whole reply adds; all of it if it takes back what was said."""
        if all(reply.text[said.start : said.end] == said.text for said in self._said):
            return reply.text[self._end :]
        return f"\n\n{reply.text}"


def finish(reply: Reply) -> str:
    """Why it ended: where an answer was held back, the text says so in its place."""
    return "content_filter" if reply.action == "abstain" else "stop"


def tokens(*texts: str) -> int:
    """An estimate of how many tokens a model would count."""
    return sum(-(-len(text.encode()) // BYTES_PER_TOKEN) for text in texts)


def models(created: int) -> dict[str, Any]:
    """The one model that there is."""
    model = {"id": MODEL, "object": "model", "created": created, "owned_by": "truepenny"}
    return {"object": "list", "data": [model]}

"""What OpenAI's clients send to `/v1/chat/completions`, as far as it can be honoured here.

Settings of a model (`temperature`, `seed`, `max_tokens`, `tools` ...) are read over: the answer
is what the help centre says. What would change the form of the answer is refused instead.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from bot.service.schemas import Message, Text, clean

MODEL = "truepenny"
MAX_MESSAGES = 200


class Part(BaseModel):
    """A piece of a message; only text can be read."""

    type: Literal["text"]
    text: Text


class ChatMessage(BaseModel):
    """A message of the conversation; system messages are read over."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[Part] | None = None

    def text(self) -> str:
        """The text of all parts."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content or ())


class StreamOptions(BaseModel):
    """What else a stream should hold."""

    include_usage: bool | None = False


def _plain(form: dict[str, Any] | None) -> dict[str, Any] | None:
    if form and form.get("type") != "text":
        raise PydanticCustomError("form", "expected the type 'text': replies are plain text")
    return form


def _free(choice: Any) -> Any:
    if choice not in (None, "auto", "none"):
        raise PydanticCustomError("tools", "expected 'auto' or 'none': no tools are called here")
    return choice


class CompletionBody(BaseModel):
    """A conversation whose last message is the customer's question."""

    model: str = Field(max_length=200)
    messages: list[ChatMessage] = Field(min_length=1, max_length=MAX_MESSAGES)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = 1
    logprobs: Literal[False] | None = False
    response_format: Annotated[dict[str, Any] | None, AfterValidator(_plain)] = None
    tool_choice: Annotated[Any, AfterValidator(_free)] = None

    @model_validator(mode="after")
    def _asks(self) -> "CompletionBody":
        if self.messages[-1].role != "user":
            raise PydanticCustomError("last", "expected the last message to have the role 'user'")
        self.question()
        return self

    def question(self) -> Message:
        """The last message, cleaned as every question is."""
        return clean(self.messages[-1].text())

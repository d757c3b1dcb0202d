"""What the service takes in: strict, no field beside the declared ones."""

import unicodedata
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

MAX_MESSAGE_CHARS = 10_000
CONVERSATION_ID = r"^[A-Za-z0-9_-]{1,64}$"
MESSAGE_ID = r"^[A-Za-z0-9_.:-]{1,200}$"


def whole(text: str) -> str:
    """Refuses half characters (lone surrogates), which JSON can spell and UTF-8 can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("not_unicode", "expected Unicode text, got a half pair") from None
    return text


def printable(text: str) -> str:
    """Refuses control characters, which a database may refuse and a log may obey."""
    if any(unicodedata.category(c) == "Cc" for c in text):
        raise PydanticCustomError("control", "expected no control characters, got some")
    return text


def clean(text: str) -> str:
    """Drops control characters (line ends and tabs stay) and white space at the ends."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc").strip()
    if not text:
        raise PydanticCustomError("empty", "expected some text, got none")
    if len(text) > MAX_MESSAGE_CHARS:
        raise PydanticCustomError(
            "too_long", "expected at most {most} characters, got {got}",
            {"most": MAX_MESSAGE_CHARS, "got": len(text)},
        )  # fmt: skip
    return text


Text = Annotated[str, AfterValidator(whole)]
Name = Annotated[Text, AfterValidator(printable)]
Message = Annotated[Text, AfterValidator(clean)]
ConversationId = Annotated[str, Field(pattern=CONVERSATION_ID)]
MessageId = Annotated[str, Field(pattern=MESSAGE_ID)]


class Body(BaseModel):
    """A request's body."""

    model_config = ConfigDict(extra="forbid", strict=True)


class User(Body):
    """Who asks, as the caller knows them."""

    id: Name = Field(min_length=1, max_length=200)
    attributes: dict[Text, Text | int | float | bool | None] = Field(default_factory=dict)


class ChatBody(Body):
    """One message of a conversation; without `conversation_id` it opens a new one.

    A message with the `message_id` of an earlier one is answered with the same reply.
    """

    message: Message
    conversation_id: ConversationId | None = None
    message_id: MessageId | None = None
    stream: bool = False
    channel: Name | None = Field(default=None, max_length=100)
    user: User | None = None


class ModeBody(Body):
    """Who is to have a conversation."""

    mode: Literal["bot", "person"]


class ModeReply(BaseModel):
    """Who has a conversation."""

    conversation_id: str
    mode: Literal["bot", "person"]


class FeedbackBody(Body):
    """What a customer thinks of a reply."""

    reply_id: Name = Field(min_length=1, max_length=64)
    rating: Literal["up", "down"]
    comment: Message | None = None


class WidgetUser(Body):
    """A user as the page names them; `hmac` is the hex HMAC-SHA256 of the id."""

    id: Name = Field(min_length=1, max_length=200)
    hmac: Name | None = Field(default=None, max_length=200)


class TokenBody(Body):
    """What a token is for."""

    conversation_id: ConversationId | None = None
    user: WidgetUser | None = None


class TokenReply(BaseModel):
    """A token for one conversation."""

    token: str
    conversation_id: str
    expires_at: datetime


class SearchBody(Body):
    """What to look for; `k` hits at most."""

    query: Message
    k: int = Field(default=5, ge=1, le=50)


class PassageBody(Body):
    """A passage to check against."""

    id: Text = Field(min_length=1, max_length=200)
    text: Text


class CheckBody(Body):
    """An answer and the passages that should support it. Offsets count in `answer` as given."""

    passages: list[PassageBody] = Field(max_length=50)
    answer: Text = Field(min_length=1)
    question: Message | None = None


class ReadyBody(BaseModel):
    """Whether the service can answer, and if not, why."""

    status: Literal["ready", "starting", "failed", "stuck"]
    reasons: list[str]


class ReloadReply(BaseModel):
    """Whether a load began; one at a time is enough."""

    status: Literal["reloading", "already reloading"]

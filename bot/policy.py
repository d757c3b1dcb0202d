"""What the bot does in each case: one table from cause to action and words."""

from dataclasses import dataclass, field
from types import MappingProxyType

from pydantic import Field

from bot.types import Action, Cause
from models.config import Section


class BotConfig(Section):
    """How the bot answers.

    `generator` is "onnx", "transformers" or LangChain's "provider:model". `draft` turns the
    generator off: the reply is then made of quotes alone. `quotes` is the most sentences quoted
    beside lists that belong together. Lengths are in characters. `flows` is a folder or file of
    flows; their actions' paths are relative to `action_url`, and signed with `action_secret`,
    which comes from the environment alone. After `patience` failures in a row a person takes
    over; after `give_back_hours` without a word of theirs the bot goes on (0: never).
    """

    generator: str = "onnx"
    draft: bool = True
    max_tokens: int = 90
    draft_passages: int = 2
    draft_sentences: int = 2
    quotes: int = 3
    quote_passages: int = 3
    max_quote_chars: int = 900
    max_question_chars: int = 2000
    suggestions: int = 3
    flows: str = ""
    action_url: str = ""
    action_secret: str = Field(default="", repr=False)
    patience: int = Field(default=2, ge=1)
    give_back_hours: float = Field(default=0.0, ge=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is done and said for a cause."""

    action: Action
    text: str


TABLE: MappingProxyType[Cause, Outcome] = MappingProxyType(
    {
        "no_evidence": Outcome(
            action="abstain",
            text="I can't find the answer to that in the help centre, so I'd rather not guess.",
        ),
        "partial_evidence": Outcome(
            action="abstain",
            text="The help centre says something about this, but not enough to answer you.",
        ),
        "contradicted": Outcome(
            action="abstain",
            text="What I found doesn't fit together, so I'd rather not answer that.",
        ),
        "out_of_scope": Outcome(
            action="abstain",
            text="I can only answer questions in English about this help centre.",
        ),
        "policy": Outcome(action="abstain", text="That is something I may not answer."),
        "unsafe_input": Outcome(
            action="abstain", text="I can't read that as a question. Please ask it in plain words."
        ),
        "customer_request": Outcome(
            action="handoff", text="I'm passing you on to a person, with what we have said so far."
        ),
        "tool_failure": Outcome(
            action="handoff",
            text="Something went wrong on our side. I'm passing you on to a person.",
        ),
        "unchecked": Outcome(
            action="abstain",
            text="I couldn't check an answer to that just now, so I won't give one. "
            "Please try again, or ask for a person.",
        ),
    }
)
GREETING = "Hello! What would you like to know?"
THANKS = "You're welcome! Is there anything else you would like to know?"
BYE = "Goodbye! Write again whenever you like."


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The table and the settings that a reply is made with."""

    config: BotConfig = field(default_factory=BotConfig)
    table: MappingProxyType[Cause, Outcome] = field(default_factory=lambda: TABLE)

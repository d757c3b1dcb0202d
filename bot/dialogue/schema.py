"""The words of a file of flows: slot, action, step, flow. Checked by pydantic, frozen."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from bot.dialogue.conditions import Condition

SlotType = Literal[
    "text", "number", "money", "date", "time", "email", "phone", "pattern", "choice", "yes_no"
]
END = "end"
_NAME = re.compile(r"[^\W\d]\w*")


class Node(BaseModel):
    """A part of a file of flows: no key beside the declared ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _lines(data: Any) -> Any:
    """A text of several lines is a list of them."""
    if isinstance(data, str):
        return [line for line in map(str.strip, data.splitlines()) if line]
    return data


def _by_name(data: Any) -> Any:
    """Tables with a `name` each, by it."""
    if isinstance(data, Mapping) and all(isinstance(item, Node) for item in data.values()):
        return data
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise ValueError("expected tables in double brackets, each with a `name`")
    found: dict[str, Any] = {}
    for at, table in enumerate(data, start=1):
        name = table.get("name", "")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(f"number {at} needs a `name` of letters, digits and _, got {name!r}")
        if name in found:
            raise ValueError(f"{name!r} is there twice; rename one")
        found[name] = {key: value for key, value in table.items() if key != "name"}
    return found


Lines = Annotated[tuple[str, ...], BeforeValidator(_lines)]


class Slot(Node):
    """Something that the customer tells.

    `pattern` is what a "pattern" slot looks like, and `format` how it is written from the groups
    ("FW-{0}"); in a text slot, the first group of the pattern is the value wherever it stands.
    `choices` go from a choice to other names of it; `choices_from` names a fact that lists them.
    `words` tell a slot's values where they weren't asked for: after a number ("3 nights"), before
    a date or time ("until 3 May"), alone for a yes ("with gift wrapping"). `keep` remembers the
    value for the flows to come. `after` and `before` bound a date ("today" or an ISO date).
    `region` reads phone numbers without a country code.
    """

    type: SlotType = "text"
    ask: str = ""
    again: str = "I couldn't read that."
    label: str = ""
    pattern: str = ""
    format: str = ""
    choices: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    choices_from: str = ""
    words: tuple[str, ...] = ()
    optional: bool = False
    keep: bool = False
    minimum: float | None = None
    maximum: float | None = None
    after: str = ""
    before: str = ""
    region: str = "US"
    date_order: Literal["DMY", "MDY", "YMD"] = "DMY"
    max_chars: int = Field(default=500, ge=1)

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return pattern

    @model_validator(mode="before")
    @classmethod
    def _listed(cls, data: Any) -> Any:
        """A plain list of choices has no other names."""
        if isinstance(data, dict) and isinstance(data.get("choices"), list):
            return data | {"choices": {str(choice): () for choice in data["choices"]}}
        return data


class Action(Node):
    """Something that another system does, over HTTP or as a Python callable.

    `http` is "METHOD /path/{slot}" or with a whole URL; `inputs` become the query of a GET, else
    the JSON body, or the callable's keyword arguments. `result` is a JSON schema: what doesn't
    match is a failure, and the fields it names become facts. `outcomes` are answers that are no
    failure but go another way: by HTTP status, or raised as `Refused`. `effect`: it changes
    something, so the customer is asked first; by default every method but GET does.
    """

    http: str = ""
    python: str = ""
    inputs: Mapping[str, str] = Field(default_factory=dict)
    result: Mapping[str, Any] = Field(default_factory=dict)
    outcomes: Mapping[str, str] = Field(default_factory=dict)
    effect: bool | None = None
    timeout_s: float = Field(default=3.0, gt=0, le=30)
    retries: int = Field(default=2, ge=0, le=5)
    title: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> "Action":
        if bool(self.http) == bool(self.python):
            raise ValueError("an action needs either http or python, and not both")
        return self

    @property
    def changes(self) -> bool:
        """Whether the customer must have said yes to it."""
        if self.effect is not None:
            return self.effect
        return not self.http.startswith("GET ")

    @property
    def fields(self) -> tuple[str, ...]:
        """The facts that it gives."""
        return tuple(self.result.get("properties", {}))


class StepBase(Node):
    """What every step has: `forget` empties slots before it, `go` is the step after it."""

    id: str = ""
    go: str = ""
    forget: tuple[str, ...] = ()


class Collect(StepBase):
    """Asks for a slot, unless it is known."""

    collect: str


class Confirm(StepBase):
    """Asks for a yes; a no goes to `no`, or ends the flow."""

    confirm: str
    no: str = ""


class Act(StepBase):
    """Carries out an action; `on` says where its other outcomes go."""

    action: str
    on: Mapping[str, str] = Field(default_factory=dict)


class Case(Node):
    """One way of a branch."""

    when: Condition
    go: str


class Branch(StepBase):
    """Goes where the first true case says, else to `go` or the next step."""

    branch: tuple[Case, ...]


class Say(StepBase):
    """Says sentences, one a line; one with a {name} that isn't known is left out."""

    say: Lines


class Ask(StepBase):
    """Answers a question from the help centre, verified as any other."""

    answer: str


class Person(StepBase):
    """Passes the conversation to a person, for the reason given."""

    hand_off: str


KINDS: dict[str, type[StepBase]] = {
    "collect": Collect,
    "confirm": Confirm,
    "action": Act,
    "branch": Branch,
    "say": Say,
    "answer": Ask,
    "hand_off": Person,
}


def kind(step: Any) -> str | None:
    """The key that says what a step does; None unless there is exactly one."""
    keys = step if isinstance(step, dict) else type(step).model_fields
    found = [name for name in KINDS if name in keys]
    return found[0] if len(found) == 1 else None


Step = Annotated[
    Annotated[Collect, Tag("collect")]
    | Annotated[Confirm, Tag("confirm")]
    | Annotated[Act, Tag("action")]
    | Annotated[Branch, Tag("branch")]
    | Annotated[Say, Tag("say")]
    | Annotated[Ask, Tag("answer")]
    | Annotated[Person, Tag("hand_off")],
    Discriminator(kind),
]


Slots = Annotated[Mapping[str, Slot], BeforeValidator(_by_name)]
Actions = Annotated[Mapping[str, Action], BeforeValidator(_by_name)]


class Flow(Node):
    """A task that customers have: what they say when they have it, and the steps through it.

    `counter_examples` look like it and are none: questions that the help centre answers.
    """

    title: str
    examples: Lines = Field(min_length=1)
    counter_examples: Lines = ()
    slots: Slots = Field(default_factory=dict)
    steps: tuple[Step, ...] = Field(min_length=1)


class FlowFile(Flow):
    """A file with a flow, named by `flow`: the slots are its own, the actions everybody's."""

    flow: str = Field(pattern=f"^{_NAME.pattern}$")
    actions: Actions = Field(default_factory=dict)


class SharedFile(Node):
    """A file without a flow: slots and actions for the flows of all files."""

    slots: Slots = Field(default_factory=dict)
    actions: Actions = Field(default_factory=dict)

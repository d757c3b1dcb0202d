"""The flows of a folder, read and looked up."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bot.dialogue.errors import FlowError
from bot.dialogue.schema import (
    END,
    KINDS,
    Action,
    Case,
    Collect,
    Flow,
    FlowFile,
    Node,
    SharedFile,
    Slot,
    Step,
    kind,
)

NodeT = TypeVar("NodeT", bound=Node)
_PLACE = re.compile(r"\{(\w+)\}")
_OF_A_FLOW = {"flow", "title", "examples", "steps"}  # any of these makes a file a flow's
_TABLES = ("slots", "actions", "steps", "conversations")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """All flows and actions; `slots` are the shared ones."""

    flows: Mapping[str, Flow] = field(default_factory=dict)
    actions: Mapping[str, Action] = field(default_factory=dict)
    slots: Mapping[str, Slot] = field(default_factory=dict)

    def slot(self, flow: str, name: str) -> Slot:
        """A slot as a flow sees it: its own, else the shared one."""
        return self.flows[flow].slots.get(name) or self.slots[name]

    def slots_of(self, flow: str) -> dict[str, Slot]:
        """The slots that a flow asks for, in order, and its own."""
        asked = [s.collect for s in self.flows[flow].steps if isinstance(s, Collect)]
        found = {name: self.slot(flow, name) for name in dict.fromkeys(asked)}
        return found | dict(self.flows[flow].slots)

    def first(self, flow: str) -> str:
        """The id of a flow's first step."""
        return self.flows[flow].steps[0].id

    def step(self, flow: str, step_id: str) -> Step:
        """A step by its id."""
        return next(step for step in self.flows[flow].steps if step.id == step_id)

    def after(self, flow: str, step: Step) -> str | None:
        """The step that follows where nothing else is said; None is the end."""
        if step.go:
            return target(step.go)
        steps = self.flows[flow].steps
        at = steps.index(step) + 1
        return steps[at].id if at < len(steps) else None


def target(go: str) -> str | None:
    """The step that `go` names; None is the end."""
    return None if go == END else go


def places(template: str) -> list[str]:
    """The {names} of a template, in order."""
    return _PLACE.findall(template)


def fill(template: str, values: Mapping[str, str]) -> str:
    """A template with its {names} replaced.

    Raises:
        KeyError: A name has no value.
    """
    return _PLACE.sub(lambda match: values[match[1]], template)


def load_flows(*paths: Path) -> Flows:
    """Reads files of flows, and all *.toml of folders, as one collection.

    Raises:
        FlowError: A file can't be read, is wrong, or names something a second time.
    """
    slots: dict[str, Slot] = {}
    actions: dict[str, Action] = {}
    flows: dict[str, Flow] = {}
    files: dict[str, Path] = {}
    for path in _files(paths):
        read = _read(path)
        _add(actions, read.actions, f"{path}: [[actions]]")
        if isinstance(read, FlowFile):
            _add(flows, {read.flow: _with_ids(read)}, f"{path}: key 'flow':")
            files[read.flow] = path
        else:
            _add(slots, read.slots, f"{path}: [[slots]]")
    return _known(Flows(flows=flows, actions=actions, slots=slots), files)


def _files(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.toml")) if path.is_dir() else [path]
        if not inside:
            raise FlowError(f"there are no flows in {path}: expected files named *.toml")
        found += inside
    return found


def _read(path: Path) -> FlowFile | SharedFile:
    data = _toml(path)
    if _OF_A_FLOW & data.keys():
        return _validated(path, data, FlowFile)
    return _validated(path, data, SharedFile)


def read_toml(path: Path, schema: type[NodeT]) -> NodeT:
    """Reads a file as a schema says.

    Raises:
        FlowError: It can't be read, or something in it is wrong.
    """
    return _validated(path, _toml(path), schema)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FlowError(f"cannot read the flows {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FlowError(f"{path} is not valid TOML: {error}") from None


def _validated(path: Path, data: dict[str, Any], schema: type[NodeT]) -> NodeT:
    from pydantic import ValidationError

    try:
        return schema.model_validate(data)
    except ValidationError as error:
        told = "; ".join(_explain(item) for item in error.errors())
        raise FlowError(f"{path}: {told}") from None


def _add(known: dict[str, Any], more: Mapping[str, Any], where: str) -> None:
    for name, item in more.items():
        if name in known:
            raise FlowError(f"{where} {name!r} is in another file too; rename one")
        known[name] = item


def _explain(error: Any) -> str:
    """One error of pydantic as a sentence that names table, key, and the nearest right key."""
    where = _place(error["loc"])
    if error["type"] == "extra_forbidden":
        known = _schema(error["loc"][:-1]).model_fields
        return f"{where}: unknown key{_nearest(str(error['loc'][-1]), known)}"
    if error["type"].startswith("union_tag"):
        keys = list(error["input"]) if isinstance(error["input"], dict) else [str(error["input"])]
        near = _nearest(keys[0], KINDS) if kind(error["input"]) is None and keys else ""
        return f"{where}: a step needs exactly one of {', '.join(KINDS)}, got {keys}{near}"
    said = error["msg"].removeprefix("Value error, ")
    got = error.get("input")
    return f"{where}: {said}" + ("" if isinstance(got, dict | list) else f", got {got!r}")


def _place(where: tuple[int | str, ...]) -> str:
    """A place as it stands in the file: "[[steps]] number 4, key 'on'", numbers from 1."""
    parts = [str(part + 1) if isinstance(part, int) else part for part in where]
    if not parts or parts[0] not in _TABLES:
        return f"key {'.'.join(parts)!r}"
    table, *inside = parts
    if not inside:
        return f"[[{table}]]"
    name, *keys = inside
    if table == "steps":
        keys = keys[1:]  # without the kind of step, which is no key of its own here
    named = f"number {name}" if isinstance(where[1], int) else repr(name)
    return f"[[{table}]] {named}" + (f", key {'.'.join(keys)!r}" if keys else "")


def _schema(where: tuple[int | str, ...]) -> type[Node]:
    """The class that the keys at a place belong to."""
    if "branch" in where and where[-1] != "branch":
        return Case
    if "steps" in where:
        return KINDS[str(where[-1])]
    schemas: dict[str, type[Node]] = {"slots": Slot, "actions": Action, "conversations": Node}
    return next((schema for part, schema in schemas.items() if part in where), FlowFile)


def _nearest(key: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.0)
    return f"; did you mean {near[0]!r}?" if near else ""


def _with_ids(flow: Flow) -> Flow:
    """Steps without an id are named by what they do and where they stand."""
    steps = tuple(
        step if step.id else step.model_copy(update={"id": f"{kind(step)}_{n}"})
        for n, step in enumerate(flow.steps, start=1)
    )
    return flow.model_copy(update={"steps": steps})


def _known(flows: Flows, files: Mapping[str, Path]) -> Flows:
    """Raises FlowError where a flow names a slot, an action or a step that isn't there."""
    for name, flow in flows.flows.items():
        ids = [step.id for step in flow.steps]
        for at, step in enumerate(flow.steps, start=1):
            where = f"{files[name]}: [[steps]] number {at}, key"
            if ids.count(step.id) > 1 or step.id == END:
                raise FlowError(f"{where} 'id': expected one of its own, other than {END!r}")
            for key, go in _targets(step):
                _expect(go, [*ids, END], f"{where} {key!r}: unknown step")
            if isinstance(step, Collect):
                known = [*flow.slots, *flows.slots]
                _expect(step.collect, known, f"{where} 'collect': unknown slot")
            if action := getattr(step, "action", None):
                _expect(action, flows.actions, f"{where} 'action': unknown action")
    return flows


def _expect(name: str, known: Iterable[str], problem: str) -> None:
    if name not in (found := list(known)):
        raise FlowError(f"{problem} {name!r}{_nearest(name, found)}")


def targets(step: Step) -> list[str]:
    """All steps that a step names."""
    return [go for _, go in _targets(step)]


def _targets(step: Step) -> list[tuple[str, str]]:
    """The keys that name steps, with what they name."""
    found = [("go", step.go), ("no", getattr(step, "no", ""))]
    found += [(f"on.{outcome}", go) for outcome, go in getattr(step, "on", {}).items()]
    cases = enumerate(getattr(step, "branch", ()), start=1)
    found += [(f"branch.{at}.go", case.go) for at, case in cases]
    return [(key, go) for key, go in found if go]

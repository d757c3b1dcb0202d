"""The flows of a folder, read and looked up."""

import difflib
import re
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
    Slot,
    Step,
    kind,
)

NodeT = TypeVar("NodeT", bound=Node)
_PLACE = re.compile(r"\{(\w+)\}")


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
    """Reads files of flows, and all *.yaml of folders, as one collection.

    Raises:
        FlowError: A file can't be read, is wrong, or names something a second time.
    """
    found: dict[str, dict[str, Any]] = {"slots": {}, "actions": {}, "flows": {}}
    for path in _files(paths):
        read = read_yaml(path, FlowFile)
        for part, known in found.items():
            for name, item in getattr(read, part).items():
                if name in known:
                    raise FlowError(f"{path}: {part[:-1]} {name!r} is there twice; rename one")
                known[name] = _with_ids(item) if isinstance(item, Flow) else item
    return _known(Flows(**found))


def _files(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        found += sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    return found


def read_yaml(path: Path, schema: type[NodeT]) -> NodeT:
    """Reads a file as a schema says.

    Raises:
        FlowError: It can't be read, or something in it is wrong.
    """
    import yaml
    from pydantic import ValidationError

    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _loader()) or {}
    except OSError as error:
        raise FlowError(f"cannot read the flows {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FlowError(f"{path} is not valid YAML: {error}") from None
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        told = (f"{path}: {_explain(item, schema)}" for item in error.errors())
        raise FlowError("; ".join(told)) from None


def _loader() -> Any:
    """YAML's safe loader with the booleans of YAML 1.2: `on`, `yes` and `no` are plain words."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    Loader.yaml_implicit_resolvers = {
        first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:bool"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))
    return Loader


def _explain(error: Any, schema: type[Node]) -> str:
    """One error of pydantic as a sentence that names the nearest right key."""
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        key = str(error["loc"][-1])
        return (
            f"{where}: unknown key{_nearest(key, _schema(error['loc'][:-1], schema).model_fields)}"
        )
    if error["type"].startswith("union_tag"):
        keys = list(error["input"]) if isinstance(error["input"], dict) else [str(error["input"])]
        near = _nearest(keys[0], KINDS) if kind(error["input"]) is None and keys else ""
        return f"{where}: a step needs exactly one of {', '.join(KINDS)}, got {keys}{near}"
    said = error["msg"].removeprefix("Value error, ")
    return f"{where} = {error.get('input')!r}: {said}"


def _schema(where: tuple[int | str, ...], whole: type[Node]) -> type[Node]:
    """The class that the keys at a place belong to."""
    if "branch" in where and where[-1] != "branch":
        return Case
    if "steps" in where:
        return KINDS[str(where[-1])]
    schemas: dict[str, type[Node]] = {"slots": Slot, "actions": Action, "flows": Flow}
    for part, schema in schemas.items():
        if part in where:
            return schema
    return whole if whole is FlowFile else Node


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


def _known(flows: Flows) -> Flows:
    """Raises FlowError where a flow names a slot, an action or a step that isn't there."""
    for name, flow in flows.flows.items():
        ids = [step.id for step in flow.steps]
        for step in flow.steps:
            where = f"flow {name!r}, step {step.id!r}"
            if ids.count(step.id) > 1 or step.id == END:
                raise FlowError(f"{where}: expected an id of its own, other than {END!r}")
            for go in targets(step):
                _expect(go, [*ids, END], f"{where}: unknown step")
            if isinstance(step, Collect):
                _expect(step.collect, [*flow.slots, *flows.slots], f"{where}: unknown slot")
            if action := getattr(step, "action", None):
                _expect(action, flows.actions, f"{where}: unknown action")
    return flows


def _expect(name: str, known: Iterable[str], problem: str) -> None:
    if name not in (found := list(known)):
        raise FlowError(f"{problem} {name!r}{_nearest(name, found)}")


def targets(step: Step) -> list[str]:
    """All steps that a step names."""
    found = [step.go, getattr(step, "no", ""), *getattr(step, "on", {}).values()]
    found += [case.go for case in getattr(step, "branch", ())]
    return [go for go in found if go]

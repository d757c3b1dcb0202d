"""Finds what is wrong with flows before a customer does. `load_flows` has seen to the names."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from bot.dialogue.actions import resolve
from bot.dialogue.conditions import names
from bot.dialogue.errors import ActionFailed
from bot.dialogue.flows import Flows, places, targets
from bot.dialogue.schema import (
    END,
    Act,
    Ask,
    Branch,
    Collect,
    Confirm,
    Flow,
    Person,
    Say,
    Slot,
    Step,
)
from bot.dialogue.triggers import Triggers

ALIKE = 0.92  # cosine from which two flows' examples are as good as the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, where, and what to do."""

    flow: str
    step: str
    text: str


def check(flows: Flows, triggers: Triggers | None = None) -> list[Problem]:
    """All problems of flows; with `triggers`, also examples that mean the same."""
    found = [
        problem
        for name, flow in flows.flows.items()
        for part in (_steps, _slots, _names, _effects, _loops)
        for problem in part(flows, name, flow)
    ]
    found += _actions(flows)
    found += _overlaps(flows)
    return [*found, *(_alike(flows, triggers) if triggers else ())]


def _steps(flows: Flows, name: str, flow: Flow) -> Iterator[Problem]:
    reached = _reached(flows, name, flow.steps[0].id)
    for step in flow.steps:
        if step.id not in reached:
            yield Problem(flow=name, step=step.id, text="no step leads here: link or remove it")
        if isinstance(step, Act):
            declared = set(flows.actions[step.action].outcomes.values())
            for outcome in sorted(declared ^ set(step.on)):
                text = f"the action has no outcome {outcome!r}: declare it, or take it out of `on`"
                if outcome in declared:
                    text = f"the outcome {outcome!r} leads nowhere: say in `on` where it goes"
                yield Problem(flow=name, step=step.id, text=text)


def _slots(flows: Flows, name: str, flow: Flow) -> Iterator[Problem]:
    asked = {step.collect: step.id for step in flow.steps if isinstance(step, Collect)}
    for slot, own in flow.slots.items():
        if slot not in asked:
            yield Problem(flow=name, step="", text=f"slot {slot!r} is never asked for")
        if own.keep:
            text = f"slot {slot!r} is this flow's own: `keep` it in a file without a flow"
            yield Problem(flow=name, step="", text=text)
    for slot, step in asked.items():
        for text in _slot(flows.slot(name, slot)):
            yield Problem(flow=name, step=step, text=f"slot {slot!r}: {text}")


def _slot(slot: Slot) -> Iterator[str]:
    if not slot.ask:
        yield "it has no prompt: write what is asked in `ask`"
    if slot.type == "pattern" and not slot.pattern:
        yield "a pattern slot needs a `pattern`"
    if slot.type == "choice" and not slot.choices and not slot.choices_from:
        yield "a choice needs `choices` or `choices_from`"
    if slot.type == "text" and slot.pattern and "(" not in slot.pattern.replace("(?", ""):
        yield "the pattern of a text slot needs a group around the value"


def _names(flows: Flows, name: str, flow: Flow) -> Iterator[Problem]:
    """Names in templates and conditions that no slot and no action of the flow gives."""
    slots = set(flows.slots_of(name))
    facts = {
        fact
        for step in flow.steps
        if isinstance(step, Act)
        for fact in flows.actions[step.action].fields
    }
    yeses = {step.id for step in flow.steps if isinstance(step, Confirm)}
    for clash in sorted((slots & facts) | (slots & yeses)):
        yield Problem(flow=name, step="", text=f"{clash!r} names two things: rename one")
    for step in flow.steps:
        for used in sorted(_used(flows, name, step) - slots - facts):
            text = f"{used!r} is neither a slot of this flow nor a field of its actions"
            yield Problem(flow=name, step=step.id, text=text)


def _used(flows: Flows, flow: str, step: Step) -> set[str]:
    match step:
        case Say(say=said):
            return {name for text in said for name in places(text)}
        case Confirm(confirm=text) | Ask(answer=text) | Person(hand_off=text):
            return set(places(text))
        case Branch(branch=cases):
            return {name for case in cases for name in names(case.when)}
        case Act(action=action):
            known = flows.actions[action]
            return set(places(" ".join((known.http, *known.inputs.values()))))
        case Collect(collect=name):
            slot = flows.slot(flow, name)
            return {*places(slot.ask), *((slot.choices_from,) if slot.choices_from else ())}


def _effects(flows: Flows, name: str, flow: Flow) -> Iterator[Problem]:
    """Actions that change something and can be reached without a yes."""
    yeses = {step.id for step in flow.steps if isinstance(step, Confirm)}
    for step_id in _reached(flows, name, flow.steps[0].id, stop=yeses):
        step = flows.step(name, step_id)
        if isinstance(step, Act) and flows.actions[step.action].changes:
            text = f"{step.action!r} changes something and nobody said yes: put a confirm before it"
            yield Problem(flow=name, step=step_id, text=text)


def _loops(flows: Flows, name: str, flow: Flow) -> Iterator[Problem]:
    """Ways round on which nothing waits for the customer."""
    waits = {s.id for s in flow.steps if isinstance(s, Confirm | Person)}
    forgotten = {slot for step in flow.steps for slot in step.forget}
    waits |= {s.id for s in flow.steps if isinstance(s, Collect) and s.collect in forgotten}
    for step in flow.steps:
        followers = [] if step.id in waits else _next(flows, name, step)
        onward = {n for start in followers for n in _reached(flows, name, start, stop=waits)}
        if step.id in onward:
            text = "this goes round in circles: forget a slot, or ask for a yes, on the way"
            yield Problem(flow=name, step=step.id, text=text)


def _actions(flows: Flows) -> Iterator[Problem]:
    used = {s.action for f in flows.flows.values() for s in f.steps if isinstance(s, Act)}
    for name, action in flows.actions.items():
        if name not in used:
            yield Problem(flow="", step="", text=f"action {name!r} is never used")
        if action.python:
            try:
                resolve(action.python)
            except ActionFailed as error:
                yield Problem(flow="", step="", text=f"action {name!r}: {error}")
    asked = {s.collect for f in flows.flows.values() for s in f.steps if isinstance(s, Collect)}
    for slot in flows.slots:
        if slot not in asked:
            yield Problem(flow="", step="", text=f"shared slot {slot!r} is never asked for")


def _overlaps(flows: Flows) -> Iterator[Problem]:
    """The same example in two flows, or as its own counter-example."""
    seen: dict[str, str] = {}
    for name, flow in flows.flows.items():
        against = {_plain(text) for text in flow.counter_examples}
        for text in dict.fromkeys(map(_plain, (flow.title, *flow.examples))):
            if text in against:
                yield Problem(flow=name, step="", text=f"{text!r} is its own counter-example")
            if text in seen:
                yield Problem(flow=name, step="", text=f"{text!r} also begins {seen[text]!r}")
            seen[text] = name


def _alike(flows: Flows, triggers: Triggers) -> Iterator[Problem]:
    known = list(flows.flows)
    for at, first in enumerate(known):
        for second in known[at + 1 :]:
            if (cosine := triggers.similarity(first, second)) >= ALIKE:
                text = f"an example means the same as one of {second!r} (cosine {cosine:.2f})"
                yield Problem(flow=first, step="", text=text)


def _reached(flows: Flows, name: str, start: str, stop: Collection[str] = ()) -> set[str]:
    """All steps that can come from `start` on, none beyond those in `stop`."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        step_id = waiting.pop()
        if step_id in found:
            continue
        found.add(step_id)
        step = flows.step(name, step_id)
        if step_id not in stop:
            waiting += _next(flows, name, step)
    return found


def _next(flows: Flows, name: str, step: Step) -> Sequence[str]:
    """The steps that may come right after one."""
    if isinstance(step, Person):
        return []
    follower = flows.after(name, step)
    named = [go for go in targets(step) if go != END]
    return [*named, *([follower] if follower else ())]


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".?!")

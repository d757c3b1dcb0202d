"""What the state of a conversation says: the active flow, what it waits for, what is known."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.dialogue.commands import CorrectSlot, SetSlot
from bot.dialogue.flows import Flows
from bot.dialogue.schema import Act, Collect, Confirm, Step
from bot.types import ActionResult, Frame, SlotValue, State, Value


def active(state: State) -> Frame | None:
    """The flow under way that isn't paused."""
    return next((frame for frame in reversed(state.stack) if not frame.paused), None)


def at_step(flows: Flows, frame: Frame) -> Step | None:
    """The step that a flow stands at; None at its end."""
    return flows.step(frame.flow, frame.step) if frame.step else None


def asked_slot(flows: Flows, frame: Frame) -> str | None:
    """The slot that a flow waits for."""
    step = at_step(flows, frame)
    return step.collect if isinstance(step, Collect) else None


def waits_for_yes(flows: Flows, frame: Frame) -> bool:
    """Whether a flow waits for a confirmation."""
    return isinstance(at_step(flows, frame), Confirm)


def waits_for_action(flows: Flows, frame: Frame) -> bool:
    """Whether a flow waits to try an action again."""
    return isinstance(at_step(flows, frame), Act)


def results(state: State, frame: Frame) -> list[ActionResult]:
    """What the actions on the way here found, the latest first."""
    by_key = {result.key: result for result in state.facts}
    return [by_key[key] for key in reversed(frame.calls) if key in by_key]


def values(state: State, frame: Frame) -> dict[str, Value]:
    """Slots and facts by name, as conditions see them; what was skipped isn't known."""
    known: dict[str, Value] = {}
    for result in reversed(results(state, frame)):
        known |= result.values
    return known | {name: slot.value for name, slot in frame.slots.items() if slot.value}


def choices_of(flows: Flows, state: State, frame: Frame, name: str) -> Sequence[str] | None:
    """The choices that a fact lists for a slot; None for every other slot."""
    source = flows.slot(frame.flow, name).choices_from
    if not source:
        return None
    listed = values(state, frame).get(source, ())
    return listed if isinstance(listed, tuple) else (str(listed),)


def replaced(state: State, frame: Frame) -> State:
    """The state with a frame as it is now."""
    stack = tuple(frame if old.id == frame.id else old for old in state.stack)
    return replace(state, stack=stack)


def begun(state: State, flows: Flows, flow: str, *, anew: bool) -> State:
    """A flow put on top of the stack, with what was told before it; a paused one of it goes."""
    kept = {} if anew else _kept(flows, flow, state.slots)
    frame = Frame(
        id=f"{state.turn}.{len(state.stack)}.{flow}",
        flow=flow,
        step=flows.first(flow),
        slots=kept,
    )
    stack = tuple(old for old in state.stack if old.flow != flow)
    return replace(state, stack=(*stack, frame))


def resumed(state: State, flow: str) -> State:
    """A flow brought to the top and no longer paused."""
    frame = next(frame for frame in state.stack if frame.flow == flow)
    rest = tuple(old for old in state.stack if old.id != frame.id)
    return replace(state, stack=(*rest, replace(frame, paused=False)))


def paused(state: State) -> State:
    """All flows left for later."""
    stack = tuple(replace(frame, paused=True) for frame in state.stack)
    return replace(state, stack=stack, pending=None)


def cancelled(state: State) -> State:
    """The active flow taken off the stack; if all are paused, the last one."""
    gone = active(state) or state.stack[-1]
    stack = tuple(frame for frame in state.stack if frame.id != gone.id)
    return replace(state, stack=stack, pending=None)


def told(state: State, flows: Flows, command: SetSlot | CorrectSlot) -> State:
    """A slot filled or changed, in the active flow and, if it is kept, for those to come.

    A change takes the flow back to its start: what was found with the old value is no longer
    looked at, what was confirmed is asked again, and what is still known isn't.
    """
    value = SlotValue(value=command.value, turn=state.turn, confidence=command.confidence)
    frame = active(state)
    name = command.slot
    if (shared := flows.slots.get(name)) and shared.keep:
        state = replace(state, slots=_with(state.slots, name, value))
    if frame is None or (name not in flows.slots_of(frame.flow) and name != frame.step):
        return state
    if isinstance(command, CorrectSlot) or _differs(frame, name, value):
        frame = replace(frame, step=flows.first(frame.flow), calls=())
    return replaced(state, replace(frame, slots=_with(frame.slots, name, value)))


def forgotten(state: State, frame: Frame, names: Sequence[str]) -> State:
    """Slots emptied, so that they are asked for anew."""
    if not names:
        return state
    slots = {name: value for name, value in frame.slots.items() if name not in names}
    kept = {name: value for name, value in state.slots.items() if name not in names}
    return replaced(replace(state, slots=kept), replace(frame, slots=slots))


def _differs(frame: Frame, name: str, value: SlotValue) -> bool:
    known = frame.slots.get(name)
    return bool(known and known.value != value.value)


def _with(slots: Mapping[str, SlotValue], name: str, value: SlotValue) -> Mapping[str, SlotValue]:
    """An empty value takes a slot out; `skipped` in the walk puts an empty one in."""
    rest = {key: old for key, old in slots.items() if key != name}
    return rest | {name: value} if value.value else rest


def _kept(flows: Flows, flow: str, slots: Mapping[str, SlotValue]) -> dict[str, SlotValue]:
    wanted = flows.slots_of(flow)
    return {name: value for name, value in slots.items() if name in wanted and wanted[name].keep}


def skipped(state: State, frame: Frame, name: str) -> State:
    """A slot left empty: it is not asked for again."""
    empty = SlotValue(value="", turn=state.turn)
    return replaced(state, replace(frame, slots={**frame.slots, name: empty}))

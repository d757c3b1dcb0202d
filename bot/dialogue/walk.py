"""Goes through the steps of the flows, from where the state stands to where it must wait."""

import hashlib
import json
import logging
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace

from bot.dialogue import memory, wording
from bot.dialogue.actions import Caller, Done
from bot.dialogue.compose import Composer, sources
from bot.dialogue.conditions import holds
from bot.dialogue.errors import ActionFailed
from bot.dialogue.flows import Flows, fill, places, target
from bot.dialogue.pending import offer_person
from bot.dialogue.schema import (
    Act,
    Action,
    Ask,
    Branch,
    Collect,
    Confirm,
    Person,
    Say,
    Slot,
    Step,
)
from bot.dialogue.slots import options_of
from bot.types import (
    ActionResult,
    Cause,
    Form,
    FormField,
    Frame,
    Pending,
    Reply,
    Sentence,
    State,
)

log = logging.getLogger("truepenny.dialogue")
MOST_STEPS = 60  # without a message in between; `flows check` finds loops before customers do
YES_NO = ("Yes", "No")
Answering = Callable[[str, State], Iterator[Sentence | Reply]]
_INPUTS: dict[str, str] = {"email": "email", "phone": "tel", "date": "date", "number": "number"}


@dataclass
class Walk:
    """One message's way through the flows: the state as it changes, and what is said.

    `answer` answers a question from knowledge. `lost` says that the message told nothing that
    the flow waits for, `stalled` that an action which failed isn't to be tried again now.
    `patience` is how many failures may come before a person takes over, `failed` how many came;
    `person` is why one must.
    """

    state: State
    flows: Flows
    caller: Caller
    answer: Answering
    said: Composer
    patience: int = 2
    lost: bool = False
    stalled: bool = False
    person: tuple[Cause, str] | None = None
    failed: int = 0
    buttons: tuple[str, ...] = ()
    form: Form | None = None
    trace: list[str] = field(default_factory=list)

    def run(self) -> Iterator[Sentence]:
        """Goes on until a step waits, a person must take over, or nothing is under way."""
        for _ in range(MOST_STEPS):
            frame = memory.active(self.state)
            if frame is None or self.person:
                return
            step = memory.at_step(self.flows, frame)
            if step is None:
                self._end(frame)
            elif (yield from self._do(frame, step)):
                return
        log.error("flow %s goes round in circles", frame.flow if frame else "?")
        self.person = ("tool_failure", "a flow goes round in circles")

    def _do(self, frame: Frame, step: Step) -> Generator[Sentence, None, bool]:
        """Does one step; returns whether it waits."""
        match step:
            case Collect():
                return self._collect(frame, step)
            case Confirm():
                return self._confirm(frame, step)
            case Act():
                return self._act(frame, step)
            case Branch():
                self._branch(frame, step)
            case Say():
                yield from self._say(frame, step)
            case Ask():
                yield from self._ask(frame, step)
            case Person():
                self.person = ("policy", self._filled(step.hand_off, frame) or "the flow says so")
        return False

    def _collect(self, frame: Frame, step: Collect) -> bool:
        if step.collect in frame.slots:
            self._go(frame, step)
            return False
        slot = self.flows.slot(frame.flow, step.collect)
        listed = memory.choices_of(self.flows, self.state, frame, step.collect)
        if slot.choices_from and not listed:
            self.person = ("tool_failure", f"there is nothing to choose {step.collect} from")
            return False
        pending = self.state.pending
        if pending and pending.kind == "value" and pending.about == step.collect:
            self.offer(wording.WHICH, pending)
            return True
        prompt = self._filled(slot.ask, frame) or f"{slot.label or step.collect}?"
        self.said.line(f"{slot.again} {prompt}" if self.lost else prompt)
        options = tuple(options_of(slot, listed))
        self.buttons = YES_NO if slot.type == "yes_no" else options
        self.form = Form(fields=(_field(step.collect, slot, options),))
        return True

    def _confirm(self, frame: Frame, step: Confirm) -> bool:
        said = frame.slots.get(step.id)
        if said is None:
            question = self._filled(step.confirm, frame)
            if question is None:
                self.person = ("tool_failure", f"{step.confirm!r} can't be asked")
                return False
            self.said.line(f"{wording.LOST} {question}" if self.lost else question)
            self.buttons = YES_NO
            return True
        slots = {name: value for name, value in frame.slots.items() if name != step.id}
        frame = replace(frame, slots=slots)
        if said.value == "yes":
            self._go(replace(frame, confirmed=frame.confirmed + 1), step)
        else:
            self.said.line("" if step.no else wording.LEFT)
            self._to(frame, target(step.no) if step.no else None)
        return False

    def _act(self, frame: Frame, step: Act) -> bool:
        """Carries out an action, once a confirmed intent; a failure waits for the customer."""
        action = self.flows.actions[step.action]
        if self.stalled:
            self.offer(wording.OFFER, offer_person(frame.flow))
            return True
        inputs = self._inputs(action, frame)
        key = _key(self.state, frame, step.action, inputs)
        done = next((r for r in self.state.facts if r.key == key), None)
        if done is None:
            try:
                got = self.caller.call(action, inputs, key)
            except ActionFailed as error:
                log.warning("action %s failed: %s", step.action, error)
                return self._failed(step.action, frame, str(error))
            done = self._record(step.action, key, got)
        frame = replace(frame, calls=(*frame.calls, key))
        if done.outcome == "ok":
            self._go(frame, step)
        elif done.outcome in step.on:
            self._to(frame, target(step.on[done.outcome]))
        else:
            self.person = ("tool_failure", f"{step.action}: {done.outcome}")
        return False

    def _inputs(self, action: Action, frame: Frame) -> dict[str, str]:
        """What is known of the names that an action uses."""
        used = places(" ".join((action.http, *action.inputs.values())))
        known = memory.values(self.state, frame)
        return {name: wording.sent(known[name]) for name in used if name in known}

    def _record(self, action: str, key: str, got: Done) -> ActionResult:
        result = ActionResult(
            key=key, action=action, turn=self.state.turn, outcome=got.outcome, values=got.values
        )
        self.trace.append(f"action {action}: {got.outcome} {dict(got.values)}")
        self.state = replace(self.state, facts=(*self.state.facts, result))
        return result

    def _failed(self, name: str, frame: Frame, why: str) -> bool:
        action = self.flows.actions[name]
        words = wording.FAILED_CHANGE if action.changes else wording.FAILED_LOOK
        self.said.line(words.format(source=action.title or "our system"))
        self.failed += 1
        self.trace.append(f"action {name} failed: {why}")
        if self.failed >= self.patience:
            self.person = ("tool_failure", f"{name} failed: {why}")
        else:
            self.offer(wording.OFFER, offer_person(frame.flow))
        return True

    def _branch(self, frame: Frame, step: Branch) -> None:
        known = memory.values(self.state, frame)
        for case in step.branch:
            if holds(case.when, known):
                self.trace.append(f"branch {case.when}")
                self._to(frame, target(case.go))
                return
        self._go(frame, step)

    def _say(self, frame: Frame, step: Say) -> Iterator[Sentence]:
        known = sources(self.flows, self.state, frame)
        for template in step.say:
            if sentence := self.said.fact(template, known):
                yield sentence
        self._go(frame, step)

    def _ask(self, frame: Frame, step: Ask) -> Iterator[Sentence]:
        question = self._filled(step.answer, frame)
        if question:
            yield from self.said.answer(self.answer(question, self.state), optional=True)
        self._go(frame, step)

    def _end(self, frame: Frame) -> None:
        rest = tuple(other for other in self.state.stack if other.id != frame.id)
        self.state = replace(self.state, stack=rest, ended=frame.flow)
        self.trace.append(f"end {frame.flow}")
        if back := memory.active(self.state):
            self.said.line(wording.BACK.format(title=self.flows.flows[back.flow].title))

    def offer(self, question: str, pending: Pending) -> None:
        """Asks which of several; the buttons wait to be chosen from."""
        self.said.line(question)
        self.buttons = tuple(option.text for option in pending.options)
        self.state = replace(self.state, pending=pending)

    def _filled(self, template: str, frame: Frame) -> str | None:
        known = sources(self.flows, self.state, frame)
        try:
            return fill(template, {name: wording.shown(s.value) for name, s in known.items()})
        except KeyError as error:
            log.warning("flow %s: %r lacks %s", frame.flow, template, error)
            return None

    def _go(self, frame: Frame, step: Step) -> None:
        self._to(frame, self.flows.after(frame.flow, step), step.forget)

    def _to(self, frame: Frame, step: str | None, forget: tuple[str, ...] = ()) -> None:
        self.lost = False
        moved = replace(frame, step=step)
        self.state = memory.forgotten(memory.replaced(self.state, moved), moved, forget)


def _key(state: State, frame: Frame, action: str, inputs: dict[str, str]) -> str:
    """The same for the same action with the same inputs, confirmed the same time."""
    told = [state.conversation_id, frame.id, frame.confirmed, action, sorted(inputs.items())]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def _field(name: str, slot: Slot, options: tuple[str, ...]) -> FormField:
    kind = "choice" if options or slot.type == "yes_no" else _INPUTS.get(slot.type, "text")
    return FormField(
        name=name, label=slot.label or name, type=kind,  # type: ignore[arg-type]
        required=not slot.optional, pattern=slot.pattern if slot.type == "pattern" else "",
        choices=options or (YES_NO if slot.type == "yes_no" else ()),
    )  # fmt: skip

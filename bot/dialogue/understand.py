"""From a message to commands: patterns, slot types and cue words first, then nearest examples."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from bot.dialogue import cues
from bot.dialogue.commands import (
    Answer,
    Cancel,
    Clarify,
    Command,
    CorrectSlot,
    HandOff,
    Pause,
    Resume,
    SetSlot,
    Skip,
    StartFlow,
)
from bot.dialogue.flows import Flows
from bot.dialogue.memory import active, asked_slot, choices_of, waits_for_yes
from bot.dialogue.pending import chosen
from bot.dialogue.schema import Slot
from bot.dialogue.slots import Found, blanked, find, mentions, whole
from bot.dialogue.triggers import TIE, Match, Triggers
from bot.phrases import MOST_CHARS
from bot.types import Frame, Option, Pending, State
from bot.understanding import clean, read

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_INSTEAD = re.compile(r"\b(?:instead|rather|change|switch|make it)\b", re.I)
WORDY = 0.8  # how like an example the answer to an open question must be to begin another flow
MOST_OPTIONS = 4
STRICT = ("pattern", "email", "phone")  # types that tell themselves wherever they stand


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads messages against the flows."""

    flows: Flows = field(default_factory=Flows)
    triggers: Triggers | None = None
    max_chars: int = 2000

    def read(self, message: str, state: State, today: date) -> list[Command]:
        """What a message means; nothing where a flow waits and the message says nothing to it."""
        spoken = read(message, self.max_chars)
        if spoken.kind == "person":
            return [HandOff(cause="customer_request", reason="the customer asked for a person")]
        frame = active(state)
        slot = asked_slot(self.flows, frame) if frame else None
        text = clean(message)
        if spoken.kind == "refused" and not (slot and text) and not (frame and _cue(text)):
            return [Answer(question=message)]
        if state.pending and (commands := chosen(state.pending, text)):
            return commands
        if frame:
            return self._in_flow(text, frame, state, today, plain=spoken.kind == "question")
        if spoken.kind != "question":
            return [Answer(question=message)]
        return self._outside(text, state, today)

    def _outside(self, text: str, state: State, today: date) -> list[Command]:
        """No flow waits: go on with one, begin one, or answer."""
        if state.stack and cues.resumes(text):
            return [Resume(flow=self._named(text, state))]
        if cues.cancels(text, task_cancels=not state.stack):
            return [Cancel()] if state.stack else []
        if cues.postpones(text):
            return []
        matches = self._matches(text, today)
        if started := self._started(matches, text, state, today):
            return started
        found = find(self._kept(), text, asked=None, today=today)
        told = [SetSlot(slot=item.slot, value=item.value) for item in found]
        if told and matches:  # a value beside it makes a likely wish a sure one
            return [StartFlow(flow=matches[0].flow, score=matches[0].score), *told]
        if cues.filler(blanked(text, found)):
            return self._bare(text, told, state, today)
        return [*told, Answer(question=text, near=matches[0].flow if matches else None)]

    def _bare(self, text: str, told: Sequence[SetSlot], state: State, today: date) -> list[Command]:
        """Little but a value ("and FW-20418833?"): for the flow that ended, or ask what for."""
        ended = self.flows.slots_of(state.ended) if state.ended else {}
        told = told or self._other_value(text, ended, state, today)
        if state.ended and any(command.slot in ended for command in told):
            return [StartFlow(flow=state.ended, score=1.0), *told]
        if not told:
            return [] if cues.affirmed(text) is not None else [Answer(question=text)]
        uses = {command.slot for command in told}
        options = tuple(
            Option(text=flow.title, target=name)
            for name, flow in self.flows.flows.items()
            if uses & set(self.flows.slots_of(name))
        )
        return [*told, Clarify(pending=Pending(kind="flow", options=options[:MOST_OPTIONS]))]

    def _other_value(
        self, text: str, ended: Mapping[str, Slot], state: State, today: date
    ) -> list[SetSlot]:
        """Another value than the one that was used ("no, the other order")."""
        said = [turn.text for turn in state.turns if turn.role == "user"]
        for name, slot in self._kept().items():
            values = mentions(slot, said, today) if name in ended else []
            at = cues.ordinal(text, len(values)) if len(values) > 1 else None
            used = state.slots.get(name)
            if at is not None and not (used and used.value == values[at]):
                return [SetSlot(slot=name, value=values[at], confidence=0.8)]
        return []

    def _in_flow(
        self, text: str, frame: Frame, state: State, today: date, *, plain: bool
    ) -> list[Command]:
        """A flow waits for a slot or a yes."""
        cancelling = "cancel" in self.flows.flows[frame.flow].title.lower()
        if cues.postpones(text):
            return [Pause()]
        if cues.cancels(text, task_cancels=cancelling):
            return [Cancel()]
        asked = asked_slot(self.flows, frame)
        if asked and cues.skips(text):
            return [Skip()]
        if waits_for_yes(self.flows, frame) and (
            said := self._confirmed(text, frame, state, today)
        ):
            return said
        found = self._values(text, frame, state, today)
        if (other := self._other_flow(text, frame, state, today, bool(found))) is not None:
            return other
        told: list[Command] = [_told(item, frame) for item in found]
        if question := _question(text, found):
            return [*told, Answer(question=question)]
        if told or not asked:
            return told or ([] if plain else [Answer(question=text)])
        slot = self.flows.slot(frame.flow, asked)
        last = whole(asked, slot, text) if plain else None
        return [_told(last, frame)] if last else ([] if plain else [Answer(question=text)])

    def _confirmed(self, text: str, frame: Frame, state: State, today: date) -> list[Command]:
        """A yes, a no, or what is to be changed first; nothing if it is none of these."""
        assert frame.step is not None
        said = cues.affirmed(text)
        if said:
            return [SetSlot(slot=frame.step, value="yes")]
        changed = [
            CorrectSlot(slot=item.slot, value=item.value)
            for item in self._values(text, frame, state, today)
        ]
        changed += [] if changed else self._by_place(text, frame, state, today)
        changed += [] if changed else self._named_slots(text, frame)
        if changed or said is None:
            return list(changed)
        return [SetSlot(slot=frame.step, value="no")]

    def _by_place(self, text: str, frame: Frame, state: State, today: date) -> list[CorrectSlot]:
        """Another of the values that the customer has mentioned ("no, the second order")."""
        said = [turn.text for turn in state.turns if turn.role == "user"]
        for name, slot in self.flows.slots_of(frame.flow).items():
            values = choices_of(self.flows, state, frame, name) or (
                mentions(slot, said, today) if slot.type in STRICT else list(slot.choices)
            )
            at = cues.ordinal(text, len(values)) if len(values) > 1 else None
            if at is not None and name in frame.slots and values[at] != frame.slots[name].value:
                return [CorrectSlot(slot=name, value=values[at], confidence=0.8)]
        return []

    def _named_slots(self, text: str, frame: Frame) -> list[CorrectSlot]:
        """A filled slot named without a new value is asked for again ("the address is wrong")."""
        return [
            CorrectSlot(slot=name, value="")
            for name, slot in self.flows.slots_of(frame.flow).items()
            if name in frame.slots
            and slot.label
            and re.search(rf"\b{re.escape(slot.label.split()[-1])}\b", text, re.I)
            and re.search(r"\b(?:wrong|change|no|not|different|another|incorrect)\b", text, re.I)
        ]

    def _other_flow(
        self, text: str, frame: Frame, state: State, today: date, told: bool
    ) -> list[Command] | None:
        """Another task in the middle of one; harder to begin where free text was asked for."""
        asked = asked_slot(self.flows, frame)
        open_text = asked and self.flows.slot(frame.flow, asked).type == "text"
        least = WORDY if open_text or told else 0.0
        found = self._matches(text, today)
        matches = [m for m in found if m.flow != frame.flow and m.score >= least]
        own = [m for m in found if m.flow == frame.flow]
        if own and matches and own[0].rank >= matches[0].rank:
            return None
        return self._started(matches, text, state, today) or None

    def _started(
        self, matches: Sequence[Match], text: str, state: State, today: date
    ) -> list[Command]:
        """Begins the likeliest flow, or asks which, with what the message tells already."""
        sure = [match for match in matches if match.sure]
        if not sure:
            return []
        if len(sure) > 1 and sure[0].rank - sure[1].rank < TIE:
            options = tuple(
                Option(text=self.flows.flows[match.flow].title, target=match.flow)
                for match in sure[:3]
            )
            return [Clarify(pending=Pending(kind="flow", options=options, about=text))]
        flow = sure[0].flow
        for frame in state.stack:
            if frame.flow == flow and not cues.another(text):
                return [Resume(flow=flow), *self._first_values(flow, text, state, today)]
        start = StartFlow(flow=flow, score=sure[0].score, anew=cues.another(text))
        return [start, *self._first_values(flow, text, state, today)]

    def _first_values(self, flow: str, text: str, state: State, today: date) -> list[Command]:
        """What the message that begins a flow tells; two values of one slot are asked back."""
        commands: list[Command] = []
        for name, slot in self.flows.slots_of(flow).items():
            values = mentions(slot, [text], today)
            at = cues.ordinal(text, len(values)) if len(values) > 1 else None
            if len(values) == 1 or at is not None:
                commands.append(SetSlot(slot=name, value=values[at or 0]))
            elif values:
                options = tuple(Option(text=value, target=value) for value in values[:5])
                commands.append(Clarify(pending=Pending(kind="value", options=options, about=name)))
        return commands

    def _values(self, text: str, frame: Frame, state: State, today: date) -> list[Found]:
        slots = self.flows.slots_of(frame.flow)
        asked = asked_slot(self.flows, frame)
        listed = {
            name: choices
            for name in slots
            if (choices := choices_of(self.flows, state, frame, name)) is not None
        }
        changing = asked is None and _INSTEAD.search(text)
        loose = asked is None or slots[asked].type in ("number", "choice", "yes_no")
        if cues.asks(text) and loose and not changing:
            slots = {name: slot for name, slot in slots.items() if slot.type in STRICT}
        found = find(slots, text, asked=asked, today=today, choices=listed)
        return [item for item in found if item.valid]

    def _matches(self, text: str, today: date) -> list[Match]:
        """The flows that a message asks for; a value says no more than what it is."""
        if self.triggers is None:
            return []
        kept = self._kept()
        for item in sorted(find(kept, text, asked=None, today=today), key=lambda i: -i.start):
            text = f"{text[: item.start]}{kept[item.slot].label}{text[item.end :]}"
        return self.triggers.match(text)

    def _kept(self) -> dict[str, Slot]:
        shared = self.flows.slots.items()
        return {name: slot for name, slot in shared if slot.keep and slot.type in STRICT}

    def _named(self, text: str, state: State) -> str:
        """The paused flow that a message names, else the last one."""
        said = set(re.findall(r"\w+", text.lower()))
        titles = {f.flow: self.flows.flows[f.flow].title.lower() for f in state.stack}
        shared = {flow: len(said & set(title.split())) for flow, title in titles.items()}
        best = max(shared, key=lambda flow: shared[flow])
        return best if shared[best] else state.stack[-1].flow


def _cue(text: str) -> bool:
    """Whether a message in a script that isn't read all the same says yes, no or enough."""
    said = cues.affirmed(text) is not None
    return len(text) <= MOST_CHARS and (said or cues.cancels(text, task_cancels=True))


def _told(item: Found, frame: Frame) -> SetSlot | CorrectSlot:
    known = frame.slots.get(item.slot)
    make = CorrectSlot if known and known.value and known.value != item.value else SetSlot
    return make(slot=item.slot, value=item.value, confidence=item.confidence)


def _question(text: str, found: Sequence[Found]) -> str | None:
    """The part of a message that asks something, beside the values that it gives."""
    at, asked = 0, []
    for sentence in _SENTENCE.split(text):
        start = text.index(sentence, at)
        at = start + len(sentence)
        inside = any(start <= item.start < at for item in found)
        if cues.asks(sentence) and not inside:
            asked.append(sentence)
    return " ".join(asked) or None

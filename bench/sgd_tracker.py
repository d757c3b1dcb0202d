"""Follows an SGD dialogue with the bot's slot finder: the schema as slots, then turn by turn.

A service's slots are written as a flow's author would, by the words of their names and
descriptions; nothing is trained. Of the system's turns its acts are known, as a bot knows what it
asked for and offered. The user's acts and the results of calls aren't read.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bot.dialogue import cues
from bot.dialogue.schema import Slot
from bot.dialogue.slots import Found, find, whole

TODAY = date(2019, 3, 1)  # of the data's services
ANY = "dontcare"
MOST_WORDS = 4  # of an answer that is a value as it stands
_WORD = r"(?-i:(?!I\b)[A-Z])[\w'&-]*"
_NAME = rf"{_WORD}(?:,?\s+(?:(?:of|the|and|de|&)\s+)?(?:{_WORD}|\d+\b))*"
_BEFORE = (
    (r"^(?:from|origin|departure)_", "from|leaving|departing"),
    (r"^(?:to|destination|arrival)_|^destination$", "to|for|visit|towards|in"),
    (r"city|location|area|town", "in|near|around|at|to|from"),
    (r"artist|director", "by"),
    (r"actor|starring", "with|starring"),
)
_PERSONS = ("people", "person", "rider", "passenger", "traveler", "traveller", "seat", "ticket")
_END = ("until", "till", "through", "return", "returning", "back", "drop", "end")
_PLAIN = (
    "an|the|some|any|other|another|good|nice|more|different|great|that|this|for|to|of|find|me|"
    "new|same|what|which|is|and|in|at|by|with|interesting|see|watch|like|local|play|book|best|"
    "a|want|my|their|your|are|you|on|it|or|there|about|from|few|such|rent|few"
)
_ANY = re.compile(
    r"\b(?:any(?:thing|where|one| \w+)?(?: is| are)? (?:fine|okay?|good|works?|will do)|"
    r"(?:do(?:es)?n'?t|do(?:es)? not) (?:care|mind|matter|have (?:a|any) preference)|"
    r"no preference|up to you|whatever)\b",
    re.I,
)
_GOOD = r"good|great|perfect|nice|fine|wonderful|lovely|awesome|excellent|cool"
_TAKES = re.compile(
    rf"\b(?:(?:sounds?|looks?|works?|(?:that|this|it)(?:'s|'ll| is| one is| would be| will be)?)"
    rf" (?:\w+ ){{0,2}}(?:{_GOOD}|well|for me|right|correct|one|ok(?:ay)?|work)|"
    rf"(?:like|love|want|take|prefer) (?:to \w+ (?:to )?)?(?:that|this|it|the sound)|go with|"
    rf"(?:{_GOOD}|sure|ok(?:ay)?|thanks|thank you|cheers)\b|"
    rf"(?:book|reserve|buy|purchase|schedule|rent|play|make|get)\b)",
    re.I,
)
_ELSE = re.compile(
    r"\b(?:else|other|others|another|different|instead|more options?|not (?:that|what)|"
    r"do(?:n'?t| not) (?:like|want))\b",
    re.I,
)
_THERE = re.compile(
    r"\bthere\b|\b(?:that|the same) (?:city|area|place|town|location)\b|around here\b", re.I
)
_PLACE = re.compile(r"city|location|area|destination")
Act = Mapping[str, Any]
Values = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service's slots as ours, which of them a task needs, and which have a list of values."""

    slots: Mapping[str, Slot]
    required: frozenset[str]
    listed: frozenset[str]
    names: tuple[str, ...]


def service(schema: Mapping[str, Any]) -> Service:
    """A service by its schema.

    Only what an intent takes can be in a state; other slots are in results alone.
    """
    intents = schema["intents"]
    required = {name for intent in intents for name in intent["required_slots"]}
    taken = required | {name for intent in intents for name in intent["optional_slots"]}
    given = [slot for slot in schema["slots"] if slot["name"] in taken]
    slots: dict[str, Slot] = {}
    for slot in sorted(given, key=lambda slot: "city" not in slot["name"]):
        ours = our_slot(slot, schema["service_name"])
        if ours.pattern in {other.pattern for other in slots.values()}:
            ours = ours.model_copy(update={"pattern": ""})  # one cue can't tell two slots apart
        slots[slot["name"]] = ours
    return Service(
        slots=slots,
        required=frozenset(required),
        listed=frozenset(slot["name"] for slot in schema["slots"] if slot["is_categorical"]),
        names=tuple(slot["name"] for slot in schema["slots"]),
    )


def our_slot(given: Mapping[str, Any], about: str) -> Slot:
    """A slot of a schema, by its values and the words of its name and description."""
    name, listed = given["name"], given["possible_values"]
    if listed and set(listed) <= {"True", "False"}:
        told = re.sub(r"^(?:has|is|good_for)_", "", name).split("_")[0]
        return Slot(type="yes_no", words=tuple({told, re.sub(r"(?:ing|s)$", "", told)}))
    if listed and all(value.isdigit() for value in listed) and len(listed[0]) < 3:
        most = max(map(int, listed))
        return Slot(type="number", words=_counted(name), minimum=0, maximum=most)
    if listed:
        return Slot(type="choice", choices=listed)
    if re.search(r"(?:^|_)date(?:$|_)", name):
        last = re.search(r"return|drop|end|out", name)
        return Slot(type="date", date_order="MDY", words=_END if last else ())
    if re.search(r"(?:^|_)time$", name):
        return Slot(type="time")
    if re.search(r"amount|price|balance|fare|rent$", name):
        return Slot(type="money")
    if re.search(r"length|number_of|duration", name):
        return Slot(type="number", words=("day", "night"))
    return Slot(pattern=_cue(name, given["description"].lower(), about))


def _counted(name: str) -> tuple[str, ...]:
    nouns = re.sub(r"^number_(?:of_)?", "", name).split("_")
    word = re.sub(r"s$", "", nouns[0] if nouns[-1] == "rating" else nouns[-1])
    return _PERSONS if word in _PERSONS else (word, f"{word}room")


def _cue(name: str, description: str, about: str) -> str:
    """What a value stands after or, of a kind of thing, before."""
    for pattern, before in _BEFORE:
        if re.search(pattern, name):
            return rf"\b(?:{before})\s+(?:the\s+)?({_NAME})"
    if re.search(r"genre|categor|cuisine|type|kind", name):
        nouns = {*re.findall(r"\w{4,}", description), *re.findall("[a-z]+", about.lower())}
        things = "|".join(sorted(re.sub("s$", "", noun) for noun in nouns))
        return rf"\b(?!(?:{_PLAIN})\b)([a-z]+)\s+(?:{things})(?:s|es)?\b"
    return ""


@dataclass
class Tracker:
    """The states of a dialogue's services; without `acts`, nothing asked or offered is known."""

    services: Mapping[str, Service]
    acts: bool = True
    states: dict[str, Values] = field(default_factory=lambda: defaultdict(dict))
    offers: dict[str, list[Act]] = field(default_factory=lambda: defaultdict(list))

    def turn(
        self, said: str, before: Iterable[Mapping[str, Any]], name: str
    ) -> tuple[Values, list[Found]]:
        """The state of a service after a message, and what the message itself says.

        Args:
            said: The user's message.
            before: The frames of the system's turn before it.
            name: The service.
        """
        known, state = self.services[name], self.states[name]
        acts = [
            act
            for frame in before
            if frame["service"] == name and self.acts
            for act in frame["actions"]
            if act["slot"] in known.slots
        ]
        state.update(self._taken(name, said, acts))
        wanted = [act["slot"] for act in acts if act["act"] == "REQUEST"]
        found = values(known, wanted, said)
        for item in found:
            state[item.slot] = written(item, known, said)
        self._carried(name, said)
        return dict(state), found

    def _taken(self, name: str, said: str, acts: Sequence[Act]) -> Values:
        """What the system named to confirm, or offered, and the user didn't turn down."""
        if new := [act for act in acts if act["act"] == "OFFER" and act["values"]]:
            self.offers[name] = new
        if cues.denied(said) or _ELSE.search(said):
            self.offers[name] = []
            return {}
        known = self.services[name]
        taken = [act for act in acts if act["act"] == "CONFIRM" and act["values"]]
        if cues.affirmed(said) or _TAKES.search(said):
            taken += [act for act in self.offers[name] if act["slot"] in known.required]
            self.offers[name] = []
        return {
            act["slot"]: act["canonical_values" if act["slot"] in known.listed else "values"][0]
            for act in taken
        }

    def _carried(self, name: str, said: str) -> None:
        """A place spoken of with another service ("a hotel there")."""
        places = [slot for slot in self.services[name].slots if _PLACE.search(slot)]
        if not places or places[0] in self.states[name] or not _THERE.search(said):
            return
        for other, state in reversed([*self.states.items()]):
            ended = [state[s] for s in reversed([*state]) if _PLACE.search(s)]
            if other != name and ended:
                self.states[name][places[0]] = ended[0]
                return


def values(known: Service, wanted: Sequence[str], said: str) -> list[Found]:
    """What a message says, for each slot that was asked for and for all others."""
    found = find(known.slots, said, asked=wanted[0] if wanted else None, today=TODAY)
    for slot in wanted[1:]:
        own = find({slot: known.slots[slot]}, said, asked=slot, today=TODAY)
        found += [item for item in own if all(item.slot != other.slot for other in found)]
    found = [item for item in found if item.valid]
    for slot in wanted:
        told = {item.slot for item in found}
        if slot not in told and (named := _named(slot, known.slots[slot], said, found)):
            found.append(named)
    return found


def _named(name: str, slot: Slot, said: str, found: Sequence[Found]) -> Found | None:
    """The answer to an open question: no matter, a name in it, or all of a short one."""
    if _ANY.search(said):
        return Found(slot=name, value=ANY, start=0, end=0)
    if slot.type != "text" or cues.affirmed(said) is not None:
        return None
    taken = [(item.start, item.end) for item in found]
    for match in re.finditer(rf"(?<=[\w,]\s){_NAME}", said):
        start, end = match.span()
        if all(end <= a or start >= b for a, b in taken):
            return Found(slot=name, value=match[0], start=start, end=end)
    short = len(said.split()) <= MOST_WORDS and not taken and not cues.asks(said)
    return whole(name, slot, re.sub(r"\W+please\W*$", "", said, flags=re.I)) if short else None


def written(item: Found, known: Service, said: str) -> str:
    """A value as the data writes it: by its name in a list, else as it was said."""
    slot = known.slots[item.slot]
    if item.value == ANY:
        return ANY
    if item.slot in known.listed:
        return {"yes": "True", "no": "False"}[item.value] if slot.type == "yes_no" else item.value
    return item.value if slot.type == "text" else said[item.start : item.end]

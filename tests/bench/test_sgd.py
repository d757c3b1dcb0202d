"""State tracking on a small service and a dialogue of our own."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from bench import sgd
from bench.sgd_tracker import ANY, service
from bot.dialogue.slots import Found


def slot(name: str, about: str, *values: str) -> dict[str, Any]:
    listed = list(values)
    return {"name": name, "description": about, "is_categorical": bool(values),
            "possible_values": listed}  # fmt: skip


OPTIONAL = ("return_date", "number_of_sails", "has_motor", "size")
SCHEMA = {
    "service_name": "Boats_1",
    "slots": [
        slot("boat_name", "Name of the boat"),
        slot("city", "City where the boat lies"),
        slot("start_date", "First day"),
        slot("return_date", "Day of return"),
        slot("start_time", "Time of leaving"),
        slot("number_of_sails", "Number of sails", "1", "2", "3"),
        slot("has_motor", "Whether it has a motor", "True", "False"),
        slot("size", "Size of the boat", "small", "large"),
        slot("address", "Where the boat lies"),
    ],
    "intents": [
        {"name": "Find", "required_slots": ["city", "start_date"],
         "optional_slots": dict.fromkeys(OPTIONAL, ANY)},
        {"name": "Rent", "required_slots": ["boat_name", "start_time"], "optional_slots": {}},
    ],
}  # fmt: skip


BOATS = service(SCHEMA)


def user(said: str, **state: str) -> dict[str, Any]:
    spans = []
    for name, value in state.items():
        if name not in BOATS.listed and (at := said.find(value)) >= 0:
            spans.append({"slot": name, "start": at, "exclusive_end": at + len(value)})
    wanted = {name: [value] for name, value in state.items()}
    frame = {"service": "Boats_1", "slots": spans, "state": {"slot_values": wanted}}
    return {"speaker": "USER", "utterance": said, "frames": [frame]}


def system(act: str, **values: str) -> dict[str, Any]:
    actions = [
        {"act": act, "slot": name, "values": [v] if v else [], "canonical_values": [v] if v else []}
        for name, v in values.items()
    ]
    frames = [{"service": "Boats_1", "actions": actions}]
    return {"speaker": "SYSTEM", "utterance": "…", "frames": frames}


def last(*turns: dict[str, Any], acts: bool = True) -> dict[str, Any]:
    dialogue = {"dialogue_id": "d1", "turns": turns}
    return sgd.measure([dialogue], {"Boats_1": BOATS}, acts)[-1]


def test_a_schema_becomes_slots_by_its_words_and_values() -> None:
    assert "address" not in BOATS.slots  # no intent takes it
    types = {name: slot.type for name, slot in BOATS.slots.items()}
    assert types == {
        "city": "text", "boat_name": "text", "start_date": "date", "return_date": "date",
        "start_time": "time", "number_of_sails": "number", "has_motor": "yes_no",
        "size": "choice",
    }  # fmt: skip
    assert BOATS.required == {"city", "start_date", "boat_name", "start_time"}


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("A boat in Port Sallow with 2 sails", {"city": "Port Sallow", "number_of_sails": "2"}),
        ("a large one without a motor", {"size": "large", "has_motor": "False"}),
        ("does it have a motor?", {}),
        ("From March 5th until March 7th",
         {"start_date": "March 5th", "return_date": "March 7th"}),
    ],
)  # fmt: skip
def test_one_message_is_read(said: str, state: dict[str, str]) -> None:
    row = last(user(said, **state))
    assert (row["joint"], row["wrong"], row["tagging"]) == (1.0, {}, 1.0)


def test_an_open_question_is_answered_by_a_name_or_no_matter() -> None:
    asked = system("REQUEST", boat_name="")
    assert last(asked, user("I think the Grey Heron", boat_name="Grey Heron"))["joint"] == 1.0
    assert last(asked, user("heron", boat_name="heron"))["joint"] == 1.0
    assert last(asked, user("any boat is fine", boat_name=ANY))["joint"] == 1.0


def test_an_offer_counts_once_it_is_taken_and_only_what_a_task_needs() -> None:
    offer = system("OFFER", boat_name="Grey Heron", size="small")
    assert last(offer, user("What else is there?"))["joint"] == 1.0
    assert last(offer, user("Where does it lie?"))["joint"] == 1.0
    assert last(offer, user("That sounds good.", boat_name="Grey Heron"))["joint"] == 1.0
    later = last(offer, user("Where does it lie?"), system("INFORM", address="Quay 1"),
                 user("Great, book it", boat_name="Grey Heron"))  # fmt: skip
    assert later["joint"] == 1.0


def test_a_confirmation_counts_unless_it_is_denied() -> None:
    confirm = system("CONFIRM", size="small", city="Sallow")
    assert last(confirm, user("Yes.", size="small", city="Sallow"))["joint"] == 1.0
    assert last(confirm, user("No, a large one", size="large"))["joint"] == 1.0


def test_without_acts_nothing_asked_or_offered_is_known() -> None:
    row = last(system("CONFIRM", size="small"), user("Yes.", size="small"), acts=False)
    assert row["joint"] == 0.0
    assert row["wrong"] == {"size": (["small"], None)}


def test_scores_are_the_official_ones() -> None:
    def joint(reference: dict[str, list[str]], said: dict[str, str]) -> list[float]:
        found = dict(zip(BOATS.names, sgd.goal(reference, said, BOATS), strict=True))
        return [found["city"], found["size"]]

    assert joint({}, {}) == [1.0, 1.0]
    assert joint({"city": ["Sallow, Port", "x"]}, {"city": "port sallow"}) == [1.0, 1.0]
    assert joint({"size": ["small"]}, {"size": "Small"}) == [1.0, 0.0]  # listed: no likeness
    assert joint({}, {"city": "Sallow"}) == [0.0, 1.0]
    assert joint({"city": ["Sallow"]}, {}) == [0.0, 1.0]
    assert 0 < joint({"city": ["Port Sallow"]}, {"city": "Sallow"})[0] < 1


def test_tagging_counts_spans_of_unlisted_slots() -> None:
    said = "in Sallow on March 5th"
    wanted = user(said, city="Sallow", start_date="March 5th")["frames"][0]
    city = Found(slot="city", value="Sallow", start=3, end=9)
    size = Found(slot="size", value="small", start=0, end=2)
    assert sgd.tagging(wanted, [city, size], BOATS, said) == pytest.approx(2 / 3)
    assert sgd.tagging({"slots": []}, [], BOATS, said) == 1.0


def test_a_place_is_carried_to_another_service() -> None:
    schema = {**SCHEMA, "service_name": "Huts_1"}
    huts = user("I need a hut there too", city="Sallow")
    huts["frames"][0]["service"] = "Huts_1"
    turns = [user("a boat in Sallow", city="Sallow"), system("OFFER", boat_name="Heron"), huts]
    services = {"Boats_1": BOATS, "Huts_1": service(schema)}
    rows = sgd.measure([{"dialogue_id": "d", "turns": turns}], services)
    assert [row["joint"] for row in rows] == [1.0, 1.0]


def test_the_command_prints_each_service_beside_the_baseline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dialogues = [
        {"dialogue_id": f"d{n}", "turns": [user("A boat in Sallow", city="Sallow")]}
        for n in range(4)
    ]
    (tmp_path / "schema.json").write_text(json.dumps([SCHEMA]), encoding="utf-8")
    packed = gzip.compress(json.dumps(dialogues).encode())
    (tmp_path / "dialogues_001.json.gz").write_bytes(packed)
    sgd.main(["--data", str(tmp_path), "--every", "4", "--rest", "--errors", str(tmp_path / "e")])
    said = capsys.readouterr()
    assert "| Boats_1 | 3 | 1.000 | 1.000 | 1.000 |" in said.out
    assert "of 3 frames in 3 dialogues (published baseline 0.41)" in said.err
    assert (tmp_path / "e").read_text() == ""

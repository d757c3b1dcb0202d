"""Each perturbation makes one change in one place, or none."""

import random
from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.perturb import names_in, perturb, perturbations

NAMES = ["Hestwick", "Luma Card", "North Wing"]
KINDS = perturbations(NAMES)
SENTENCES = (
    "You can return most items within 45 days of delivery.",
    "Opened soap is never refunded, unless it leaks.",
    "If you have a membership, delivery is free on Mondays.",
    "Orders over 60 euros ship free, but some islands cost 9 euros more.",
    "Tickets from June to March must be shown at Hestwick before noon.",
    "You should not install the update until you have 2 GB of free space.",
    "Bring the Luma Card to the North Wing; it may take up to 3 weeks.",
    "Refunds are not available if the seal is broken.",
)
_texts = st.one_of(st.sampled_from(SENTENCES), st.text(max_size=60))


def changes(before: str, after: str) -> list[tuple[str, str]]:
    """What was taken out and what was put in, place by place."""
    old, new = before.split(), after.split()
    return [
        (" ".join(old[a:b]), " ".join(new[c:d]))
        for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if kind != "equal"
    ]


@given(text=_texts, seed=st.integers(0, 200))
def test_every_change_is_a_change_in_one_place(text: str, seed: int) -> None:
    for kind, change in KINDS.items():
        changed = change(text, random.Random(seed))
        if changed is None:
            continue
        assert changed != text, kind
        assert changed.strip()
        found = changes(text, changed)
        if kind == "condition":  # what follows the condition gets its capital
            assert len(changed) < len(text)
        else:
            assert len(found) == 1, (kind, found)


@given(text=_texts, seed=st.integers(0, 50))
def test_the_same_seed_gives_the_same_changes(text: str, seed: int) -> None:
    made = [list(perturb(text, KINDS, random.Random(seed))) for _ in range(2)]
    assert made[0] == made[1]
    assert all(changed != text for _, changed in made[0])
    assert len({kind for kind, _ in made[0]}) == len(made[0])


@pytest.mark.parametrize(
    ("kind", "text", "wanted"),
    [
        ("unit", "It holds 3 MB.", "It holds 3 GB."),
        ("date", "Open on Monday.", "Open on Thursday."),
        ("modality", "You should sign.", "You must not sign."),
        ("comparison", "It opens above noon.", "It opens below noon."),
        ("scope", "It holds for some items.", "It holds for all items."),
        ("negation", "Soap is refunded.", "Soap is not refunded."),
        ("negation", "Soap is not refunded.", "Soap is refunded."),
        ("negation", "You cannot return it.", "You can return it."),
        ("negation", "You can return it.", "You cannot return it."),
        ("negation", "It doesn't leak.", "It does leak."),
        ("condition", "If you are a member, returns are free too.", "Returns are free too."),
        ("condition", "Returns are all free if you are a member.", "Returns are all free."),
        ("condition", "Returns are free unless it leaks badly.", None),
        ("number", "It has no number.", None),
        ("number", "See version 2.10 at 12:30.", None),
        ("entity", "nobody is named here.", None),
        ("negation", "Press the button.", None),
    ],
)
def test_what_each_kind_does(kind: str, text: str, wanted: str | None) -> None:
    found = {KINDS[kind](text, random.Random(seed)) for seed in range(20)}
    assert found == {wanted}


def test_a_number_becomes_another_one() -> None:
    found = {KINDS["number"]("It takes 45 days.", random.Random(seed)) for seed in range(40)}
    assert len(found) > 3
    assert "It takes 45 days." not in found
    assert all(text and text.endswith(" days.") for text in found)


def test_a_name_becomes_one_of_the_others() -> None:
    found = {KINDS["entity"]("Come to Hestwick today.", random.Random(n)) for n in range(40)}
    wanted = {None, "Come to Luma Card today.", "Come to North Wing today."}
    assert found <= wanted
    assert len(found) > 1


def test_names_are_collected_inside_sentences() -> None:
    assert names_in(["Bring the Luma Card to Hestwick.", "Then leave."]) == [
        "Hestwick",
        "Luma Card",
    ]

"""Changed copies of examples, so that the model reads its passages instead of remembering them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from finetune.dataset.types import Example, Judge
from retrieval.types import Passage

# a number that is no part of a time, a date, a version or a price with cents
_NUMBER = re.compile(r"(?<![\w.,:/-])\d{1,4}(?![\w:/-]|[.,]\d)")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "April", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
Augmentation = Callable[[Example, Sequence[Passage], Random], Example | None]


def augmented(
    examples: Sequence[Example], pool: Sequence[Passage], judge: Judge, copies: float, rng: Random
) -> list[Example]:
    """Makes about `copies` changed copies an example; those the guard rejects are left out."""
    made = []
    for example in examples:
        for _ in range(int(copies) + (rng.random() < copies % 1)):
            kinds = rng.sample(list(AUGMENTATIONS), len(AUGMENTATIONS))
            changed = (AUGMENTATIONS[kind](example, pool, rng) for kind in kinds)
            copy = next((item for item in changed if item), None)
            if copy and judge(copy.answer, copy.cited, copy.question):
                made.append(copy)
    return made


def perturbed(example: Example, _pool: Sequence[Passage], rng: Random) -> Example | None:
    """Another value in the passage and the same one in the answer.

    A number, weekday or month that the answer takes from a cited passage becomes another one in
    every passage and in the answer; where the question names it too, there is no copy.
    """
    read = "\n".join(passage.text for passage in example.cited)
    found = [
        (word, kind)
        for kind, words in (("number", _NUMBER.findall(example.answer)), ("name", _named(example)))
        for word in dict.fromkeys(words)
        if _has(word, read) and not _has(word, example.question)
    ]
    if not found:
        return None
    old, kind = rng.choice(found)
    new = _other_number(old, read, rng) if kind == "number" else _other_name(old, read, rng)

    def change(text: str) -> str:
        return re.sub(_whole(old), new, text)

    swapped = {p.id: replace(p, id=f"{p.id}~{new}", text=change(p.text)) for p in example.passages}
    return replace(
        example,
        answer=change(example.answer),
        passages=tuple(swapped[p.id] for p in example.passages),
        cited=tuple(swapped[p.id] for p in example.cited),
        augmented="perturbed",
    )


def reordered(example: Example, pool: Sequence[Passage], rng: Random) -> Example | None:
    """The same question beside other passages, in another order."""
    cited = list(example.cited)
    articles = {passage.article_id for passage in cited}
    others = [passage for passage in pool if passage.article_id not in articles]
    count = min(len(example.passages) - len(cited), len(others))
    shown = [*cited, *rng.sample(others, count)]
    rng.shuffle(shown)
    if tuple(shown) == example.passages:
        return None
    return replace(example, passages=tuple(shown), augmented="reordered")


def retyped(example: Example, _pool: Sequence[Passage], rng: Random) -> Example | None:
    """The question as somebody in a hurry types it: no capitals, no mark, two letters swapped."""
    question = example.question.lower().rstrip(" ?!.")
    words = list(re.finditer(r"[a-z]{5,}", question))
    if words and rng.random() < 0.5:
        at = rng.choice(words).start() + rng.randint(1, 3)
        question = question[:at] + question[at + 1] + question[at] + question[at + 2 :]
    if question == example.question:
        return None
    return replace(example, question=question, augmented="retyped")


AUGMENTATIONS: dict[str, Augmentation] = {
    "perturbed": perturbed, "reordered": reordered, "retyped": retyped,
}  # fmt: skip


def _whole(word: str) -> str:
    return rf"(?<![\w.,:/-]){re.escape(word)}(?![\w:/-]|[.,]\d)"


def _has(word: str, text: str) -> bool:
    return re.search(_whole(word), text) is not None


def _named(example: Example) -> list[str]:
    return [word for word in (*_DAYS, *_MONTHS) if _has(word, example.answer)]


def _other_number(old: str, read: str, rng: Random) -> str:
    value = int(old)
    near = {value + 1, value + 3, value * 2, value + 10, max(1, value // 2), max(1, value - 1)}
    fresh = [n for n in sorted(near) if n != value and not _has(str(n), read)]
    return str(rng.choice(fresh or [value + 7]))


def _other_name(old: str, read: str, rng: Random) -> str:
    names = _DAYS if old in _DAYS else _MONTHS
    return rng.choice([name for name in names if name != old and not _has(name, read)] or [old])

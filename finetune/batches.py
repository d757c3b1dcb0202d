"""Which items a step takes: batches of one padded width, in an order that the seed decides."""

from collections.abc import Sequence
from random import Random

from finetune.objectives.types import width

Step = tuple[tuple[int, ...], ...]
"""One optimiser step: the items of each of its micro-batches."""


def plan(
    lengths: Sequence[int], *, epochs: int, batch_tokens: int, accumulate: int, seed: int
) -> list[Step]:
    """All steps of a training, so that a step is the same whenever it is taken.

    Args:
        lengths: Tokens of each item.
        epochs: Passes over all items; the last step of one may be smaller.
        batch_tokens: Padded tokens a micro-batch, at most; a longer item is alone.
        accumulate: Micro-batches a step.
        seed: Of the order.
    """
    steps: list[Step] = []
    for epoch in range(epochs):
        batches = fixed_width(lengths, batch_tokens, Random(f"{seed} {epoch}"))
        steps += [tuple(batches[at : at + accumulate]) for at in range(0, len(batches), accumulate)]
    return steps


def fixed_width(lengths: Sequence[int], batch_tokens: int, rng: Random) -> list[tuple[int, ...]]:
    """One epoch's batches: every item in one of them, each batch of one padded width."""
    buckets: dict[int, list[int]] = {}
    for index in rng.sample(range(len(lengths)), len(lengths)):
        buckets.setdefault(width(lengths[index]), []).append(index)
    batches = []
    for size, rows in sorted(buckets.items()):
        count = max(1, batch_tokens // max(size, 1))
        batches += [tuple(rows[at : at + count]) for at in range(0, len(rows), count)]
    rng.shuffle(batches)
    return batches

"""Training and held-out examples that share no article and no conversation."""

import random
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from finetune.errors import DataError

Item = TypeVar("Item")


def split(
    items: Sequence[Item], groups: Sequence[Iterable[Hashable]], share: float, seed: int = 0
) -> tuple[list[Item], list[Item]]:
    """Splits so that whatever shares a group, over any number of steps, stays together.

    Args:
        items: What is split.
        groups: The groups of each item (its articles, its conversation).
        share: Of the items to hold out, at most; never the largest component.
        seed: Of the order in which components are drawn.

    Raises:
        DataError: Nothing can be held out: there are too few items, or all hang together.
    """
    parts = components(groups)
    parts.sort(key=lambda part: (len(part), -part[0]))
    largest, others = (parts[-1] if parts else []), parts[:-1]
    random.Random(seed).shuffle(others)
    held: set[int] = set()
    room = max(1, round(share * len(items)))
    for part in others:
        if len(held) + len(part) <= room:
            held.update(part)
    if not held:
        raise DataError(
            f"nothing can be held out of {len(items)} examples: the largest group of them that "
            f"hang together by article or conversation has {len(largest)}; bring examples from at "
            "least two articles, or raise held_out in [finetune]"
        )
    kept = [item for n, item in enumerate(items) if n not in held]
    return kept, [item for n, item in enumerate(items) if n in held]


def components(groups: Sequence[Iterable[Hashable]]) -> list[list[int]]:
    """Connected components: items that share a group, directly or through others."""
    parent = list(range(len(groups)))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    first: dict[Hashable, int] = {}
    for n, own in enumerate(groups):
        for group in own:
            parent[root(n)] = root(first.setdefault(group, n))
    found: dict[int, list[int]] = {}
    for n in range(len(groups)):
        found.setdefault(root(n), []).append(n)
    return list(found.values())

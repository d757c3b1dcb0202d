"""Dialogue state tracking on SGD by the bot's slot finder, from the schema alone: no training.

The figures are the official ones. The bot is given the acts of the system's turns, since a bot
knows what it asked for and offered; the published baseline reads their text alone, so it is no
like-for-like comparison. `--no-acts` forgets them, and then nothing asked or offered is known.

    python -m bench.sgd --data ../shared/data/dialogues/sgd/dev

Source: Rastogi et al. (2020), https://arxiv.org/abs/1909.05855
"""

import argparse
import gzip
import json
import math
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.sgd_tracker import ANY, Service, Tracker, Values, service
from bot.dialogue.slots import Found
from evaluation.statistics import mean

BASELINE = 0.41  # joint goal accuracy on dev, published with the data
WRONG = 0.8  # a slot's score below which it goes to the file of errors
Frame = Mapping[str, Any]


def goal(reference: Mapping[str, Sequence[str]], said: Values, known: Service) -> list[float]:
    """How right each slot of a service is: official, fuzzy where values aren't listed."""
    from rapidfuzz.fuzz import token_sort_ratio
    from rapidfuzz.utils import default_process

    scores = []
    for slot in known.names:
        if slot not in reference or slot not in said:
            scores.append(float(slot not in reference and slot not in said))
        elif slot in known.listed:
            scores.append(float(reference[slot][0] == said[slot]))
        else:
            ratios = (
                token_sort_ratio(value, said[slot], processor=default_process)
                for value in reference[slot]
            )
            scores.append(max(ratios) / 100)
    return scores


def tagging(reference: Frame, found: Sequence[Found], known: Service, said: str) -> float:
    """F1 of the spans of a message's unlisted values: official, 1 where both have none."""
    wanted = Counter(
        (span["slot"], said[span["start"] : span["exclusive_end"]])
        for span in reference["slots"]
        if span["slot"] not in known.listed
    )
    got = Counter(
        (item.slot, said[item.start : item.end].strip(" ."))
        for item in found
        if item.slot not in known.listed and item.value != ANY
    )
    both = (wanted & got).total()
    precision = both / got.total() if got else 1.0
    recall = both / wanted.total() if wanted else 1.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def measure(
    dialogues: Sequence[Mapping[str, Any]], services: Mapping[str, Service], acts: bool = True
) -> list[dict[str, Any]]:
    """A row for every frame of the users' turns."""
    rows = []
    for dialogue in dialogues:
        tracker = Tracker(services=services, acts=acts)
        before: Sequence[Frame] = ()
        for turn in dialogue["turns"]:
            if turn["speaker"] == "SYSTEM":
                before = turn["frames"]
                continue
            for frame in turn["frames"]:
                known, said = services[frame["service"]], turn["utterance"]
                state, found = tracker.turn(said, before, frame["service"])
                row = _row(frame["state"]["slot_values"], state, known)
                row |= {"tagging": tagging(frame, found, known, said), "said": said}
                rows.append(
                    row | {"service": frame["service"], "dialogue": dialogue["dialogue_id"]}
                )
    return rows


def _row(reference: Mapping[str, Sequence[str]], state: Values, known: Service) -> dict[str, Any]:
    """Joint goal accuracy, the mean over the slots that have a value, and which are wrong."""
    scores = dict(zip(known.names, goal(reference, state, known), strict=True))
    active = [scores[slot] for slot in reference]
    return {
        "joint": math.prod(scores.values()),
        "mean": fmean(active) if active else None,
        "wrong": {
            slot: (reference.get(slot), state.get(slot))
            for slot, score in scores.items()
            if score < WRONG
        },
    }


def read(folder: Path, every: int, rest: bool = False) -> list[dict[str, Any]]:
    """Each so-and-so-many-th dialogue of a folder, or all the others."""
    found: list[dict[str, Any]] = []
    for path in sorted(folder.glob("dialogues_*.json.gz")):
        found += json.loads(gzip.decompress(path.read_bytes()))
    return [item for n, item in enumerate(found) if (n % every == 0) != rest]


def table(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """A row a service, and one for all with a bootstrap interval over dialogues."""
    by: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by[row["service"]].append(row)
    lines = [["service", "frames", "joint goal", "mean goal", "slot tagging F1"], ["---"] * 5]
    for name, own in (*sorted(by.items()), ("all", list(rows))):
        means = [row["mean"] for row in own if row["mean"] is not None]
        cells = [fmean(row["joint"] for row in own), fmean(means) if means else 0.0,
                 fmean(row["tagging"] for row in own)]  # fmt: skip
        lines.append([name, str(len(own)), *(f"{cell:.3f}" for cell in cells)])
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints the table, beside the published baseline."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="SGD's dev or train folder")
    parser.add_argument("--every", type=int, default=1, help="take each so-and-so-many-th dialogue")
    parser.add_argument("--rest", action="store_true", help="all but these")
    parser.add_argument("--no-acts", action="store_true", help="read the user's messages alone")
    parser.add_argument("--errors", type=Path, help="a file for what went wrong, frame by frame")
    given = parser.parse_args(arguments)
    schema = json.loads((given.data / "schema.json").read_text(encoding="utf-8"))
    services = {entry["service_name"]: service(entry) for entry in schema}
    dialogues = read(given.data, given.every, given.rest)
    began = time.perf_counter()
    rows = measure(dialogues, services, not given.no_acts)
    spent = (time.perf_counter() - began) / max(len(rows), 1) * 1000
    if given.errors:
        wrong = (json.dumps(row) + "\n" for row in rows if row["wrong"])
        given.errors.write_text("".join(wrong), encoding="utf-8")
    print("\n".join(f"| {' | '.join(cells)} |" for cells in table(rows)))
    joint = mean([row["joint"] for row in rows], [row["dialogue"] for row in rows])
    print(
        f"joint goal accuracy {joint['value']:.3f} [{joint['low']:.3f}, {joint['high']:.3f}] "
        f"of {len(rows)} frames in {len(dialogues)} dialogues (published baseline {BASELINE}); "
        f"{spent:.1f} ms a message",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()

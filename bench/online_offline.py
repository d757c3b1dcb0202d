"""Do replies get the same verdicts online, one by one, and offline, in batches on two threads?

    python -m bench.online_offline --rows 500

Online is what the service does with a reply: one review, by the service's clock, stored as JSON.
Offline is `truepenny eval faithfulness` over what was stored, by a second guard that has seen
nothing. Exits with 1 if a status differs.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import faithfulness as bench
from bot.store.records import from_json, to_json
from bot.types import Reply
from evaluation import faithfulness
from evaluation.inputs import Line
from evaluation.runner import run
from guards.evidence import as_passages
from guards.types import Verdict
from retrieval.types import Hit

if TYPE_CHECKING:
    from guards.guard import Guard

Row = dict[str, Any]


def stored(rows: Sequence[Row], guard: "Guard") -> Iterator[str]:
    """Each row's answer as a reply that the guard reviewed, in the store's form."""
    for row in rows:
        texts = {passage["id"]: passage["text"] for passage in row["passages"]}
        passages = as_passages(list(texts.values()), list(texts))
        reply = Reply(
            reply_id=row["id"], conversation_id=row["id"], text=row["answer"], action="answer",
            cause=None, hits=tuple(Hit(passage=p, score=1.0, rank=n) for n, p in
                                   enumerate(passages, start=1)),
            review=guard.review(row["answer"], passages, row["question"]),
        )  # fmt: skip
        yield to_json(reply)


def differences(
    rows: Sequence[Row], online: "Guard", offline: "Guard", workers: int = 2
) -> dict[str, Any]:
    """How many verdicts there are, which statuses differ, and by how much probabilities do."""
    replies = [from_json(Reply, text) for text in stored(rows, online)]
    lines = [
        Line(number=n, row={
            "id": reply.reply_id, "question": row["question"], "answer": reply.text,
            "passages": [{"id": h.passage.id, "text": h.passage.text} for h in reply.hits],
        })
        for n, (row, reply) in enumerate(zip(rows, replies, strict=True), start=1)
    ]  # fmt: skip
    patient = faithfulness.patient(offline)
    again = list(run(lines, lambda part: faithfulness.rows(part, patient), workers=workers))
    pairs = [
        (reply.reply_id, before, now)
        for reply, row in zip(replies, again, strict=True)
        for before, now in zip(_verdicts(reply), row["verdicts"], strict=True)
    ]
    apart = [
        {"id": key, "claim": now["claim"], "online": before.status, "offline": now["status"]}
        for key, before, now in pairs
        if now["status"] not in (before.status, faithfulness.REFUSAL)
    ]
    gaps = [abs((before.probability or 0.0) - (now["probability"] or 0.0))
            for _, before, now in pairs]  # fmt: skip
    return {
        "replies": len(replies), "verdicts": len(pairs), "differing": apart,
        "largest_difference": max(gaps, default=0.0),
        "quotes": [before.evidence.quote if before.evidence else None for _, before, _ in pairs]
        == [now["quote"] for *_, now in pairs],
    }  # fmt: skip


def _verdicts(reply: Reply) -> tuple[Verdict, ...]:
    assert reply.review is not None
    return reply.review.verdicts


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints what was compared; exits with 1 on a difference."""
    from evaluation.cli_shared import load_guard

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--config", type=Path, default=None)
    given = parser.parse_args(arguments)
    rows = list(bench.rows(given.rows))
    found = differences(rows, load_guard(given.config), load_guard(given.config))
    print(
        f"{found['replies']} replies, {found['verdicts']} verdicts: {len(found['differing'])} "
        f"statuses differ, probabilities by at most {found['largest_difference']:.1e}, evidence "
        f"is {'the same' if found['quotes'] else 'NOT the same'}",
        file=sys.stderr,
    )
    for item in found["differing"]:
        print(item, file=sys.stderr)
    sys.exit(1 if found["differing"] or not found["quotes"] else 0)


if __name__ == "__main__":
    main()

"""Reviews as JSON, in the contract's form."""

from typing import Any

from guards.types import Review


def review_json(review: Review) -> dict[str, Any]:
    """A Review as `check` gives it; `probability` is that of its weakest claim."""
    worst = min((v.probability for v in review.verdicts if v.probability is not None), default=None)
    return {
        "status": review.status,
        "probability": 1.0 if not review.verdicts else worst,
        "answerable": review.answerable,
        "verdicts": [
            {
                "claim": verdict.claim.text,
                "start": verdict.claim.span.start,
                "end": verdict.claim.span.end,
                "status": verdict.status,
                "probability": verdict.probability,
                "quote": verdict.evidence.quote if verdict.evidence else None,
                "passage_id": verdict.evidence.passage_id if verdict.evidence else None,
                "reason": verdict.reason,
                "guard": verdict.guard,
            }
            for verdict in review.verdicts
        ],
    }

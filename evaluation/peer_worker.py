"""Runs ragas' or DeepEval's metrics in an interpreter of their own: `worker.py PEER URL MODEL`.

This file imports nothing of ours, since their pins and ours may not fit together. First it says
{"ready": version} or {"missing": why}. Then each line {question, answer, passages} on stdin gets
one on stdout, {scores: {metric: number}} or {error: why}. The key stands in OPENAI_API_KEY.
"""

import asyncio
import json
import math
import os
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

Row = dict[str, Any]
Scorer = Callable[[Row], dict[str, float]]


def ragas(url: str, model: str, key: str) -> Scorer:
    """Faithfulness: the share of the answer's statements that the judge infers from the context."""
    from openai import AsyncOpenAI
    from ragas.llms import llm_factory
    from ragas.metrics.collections import Faithfulness

    loop = asyncio.new_event_loop()  # one for all rows: the client's connections belong to it
    client = AsyncOpenAI(base_url=url, api_key=key)
    metric = Faithfulness(llm=llm_factory(model, client=client))

    def score(row: Row) -> dict[str, float]:
        found = loop.run_until_complete(
            metric.ascore(
                user_input=row["question"],
                response=row["answer"],
                retrieved_contexts=row["passages"],
            )
        )
        return {"ragas faithfulness": float(found.value)}

    return score


def deepeval(url: str, model: str, key: str) -> Scorer:
    """Faithfulness, and hallucination as the release gives it: high is good since release 4."""
    from deepeval.metrics import FaithfulnessMetric, HallucinationMetric
    from deepeval.models import LocalModel
    from deepeval.test_case import LLMTestCase

    judge = LocalModel(model=model, base_url=url, api_key=key, temperature=0.0)
    kinds = {
        "deepeval faithfulness": FaithfulnessMetric,
        "deepeval hallucination": HallucinationMetric,
    }

    def score(row: Row) -> dict[str, float]:
        case = LLMTestCase(
            input=row["question"],
            actual_output=row["answer"],
            retrieval_context=row["passages"],
            context=row["passages"],
        )
        found = {}
        for name, kind in kinds.items():
            metric = kind(model=judge, include_reason=False, async_mode=False)
            metric.measure(case)
            found[name] = float(metric.score)
        return found

    return score


PEERS: dict[str, Callable[[str, str, str], Scorer]] = {"ragas": ragas, "deepeval": deepeval}


def main() -> None:
    """Speaks the protocol; what the libraries print goes to stderr."""
    replies, sys.stdout = sys.stdout, sys.stderr
    name, url, model = sys.argv[1:]

    def say(record: Row) -> None:
        replies.write(json.dumps(record) + "\n")
        replies.flush()

    try:
        score = PEERS[name](url, model, os.environ.get("OPENAI_API_KEY") or "none")
    except ImportError as error:
        say({"missing": str(error)})
        return
    try:
        release = version(name)
    except PackageNotFoundError:
        release = "unknown"
    say({"ready": release})
    for line in sys.stdin:
        try:
            found = score(json.loads(line))
            lost = [metric for metric, value in found.items() if not math.isfinite(value)]
            say({"error": f"no number for {', '.join(lost)}"} if lost else {"scores": found})
        except Exception as error:  # noqa: BLE001 - whatever a judge makes of one row stays there
            say({"error": f"{type(error).__name__}: {error}"[:500]})


if __name__ == "__main__":
    main()

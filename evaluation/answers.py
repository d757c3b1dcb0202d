"""End to end: asks a question set and scores each reply, ours and a baseline's alike.

right     answered, holds every expected fact and cites a listed article
declined  abstained, asked back or handed over
beside    answered with whole quotes only: true, but not what was asked for, or another article
wrong     any other answer: it says something forbidden, or in its own words not what was
          expected; and every answer to an unanswerable question, quotes or not
unjudged  answered, where the set doesn't say what is expected
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.types import Reply
from evaluation.questions import Question, holds, missing
from evaluation.statistics import Estimate, mcnemar, mean, percentiles, share, shown
from guards.quotes import verbatim
from retrieval.types import Passage

if TYPE_CHECKING:
    from bot.parts import Parts

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a system gave for a question, as it is scored.

    `articles` are the cited ones; `passages` are what a whole quote may come from.
    """

    text: str
    action: str
    articles: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    passages: tuple[Passage, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)


def rows(
    questions: Sequence[Question],
    parts: "Parts",
    baselines: Mapping[str, Callable[[Question], Given]] | None = None,
    ask: Callable[..., Reply] | None = None,
) -> Iterator[Row]:
    """Asks each question and yields one scored row, in order.

    Args:
        questions: History goes into the state.
        parts: Of the pipeline.
        baselines: Other systems by name, asked right after ours; scored under `baselines`.
        ask: Stands for `bot.answer.answer` in tests.
    """
    pipeline, systems = ask or _pipeline(), baselines or {}
    for question in questions:
        reply = pipeline(question.question, question.state(), **parts)
        others = {name: scored(question, system(question)) for name, system in systems.items()}
        row = {**_asked(question), **scored(question, given(reply)), **details(reply)}
        yield {**row, "baselines": others} if others else row


def scored(question: Question, got: Given) -> Row:
    """What a system gave, its outcome and the reasons for it."""
    lacking = missing(got.text, question.facts)
    said = [phrase for phrase in question.forbidden if holds(got.text, phrase)]
    cited = not question.articles or bool(set(question.articles) & set(got.articles))
    quotes = only_quotes(got)
    return {
        "outcome": _outcome(question, got, not lacking and cited, bool(said), quotes),
        "action": got.action,
        "text": got.text,
        "cited": list(got.articles),
        "missing": lacking,
        "forbidden_said": said,
        "quotes_only": quotes,
        "timings": dict(got.timings),
    }


def given(reply: Reply) -> Given:
    """A reply of our pipeline, as it is scored."""
    return Given(
        text=reply.text,
        action=reply.action,
        articles=tuple(dict.fromkeys(c.article_id for c in reply.citations)),
        sentences=tuple(sentence.text for sentence in reply.sentences),
        passages=tuple(hit.passage for hit in reply.hits),
        timings=reply.timings,
    )


def details(reply: Reply) -> Row:
    """What is needed to see why a reply came out as it did."""
    verdicts = reply.review.verdicts if reply.review else ()
    return {
        "cause": reply.cause,
        "answerable_probability": reply.review.answerable if reply.review else None,
        "verdicts": [
            {"claim": v.claim.text, "status": v.status, "probability": v.probability,
             "guard": v.guard, "reason": v.reason}
            for v in verdicts
        ],
        "hits": [
            {"article": hit.passage.article_id, "passage": hit.passage.id, "score": hit.score}
            for hit in reply.hits
        ],
        "model": reply.model,
        "index_version": reply.index_version,
        "threshold_version": reply.threshold_version,
    }  # fmt: skip


def only_quotes(got: Given) -> bool:
    """Whether every sentence is a whole sentence of a passage, whatever the system says of it."""
    return bool(got.sentences) and all(verbatim(text, got.passages) for text in got.sentences)


def summary(found: Sequence[Row]) -> dict[str, Any]:
    """Metrics over rows, then by kind; the baselines' with the paired test on `right`."""
    kinds = sorted({row["kind"] for row in found})
    result: dict[str, Any] = {
        "n": len(found),
        "answerable": sum(row["answerable"] for row in found),
        "unjudged": sum(not row["judged"] for row in found),
        **measured(found),
        "kinds": {
            kind: _filled(metrics([row for row in found if row["kind"] == kind])) for kind in kinds
        },
    }
    names = found[0].get("baselines", {}) if found else {}
    if names:
        result["baselines"] = {name: _beside_ours(found, name) for name in names}
    return result


def measured(found: Sequence[Row]) -> dict[str, Any]:
    """The metrics of one system, two counts to read them by, and its latency."""
    answered = [row for row in found if row["outcome"] == "wrong"]
    return {
        "metrics": metrics(found),
        "outcomes": _counts([row["outcome"] for row in found]),
        "unanswerable_answered_by_quotes_only": sum(
            row["quotes_only"] and not row["answerable"] for row in answered
        ),
        "wrong_by_forbidden_phrase_in_quotes_only": sum(
            row["quotes_only"] and bool(row["forbidden_said"]) for row in answered
        ),
        "latency": latency(found),
    }


def metrics(found: Sequence[Row]) -> dict[str, Estimate]:
    """Shares with n and Wilson intervals; see the module for the outcomes."""
    judged = [row for row in found if row["judged"]]
    answerable = [row for row in judged if row["answerable"]]
    unanswerable = [row for row in found if not row["answerable"]]

    def of(among: Sequence[Row], *outcomes: str) -> Estimate:
        return share([row["outcome"] in outcomes for row in among])

    return {
        "right_and_cited": of(answerable, "right"),
        "declined_unanswerable": of(unanswerable, "declined"),
        "wrong": of(judged, "wrong"),
        "answered_not_right_strict": of(judged, "wrong", "beside"),
        "declined_answerable": of([row for row in found if row["answerable"]], "declined"),
    }


def latency(found: Sequence[Row]) -> dict[str, Any]:
    """Milliseconds to the first sentence (of answers) and in all, and the checks' share of it."""
    timings = [row["timings"] for row in found]
    answered = [row["timings"] for row in found if row["action"] == "answer"]
    shares = [t["verify_ms"] / t["total_ms"] for t in timings if t.get("verify_ms")]
    return {
        "first_sentence_ms": percentiles(_values(answered, "first_sentence_ms")),
        "total_ms": percentiles(_values(timings, "total_ms")),
        "verify_share": mean(shares),
    }


def tables(result: Row) -> list[list[list[str]]]:
    """Ours beside the baselines, then ours by kind."""
    systems = {"ours": result, **result.get("baselines", {})}
    names = list(result["metrics"])
    body = [[name, *(shown(s["metrics"][name]) for s in systems.values())] for name in names]
    for name in ("first_sentence_ms", "total_ms"):
        values = [system["latency"][name] for system in systems.values()]
        body.append([f"{name} p50 / p95", *(f"{v['p50']} / {v['p95']}" for v in values)])
    tests = [f"p {s['mcnemar_right']['p']:.3g}" for s in result.get("baselines", {}).values()]
    if tests:
        body.append(["McNemar on right, against ours", "", *tests])
    kinds = [
        [kind, *(shown(found[name]) if name in found else "" for name in names)]
        for kind, found in result["kinds"].items()
    ]
    return [[["metric", *systems], *body], [["kind", *names], *kinds]]


def _pipeline() -> Callable[..., Reply]:
    from bot.answer import answer

    return answer


def _values(timings: Sequence[Mapping[str, float]], name: str) -> list[float]:
    return [t[name] for t in timings if t.get(name) is not None]


def _outcome(question: Question, got: Given, right: bool, said: bool, quotes: bool) -> str:
    if got.action != "answer":
        return "declined"
    if not question.answerable:
        return "wrong"
    if not question.judged:
        return "unjudged"
    if said:
        return "wrong"
    return "right" if right else "beside" if quotes else "wrong"


def _beside_ours(found: Sequence[Row], name: str) -> dict[str, Any]:
    theirs = [{**row, **row["baselines"][name]} for row in found]
    pairs = [
        (ours["outcome"] == "right", other["outcome"] == "right")
        for ours, other in zip(found, theirs, strict=True)
        if ours["answerable"] and ours["judged"]
    ]
    return {
        **measured(theirs),
        "mcnemar_right": mcnemar([ours for ours, _ in pairs], [other for _, other in pairs]),
    }


def _asked(question: Question) -> Row:
    return {
        "id": question.id,
        "kind": question.kind,
        "question": question.question,
        "history": [{"role": turn.role, "text": turn.text} for turn in question.history],
        "answerable": question.answerable,
        "judged": question.judged,
        "articles": list(question.articles),
        "facts": [list(fact) for fact in question.facts],
    }


def _filled(found: Mapping[str, Estimate]) -> dict[str, Estimate]:
    return {name: estimate for name, estimate in found.items() if estimate["n"]}


def _counts(labels: Sequence[str]) -> dict[str, int]:
    return {label: labels.count(label) for label in sorted(set(labels))}

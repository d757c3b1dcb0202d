"""`truepenny report gaps`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from evaluation.cli_shared import AsJson, Config, Index, Row, collect, show
from models.terminal import explained

app = typer.Typer(name="report", help="What the conversations tell.", no_args_is_help=True)


@app.callback()
def main() -> None:
    """What the conversations tell."""


@app.command()
@explained
def gaps(
    index: Index = None,
    config: Config = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Ask them again over this index: what is gained?")
    ] = False,
    stale: Annotated[
        bool, typer.Option("--stale", help="Also past answers that the articles don't bear out.")
    ] = False,
    contradictions: Annotated[
        bool, typer.Option("--contradictions", help="Also articles that disagree with each other.")
    ] = False,
    answers: Annotated[
        Path | None,
        typer.Option("--answers", help="JSONL of {question, answer, source?} by your people."),
    ] = None,
    drafts: Annotated[
        Path, typer.Option("--drafts", help="Folder for draft articles made from --answers.")
    ] = Path("var/drafts"),
    limit: Annotated[int, typer.Option("--limit", min=1, help="Gaps to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Groups what customers asked in vain, by meaning and by how many people it hit.

    Example: truepenny report gaps --index var/new-index --replay
    """
    from bot.parts import load
    from bot.store.config import store_config
    from bot.store.store import open_store
    from evaluation import article_drafts
    from evaluation import gaps as room
    from evaluation.contradictions import contradictions as disagreeing

    answered = article_drafts.load(answers) if answers else []
    store = open_store(store_config(config))
    try:
        asked = list(room.history(store))
    finally:
        store.close()
    parts = load(config, index)
    found = room.groups(asked, parts["retriever"].embedder)
    shown = found[:limit]
    result: Row = {
        "messages": len(asked),
        "in_vain": sum(bool(item.why) for item in asked),
        "groups": len(found),
        "gaps": [room.described(gap, parts["retriever"]) for gap in shown],
    }
    if replay:
        result["replay"] = collect(room.replayed(shown, parts), len(shown), "asking again", None)
    if stale:
        result["stale"] = list(room.stale(asked, parts))
    if contradictions:
        pairs = disagreeing(parts["retriever"].index.passages, parts["retriever"].embedder)
        result["contradictions"] = [asdict(pair) for pair in pairs]
    if answers:
        made = article_drafts.drafts(shown, answered, parts["retriever"].embedder)
        result["drafts"] = [str(article_drafts.write(draft, drafts)) for draft in made]
    show(result, as_json, _tables)


def _tables(result: Row) -> list[list[list[str]]]:
    now = {row["question"]: f"{row['answered_now']} of {row['asked']}"
           for row in result.get("replay", ())}  # fmt: skip
    body = [
        [gap["question"], str(gap["customers"]), str(gap["times"]), ", ".join(gap["why"]),
         gap["nearest_article"] or "none", " ".join(gap["lacks"]), now.get(gap["question"], "")]
        for gap in result["gaps"]
    ]  # fmt: skip
    header = ["asked", "people", "times", "why", "nearest article", "it lacks", "answered now"]
    return [
        [header, *body],
        *_stale_tables(result.get("stale", ())),
        *_contradiction_tables(result.get("contradictions", ())),
        *([[["draft articles"], *([path] for path in result["drafts"])]]
          if result.get("drafts") else []),
    ]  # fmt: skip


def _stale_tables(rows: Sequence[Row]) -> list[list[list[str]]]:
    body = [[row["sentence"], ", ".join(row["articles"]), row["reason"]] for row in rows]
    return [[["said before", "article", "now"], *body]] if body else []


def _contradiction_tables(rows: Sequence[Row]) -> list[list[list[str]]]:
    body = [
        [row["first"]["article_id"], row["first"]["text"], row["second"]["article_id"],
         row["second"]["text"], row["reason"]]
        for row in rows
    ]  # fmt: skip
    return [[["article", "says", "article", "says", "what differs"], *body]] if body else []

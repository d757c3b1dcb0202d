"""Replies and hits as JSON, in the contract's form."""

from dataclasses import asdict
from typing import Any

from bot.types import Handoff, Reply
from guards.render import review_json
from retrieval.types import Hit

__all__ = ["hit_json", "reply_json", "review_json"]


def reply_json(reply: Reply) -> dict[str, Any]:
    """A Reply as the contract names it."""
    return {
        "reply_id": reply.reply_id,
        "conversation_id": reply.conversation_id,
        "text": reply.text,
        "action": reply.action,
        "cause": reply.cause,
        "sentences": [asdict(sentence) for sentence in reply.sentences],
        "citations": [asdict(citation) for citation in reply.citations],
        "suggestions": [asdict(suggestion) for suggestion in reply.suggestions],
        "handoff": _handoff_json(reply.handoff) if reply.handoff else None,
        "form": asdict(reply.form) if reply.form else None,
        "timings": dict(reply.timings),
        "model": reply.model,
        "adapter": reply.adapter,
        "index_version": reply.index_version,
        "threshold_version": reply.threshold_version,
    }


def _handoff_json(handoff: Handoff) -> dict[str, Any]:
    """Without slots and transcript: those are for the person who takes over."""
    return {
        "reason": handoff.reason,
        "summary": handoff.summary,
        "evidence": list(handoff.evidence),
    }


def hit_json(hit: Hit) -> dict[str, Any]:
    """A Hit as `search` gives it."""
    passage = hit.passage
    return {
        "rank": hit.rank,
        "score": hit.score,
        "article_id": passage.article_id,
        "passage_id": passage.id,
        "title": passage.title,
        "headings": list(passage.headings),
        "text": passage.text,
        "url": passage.url,
    }

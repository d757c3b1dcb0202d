"""The answered questions of past conversations, for suggestions."""

import json
from typing import Any

from sqlalchemy import JSON, cast, select, type_coerce

from bot.store.database import Database
from bot.store.schema import ConversationRow, MessageRow, ReplyRow
from bot.types import PROFILE, Need

MOST = 5000


class Needs:
    """Reads what customers needed. It writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self, most: int = MOST) -> list[Need]:
        """The latest questions with a cited answer, conversation by conversation, in order."""
        as_json: Any = type_coerce if self._database.is_sqlite else cast
        body = as_json(ReplyRow.body, JSON)
        latest = (
            select(MessageRow.id)
            .join(ReplyRow, ReplyRow.message_id == MessageRow.id)
            .where(body["action"].as_string() == "answer")
            .order_by(ReplyRow.at.desc())
            .limit(most)
        )
        found = (
            select(
                MessageRow.conversation_id, MessageRow.text, body["citations"],
                ConversationRow.state,
            )
            .join(ReplyRow, ReplyRow.message_id == MessageRow.id)
            .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
            .where(MessageRow.id.in_(latest))
            .order_by(MessageRow.conversation_id, MessageRow.position)
        )  # fmt: skip
        with self._database.read() as session:
            rows = session.execute(found).all()
        return [
            Need(conversation_id=name, question=text, article=article, profile=_profile(state))
            for name, text, citations, state in rows
            if (article := _article(citations))
        ]


def _article(citations: list[dict[str, Any]]) -> str:
    """What was cited first; what an action found or the customer said has no article."""
    return next((str(each["article_id"]) for each in citations if each["article_id"]), "")


def _profile(text: str) -> dict[str, str]:
    """What the caller told of the customer, or the customer a flow."""
    state = json.loads(text)
    slots = {name: slot["value"] for name, slot in state["slots"].items() if name in PROFILE}
    return {**state.get("profile", {}), **slots}

"""Conversations from a help desk's export: Zendesk, Chatwoot, or our own plain form."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from bs4 import BeautifulSoup

from bot.types import Turn
from finetune.dataset.rows import Row, read_rows
from finetune.dataset.types import Conversation
from finetune.errors import DataError

Role = Literal["user", "assistant"]
# of messages that people wrote to each other; 2 is an activity, 3 a template of the bot
_CHATWOOT: dict[object, Role] = {
    0: "user", 1: "assistant", "incoming": "user", "outgoing": "assistant",
}  # fmt: skip
_ROLES: dict[str, Role] = {
    "user": "user", "customer": "user", "client": "user",
    "assistant": "assistant", "agent": "assistant", "person": "assistant", "bot": "assistant",
}  # fmt: skip


def read_conversations(path: Path) -> list[Conversation]:
    """Reads an export; which kind it is shows by its fields.

    Zendesk: tickets with `comments` (`author_id`, `plain_body` or `body` or `html_body`,
    `public`) and the customer as `requester_id` or `requester.id`. Chatwoot: conversations with
    `messages`, or the message list's `{payload: [...]}`, or single messages with a
    `conversation_id`. Plain: `{id?, turns: [{role or speaker, text}]}`. Private notes, activities
    and templates are left out.

    Source: https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/,
        https://developers.chatwoot.com/api-reference/messages/get-messages

    Raises:
        DataError: A row is none of these.
    """
    loose: dict[str, list[Row]] = {}
    found: list[Conversation] = []
    for place, row in read_rows(path):
        if "message_type" in row and "conversation_id" in row:
            loose.setdefault(str(row["conversation_id"]), []).append(row)
        else:
            found.extend(_conversations(place, row))
    found.extend(_chatwoot(key, rows, str(path)) for key, rows in loose.items())
    return [item for item in found if item.turns]


def _conversations(place: str, row: Row) -> Iterator[Conversation]:
    tickets = row.get("tickets")
    if isinstance(tickets, list):
        for number, ticket in enumerate(tickets):
            yield from _conversations(f"{place}.tickets[{number}]", ticket)
    elif isinstance(row.get("comments"), list):
        yield _zendesk(row, place)
    elif isinstance(row.get("messages"), list) or isinstance(row.get("payload"), list):
        messages = row.get("messages") or row.get("payload") or []
        key = row.get("id") or (messages[0].get("conversation_id") if messages else None)
        yield _chatwoot(str(key or place), messages, place)
    elif isinstance(row.get("turns"), list):
        yield _plain(row, place)
    else:
        raise DataError(
            f"{place}: no conversation; expected a Zendesk ticket with `comments`, a Chatwoot "
            f"conversation with `messages`, or `turns` of {{role, text}}; got {sorted(row)[:8]}"
        )


def _zendesk(ticket: Row, place: str) -> Conversation:
    requester = ticket.get("requester") or {}
    customer = ticket.get("requester_id") or requester.get("id")
    if customer is None:
        raise DataError(f"{place}: a Zendesk ticket needs requester_id, to tell who asked")
    people = [requester, ticket.get("submitter") or {}, ticket.get("assignee") or {}]
    turns = []
    for comment in ticket["comments"]:
        if not comment.get("public", True):
            continue
        role: Role = "user" if comment.get("author_id") == customer else "assistant"
        text = comment.get("plain_body") or comment.get("body")
        turns.append((role, text or _without_markup(comment.get("html_body") or "")))
    return Conversation(
        id=f"zendesk-{ticket.get('id') or place}", turns=_merged(turns), source="zendesk",
        names=_names(people),
    )  # fmt: skip


def _chatwoot(key: str, messages: Sequence[Row], place: str) -> Conversation:
    ordered = sorted(messages, key=lambda item: (item.get("created_at") or 0, item.get("id") or 0))
    turns = []
    for message in ordered:
        role = _CHATWOOT.get(message.get("message_type"))
        if role and not message.get("private"):
            turns.append((role, message.get("content") or ""))
    people = [message.get("sender") or {} for message in messages]
    return Conversation(
        id=f"chatwoot-{key}", turns=_merged(turns), source="chatwoot", names=_names(people)
    )


def _plain(row: Row, place: str) -> Conversation:
    turns = []
    for turn in row["turns"]:
        name = str(turn.get("role") or turn.get("speaker") or "").lower()
        if name not in _ROLES or not isinstance(turn.get("text"), str):
            raise DataError(
                f"{place}: a turn needs a text and a role of {', '.join(_ROLES)}; got {turn!r:.120}"
            )
        turns.append((_ROLES[name], turn["text"]))
    return Conversation(id=str(row.get("id") or place), turns=_merged(turns), source="turns")


def _merged(turns: Sequence[tuple[Role, str]]) -> tuple[Turn, ...]:
    """Messages in a row from one side become one turn; empty ones go."""
    made: list[Turn] = []
    for role, raw in turns:
        text = raw.strip()
        if not text:
            continue
        if made and made[-1].role == role:
            text = f"{made.pop().text}\n{text}"
        made.append(Turn(role=role, text=text))
    return tuple(made)


def _names(people: Sequence[Any]) -> tuple[str, ...]:
    given = (person.get("name") for person in people if isinstance(person, dict))
    return tuple(dict.fromkeys(name for name in given if isinstance(name, str) and name))


def _without_markup(html: str) -> str:
    soup = BeautifulSoup(html, "lxml")
    for block in soup.find_all(["br", "div", "li", "p"]):
        block.append("\n")
    return soup.get_text()

"""Conversations over HTTP: shown, exported, passed on, erased; and what customers think."""

from typing import Any

from fastapi import APIRouter

from bot.service.conversations import conversation_json, unknown
from bot.service.keys import Caller
from bot.service.problems import ProblemError
from bot.service.schemas import ConversationId, FeedbackBody, ModeBody, ModeReply
from bot.service.shared import Calling, Service, Shared
from bot.store.types import now

router = APIRouter(prefix="/v1")


@router.get("/conversations/{conversation_id}")
def conversation(
    conversation_id: ConversationId, service: Shared, caller: Calling
) -> dict[str, Any]:
    """A conversation so far."""
    caller.require_conversation(conversation_id)
    state = service.store.conversations.state(conversation_id)
    if state is None:
        raise unknown()
    return conversation_json(state, service.store.conversations.unanswered(conversation_id))


@router.get("/conversations/{conversation_id}/export")
def export(conversation_id: ConversationId, service: Shared, caller: Calling) -> dict[str, Any]:
    """All that is kept of a conversation, replies with their verdicts."""
    caller.require_conversation(conversation_id)
    found = service.store.conversations.export(conversation_id)
    if found is None:
        raise unknown()
    _note(service, caller, "conversation.export", conversation_id)
    return found


@router.post("/conversations/{conversation_id}/mode")
def pass_on(
    conversation_id: ConversationId, body: ModeBody, service: Shared, caller: Calling
) -> ModeReply:
    """Gives a conversation to a person, or back to the bot; needs the scope `admin`.

    A person who has it and passes it to a person again says that they are still at it.
    """
    caller.require("admin")
    if service.store.conversations.state(conversation_id) is None:
        raise unknown()
    if body.mode == "person":
        service.store.handovers.to_person(conversation_id)
    elif not service.store.handovers.to_bot(conversation_id, now()):
        raise ProblemError(409, "on-its-way", "The handoff is still being sent. Try again later.")
    _note(service, caller, "conversation.mode", conversation_id, mode=body.mode)
    return ModeReply(conversation_id=conversation_id, mode=body.mode)


@router.delete("/conversations/{conversation_id}", status_code=204)
def erase(conversation_id: ConversationId, service: Shared, caller: Calling) -> None:
    """Erases a conversation."""
    caller.require_conversation(conversation_id)
    if not service.store.conversations.erase(conversation_id):
        raise unknown()
    service.broadcasts.forget(conversation_id)
    _note(service, caller, "conversation.erase", conversation_id)


@router.post("/feedback", status_code=204)
def feedback(body: FeedbackBody, service: Shared, caller: Calling) -> None:
    """What a customer thinks of a reply; a second word replaces the first."""
    known = service.store.conversations.rate(
        body.reply_id, body.rating, body.comment, conversation_id=caller.conversation_id
    )
    if not known:
        raise ProblemError(404, "unknown-reply", "There is no such reply.")


def _note(service: Service, caller: Caller, act: str, conversation_id: str, **details: str) -> None:
    """Puts a key's act on the audit log; a customer's own is none of it."""
    if not caller.bound:
        service.store.audit.add(caller.id, act, conversation_id, **details)

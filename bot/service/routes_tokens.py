"""`POST /v1/widget/token`: what a page talks to the service with."""

import uuid
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request

from bot.service.keys import Caller
from bot.service.problems import ProblemError
from bot.service.schemas import TokenBody, TokenReply, WidgetUser
from bot.service.shared import Calling, Service, Shared
from bot.service.tokens import issue_token, verified

if TYPE_CHECKING:
    from bot.service.schemas import User

router = APIRouter(prefix="/v1")


@router.post("/widget/token")
def token(body: TokenBody, request: Request, service: Shared, caller: Calling) -> TokenReply:
    """A token for one conversation: a new one, or with the token before, the same again."""
    _require_origin(service, caller, request.headers.get("origin", ""))
    secret = service.access.token_secret()
    if secret is None:
        raise ProblemError(
            404, "no-tokens", "This service gives no tokens: it has no secret to sign them with."
        )
    user_id = _user(service, caller, body.user)
    conversation_id = _conversation(caller, body.conversation_id)
    text, expires_at = issue_token(conversation_id, user_id, secret, service.config.token_minutes)
    return TokenReply(token=text, conversation_id=conversation_id, expires_at=expires_at)


def user_of(caller: Caller, user: "User | None") -> str | None:
    """Whose message it is: a key's word counts, a page's only if it was verified.

    Raises:
        ProblemError: A page names another user than its token (403).
    """
    if not caller.bound:
        return user.id if user else None
    if user and user.id != caller.user_id:
        raise _unverified()
    return caller.user_id


def _require_origin(service: Service, caller: Caller, origin: str) -> None:
    """A page must be on the list; a key needs no origin; a browser can't make one up."""
    if caller.kind == "key":
        return caller.require("chat")
    listed = origin.lower() in service.config.allowed_origins
    if caller.kind == "open" or listed or (caller.bound and not origin):
        return None
    raise ProblemError(403, "origin", "This page's origin is not on the list of allowed_origins.")


def _user(service: Service, caller: Caller, user: WidgetUser | None) -> str | None:
    if user is None:
        return caller.user_id
    secret = service.config.identity_secret
    if not secret or not user.hmac or not verified(user.id, user.hmac, secret):
        raise _unverified()
    if caller.user_id not in (None, user.id):
        raise _unverified()
    return user.id


def _conversation(caller: Caller, wanted: str | None) -> str:
    """Names are given here: who could choose one could read another's conversation."""
    if caller.bound and caller.conversation_id:
        caller.require_conversation(wanted or caller.conversation_id)
        return caller.conversation_id
    if wanted and caller.kind == "nobody":
        raise ProblemError(403, "forbidden", "Send the conversation's token to get another one.")
    return wanted or uuid.uuid4().hex


def _unverified() -> ProblemError:
    return ProblemError(403, "unverified-user", "The user's id doesn't come with its signature.")

"""`/admin`: the admin page, read-only, for keys with the scope `admin`."""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qsl, quote

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from bot.admin.html import render
from bot.admin.sessions import COOKIE, MINUTES, Sessions
from bot.admin.types import Search
from bot.service.problems import ProblemError
from bot.service.shared import Service, Shared

HOME, LOGIN = "/admin", "/admin/login"
STYLES = Path(__file__).parents[1] / "admin" / "admin.css"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_OURS = re.compile(r"/admin(/\w[\w.~:@-]{0,200}){0,2}")
Days = Annotated[Literal["7", "30", "90"], Query()]
Number = Annotated[int, Query(ge=1, le=100_000)]
Rating = Annotated[Literal["", "up", "down"], Query()]


class Admin:
    """What the admin's routes share."""

    def __init__(self, service: Service) -> None:
        from bot.admin.pages import Pages

        self.sessions = Sessions(service.config, service.access, service.store.keys)
        self.pages = Pages(service.store, service.readiness, service.lookups)

    def shows(self, request: Request) -> bool:
        """Whether whoever sent a request may see the pages."""
        cookie = request.cookies.get(COOKIE, "")
        return self.sessions.open(request.url.hostname or "") or self.sessions.valid(cookie)


def any_one(request: Request) -> Admin:
    """The app's admin page."""
    found: Admin = request.app.state.admin
    return found


def looking(request: Request, admin: Annotated[Admin, Depends(any_one)]) -> Admin:
    """The admin page, for those who may see it; all others are sent to log in."""
    if admin.shows(request):
        return admin
    raise HTTPException(303, headers={"Location": f"{LOGIN}?to={quote(request.url.path)}"})


async def sent(request: Request) -> dict[str, str]:
    """The fields of a form, as a browser sends it; one of another site's pages doesn't count.

    Raises:
        ProblemError: It comes from elsewhere (403), or has fields that ours hasn't (422).
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise ProblemError(403, "origin", "This form was sent from a page of another site.")
    body = (await request.body()).decode("utf-8", "replace")
    try:
        return dict(parse_qsl(body, max_num_fields=10))
    except ValueError:
        raise ProblemError(422, "invalid", "The form has more fields than it should.") from None


router = APIRouter(prefix=HOME, include_in_schema=False)
Shown = Annotated[Admin, Depends(looking)]
Entered = Annotated[Admin, Depends(any_one)]
Form = Annotated[dict[str, str], Depends(sent)]


@router.get("")
def conversations(admin: Shown, search: Annotated[Search, Query()]) -> Response:
    """Conversations, searched."""
    return _page(admin.pages.conversations(search))


@router.get("/conversations/{conversation_id}")
def conversation(admin: Shown, conversation_id: str) -> Response:
    """One conversation, with its verdicts."""
    found = admin.pages.conversation(conversation_id)
    return _page(found) if found is not None else _page(render("missing.html", here=""), 404)


@router.get("/unanswered")
async def unanswered(admin: Shown, days: Days = "30") -> Response:
    """Questions without an answer, by meaning."""
    return _page(await admin.pages.unanswered(int(days)))


@router.get("/feedback")
def feedback(admin: Shown, rating: Rating = "", page: Number = 1) -> Response:
    """Thumbs, with their reasons."""
    return _page(admin.pages.feedback(rating, page))


@router.get("/handoffs")
def handoffs(admin: Shown, page: Number = 1) -> Response:
    """What went to a person."""
    return _page(admin.pages.handoffs(page))


@router.get("/trends")
def trends(admin: Shown, days: Days = "30") -> Response:
    """Latency and risk over time."""
    return _page(admin.pages.trends(int(days)))


@router.get("/login")
def login_form(admin: Entered, request: Request, to: str = HOME) -> Response:
    """The form that takes a key."""
    if admin.shows(request):
        return _to(to)
    return _page(render("login.html", to=to, error=""))


@router.post("/login")
def login(admin: Entered, service: Shared, request: Request, form: Form) -> Response:
    """Takes a key, gives a cookie and notes who came in."""
    to = form.get("to", HOME)
    try:
        caller, cookie = admin.sessions.log_in(form.get("key", "").strip())
    except ProblemError as error:
        wrong = "That isn’t a valid key." if error.status == 401 else error.detail
        return _page(render("login.html", to=to, error=wrong), error.status)
    service.store.audit.add(caller.id, "admin.login", HOME)
    response = _to(to)
    response.set_cookie(
        COOKIE, cookie, max_age=MINUTES * 60, path=HOME, httponly=True, samesite="strict",
        secure=request.url.scheme == "https",
    )  # fmt: skip
    return response


@router.post("/logout", dependencies=[Depends(sent)])
def logout() -> Response:
    """Forgets the cookie."""
    response = _to(LOGIN)
    response.delete_cookie(COOKIE, path=HOME, httponly=True, samesite="strict")
    return response


@router.get("/admin.css")
def styles() -> FileResponse:
    """The style sheet."""
    return FileResponse(STYLES, headers={"Cross-Origin-Resource-Policy": "same-origin"})


def _page(html: bytes, status: int = 200) -> Response:
    return Response(html, status, headers=HEADERS, media_type="text/html; charset=utf-8")


def _to(path: str) -> Response:
    """On to one of our pages, never elsewhere."""
    return RedirectResponse(path if _OURS.fullmatch(path) else HOME, 303, headers=HEADERS)

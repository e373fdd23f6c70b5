"""Declares the console's routes.

Its pages show the served snapshot and the runs, a user's lists, why a match was made, and a run's
report. None of them is in the OpenAPI document, which is for programs.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from typing import Annotated
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError

from hertz.api.console import overview as overview_page
from hertz.api.console import rendering, user_pages
from hertz.api.console.rendering import HOME, SESSION_COOKIE, ConsoleRoute, page, redirect
from hertz.api.console.sessions import Sessions
from hertz.api.errors import UNAUTHORIZED, ApiError
from hertz.api.health import health
from hertz.api.lists.routes import OtherUser, PathUser, RequestView
from hertz.api.middleware.guard import CALLER
from hertz.api.middleware.security import Keys
from hertz.core.interface_texts.catalogue import LANGUAGES, text

_INTEGER = re.compile(r"-?[0-9]{1,19}")


async def require_session(request: Request) -> None:
    """Lets a request pass that has an open session or an accepted key; any other one gets a 401."""
    sessions: Sessions = request.app.state.sessions
    if not sessions.needed or request.scope[CALLER]:
        return
    token = request.cookies.get(SESSION_COOKIE)
    if token is None or not sessions.holds(token, time.monotonic()):
        raise ApiError(401, UNAUTHORIZED)


open_router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
session_router = APIRouter(
    route_class=ConsoleRoute, include_in_schema=False, dependencies=[Depends(require_session)]
)

_OptionalText = Annotated[str | None, Query()]


def add_console(app: FastAPI, keys: Keys) -> None:
    """Adds the console's routes to an application, after all others."""
    rendering.preload()
    app.state.sessions = Sessions(keys)
    app.include_router(open_router)
    app.include_router(session_router)


@open_router.get("/console/console.css")
async def style() -> Response:
    """Sends the style sheet."""
    return rendering.asset(rendering.STYLE, "text/css")


@open_router.get("/console/icon.svg")
async def icon() -> Response:
    """Sends the icon."""
    return rendering.asset(rendering.ICON, "image/svg+xml")


@open_router.get("/console/language/{code}")
async def choose_language(request: Request, code: str, next: str = HOME) -> Response:
    """Remembers a language and goes back to the page on which it was chosen."""
    answer = redirect(rendering.own_page(next))
    if code in LANGUAGES:
        answer.set_cookie(
            rendering.LANGUAGE_COOKIE,
            code,
            365 * 24 * 3600,
            path=HOME,
            secure=rendering.is_secure(request),
            httponly=True,
        )
    return answer


@open_router.get("/console/sign-in")
async def sign_in_page(request: Request, next: str = HOME) -> Response:
    """Shows the form that asks for a key."""
    to = rendering.own_page(next)
    if not request.app.state.sessions.needed:
        return redirect(to)
    return page(request, "sign_in.html", problem="", to=to)


@open_router.post("/console/sign-in")
async def sign_in(request: Request) -> Response:
    """Begins a session for an accepted key."""
    form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
    now = time.monotonic()
    to = rendering.own_page(form.get("next", HOME))
    sessions: Sessions = request.app.state.sessions
    wait = sessions.attempts.wait(request.client.host if request.client else "", now)
    if wait:
        answer = _sign_in_problem(request, 429, "console_too_many", to, seconds=math.ceil(wait))
        answer.headers["Retry-After"] = str(math.ceil(wait))
        return answer
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return _sign_in_problem(request, 403, "console_foreign_form", to)
    token = sessions.begin(form.get("key", "").strip(), now)
    if token is None:
        return _sign_in_problem(request, 401, "console_wrong_key", to)
    answer = redirect(to)
    secure = rendering.is_secure(request)
    answer.set_cookie(
        SESSION_COOKIE, token, path=HOME, secure=secure, httponly=True, samesite="strict"
    )
    return answer


@open_router.post("/console/sign-out")
async def sign_out(request: Request) -> Response:
    """Ends the session."""
    request.app.state.sessions.end(request.cookies.get(SESSION_COOKIE, ""))
    answer = redirect(rendering.SIGN_IN)
    answer.delete_cookie(SESSION_COOKIE, path=HOME)
    return answer


@session_router.get("/console/")
@session_router.get("/console")
async def overview(request: Request) -> Response:
    """Shows the served snapshot, what is wrong with it, and the runs."""
    state = request.app.state
    answer = orjson.loads((await health(request)).body)
    notes = answer["notes"] if "notes" in answer else [answer["reason"]]
    shown = await asyncio.to_thread(
        overview_page.overview, state.home, state.follower.served, notes
    )
    return page(request, "overview.html", shown=shown)


@session_router.get("/console/users")
async def find(request: Request, id: str = "") -> Response:
    """Goes to the page of the user whose id was typed into the search field."""
    wanted = id.strip()
    if not _INTEGER.fullmatch(wanted):
        raise RequestValidationError([{"loc": ("query", "id"), "msg": "", "type": "int_parsing"}])
    return redirect(f"/console/users/{int(wanted)}")


@session_router.get("/console/users/{userId}")
def lists(
    request: Request,
    view: RequestView,
    user_id: PathUser,
    category: _OptionalText = None,
    cursor: _OptionalText = None,
) -> Response:
    """Shows a user's list in one category."""
    shown = user_pages.list_page(view, user_id, category, cursor, rendering.language_of(request))
    return page(request, "user.html", shown=shown, searched=str(user_id))


@session_router.get("/console/users/{userId}/why/{otherId}")
def why(
    request: Request,
    view: RequestView,
    user_id: PathUser,
    other_id: OtherUser,
    category: _OptionalText = None,
) -> Response:
    """Shows why two users were matched."""
    shown = user_pages.match_record(
        view, user_id, other_id, category, rendering.language_of(request)
    )
    return page(request, "why.html", shown=shown, searched=str(user_id))


@session_router.get("/console/runs/{runId}/report")
def report(request: Request, runId: str) -> Response:
    """Sends the report that a run left in its snapshot."""
    found = overview_page.report(request.app.state.home, runId)
    if found is None:
        raise ApiError(404, rendering.NO_REPORT)
    return rendering.report_page(found)


@session_router.get("/console/{rest:path}")
async def no_page() -> Response:
    """Answers every other address with a page that says so."""
    raise ApiError(404, rendering.NO_PAGE)


def _sign_in_problem(
    request: Request, status: int, problem: str, to: str, **values: object
) -> Response:
    """Shows the sign-in form again, with the text of a problem."""
    words = text(problem, rendering.language_of(request), **values)
    return page(request, "sign_in.html", status, problem=words, to=to)

"""The console's routes: a page for people over what the API serves. It only reads.

In: a browser that signed in with an API key, or anyone where none is configured (then only this
machine may call at all). Out: pages: what is served and the runs, a user's lists, why a match was
made, a run's report. None is in the OpenAPI document, which is for programs.
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

from hertz.api.console import runs as console_runs
from hertz.api.console import views as console_views
from hertz.api.console.pages import (
    HOME,
    ICON,
    LANGUAGE_COOKIE,
    NO_PAGE,
    NO_REPORT,
    SESSION_COOKIE,
    SIGN_IN,
    STYLE,
    ConsoleRoute,
    asset,
    is_secure,
    language_of,
    own_page,
    page,
    prepare,
    redirect,
    report_page,
)
from hertz.api.console.sessions import Sessions
from hertz.api.errors import UNAUTHORIZED, ApiError
from hertz.api.health import health
from hertz.api.lists.routes import OtherUser, PathUser, SeenBy
from hertz.api.middleware.guard import CALLER
from hertz.api.middleware.security import Keys
from hertz.core.interface_texts.catalogue import LANGUAGES, text

_YEAR = 365 * 24 * 3600
_NUMBER = re.compile(r"-?[0-9]{1,19}")
_OTHER_SITES = ("cross-site", "same-site")


async def signed_in(request: Request) -> None:
    """Let in who signed in, or sent a key along.

    Raises:
        ApiError: 401 for anyone else; the page that signs in is shown instead.
    """
    sessions = _sessions(request)
    if not sessions.needed or request.scope[CALLER]:
        return
    token = request.cookies.get(SESSION_COOKIE)
    if token is None or not sessions.holds(token, time.monotonic()):
        raise ApiError(401, UNAUTHORIZED)


outside = APIRouter(route_class=ConsoleRoute, include_in_schema=False)
inside = APIRouter(
    route_class=ConsoleRoute, include_in_schema=False, dependencies=[Depends(signed_in)]
)

_Category = Annotated[str | None, Query()]
_Cursor = Annotated[str | None, Query()]


def install(app: FastAPI, keys: Keys) -> None:
    """Give the application its console, last of all routes."""
    prepare()
    app.state.sessions = Sessions(keys)
    app.include_router(outside)
    app.include_router(inside)


@outside.get("/console/console.css")
async def style() -> Response:
    """The style sheet."""
    return asset(STYLE, "text/css")


@outside.get("/console/icon.svg")
async def icon() -> Response:
    """The icon."""
    return asset(ICON, "image/svg+xml")


@outside.get("/console/language/{code}")
async def choose_language(request: Request, code: str, next: str = HOME) -> Response:
    """Remember a language and go back to the page it was chosen on."""
    answer = redirect(own_page(next))
    if code in LANGUAGES:
        answer.set_cookie(
            LANGUAGE_COOKIE, code, _YEAR, path=HOME, secure=is_secure(request), httponly=True
        )
    return answer


@outside.get("/console/sign-in")
async def sign_in_page(request: Request, next: str = HOME) -> Response:
    """The form that takes a key."""
    to = own_page(next)
    if not _sessions(request).needed:
        return redirect(to)
    return page(request, "sign_in.html", problem="", to=to)


@outside.post("/console/sign-in")
async def sign_in(request: Request) -> Response:
    """Take a key and give a session for it."""
    form, now = await _form(request), time.monotonic()
    to, sessions = own_page(form.get("next", HOME)), _sessions(request)
    wait = sessions.wait(request.client.host if request.client else "", now)
    if wait:
        answer = _again(request, 429, "console_too_many", to, seconds=math.ceil(wait))
        answer.headers["Retry-After"] = str(math.ceil(wait))
        return answer
    if request.headers.get("sec-fetch-site") in _OTHER_SITES:
        return _again(request, 403, "console_foreign_form", to)
    token = sessions.begin(form.get("key", "").strip(), now)
    return _admitted(request, token, to) if token else _again(request, 401, "console_wrong_key", to)


@outside.post("/console/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session."""
    _sessions(request).end(request.cookies.get(SESSION_COOKIE, ""))
    answer = redirect(SIGN_IN)
    answer.delete_cookie(SESSION_COOKIE, path=HOME)
    return answer


@inside.get("/console/")
@inside.get("/console")
async def overview(request: Request) -> Response:
    """What is served, how it is, and the runs."""
    state, follower = request.app.state, request.app.state.follower
    told = orjson.loads((await health(request)).body)
    notes = told["notes"] if "notes" in told else [told["reason"]]
    served, language = follower.served, language_of(request)
    shown = await asyncio.to_thread(console_runs.overview, state.home, served, notes, language)
    return page(request, "overview.html", shown=shown)


@inside.get("/console/users")
async def find(request: Request, id: str = "") -> Response:
    """Go to the user typed into the search field."""
    wanted = id.strip()
    if not _NUMBER.fullmatch(wanted):
        raise RequestValidationError([{"loc": ("query", "id"), "msg": "", "type": "int_parsing"}])
    return redirect(f"/console/users/{int(wanted)}")


@inside.get("/console/users/{userId}")
def lists(
    request: Request,
    view: SeenBy,
    user_id: PathUser,
    category: _Category = None,
    cursor: _Cursor = None,
) -> Response:
    """A user's list in one category."""
    shown = console_views.lists(view, user_id, category, cursor, language_of(request))
    return page(request, "user.html", shown=shown, searched=str(user_id))


@inside.get("/console/users/{userId}/why/{otherId}")
def why(
    request: Request,
    view: SeenBy,
    user_id: PathUser,
    other_id: OtherUser,
    category: _Category = None,
) -> Response:
    """Why two users were matched."""
    shown = console_views.record(view, user_id, other_id, category, language_of(request))
    return page(request, "why.html", shown=shown, searched=str(user_id))


@inside.get("/console/runs/{runId}/report")
def report(request: Request, runId: str) -> Response:
    """The report that a run left in its snapshot."""
    found = console_runs.report(request.app.state.home, runId)
    if found is None:
        raise ApiError(404, NO_REPORT)
    return report_page(found)


@inside.get("/console/{rest:path}")
async def nothing() -> Response:
    """Every other address."""
    raise ApiError(404, NO_PAGE)


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


async def _form(request: Request) -> dict[str, str]:
    """The fields of a posted form, the last where one comes twice."""
    text = (await request.body()).decode("utf-8", "replace")
    return dict(parse_qsl(text))


def _again(request: Request, status: int, problem: str, to: str, **values: object) -> Response:
    words = text(problem, language_of(request), **values)
    return page(request, "sign_in.html", status, problem=words, to=to)


def _admitted(request: Request, token: str, to: str) -> Response:
    answer = redirect(to)
    secure = is_secure(request)
    answer.set_cookie(
        SESSION_COOKIE, token, path=HOME, secure=secure, httponly=True, samesite="strict"
    )
    return answer

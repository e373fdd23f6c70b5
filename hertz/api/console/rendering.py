"""Renders and sends the console's pages: templates, language, headers, and errors as pages.

The HTML may load nothing but the console's own style sheet and icon, runs no script, cannot be
framed and is kept by no cache.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hertz.api.errors import CURSOR_EXPIRED, NOT_FOUND_MATCH, NOT_FOUND_USER, UNAUTHORIZED, ApiError
from hertz.api.errors import UNAVAILABLE as NO_SNAPSHOT
from hertz.api.lists.why import public_name
from hertz.api.snapshot.follower import SnapshotFollower
from hertz.core.interface_texts.catalogue import LANGUAGES, Language, packaged_catalogue, text

LANGUAGE_NAMES: dict[Language, str] = {"ko": "한국어", "en": "English"}
HOME = "/console"
SIGN_IN = "/console/sign-in"
SESSION_COOKIE = "hertz_session"
LANGUAGE_COOKIE = "hertz_language"
NO_PAGE = "NO_PAGE"
NO_REPORT = "NO_REPORT"

_FOLDER = Path(__file__).parent / "templates"
STYLE = (_FOLDER / "console.css").read_bytes()
ICON = (_FOLDER / "icon.svg").read_bytes()
_VERSION = hashlib.sha256(STYLE + ICON).hexdigest()[:12]

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_OWN_PAGE = re.compile(r"/console(/[A-Za-z0-9/_.:-]*)?(\?[A-Za-z0-9=&_.%+-]*)?")
_ERROR_TEXTS = {
    NOT_FOUND_USER: "console_unknown_user",
    NOT_FOUND_MATCH: "console_unknown_match",
    CURSOR_EXPIRED: "console_expired",
    NO_SNAPSHOT: "console_nothing_served",
    NO_PAGE: "console_no_page",
    NO_REPORT: "console_no_report",
}

_environment = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.filters["public_name"] = public_name


class ConsoleRoute(APIRoute):
    """A route that answers errors with pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Returns the handler of the route, with errors rendered as pages."""
        handle = super().get_route_handler()

        async def handle_with_pages(request: Request) -> Response:
            try:
                return await handle(request)
            except ApiError as error:
                return _api_error_page(request, error)
            except RequestValidationError as error:
                return _validation_error_page(request, error)

        return handle_with_pages


def preload() -> None:
    """Loads texts and templates, so that the first page is fast and a fault ends the start."""
    packaged_catalogue()
    for name in _environment.list_templates(["html"]):
        _environment.get_template(name)


def page(request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
    """Renders a template, with these values as its variables, in the language of the request."""
    language = language_of(request)
    signing_in = request.url.path == SIGN_IN
    shared = {
        "language": language,
        "languages": LANGUAGE_NAMES,
        "t": partial(text, language=language),
        "age": partial(age, language=language),
        "here": _here(request),
        "version": _VERSION,
        "inside": not signing_in,
        "can_sign_out": not signing_in and request.app.state.sessions.needed,
        "searched": "",
    }
    html = _environment.get_template(template).render(shared | values)
    return HTMLResponse(html, status, _HEADERS | {"Content-Security-Policy": _POLICY})


def report_page(html: bytes) -> HTMLResponse:
    """Sends a run's report as it was written; it may run no script and load nothing."""
    return HTMLResponse(html, headers=_HEADERS | {"Content-Security-Policy": _REPORT_POLICY})


def asset(content: bytes, media_type: str) -> Response:
    """Sends the style sheet or the icon, whose addresses contain a digest of their content."""
    headers = _HEADERS | {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(content, headers=headers, media_type=media_type)


def redirect(to: str) -> RedirectResponse:
    """Redirects the browser to another page of the console."""
    return RedirectResponse(to, 303, {"Cache-Control": "no-store"})


def own_page(address: str) -> str:
    """Returns an address if it is certainly one of the console's; its first page otherwise."""
    return address if _OWN_PAGE.fullmatch(address) else HOME


def language_of(request: Request) -> Language:
    """Returns the language that was chosen, or that the browser asks for."""
    accepted = request.headers.get("accept-language", "")
    return wanted_language(request.cookies.get(LANGUAGE_COOKIE), accepted)


def wanted_language(remembered: str | None, accepted: str) -> Language:
    """Returns the language of the cookie, or the best one of the Accept-Language header."""
    for language in LANGUAGES:
        if remembered == language:
            return language
    ranked: list[tuple[float, Language]] = []
    for part in accepted.split(","):
        name, _, quality = part.strip().partition(";q=")
        found = [language for language in LANGUAGES if name.lower().split("-")[0] == language]
        ranked += [(-_quality(quality), language) for language in found]
    return min(ranked, key=lambda item: item[0])[1] if ranked else "en"


def is_secure(request: Request) -> bool:
    """Returns whether the browser used https, to the server itself or to a proxy before it."""
    return request.url.scheme == "https"


def age(made: datetime, language: Language) -> str:
    """Returns how long ago a time was, in words."""
    minutes = int((datetime.now(UTC) - made).total_seconds() // 60)
    if minutes < 1:
        return text("console_just_now", language)
    for name, size in (("console_days_ago", 2 * 24 * 60), ("console_hours_ago", 2 * 60)):
        if minutes >= size:
            return text(name, language, n=minutes // (size // 2))
    return text("console_minutes_ago", language, n=minutes)


def error_page(
    request: Request, status: int, name: str, searched: str = "", **values: object
) -> HTMLResponse:
    """Renders a page of a text that says what went wrong; the key of its title ends in `_title`."""
    language = language_of(request)
    title = text(f"{name}_title", language)
    words = text(name, language, **values)
    return page(request, "error.html", status, title=title, words=words, searched=searched)


def _here(request: Request) -> str:
    """Returns the address of the requested page, quoted to be a value in another address."""
    address = f"{request.url.path}?{request.url.query}".rstrip("?")
    return quote(own_page(address), safe="")


def _api_error_page(request: Request, error: ApiError) -> Response:
    """Returns the page of an error with a code; without a session, the way to sign in."""
    if error.code == UNAUTHORIZED:
        return redirect(f"{SIGN_IN}?next={_here(request)}")
    return error_page(request, error.status, _ERROR_TEXTS[error.code])


def _validation_error_page(request: Request, error: RequestValidationError) -> Response:
    """Returns the page that says which part of the address is not valid."""
    wrong = {str(item["loc"][-1]) for item in error.errors()}
    if not wrong & {"userId", "otherId", "id"}:
        return error_page(request, 422, "console_bad_address")
    follower: SnapshotFollower = request.app.state.follower
    minimum = follower.served.reader.id_minimum if follower.served else 1
    return error_page(
        request, 422, "console_bad_id", request.query_params.get("id", "")[:40], minimum=minimum
    )


def _quality(text: str) -> float:
    """Returns the quality value of a language in the header; 0 where it is not a number."""
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0

"""Signing in to the console: who may, for how long, and what a session opens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import httpx
import pytest

from hertz.api.console.sessions import IDLE_SECONDS, MAX_AGE_SECONDS, Sessions
from hertz.api.middleware.security import Keys
from hertz.policy.model import Policy
from tests.api.console.world import KEY, console
from tests.api.servers import eventually

OTHER_KEY = "another-key-of-the-console"
NUMBERS = count(1)
INSIDE = ["/console", "/console/users/7", "/console/users/7/why/8", "/console/users?id=7"]
INSIDE += ["/console/runs/x/report", "/console/nothing"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def server(home: Path, service_policy: Policy) -> Iterator[httpx.Client]:
    with console(home, service_policy, Keys([KEY])) as client:
        yield client


@pytest.fixture
def client(server: httpx.Client) -> Iterator[httpx.Client]:
    """A browser at an address of its own, because attempts to sign in are counted by address."""
    headers = {"accept-language": "en", "x-forwarded-for": f"10.0.0.{next(NUMBERS)}"}
    with httpx.Client(base_url=server.base_url, headers=headers) as browser:
        yield browser


def sign_in(
    client: httpx.Client, key: str = KEY, to: str = "/console", **headers: str
) -> httpx.Response:
    return client.post("/console/sign-in", data={"key": key, "next": to}, headers=headers)


@pytest.mark.parametrize("path", INSIDE)
def test_without_a_session_every_page_asks_for_the_key(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 303
    form = client.get(answer.headers["location"])
    assert form.status_code == 200
    assert 'name="key" type="password"' in form.text
    back = re.findall(r'name="next" value="([^"]+)"', form.text)
    assert back == [path]
    assert sign_in(client, to=path).headers["location"] == path
    assert client.get(path).status_code in (200, 303, 404)
    assert "sign-in" not in client.get(path).headers.get("location", "")


def test_the_cookie_is_kept_from_scripts_other_sites_and_the_key(client: httpx.Client) -> None:
    cookie = sign_in(client).headers["set-cookie"]
    parts = cookie.lower().split("; ")
    assert {"httponly", "samesite=strict", "path=/console"} <= {*parts}
    assert "secure" not in parts
    assert KEY not in cookie
    over_https = sign_in(client, **{"x-forwarded-proto": "https"}).headers["set-cookie"]
    assert "secure" in over_https.lower().split("; ")


@pytest.mark.parametrize("key", ["", "wrong", f"{KEY}x", "열쇠", "%ff"])
def test_a_wrong_key_opens_nothing(client: httpx.Client, key: str) -> None:
    answer = sign_in(client, key)
    assert answer.status_code == 401
    assert "This server does not accept that key" in answer.text
    assert "set-cookie" not in answer.headers
    assert client.get("/console").status_code == 303


def test_a_session_opens_the_console_and_nothing_else(client: httpx.Client) -> None:
    sign_in(client)
    assert client.get("/console/users/7").status_code == 200
    for path in ("/matches/7", "/metrics", "/nothing"):
        assert client.get(path).status_code == 401
    assert client.delete("/api/v3/users/7").status_code == 401


def test_a_key_in_the_header_opens_the_console_too(client: httpx.Client) -> None:
    assert client.get("/console/users/7", headers={"X-API-Key": KEY}).status_code == 200


def test_after_signing_out_the_old_cookie_opens_nothing(client: httpx.Client) -> None:
    sign_in(client)
    old = dict(client.cookies)
    assert client.post("/console/sign-out").headers["location"] == "/console/sign-in"
    assert not client.cookies
    client.cookies.update(old)
    assert client.get("/console").status_code == 303


def test_the_session_of_a_key_that_is_withdrawn_ends(
    home: Path, tmp_path: Path, service_policy: Policy
) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{KEY}\n{OTHER_KEY}\n", encoding="utf-8")
    with console(home, service_policy, Keys(file=file)) as client:
        sign_in(client)
        assert client.get("/console").status_code == 200
        file.write_text(f"{OTHER_KEY}\n", encoding="utf-8")
        eventually(lambda: client.get("/console").status_code == 303)
        sign_in(client, OTHER_KEY)
        assert client.get("/console").status_code == 200


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example",
        "//evil.example",
        "/matches/7",
        "/consolex",
        "/console/\r\nX: y",
        "\\",
    ],
)
def test_signing_in_leads_only_to_the_console(client: httpx.Client, to: str) -> None:
    assert sign_in(client, to=to).headers["location"] == "/console"
    changed = client.get("/console/language/ko", params={"next": to})
    assert changed.headers["location"] == "/console"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_cannot_sign_anyone_in(client: httpx.Client, site: str) -> None:
    answer = sign_in(client, **{"sec-fetch-site": site})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_guessing_is_slowed_down(client: httpx.Client) -> None:
    found = [sign_in(client, "wrong-key-0123456789") for _ in range(22)]
    assert [answer.status_code for answer in found] == [401] * 20 + [429] * 2
    assert 0 < int(found[-1].headers["retry-after"]) <= 5
    assert "Too many attempts" in found[-1].text
    assert sign_in(client).status_code == 429


def test_a_form_over_the_limit_is_refused(client: httpx.Client) -> None:
    assert client.post("/console/sign-in", content=b"key=" + b"x" * 300_000).status_code == 413


def test_without_a_configured_key_nobody_signs_in(tmp_path: Path, service_policy: Policy) -> None:
    with console(tmp_path, service_policy) as client:
        assert client.get("/console/sign-in").headers["location"] == "/console"
        page = client.get("/console")
    assert page.status_code == 200
    assert "Sign out" not in page.text


def test_a_session_ends_when_it_is_unused_or_old() -> None:
    sessions = Sessions(Keys([KEY]))
    left, kept = sessions.begin(KEY, 0.0), sessions.begin(KEY, 0.0)
    assert left
    assert kept
    for now in range(0, MAX_AGE_SECONDS + 1, IDLE_SECONDS):
        assert sessions.holds(kept, float(now))
    assert not sessions.holds(kept, MAX_AGE_SECONDS + 1.0)
    assert not sessions.holds(left, IDLE_SECONDS + 1.0)
    assert not sessions.holds(left, 0.0)


def test_a_thousand_sessions_are_kept_and_the_longest_unused_ends_first() -> None:
    sessions = Sessions(Keys([KEY]))
    tokens = [sessions.begin(KEY, float(now)) or "" for now in range(1000)]
    assert sessions.holds(tokens[0], 1000.0)
    sessions.begin(KEY, 1001.0)
    assert not sessions.holds(tokens[1], 1002.0)
    assert sessions.holds(tokens[0], 1002.0)
    assert sessions.holds(tokens[2], 1002.0)

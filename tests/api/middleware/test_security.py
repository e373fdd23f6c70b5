"""Keys, limits, and what is logged, against real servers."""

from __future__ import annotations

import logging
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import Request

from hertz.api.app import create_app
from hertz.api.middleware.rate_limit import RateLimit
from hertz.api.middleware.security import Keys, check_address, keys_from_environment
from hertz.api.schemas import ErrorAnswer
from hertz.core.errors import PolicyError
from hertz.policy.model import Policy
from hertz.storage.settings import ApiSettings
from tests.api.servers import eventually, served_app
from tests.nights import ROOT
from tests.storage.runs import publish_frames, random_frames

RUN = "20261122T170000Z-0001"
OLD, NEW = "old-key-0123456789abcdef", "new-key-0123456789abcdef"
GUARDED = [
    "/api/v1/tuning?userId=1",
    "/api/v3/tuning?userId=1&category=friend",
    "/matches/1",
    "/matches/1/2/why",
    "/similar/1",
    "/metrics",
    "/api/v3/users",
    "/nothing/here",
]


@contextmanager
def guarded(
    home: Path, policy: Policy, keys: Keys | None = None, **limits: float
) -> Iterator[httpx.Client]:
    publish_frames(home, policy, RUN, random_frames(policy, list(range(1, 11))))
    app = create_app(home, ApiSettings.model_validate(limits), keys)

    async def taken(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    app.add_api_route("/body", taken, methods=["POST"])
    with served_app(app) as client:
        yield client


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, ErrorAnswer.model_validate(answer.json()).code


@pytest.mark.parametrize("header", [{}, {"X-API-Key": "wrong"}, {"Authorization": "Basic " + OLD}])
def test_without_a_key_everything_is_refused(
    tmp_path: Path, service_policy: Policy, header: dict[str, str]
) -> None:
    with guarded(tmp_path, service_policy, Keys([OLD])) as client:
        for path in GUARDED:
            answer = client.get(path, headers=header)
            assert code(answer) == (401, "UNAUTHORIZED")
            assert answer.headers["www-authenticate"] == "Bearer"
        assert client.post("/body", content=b"x" * 10_000_000).status_code == 401
        for path in ("/health", "/api/v1/health", "/ready", "/openapi.json", "/docs"):
            assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "header",
    [{"X-API-Key": OLD}, {"x-api-key": NEW}, {"Authorization": f"Bearer {OLD}"}],
)
def test_every_accepted_key_opens(
    tmp_path: Path, service_policy: Policy, header: dict[str, str]
) -> None:
    with guarded(tmp_path, service_policy, Keys([OLD, NEW])) as client:
        for path in GUARDED[:4]:
            assert client.get(path, headers=header).status_code in (200, 404)
        assert client.get("/metrics", headers=header).status_code == 200


def test_keys_are_rotated_in_the_file_without_a_restart(
    tmp_path: Path, service_policy: Policy
) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# ours\n{OLD}\n", encoding="utf-8")
    with guarded(tmp_path, service_policy, Keys(file=file)) as client:

        def opens(key: str) -> bool:
            return client.get("/metrics", headers={"X-API-Key": key}).status_code == 200

        assert opens(OLD)
        assert not opens(NEW)
        file.write_text(f"{OLD}\n{NEW}\n", encoding="utf-8")
        eventually(lambda: opens(NEW))
        assert opens(OLD)
        file.write_text(f"{NEW}\n", encoding="utf-8")
        eventually(lambda: not opens(OLD))
        assert opens(NEW)
        for broken in (b"", b"\xff\xfe", b"short\n"):
            file.write_bytes(broken)
            assert opens(NEW)
        file.unlink()
        assert opens(NEW)


def test_a_file_and_the_environment_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keys").write_text(OLD, encoding="utf-8")
    monkeypatch.setenv("HERTZ_API_KEYS", f" {NEW} , ")
    monkeypatch.setenv("HERTZ_API_KEYS_FILE", str(tmp_path / "keys"))
    keys = keys_from_environment(None)
    for key in (OLD, NEW):
        assert keys.caller([(b"x-api-key", key.encode())])
    assert keys.caller([(b"x-api-key", b"")]) is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "cannot be read"), (b"\n# none\n", "holds no API key"), (b"short\n", "5 characters")],
)
def test_an_unusable_file_of_keys_is_refused_at_start(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / "keys").write_bytes(content)
    with pytest.raises(PolicyError, match=reason):
        Keys(file=tmp_path / "keys")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.9.1"])
def test_this_machine_may_call_without_a_key(host: str) -> None:
    check_address(host, Keys())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "hertz.example"])
def test_another_address_needs_a_key(host: str) -> None:
    with pytest.raises(PolicyError, match="HERTZ_API_KEYS"):
        check_address(host, Keys())
    check_address(host, Keys([OLD]))


def test_the_command_refuses_to_serve_others_without_a_key(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hertz.cli.main", "serve", "--host", "0.0.0.0", "--port", "0"]
    done = subprocess.run(
        [*command, "--home", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "HERTZ_API_KEYS" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_body_over_the_limit_is_refused_however_it_comes(
    tmp_path: Path, service_policy: Policy
) -> None:
    with guarded(tmp_path, service_policy, max_body_bytes=1000) as client:
        assert client.post("/body", content=b"x" * 1000).json() == {"bytes": 1000}
        assert code(client.post("/body", content=b"x" * 1001)) == (413, "BODY_TOO_LARGE")
        chunks = (b"x" * 100 for _ in range(11))
        assert code(client.post("/body", content=chunks)) == (413, "BODY_TOO_LARGE")
        assert client.post("/body", content=(b"x" for _ in range(9))).json() == {"bytes": 9}


def test_each_key_has_its_own_rate(tmp_path: Path, service_policy: Policy) -> None:
    limits = {"requests_per_second": 0.01, "burst": 3}
    with guarded(tmp_path, service_policy, Keys([OLD, NEW]), **limits) as client:
        for key in (OLD, NEW):
            header = {"X-API-Key": key}
            found = [client.get("/matches/1", headers=header) for _ in range(5)]
            assert [answer.status_code for answer in found] == [200, 200, 200, 429, 429]
            assert code(found[-1]) == (429, "TOO_MANY_REQUESTS")
            assert 0 < int(found[-1].headers["retry-after"]) <= 100
        guesses = [client.get("/matches/1").status_code for _ in range(5)]
        assert guesses == [401, 401, 401, 429, 429]
        assert client.get("/health").status_code == 200


def test_a_bucket_fills_again_and_full_ones_are_dropped() -> None:
    limit = RateLimit(10, 5)
    assert [limit.wait("a", 0.0) for _ in range(6)] == [0, 0, 0, 0, 0, pytest.approx(0.1)]
    assert limit.wait("a", 0.1) == 0
    assert limit.wait("a", 0.1) > 0
    for caller in range(30_000):
        assert limit.wait(caller, 1.0 + caller) == 0
    assert len(limit._buckets) <= 10_000
    assert RateLimit(0, 1).wait("a", 0.0) == RateLimit(0, 1).wait("a", 0.0) == 0


def test_metrics_and_log_name_templates_and_never_an_id(
    tmp_path: Path, service_policy: Policy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "hertz.api.access")
    with guarded(tmp_path, service_policy) as client:
        for path in ("/matches/7", "/matches/7?x=%20", "/matches/7/8/why", "/secret/7777777"):
            client.get(path)
        client.request("PROPFIND", "/matches/7")
        shown = client.get("/metrics").text
    assert 'hertz_requests_total{method="GET",route="/matches/{userId}",status="200"} 2.0' in shown
    assert 'route="unmatched",status="404"' in shown
    assert 'method="OTHER",route="/matches/{userId}",status="405"' in shown
    assert (
        f'hertz_snapshot_info{{policy_hash="{service_policy.digest}",run_id="{RUN}"}} 1.0' in shown
    )
    assert "hertz_users 10.0" in shown
    assert "hertz_snapshot_age_seconds" in shown
    assert "hertz_request_seconds_bucket" in shown
    assert "7777777" not in shown
    lines = [record.getMessage() for record in caplog.records if record.name == "hertz.api.access"]
    assert re.fullmatch(r'"GET /matches/\{userId\}" 200 \d+\.\d ms', lines[0])
    assert not any("/7" in line for line in lines)


BROKEN = """
import sys; from pathlib import Path; import uvicorn
from hertz.api.app import create_app, log_config
app = create_app(Path(sys.argv[1]))
async def broken(userId: int) -> None:
    raise RuntimeError(f"what nobody may see {userId}")
app.add_api_route("/broken", broken)
uvicorn.run(app, port=0, ws="none", access_log=False, log_config=log_config())
"""


def test_an_error_is_logged_by_type_and_place_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERTZ_LOG", "text")
    log = tmp_path / "log"
    with log.open("wb") as output:
        command = [sys.executable, "-c", BROKEN, str(tmp_path)]
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        eventually(lambda: re.search(r"http://127\.0\.0\.1:\d+", log.read_text()))
        url = re.findall(r"http://127\.0\.0\.1:\d+", log.read_text())[0]
        assert code(httpx.get(f"{url}/broken?userId=7777")) == (500, "INTERNAL_SERVER_ERROR")
        assert 'route="/broken",status="500"' in httpx.get(f"{url}/metrics").text
    finally:
        process.terminate()
        process.wait(20)
    logged = log.read_text()
    assert "RuntimeError at <string>:6" in logged
    assert '"GET /broken" 500' in logged
    for hidden in ("nobody", "7777", "Traceback"):
        assert hidden not in logged


def test_bytes_that_are_not_http_are_refused_and_the_server_goes_on(
    tmp_path: Path, service_policy: Policy
) -> None:
    with guarded(tmp_path, service_policy) as client:
        address = (client.base_url.host, client.base_url.port or 0)
        with socket.create_connection(address, timeout=5) as connection:
            connection.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 400")
        assert client.get("/ready").status_code == 200

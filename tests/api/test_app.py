from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from hertz.api.app import create_app
from hertz.policy.model import Policy
from tests.api.servers import SERVE, eventually, served_app
from tests.storage.runs import publish_frames, random_frames

HEAVY = {"torch", "chromadb", "sentence_transformers", "vllm", "prefect", "transformers"}
RUN = "20261122T170000Z-0001"


def test_the_api_imports_no_model_and_no_orchestrator() -> None:
    program = "import sys, hertz.api.app; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert HEAVY.isdisjoint(done.stdout.decode().split())


def test_an_unexpected_error_is_answered_without_a_trace(tmp_path: Path) -> None:
    app = create_app(tmp_path)

    async def broken() -> None:
        message = "what nobody may see"
        raise RuntimeError(message)

    app.add_api_route("/broken", broken)
    with served_app(app) as client:
        answer = client.get("/broken")
    assert (answer.status_code, answer.json()) == (
        500,
        {"code": "INTERNAL_SERVER_ERROR", "data": None},
    )


def test_serve_answers_until_interrupted_and_logs_no_address(
    tmp_path: Path, service_policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERTZ_LOG", "text")
    publish_frames(tmp_path, service_policy, RUN, random_frames(service_policy, [1, 2]))
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(tmp_path)], stdout=output, stderr=output
        )
    try:
        eventually(lambda: re.search(r"http://127\.0\.0\.1:\d+", log.read_text(encoding="utf-8")))
        url = re.findall(r"http://127\.0\.0\.1:\d+", log.read_text(encoding="utf-8"))[0]
        assert httpx.get(f"{url}/api/v1/tuning?userId=1").status_code == 200
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
    text = log.read_text(encoding="utf-8")
    assert '"GET /api/v1/tuning" 200' in text
    assert "userId" not in text
    assert f"serving snapshot {RUN}" in text
    assert [line for line in text.splitlines() if "GET" in line and "127.0.0.1" in line] == []

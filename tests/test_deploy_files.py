"""compose.yaml and Dockerfile are valid and agree with this repository.

No container engine is needed: the files are checked, not the containers made from them.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from hertz.cli.main import app
from tests.conftest import ROOT

TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
EXAMPLE = (ROOT / "compose.env.example").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True)


def test_compose_yaml_follows_the_compose_specification() -> None:
    checked = run(
        BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"
    )
    assert checked.returncode == 0, checked.stdout


def test_the_validator_finds_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(TEXT.replace("    command:", "    comand:"), "utf-8")
    command = (BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec")
    assert run(*command, tmp_path / "compose.yaml").returncode == 1


def test_hadolint_finds_no_fault_in_the_dockerfile() -> None:
    checked = run(BIN / "hadolint", "Dockerfile")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name: str) -> None:
    first, *rest = SERVICES[name]["command"]
    if first == "python":
        assert rest[0] == "-m"
        assert importlib.util.find_spec(rest[1]), rest[1]
    elif first == "hertz":
        shown = CliRunner().invoke(app, [rest[0], "--help"])
        assert shown.exit_code == 0
        assert [word for word in rest if word[:2] == "--" and word not in shown.output] == []
    else:
        assert (BIN / first).exists()


def test_ports_are_open_on_loopback_by_default() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:4200:4200", "${BIND:-127.0.0.1}:8765:8765"]
    assert re.search(r"^BIND=127\.0\.0\.1 ", EXAMPLE, re.MULTILINE)


def test_the_worker_and_the_api_share_one_home() -> None:
    homes = {
        name: [v for v in SERVICES[name]["volumes"] if v.startswith("home:")]
        for name in ("worker", "worker-gpu", "api")
    }
    assert set(map(tuple, homes.values())) == {("home:/home/hertz/data",)}
    assert "HERTZ_HOME=/home/hertz/data" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_every_volume_is_declared_and_used() -> None:
    mounts = [v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", [])]
    assert {m for m in mounts if m.isalpha()} == set(COMPOSE["volumes"])


def test_every_variable_is_explained_and_no_secret_has_a_default() -> None:
    used = set(re.findall(r"\$\{(\w+)", TEXT))
    assert used == set(re.findall(r"^(\w+)=", EXAMPLE, re.MULTILINE))
    secrets = re.findall(r"\$\{(\w*(?:PASSWORD|KEYS))([^}]*)", TEXT)
    assert secrets
    assert {default for _, default in secrets} == {":?set it in .env"}
    assert "/.env" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()


@pytest.mark.parametrize("name", list(SERVICES))
def test_services_restart_and_have_a_health_check(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == ("on-failure" if name == "deploy" else "unless-stopped")
    assert ("healthcheck" in service) is (name != "deploy")


def test_images_are_pinned_and_name_no_registry() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    images = [SERVICES["postgres"]["image"], *re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)]
    assert len(images) > 1
    for image in images:
        assert re.fullmatch(r"[a-z]+:\d+\.\d+[\w.-]*", image), image


def test_nothing_runs_as_root_and_what_is_written_belongs_to_that_user() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    user = re.search(r"^USER (\d+)", text, re.MULTILINE)
    assert user
    assert f"--uid {user[1]} " in text
    assert f"COPY --chown={user[1]}:{user[1]}" in text
    owned = re.search(r"chown hertz:hertz (.*)", text)
    assert owned
    targets = [v.split(":")[1] for s in SERVICES.values() for v in s.get("volumes", [])]
    writable = {t for t in targets if t.startswith("/home")}
    assert writable <= set(owned[1].split())


def test_the_image_is_built_from_the_pins_for_the_processor_or_the_gpu() -> None:
    assert 'requirements/setup "$EXTRA"' in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for extra in ("cpu", "gpu"):
        assert (ROOT / f"requirements/{extra}.txt").is_file()
        worker = SERVICES["worker" if extra == "cpu" else "worker-gpu"]
        assert worker["profiles"] == [extra]
    assert SERVICES["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]


def test_what_is_private_stays_out_of_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".env", "data", ".git", ".prefect"} <= set(ignored)

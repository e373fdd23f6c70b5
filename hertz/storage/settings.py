"""Reads hertz.toml: the settings of one home and the policy, all validated before anything runs.

In: the file's path, and values of the command line and the environment. Out: `Settings`. Relative
paths in the file start at the working directory.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from hertz.core.compute import Device
from hertz.core.errors import PolicyError
from hertz.core.strict import Strict
from hertz.embedding.encoder import EmbeddingSettings
from hertz.explanations.settings import ExplanationSettings
from hertz.policy.load import describe_error, invalid, parse_policy
from hertz.policy.model import Policy


class SourceSettings(Strict):
    """Where the profiles come from: a file, or a query against HERTZ_DATABASE_URL."""

    path: str | None = Field(None, description=".parquet, .csv, .jsonl, or a folder of .parquet")
    query: str | None = Field(None, description="SQL, run against HERTZ_DATABASE_URL")
    updated_at: str | None = Field(
        None,
        description="Column with the time of a row's last change (UTC): a later one wins over a "
        "profile sent to the API",
    )


class StorageSettings(Strict):
    """Where everything is kept, and the number of snapshots that are kept."""

    home: Path = Path("data")
    keep: int = Field(3, ge=1, description="Snapshots kept for rollback, with the published one")


class MatchingSettings(Strict):
    """The device on which matching runs; the lists are the same on each."""

    device: Device = Field("auto", description="auto: the GPU, if there is one")


class ApiSettings(Strict):
    """The address of the API, its keys, and its limits."""

    host: str = "127.0.0.1"
    port: int = Field(8765, ge=0, le=65535)
    keys_file: Path | None = Field(
        None,
        description="File of API keys, one on each line. HERTZ_API_KEYS_FILE replaces it, "
        "HERTZ_API_KEYS adds to it",
    )
    requests_per_second: float = Field(
        2000, ge=0, description="Limit for each API key, or address without one; 0: no limit"
    )
    burst: int = Field(4000, ge=1, description="Requests that may come at once")
    max_body_bytes: int = Field(262_144, ge=1)
    access_log: bool = Field(True, description="A line a request: route, status, milliseconds")


class Settings(Strict):
    """All settings of a run."""

    source: SourceSettings = SourceSettings()
    storage: StorageSettings = StorageSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    matching: MatchingSettings = MatchingSettings()
    explanations: ExplanationSettings = ExplanationSettings()
    api: ApiSettings = ApiSettings()
    policy: Policy

    @property
    def home(self) -> Path:
        """The home directory."""
        return self.storage.home


def load_settings(path: Path, home: Path | None = None, source: str | None = None) -> Settings:
    """Reads and validates hertz.toml.

    `home` replaces HERTZ_HOME, which replaces the file's; the path `source` replaces `[source]`.

    Raises:
        PolicyError: If the file is missing, is not TOML, or any key or value is wrong.
    """
    raw = _read(path)
    if chosen := home or os.environ.get("HERTZ_HOME"):
        raw.setdefault("storage", {})["home"] = str(chosen)
    if source:
        raw["source"] = {"path": source}
    raw["policy"] = parse_policy(raw.get("policy", {}))
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise invalid(map(describe_error, error.errors()), str(path)) from error
    known = settings.policy.languages
    for language in settings.explanations.languages:
        if language not in known:
            message = (
                f"{path}: explanations.languages = {language!r}: accepted: {', '.join(known)}, "
                "the policy's languages"
            )
            raise PolicyError(message)
    return settings


def _read(path: Path) -> dict[str, Any]:
    """Reads a TOML file; any failure becomes a `PolicyError`."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror}); name a policy file with --policy"
        raise PolicyError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path}: not a TOML file: {error}"
        raise PolicyError(message) from error

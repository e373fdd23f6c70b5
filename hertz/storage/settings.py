"""hertz.toml: the settings of one home and the policy, validated whole before anything runs.

In: the file's path, and what the command line or the environment overrides. Out: `Settings`.
Relative paths in the file are meant from the working directory.
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
from hertz.policy.load import describe_error, parse_policy
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
    """Where everything is kept, and how many snapshots."""

    home: Path = Path("data")
    keep: int = Field(
        3, ge=1, description="Snapshots kept for rollback, the published one included"
    )


class MatchingSettings(Strict):
    """Where the matching's tiles are multiplied; the lists are the same."""

    device: Device = Field("auto", description="auto: the GPU, if there is one")


class ApiSettings(Strict):
    """Where the API listens, who may call it, and how much."""

    host: str = "127.0.0.1"
    port: int = Field(8765, ge=0, le=65535)
    keys_file: Path | None = Field(
        None, description="API keys, one a line; HERTZ_API_KEYS_FILE wins, HERTZ_API_KEYS adds"
    )
    requests_per_second: float = Field(
        2000, ge=0, description="For each key, or address without one; 0: no limit"
    )
    burst: int = Field(4000, ge=1, description="Requests that may come at once")
    max_body_bytes: int = Field(262_144, ge=1)
    access_log: bool = Field(True, description="A line a request: route, status, milliseconds")


class Settings(Strict):
    """Everything a run needs to know."""

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
    """Read and validate hertz.toml; `home` wins over HERTZ_HOME, which wins over the file.

    Raises:
        PolicyError: If the file is missing, is not TOML, or any key or value is wrong.
    """
    raw = _read(path)
    home = home or (Path(os.environ["HERTZ_HOME"]) if os.environ.get("HERTZ_HOME") else None)
    if home:
        raw.setdefault("storage", {})["home"] = str(home)
    if source:
        raw["source"] = {"path": source}
    raw["policy"] = parse_policy(raw.get("policy", {}))
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        lines = [describe_error(item) for item in error.errors()]
        message = f"{path} is not valid:\n  " + "\n  ".join(lines)
        raise PolicyError(message) from error
    return _checked(settings, path)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror}); name a policy file with --policy"
        raise PolicyError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path}: not a TOML file: {error}"
        raise PolicyError(message) from error


def _checked(settings: Settings, path: Path) -> Settings:
    known = settings.policy.languages
    for language in settings.explanations.languages:
        if language not in known:
            message = (
                f"{path}: explanations.languages = {language!r}: accepted: {', '.join(known)}, "
                "the policy's languages"
            )
            raise PolicyError(message)
    return settings

"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

if TYPE_CHECKING:
    from hertz.storage.settings import Settings

PolicyFile = Annotated[Path, Option("--policy", help="Policy and settings file.")]
Home = Annotated[
    Path | None,
    Option(
        "--home", help="Home directory. Default: HERTZ_HOME, or storage.home of the policy file."
    ),
]
Source = Annotated[
    str | None,
    Option(
        "--source",
        help="Profiles: a .parquet, .csv or .jsonl file, or a folder. Default: source.path.",
    ),
]
DEFAULT_POLICY = Path("hertz.toml")
AsJson = Annotated[bool, Option("--json", help="Print one JSON object.")]


def settings_of(policy: Path, home: Path | None, source: str | None = None) -> Settings:
    """Loads the settings that the options of a command name.

    Raises:
        PolicyError: The policy file is missing or wrong.
    """
    from hertz.storage.settings import load_settings  # late: `hertz --help` loads no policy model

    return load_settings(policy, home, source)

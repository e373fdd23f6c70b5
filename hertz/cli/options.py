"""The `hertz` application, and the options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hertz.storage.settings import Settings

app = typer.Typer(
    help="Hertz: nightly batch matching for a service whose members meet each other.\n\n"
    "It embeds new and changed profiles, scores every eligible pair in both directions, keeps each "
    "user's best mutual matches, explains them, and publishes everything in one atomic step.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
PolicyFile = Annotated[
    Path, typer.Option("--policy", help="Policy and settings file.", show_default=True)
]
Home = Annotated[
    Path | None,
    typer.Option(
        "--home", help="Home directory. Default: HERTZ_HOME, or storage.home of the policy file."
    ),
]
Source = Annotated[
    str | None,
    typer.Option(
        "--source",
        help="Profiles: a .parquet, .csv or .jsonl file, or a folder. Default: source.path.",
    ),
]
DEFAULT_POLICY = Path("hertz.toml")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def settings_of(policy: Path, home: Path | None, source: str | None = None) -> Settings:
    """Loads the settings that the options of a command name.

    Raises:
        PolicyError: The policy file is missing or wrong.
    """
    from hertz.storage.settings import load_settings  # late: `hertz --help` loads no policy model

    return load_settings(policy, home, source)

"""The `hertz` application, and the options that many of its commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Hertz: the nightly brain of a people-matching service.\n\n"
    "Embeds what is new, scores every eligible pair in both directions, keeps everyone's best "
    "mutual matches, explains them, and publishes it all in one atomic step.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
PolicyFile = Annotated[
    Path, typer.Option("--policy", help="The policy and settings file.", show_default=True)
]
Home = Annotated[
    Path | None, typer.Option("--home", help="Home directory; wins over HERTZ_HOME and the file.")
]
Source = Annotated[
    str | None, typer.Option("--source", help="Profiles: .parquet, .csv, .jsonl or a folder.")
]
DEFAULT_POLICY = Path("hertz.toml")
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]

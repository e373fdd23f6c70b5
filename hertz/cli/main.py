"""The `hertz` command: one subcommand a stage, and what a person needs around a night.

Every subcommand calls the same functions as the Prefect flows, without any server. Exit codes:
0 done, 1 it could not be done (one clear message on stderr), 2 the command line is wrong.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from hertz.cli import maintenance as upkeep
from hertz.cli import runs
from hertz.cli.options import DEFAULT_POLICY, AsJson, Home, PolicyFile, app
from hertz.core.errors import HertzError
from hertz.core.logs import configure_logging

__all__ = ["app", "main", "runs", "upkeep"]


@app.command()
def sample(
    out: Annotated[Path, typer.Option(help="Parquet file to write.")] = Path(
        "data/profiles.parquet"
    ),
    users: Annotated[int, typer.Option(min=0, max=10_000_000, help="How many users.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same file.")] = 7,
    policy: PolicyFile = DEFAULT_POLICY,
) -> None:
    """Write realistic made-up profiles in the service's schema."""
    from hertz.cli.sample.sample import make_sample
    from hertz.storage.files import write_frame
    from hertz.storage.settings import load_settings

    frame = make_sample(users, seed, load_settings(policy).policy)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_frame(frame, out)
    typer.echo(f"{len(frame)} made-up profiles in {out} (seed {seed})")


@app.command()
def serve(
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port.")] = None,
) -> None:
    """Serve the published snapshot over HTTP; follows new ones without a restart."""
    from hertz.api.app import serve as run_server
    from hertz.storage.settings import load_settings

    settings = load_settings(policy, home)
    named = {"host": host, "port": port}
    api = settings.api.model_copy(update={n: v for n, v in named.items() if v is not None})
    run_server(settings.home, api, settings.policy)


@app.command()
def loadtest(
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    url: Annotated[str | None, typer.Option(help="The server; default: [api] host, port.")] = None,
    seconds: Annotated[
        float, typer.Option(min=0, help="Also a sustained test, so long for each of the two.")
    ] = 0,
    clients: Annotated[int, typer.Option(min=1, max=256, help="Of the sustained test.")] = 8,
    against: Annotated[
        str | None, typer.Option(help="A stored run to compare with; default: the latest.")
    ] = None,
    keep_users: Annotated[bool, typer.Option(help="Do not delete the registered users.")] = False,
    as_json: AsJson = False,
) -> None:
    """Time registration and recommendation on a running server, twice; store, plot, compare.

    The API key is taken from HERTZ_API_KEY or HERTZ_API_KEYS.
    """
    from hertz.cli.loadtest.client import Plan
    from hertz.cli.loadtest.loadtest import loadtest as run_test
    from hertz.storage.settings import load_settings

    sustained = Plan(clients=clients, seconds=seconds) if seconds else None
    found, lines = run_test(load_settings(policy, home), url, sustained, against, keep_users)
    typer.echo(json.dumps(found) if as_json else "\n".join(lines))


@app.command()
def compare_models(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help='"bundled", a folder or a Hugging Face id; MODEL:dummy: random weights.',
        ),
    ],
    language: Annotated[
        list[str] | None,
        typer.Option(help="Of the reports; may be repeated. [default: the file's]"),
    ] = None,
    reports: Annotated[int, typer.Option(min=1, max=10_000, help="In each language.")] = 16,
    dummy: Annotated[
        bool, typer.Option("--dummy", help="Random weights: needs a config and a tokenizer alone.")
    ] = False,
    published: Annotated[
        bool, typer.Option("--published", help="Pairs of the published snapshot, not made-up ones.")
    ] = False,
    minutes: Annotated[
        float, typer.Option(min=0.01, help="A model that takes longer is stopped.")
    ] = 60,
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Measure language models: vLLM support, seconds, memory, share of reports that may be read."""
    from hertz.cli.compare_models.command import compare_models as compare
    from hertz.cli.compare_models.command import distinct_models
    from hertz.cli.progress import bars
    from hertz.storage.settings import load_settings

    settings, models = load_settings(policy, home), distinct_models(models, dummy)
    with bars() as progress:
        found, shown = compare(
            settings, models, language or (), reports, published, minutes, progress
        )
    typer.echo(json.dumps(found) if as_json else shown)


def main() -> None:
    """Entry point: expected failures become one message and exit code 1."""
    configure_logging()
    try:
        app()
    except HertzError as error:
        typer.echo(f"hertz: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("hertz: stopped; what was published stays published", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()

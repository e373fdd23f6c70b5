"""The `hertz` command: a subcommand for each stage, and those that look after a home.

Every subcommand calls the same functions as the Prefect flows, without any server. Exit codes:
0 done, 1 not done (the reason is one message on stderr), 2 the command line is wrong.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

from typer import Argument, Option, Typer, echo

from hertz.cli.maintenance import cleanup, doctor, forget, intake, publish, rollback, runs, status
from hertz.cli.options import DEFAULT_POLICY, AsJson, Home, PolicyFile, settings_of
from hertz.cli.stages import embed, explain, nightly, re_embed, recompute
from hertz.core.errors import HertzError
from hertz.core.logs import configure_logging

app = Typer(
    help="Hertz: nightly batch matching for a service whose members meet each other.\n\n"
    "It embeds new and changed profiles, scores every eligible pair in both directions, keeps each "
    "user's best mutual matches, explains them, and publishes everything in one atomic step.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def sample(
    out: Annotated[Path, Option(help="Parquet file to write.")] = Path("data/profiles.parquet"),
    users: Annotated[int, Option(min=0, max=10_000_000, help="Number of users.")] = 2000,
    seed: Annotated[
        int, Option(min=0, help="Seed: the same seed and number of users give the same file.")
    ] = 7,
    policy: PolicyFile = DEFAULT_POLICY,
) -> None:
    """Write realistic invented profiles in the service's schema."""
    from hertz.cli.sample.sample import make_sample
    from hertz.storage.files import write_frame

    frame = make_sample(users, seed, settings_of(policy, None).policy)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_frame(frame, out)
    echo(f"{len(frame)} invented profiles in {out} (seed {seed})")


def serve(
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    host: Annotated[str | None, Option(help="Address to listen on. Default: api.host.")] = None,
    port: Annotated[
        int | None, Option(min=0, max=65535, help="Port; 0: any free one. Default: api.port.")
    ] = None,
) -> None:
    """Serve the published snapshot over HTTP, and each newer one without a restart."""
    from hertz.api.app import serve as run_server

    settings = settings_of(policy, home)
    named = {"host": host, "port": port}
    api = settings.api.model_copy(update={n: v for n, v in named.items() if v is not None})
    run_server(settings.home, api, settings.policy)


def loadtest(
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    url: Annotated[
        str | None, Option(help="Address of the server. Default: api.host and api.port.")
    ] = None,
    seconds: Annotated[
        float,
        Option(
            min=0, help="Also send requests without a pause, this long for each of the two tests."
        ),
    ] = 0,
    clients: Annotated[
        int,
        Option(min=1, max=256, help="Requests in progress at a time when sending without a pause."),
    ] = 8,
    against: Annotated[
        str | None, Option(help="Stored load test to compare with. Default: the latest.")
    ] = None,
    keep_users: Annotated[
        bool, Option(help="Do not delete the registered users afterwards.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure a running server under load.

    It sends 30 registrations at 3 in parallel, twice, and then as many requests for lists. The
    times are stored in the home, drawn, and compared with an earlier load test. The API key is read
    from HERTZ_API_KEY or HERTZ_API_KEYS.
    """
    from hertz.cli.loadtest.client import Plan
    from hertz.cli.loadtest.loadtest import loadtest as run_test

    sustained = Plan(clients=clients, seconds=seconds) if seconds else None
    found, lines = run_test(settings_of(policy, home), url, sustained, against, keep_users)
    echo(json.dumps(found) if as_json else "\n".join(lines))


def compare_models(
    models: Annotated[
        list[str],
        Argument(
            metavar="MODEL...",
            help='"bundled", a folder or a Hugging Face id. MODEL:dummy has random weights.',
        ),
    ],
    language: Annotated[
        list[str] | None,
        Option(help="Language of the reports; can be repeated. Default: explanations.languages."),
    ] = None,
    reports: Annotated[
        int, Option(min=1, max=10_000, help="Number of reports in each language.")
    ] = 16,
    dummy: Annotated[
        bool, Option("--dummy", help="Random weights: only a config and a tokenizer are needed.")
    ] = False,
    published: Annotated[
        bool,
        Option(
            "--published", help="Explain pairs of the published snapshot instead of invented ones."
        ),
    ] = False,
    minutes: Annotated[
        float, Option(min=0.01, help="Minutes after which a model is stopped.")
    ] = 60,
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Compare language models: vLLM support, seconds, memory, share of reports that pass."""
    from hertz.cli.compare_models.command import compare_models as compare
    from hertz.cli.compare_models.command import distinct_models
    from hertz.cli.progress import progress_bars

    settings, models = settings_of(policy, home), distinct_models(models, dummy)
    with progress_bars() as progress:
        found, shown = compare(
            settings, models, language or (), reports, published, minutes, progress
        )
    echo(json.dumps(found) if as_json else shown)


# In the order of `hertz --help`: the first day, every day, single stages, measuring, maintenance.
COMMANDS = (
    *(sample, doctor, nightly, serve, status, runs, intake),
    *(embed, recompute, explain, re_embed, loadtest, compare_models),
    *(publish, rollback, forget, cleanup),
)
for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Runs the command line; an expected failure becomes one message and exit code 1."""
    configure_logging()
    try:
        app()
    except HertzError as error:
        echo(f"hertz: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        echo("hertz: stopped; what was published stays published", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()

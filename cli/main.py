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

from matching.errors import HertzError
from stages.logs import configure_logging

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


@app.command()
def nightly(
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    source: Source = None,
    incremental: Annotated[
        bool,
        typer.Option(
            "--incremental",
            help="Bring new and changed users into the lists, fast; no language model is started.",
        ),
    ] = False,
) -> None:
    """Run the whole night: profiles in, a published snapshot out."""
    from cli.progress import bars
    from cli.report import show_night
    from stages.nightly import nightly as run_night
    from stages.nightly import on_demand
    from storage.settings import load_settings

    with bars() as progress:
        run = on_demand if incremental else run_night
        snapshot = run(load_settings(policy, home, source), progress)
    show_night(snapshot)


@app.command()
def embed(policy: PolicyFile = DEFAULT_POLICY, home: Home = None, source: Source = None) -> None:
    """Encode the texts of new and changed profiles; publishes nothing."""
    from cli.progress import bars
    from stages.nightly import embed_only
    from storage.settings import load_settings

    with bars() as progress:
        run = embed_only(load_settings(policy, home, source), progress)
    figures = run.stages["prepare"] | run.stages["embed"]
    typer.echo(
        f"{figures['users']} users, {figures['quarantined']} quarantined; {figures['texts']} "
        f"distinct texts, {figures['encoded']} encoded in {figures['seconds']:.1f} s"
    )


@app.command()
def recompute(
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    source: Source = None,
    full: Annotated[
        bool, typer.Option("--full", help="Match everyone anew, however few users changed.")
    ] = False,
) -> None:
    """Match and publish; explanations are reused or come from the template voice."""
    from cli.progress import bars
    from cli.report import show_night
    from stages.nightly import recompute_only
    from storage.settings import load_settings

    with bars() as progress:
        snapshot = recompute_only(load_settings(policy, home, source), progress, full)
    show_night(snapshot)


@app.command(name="re-embed")
def re_embed(policy: PolicyFile = DEFAULT_POLICY, home: Home = None, source: Source = None) -> None:
    """Take a new embedding model into use: encode and match everyone, drop old vectors."""
    from cli.progress import bars
    from cli.report import show_night
    from stages.nightly import re_embed as run_re_embed
    from storage.settings import load_settings

    with bars() as progress:
        snapshot = run_re_embed(load_settings(policy, home, source), progress)
    show_night(snapshot)


@app.command()
def explain(policy: PolicyFile = DEFAULT_POLICY, home: Home = None) -> None:
    """Explain the published matches with the language model, and publish."""
    from cli.progress import bars
    from cli.report import show_night
    from stages.nightly import explain_only
    from storage.settings import load_settings

    with bars() as progress:
        snapshot = explain_only(load_settings(policy, home), progress)
    show_night(snapshot)


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
    from stages.sample import make_sample
    from storage.files import write_frame
    from storage.settings import load_settings

    frame = make_sample(users, seed, load_settings(policy).policy)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_frame(frame, out)
    typer.echo(f"{len(frame)} made-up profiles in {out} (seed {seed})")


@app.command()
def status(
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """What is published: snapshot, policy, counts, models, age."""
    from cli.report import held_in, show_status, status_of
    from storage.settings import load_settings
    from storage.snapshots import published_snapshot

    where = load_settings(policy, home).home
    found = status_of(published_snapshot(where)) | {"held": held_in(where)}
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        show_status(found)


@app.command()
def rollback(
    to: Annotated[str | None, typer.Option(help="Run id; the one before, if not named.")] = None,
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
) -> None:
    """Publish an older snapshot again; a running API follows within a second."""
    from storage.settings import load_settings
    from storage.snapshots import rollback as roll

    typer.echo(f"published again: {roll(load_settings(policy, home).home, to).name}")


@app.command()
def doctor(
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    source: Source = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Is everything there that a night needs? A fix for each fault; exit code 1 if there is one."""
    from cli.doctor import as_dict, examine, faults, show

    findings = examine(policy, home, source)
    typer.echo(json.dumps(as_dict(findings), ensure_ascii=False)) if as_json else show(findings)
    raise typer.Exit(int(faults(findings) > 0))


@app.command()
def publish(
    run_id: Annotated[str, typer.Argument(help="The run that the gate held.")],
    force: Annotated[
        bool, typer.Option("--force", help="You have looked at its report, and mean it.")
    ] = False,
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
) -> None:
    """Publish a run that the policy's gate held back, after a look; without --force: tell why."""
    from cli.report import held_in
    from stages.publish import publish_anyway
    from storage.settings import load_settings

    settings = load_settings(policy, home)
    held = held_in(settings.home)
    if held and held["run_id"] == run_id and not force:
        typer.echo(
            f"held: {held['reason']}\nreport: {held['report']}\nmeant? add --force", err=True
        )
        raise typer.Exit(1)
    typer.echo(f"published: {publish_anyway(settings, run_id).name}")


@app.command()
def cleanup(
    keep: Annotated[
        int | None, typer.Option(min=1, help="Newest snapshots to keep; default: [storage] keep.")
    ] = None,
    held: Annotated[bool, typer.Option("--held", help="Remove what the gate held, too.")] = False,
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Remove old snapshots, what killed runs left, and unused models' vectors."""
    from stages.cleanup import cleanup as clean
    from storage.settings import load_settings

    done, vectors = clean(load_settings(policy, home), keep, held)
    if as_json:
        typer.echo(json.dumps(done._asdict() | {"vectors": vectors}))
    else:
        typer.echo(f"removed: {', '.join(done.removed) or 'none'} ({done.freed_bytes:,} bytes)")
        typer.echo(f"kept: {', '.join(done.kept) or 'none'}")
        typer.echo(f"vectors of unused models removed: {', '.join(vectors) or 'none'}")


@app.command()
def runs(
    last: Annotated[int, typer.Option(min=1, help="So many of the last runs.")] = 14,
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False,
) -> None:
    """How the last runs ended: outcome, users, seconds, quality figures."""
    from cli.report import show_runs
    from storage.history import list_runs
    from storage.settings import load_settings

    found = list_runs(load_settings(policy, home).home, last)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        show_runs(found)


@app.command()
def intake(
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """What waits for the next run: registrations, updates, deletions, blocks."""
    from cli.intake_report import show_waiting, waiting_in
    from storage.settings import load_settings

    found = waiting_in(load_settings(policy, home).home)
    if as_json:
        typer.echo(json.dumps(found))
    else:
        show_waiting(found)


@app.command()
def forget(
    user_id: Annotated[int, typer.Argument(help="Whom to forget.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Erase nothing: search every byte; 1 if found.")
    ] = False,
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Hide a user at once, erase every trace of the user, and tell what was removed where."""
    from cli.intake_report import show_receipt, show_scan
    from stages.forget import forget as forget_user
    from stages.forget import verify as search
    from storage.settings import load_settings

    settings = load_settings(policy, home)
    if verify:
        scan = search(settings, user_id)
        found = bool(scan.findings)
        typer.echo(scan.to_json()) if as_json else show_scan(scan)
    else:
        receipt = forget_user(settings, user_id)
        found = receipt.is_incomplete
        typer.echo(receipt.to_json()) if as_json else show_receipt(receipt)
    raise typer.Exit(int(found))


@app.command()
def serve(
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port.")] = None,
) -> None:
    """Serve the published snapshot over HTTP; follows new ones without a restart."""
    from api.app import serve as run_server
    from storage.settings import load_settings

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
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Time registration and recommendation on a running server, twice; store, plot, compare.

    The API key is taken from HERTZ_API_KEY or HERTZ_API_KEYS.
    """
    from cli.load_client import Plan
    from cli.loadtest import loadtest as run_test
    from storage.settings import load_settings

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
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure language models: vLLM support, seconds, memory, share of reports that may be read."""
    from cli.compare_models import compare_models as compare
    from cli.compare_models import named
    from cli.progress import bars
    from storage.settings import load_settings

    settings, models = load_settings(policy, home), named(models, dummy)
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

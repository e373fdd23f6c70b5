"""Commands that run stages, by the same functions as the Prefect flows, without any server."""

from __future__ import annotations

from typing import Annotated

import typer

from hertz.cli.options import DEFAULT_POLICY, Home, PolicyFile, Source, app


@app.command()
def nightly(
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    source: Source = None,
    incremental: Annotated[
        bool,
        typer.Option(
            "--incremental",
            help="Only bring new and changed users into the lists; start no language model.",
        ),
    ] = False,
) -> None:
    """Run the whole night: embed, match, explain, and publish a snapshot."""
    from hertz.cli.progress import progress_bars
    from hertz.cli.report import show_night
    from hertz.stages.nightly import nightly as run_night
    from hertz.stages.nightly import on_demand
    from hertz.storage.settings import load_settings

    with progress_bars() as progress:
        run = on_demand if incremental else run_night
        snapshot = run(load_settings(policy, home, source), progress)
    show_night(snapshot)


@app.command()
def embed(policy: PolicyFile = DEFAULT_POLICY, home: Home = None, source: Source = None) -> None:
    """Encode the texts of new and changed profiles; publish nothing."""
    from hertz.cli.progress import progress_bars
    from hertz.stages.nightly import embed_only
    from hertz.storage.settings import load_settings
    from hertz.storage.snapshot.stage_results import EmbedResult, PrepareResult

    with progress_bars() as progress:
        run = embed_only(load_settings(policy, home, source), progress)
    prepared, embedded = run.result(PrepareResult), run.result(EmbedResult)
    typer.echo(
        f"{prepared.users} users, {prepared.quarantined} quarantined; {embedded.texts} "
        f"distinct texts, {embedded.encoded} encoded in {embedded.seconds:.1f} s"
    )


@app.command()
def recompute(
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    source: Source = None,
    full: Annotated[
        bool, typer.Option("--full", help="Match all users, however few have changed.")
    ] = False,
) -> None:
    """Match and publish; explanations are reused or come from the template voice."""
    from hertz.cli.progress import progress_bars
    from hertz.cli.report import show_night
    from hertz.stages.nightly import recompute_only
    from hertz.storage.settings import load_settings

    with progress_bars() as progress:
        snapshot = recompute_only(load_settings(policy, home, source), progress, full)
    show_night(snapshot)


@app.command(name="re-embed")
def re_embed(policy: PolicyFile = DEFAULT_POLICY, home: Home = None, source: Source = None) -> None:
    """Switch to another embedding model: encode and match all users, remove old vectors."""
    from hertz.cli.progress import progress_bars
    from hertz.cli.report import show_night
    from hertz.stages.nightly import re_embed as run_re_embed
    from hertz.storage.settings import load_settings

    with progress_bars() as progress:
        snapshot = run_re_embed(load_settings(policy, home, source), progress)
    show_night(snapshot)


@app.command()
def explain(policy: PolicyFile = DEFAULT_POLICY, home: Home = None) -> None:
    """Explain the published matches with the language model, and publish."""
    from hertz.cli.progress import progress_bars
    from hertz.cli.report import show_night
    from hertz.stages.nightly import explain_only
    from hertz.storage.settings import load_settings

    with progress_bars() as progress:
        snapshot = explain_only(load_settings(policy, home), progress)
    show_night(snapshot)

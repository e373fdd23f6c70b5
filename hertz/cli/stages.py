"""Commands that run stages, by the same functions as the Prefect flows, without any server."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option, echo

from hertz.cli.options import DEFAULT_POLICY, Home, PolicyFile, Source, settings_of

if TYPE_CHECKING:
    from hertz.stages.run import Progress
    from hertz.storage.settings import Settings


def nightly(
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    source: Source = None,
    incremental: Annotated[
        bool,
        Option(
            "--incremental",
            help="Only bring new and changed users into the lists; start no language model.",
        ),
    ] = False,
) -> None:
    """Run the whole night: embed, match, explain, and publish a snapshot."""
    from hertz.stages.nightly import nightly as run_night
    from hertz.stages.nightly import on_demand

    _publish(on_demand if incremental else run_night, settings_of(policy, home, source))


def embed(policy: PolicyFile = DEFAULT_POLICY, home: Home = None, source: Source = None) -> None:
    """Encode the texts of new and changed profiles; publish nothing."""
    from hertz.cli.progress import progress_bars
    from hertz.stages.nightly import embed_only
    from hertz.storage.snapshot.stage_results import EmbedResult, PrepareResult

    with progress_bars() as progress:
        run = embed_only(settings_of(policy, home, source), progress)
    prepared, embedded = run.result(PrepareResult), run.result(EmbedResult)
    echo(
        f"{prepared.users} users, {prepared.quarantined} quarantined; {embedded.texts} "
        f"distinct texts, {embedded.encoded} encoded in {embedded.seconds:.1f} s"
    )


def recompute(
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    source: Source = None,
    full: Annotated[
        bool, Option("--full", help="Match all users, however few have changed.")
    ] = False,
) -> None:
    """Match and publish; explanations are reused or come from the template voice."""
    from hertz.stages.nightly import recompute_only

    _publish(partial(recompute_only, full=full), settings_of(policy, home, source))


def re_embed(policy: PolicyFile = DEFAULT_POLICY, home: Home = None, source: Source = None) -> None:
    """Switch to another embedding model: encode and match all users, remove old vectors."""
    from hertz.stages.nightly import re_embed as run_re_embed

    _publish(run_re_embed, settings_of(policy, home, source))


def explain(policy: PolicyFile = DEFAULT_POLICY, home: Home = None) -> None:
    """Explain the published matches with the language model, and publish."""
    from hertz.stages.nightly import explain_only

    _publish(explain_only, settings_of(policy, home))


def _publish(run: Callable[[Settings, Progress], Path], settings: Settings) -> None:
    """Runs stages with progress bars, and shows the snapshot that they have published."""
    from hertz.cli.progress import progress_bars
    from hertz.cli.report import show_night

    with progress_bars() as progress:
        snapshot = run(settings, progress)
    show_night(snapshot)

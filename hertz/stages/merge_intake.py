"""Merges the intake into the validated profiles of the source.

A profile of the intake replaces the source's row, unless the source has a column with the time of
the last change (`[source] updated_at`) and that time is later than the event.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import polars as pl

from hertz.core.errors import SourceError
from hertz.policy.model import Policy
from hertz.policy.profiles import ValidatedProfiles, validate_profiles
from hertz.policy.text_frame import text_frame
from hertz.storage.erasure.snapshot import extract_ids, parse_ids, without_users
from hertz.storage.intake.events import Fold
from hertz.storage.intake.queue import Intake
from hertz.storage.settings import Settings


class MergedProfiles(NamedTuple):
    """The profiles and quarantine of a run, and the figures of the intake in `PrepareResult`."""

    checked: ValidatedProfiles
    sequence: int
    sent: int
    removed: int
    blocks: int


def merge_intake(
    settings: Settings, raw: pl.DataFrame, checked: ValidatedProfiles
) -> MergedProfiles:
    """Merges all events so far into the source's profiles, which are given raw and validated.

    Raises:
        StorageError: If the intake cannot be read.
        SourceError: If the column of the last change is missing.
    """
    policy = settings.policy
    with Intake(settings.home) as intake:
        fold = intake.fold(intake.last_sequence())
        forgotten = intake.forgotten(_named_ids(policy, checked))
    fold = _without_older(fold, _changed_at(policy, raw, settings.source.updated_at), checked)
    sent = _sent(policy, fold)
    gone = forgotten | fold.removed
    lists = policy.id_list_fields
    stays = without_users(checked.profiles, gone, lists)
    profiles = _overlaid(stays, without_users(sent.profiles, gone, lists))
    quarantined = without_users(checked.quarantine, gone, lists)
    quarantine = pl.concat([_negative(sent.quarantine, fold), quarantined])
    profiles = _with_blocks(policy, profiles, fold)
    return MergedProfiles(
        replace(checked, profiles=profiles, quarantine=quarantine),
        sequence=fold.sequence,
        sent=len(sent.profiles),
        removed=len(checked.profiles) - len(stays),
        blocks=sum(holds for _, holds in fold.blocks.values()),
    )


def _named_ids(policy: Policy, checked: ValidatedProfiles) -> set[int]:
    """Returns every id in the source: of users, in lists of ids, and in quarantined rows."""
    found = set(checked.profiles["user_id"])
    for name in policy.id_list_fields:
        found |= set(checked.profiles[name].explode().drop_nulls())
    named = checked.quarantine.filter(pl.col("field").is_in(policy.id_list_fields))["value"]
    found |= set(extract_ids(named).explode().drop_nulls())
    return found | set(parse_ids(checked.quarantine["user_id"]).drop_nulls())


def _changed_at(policy: Policy, raw: pl.DataFrame, column: str | None) -> dict[int, str]:
    """Returns the time of each user's last change (ISO, UTC); empty without such a column."""
    if column is None:
        return {}
    if column not in raw.columns:
        message = f"source.updated_at = {column!r}: no such column; found: {', '.join(raw.columns)}"
        raise SourceError(message)
    times = raw[column]
    if times.dtype == pl.String:
        times = times.str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
    times = times.cast(pl.Datetime("us"))
    ids = parse_ids(raw[policy.id_field].cast(pl.String))
    known = pl.DataFrame({"user": ids, "time": times}).drop_nulls()
    latest = pl.col("time").max().dt.to_string("%Y-%m-%dT%H:%M:%S%.6f+00:00")
    return dict(known.group_by("user").agg(latest).iter_rows())


def _without_older(fold: Fold, changed: dict[int, str], checked: ValidatedProfiles) -> Fold:
    """Returns the fold without profiles that the source has changed since."""
    present = set(checked.profiles["user_id"]) if changed else set()
    kept = [
        sent
        for sent in fold.profiles
        if sent.user_id not in present or changed.get(sent.user_id, "") <= sent.received_at
    ]
    return replace(fold, profiles=kept)


def _sent(policy: Policy, fold: Fold) -> ValidatedProfiles:
    """Validates the intake's profiles again, because the policy may have changed since."""
    empty: dict[str, Any] = dict.fromkeys([policy.id_field, *policy.columns.values()])
    rows = [{**empty, **sent.columns} for sent in fold.profiles]
    if rows:
        return validate_profiles(policy, text_frame(rows))
    # A row that is then removed gives the empty frames their columns.
    nobody = validate_profiles(policy, text_frame([{**empty, policy.id_field: 1}]))
    return replace(nobody, profiles=nobody.profiles.clear(), quarantine=nobody.quarantine.clear())


def _negative(quarantine: pl.DataFrame, fold: Fold) -> pl.DataFrame:
    """Returns the quarantine with minus the event's number as the row of each profile."""
    numbers = pl.Series([-sent.sequence for sent in fold.profiles], dtype=pl.Int64)
    numbered = quarantine.with_columns(row=numbers.gather(quarantine["row"] - 1))
    return numbered.sort("row", maintain_order=True)


def _overlaid(source: pl.DataFrame, sent: pl.DataFrame) -> pl.DataFrame:
    """Returns the source's profiles, replaced and extended by those sent to the intake."""
    if not len(sent):
        return source
    rest = source.join(sent.select("user_id"), on="user_id", how="anti")
    return pl.concat([rest, sent]).sort("user_id")


def _with_blocks(policy: Policy, profiles: pl.DataFrame, fold: Fold) -> pl.DataFrame:
    """Adds blocks to the profiles; removes users who were unblocked after the profile was sent."""
    if not fold.blocks or not policy.block_fields:
        return profiles
    sent = {profile.user_id: profile.sequence for profile in fold.profiles}
    rows = [
        (user, other, holds)
        for (user, other), (sequence, holds) in fold.blocks.items()
        if (other not in fold.removed if holds else sequence > sent.get(user, 0))
    ]
    schema = {"user_id": pl.Int64, "other": pl.Int64, "holds": pl.Boolean}
    changes = (
        pl.DataFrame(rows, schema, orient="row")
        .group_by("user_id")
        .agg(
            added=pl.col("other").filter(pl.col("holds")),
            dropped=pl.col("other").filter(~pl.col("holds")),
        )
    )
    joined = profiles.join(changes, on="user_id", how="left", maintain_order="left")
    merged = [
        pl.when(pl.col("added").is_not_null())
        .then(pl.col(name).list.set_difference("dropped").list.set_union("added").list.sort())
        .otherwise(pl.col(name))
        .alias(name)
        for name in policy.block_fields
    ]
    return joined.with_columns(merged).select(profiles.columns)

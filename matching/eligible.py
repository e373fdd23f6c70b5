"""How many others one user may meet, without arrays of everyone: for counts that change by one.

In: validated profiles. Out: the same number as `matching.scoring.eligible` over all others gives.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from matching.policy import Policy


def eligible_others(policy: Policy, category: str, profiles: pl.DataFrame, user_id: int) -> int:
    """Users whom a user may meet in a category; 0 for an unknown user."""
    row = profiles.filter(pl.col("user_id") == user_id)
    if not len(row):
        return 0
    conditions = _conditions(policy, category, row.row(0, named=True))
    held = pl.all_horizontal(pl.col("user_id") != user_id, *conditions)
    return int(profiles.select(held.fill_null(False).sum()).item())


def _conditions(policy: Policy, category: str, me: dict[str, Any]) -> list[pl.Expr]:
    rules = policy.eligibility_of(category)
    met = [pl.col(field) == pl.lit(me[field]) for field in rules.same]
    met += [pl.col(field) != pl.lit(me[field]) for field in rules.different]
    for within in rules.within:
        met.append((pl.col(within.field) - pl.lit(me[within.field])).abs() <= within.distance)
    for accepts in rules.accepts:
        if me[accepts.wish]:
            met.append(pl.col(accepts.of).is_in(me[accepts.wish]))
        theirs = pl.col(accepts.wish)
        wanted = theirs.list.contains(pl.lit(me[accepts.of], pl.String)).fill_null(False)
        met.append((theirs.list.len() == 0) | (wanted & (me[accepts.of] is not None)))
    for field in rules.blocked:
        met.append(~pl.col("user_id").is_in(pl.Series(me[field], dtype=pl.Int64).implode()))
        met.append(~pl.col(field).list.contains(me["user_id"]))
    return met

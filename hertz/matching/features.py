"""Profiles as arrays: what the scores and the eligibility rules read.

In: policy, validated profiles (ascending user id) and their unit vectors. Out: `Features`, one row
a user in the same order, so that "lower row" and "lower user id" mean the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from hertz.policy.model import Policy

LANES = 32  # the embedding's dimension is padded with zeros to a multiple of this


@dataclass(frozen=True)
class Features:
    """One row a user.

    Attributes:
        policy: The policy the arrays were made for.
        user_ids: `(n,)` int64, ascending.
        vectors: `(n, dim)` float32 unit rows, dim a multiple of LANES.
        codes: Field -> `(n,)` int32 position in `code_names[field]`; -1 where not told.
        code_names: Field -> its codes: the shown ones of the policy, or those met (sorted).
        sets: Field -> `(n, items)` bool membership.
        numbers: Field -> `(n,)` float64; NaN where not told.
        blocked: `(m, 2)` int64 pairs of rows (low, high) that must not meet, sorted, unique.
    """

    policy: Policy
    user_ids: np.ndarray
    vectors: np.ndarray
    codes: dict[str, np.ndarray]
    code_names: dict[str, tuple[str, ...]]
    sets: dict[str, np.ndarray]
    numbers: dict[str, np.ndarray]
    blocked: np.ndarray

    def __len__(self) -> int:
        return len(self.user_ids)


def build_features(policy: Policy, profiles: pl.DataFrame, vectors: np.ndarray) -> Features:
    """Arrays for every field that a term or an eligibility rule uses."""
    used = _used_fields(policy)
    names = {f: _code_names(policy, profiles, f) for f in used if _kind(policy, f) != "number"}
    of_kind = {f: _kind(policy, f) for f in used}
    return Features(
        policy=policy,
        user_ids=profiles["user_id"].to_numpy(),
        vectors=_padded(vectors),
        codes={f: _codes(profiles[f], names[f]) for f in used if of_kind[f] in ("code", "ordered")},
        code_names=names,
        sets={f: _membership(profiles[f], names[f]) for f in used if of_kind[f] == "set"},
        numbers={
            f: profiles[f].fill_null(float("nan")).to_numpy()
            for f in used
            if of_kind[f] == "number"
        },
        blocked=_blocked_pairs(policy, profiles),
    )


def _used_fields(policy: Policy) -> list[str]:
    used = {field for term in policy.terms.values() for field in term.fields}
    for category in policy.categories:
        rules = policy.eligibility_of(category)
        used |= {*rules.same, *rules.different, *(w.field for w in rules.within)}
        used |= {name for a in rules.accepts for name in (a.wish, a.of)}
    return sorted(used)


def _kind(policy: Policy, field: str) -> str:
    return policy.fields[field].kind


def _code_names(policy: Policy, profiles: pl.DataFrame, field: str) -> tuple[str, ...]:
    shown = policy.shown_codes(field)
    if shown:
        return shown
    column = profiles[field]
    met = column.explode() if _kind(policy, field) == "set" else column
    return tuple(met.drop_nulls().unique().sort())


def _codes(column: pl.Series, names: tuple[str, ...]) -> np.ndarray:
    positions = {name: i for i, name in enumerate(names)}
    return (
        column.replace_strict(positions, default=-1, return_dtype=pl.Int32).fill_null(-1).to_numpy()
    )


def _membership(column: pl.Series, names: tuple[str, ...]) -> np.ndarray:
    frame = pl.DataFrame({"item": column}).with_row_index("row").explode("item").drop_nulls("item")
    member = np.zeros((len(column), len(names)), dtype=bool)
    member[frame["row"].to_numpy(), _codes(frame["item"], names)] = True
    return member


def _padded(vectors: np.ndarray) -> np.ndarray:
    extra = -vectors.shape[1] % LANES
    return np.ascontiguousarray(np.pad(vectors, ((0, 0), (0, extra))), dtype=np.float32)


def _blocked_pairs(policy: Policy, profiles: pl.DataFrame) -> np.ndarray:
    """Pairs of rows in which either side blocks the other; ids of nobody here are passed over."""
    fields = {n for c in policy.categories for n in policy.eligibility_of(c).blocked}
    rows = (
        profiles.select("user_id").with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    )
    pairs = [np.zeros((0, 2), dtype=np.int64)]
    for field in sorted(fields):
        named = profiles.select(pl.col(field).alias("other")).with_row_index("row").explode("other")
        met = named.join(rows.rename({"row": "other_row"}), left_on="other", right_on="user_id")
        pairs.append(met.select(pl.col("row").cast(pl.Int64), "other_row").to_numpy())
    return np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)

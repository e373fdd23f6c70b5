"""Converts profiles into the arrays that scores and eligibility rules read.

Rows are in the order of user ids, so that "lower row" and "lower user id" mean the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from hertz.policy.model import Policy

LANES = 32  # the embedding's dimension is padded with zeros to a multiple of this


@dataclass(frozen=True)
class Features:
    """Arrays over n users, one row each.

    Attributes:
        policy: Policy for which the arrays were made.
        user_ids: `(n,)` int64 user ids, ascending.
        vectors: `(n, dim)` float32 unit vectors, dim a multiple of LANES.
        codes: For each field of codes, `(n,)` int32 positions in `code_names[field]`; -1 where the
            value is missing.
        code_names: For each field of codes or sets, its codes: those that the policy shows, or,
            without a vocabulary, the sorted codes of the profiles.
        sets: For each field of sets, `(n, items)` bool membership.
        numbers: For each field of numbers, `(n,)` float64; NaN where the value is missing.
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
    """Returns the arrays of every field that a term or an eligibility rule uses.

    The validated profiles are by ascending `user_id`, the unit vectors, `(n, dim)`, in that order.
    """
    kinds = {field: policy.fields[field].kind for field in _used_fields(policy)}
    names = {f: _code_names(policy, profiles, f) for f, kind in kinds.items() if kind != "number"}
    codes = [field for field, kind in kinds.items() if kind in ("code", "ordered")]
    sets = [field for field, kind in kinds.items() if kind == "set"]
    numbers = [field for field, kind in kinds.items() if kind == "number"]
    padded = np.pad(vectors, ((0, 0), (0, -vectors.shape[1] % LANES)))
    return Features(
        policy=policy,
        user_ids=profiles["user_id"].to_numpy(),
        vectors=np.ascontiguousarray(padded, dtype=np.float32),
        codes={field: _codes(profiles[field], names[field]) for field in codes},
        code_names=names,
        sets={field: _membership(profiles[field], names[field]) for field in sets},
        numbers={f: profiles[f].fill_null(float("nan")).to_numpy() for f in numbers},
        blocked=_blocked_pairs(policy, profiles),
    )


def _used_fields(policy: Policy) -> list[str]:
    """Returns the sorted names of the fields that a term or an eligibility rule reads."""
    used = {field for term in policy.terms.values() for field in term.fields}
    for category in policy.categories:
        rules = policy.eligibility_of(category)
        used |= {*rules.same, *rules.different, *(w.field for w in rules.within)}
        used |= {name for a in rules.accepts for name in (a.wish, a.of)}
    return sorted(used)


def _code_names(policy: Policy, profiles: pl.DataFrame, field: str) -> tuple[str, ...]:
    """Returns a field's codes: those that the policy shows, or the sorted ones of the profiles."""
    column = profiles[field]
    codes = column.explode() if policy.fields[field].kind == "set" else column
    return policy.shown_codes(field) or tuple(codes.drop_nulls().unique().sort())


def _codes(column: pl.Series, names: tuple[str, ...]) -> np.ndarray:
    """Returns the position of each value in `names`, -1 for null and for other values: int32."""
    positions = {name: i for i, name in enumerate(names)}
    return (
        column.replace_strict(positions, default=-1, return_dtype=pl.Int32).fill_null(-1).to_numpy()
    )


def _membership(column: pl.Series, names: tuple[str, ...]) -> np.ndarray:
    """Returns which of `names` each list of codes has: `(n, names)` bool."""
    frame = pl.DataFrame({"item": column}).with_row_index("row").explode("item").drop_nulls("item")
    member = np.zeros((len(column), len(names)), dtype=bool)
    member[frame["row"].to_numpy(), _codes(frame["item"], names)] = True
    return member


def _blocked_pairs(policy: Policy, profiles: pl.DataFrame) -> np.ndarray:
    """Returns the pairs of rows of which one blocks the other; unknown ids are passed over."""
    fields = {n for c in policy.categories for n in policy.eligibility_of(c).blocked}
    rows = profiles.select("user_id").with_row_index("other_row")
    pairs = [np.zeros((0, 2), dtype=np.int64)]
    for field in sorted(fields):
        named = profiles.select(pl.col(field).alias("other")).with_row_index("row").explode("other")
        both = named.join(rows, left_on="other", right_on="user_id")
        pairs.append(both.select(pl.col("row", "other_row").cast(pl.Int64)).to_numpy())
    return np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)

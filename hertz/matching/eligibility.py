"""Decides which pairs of users may meet in a category, for many pairs at once.

A pair may meet only if the rules hold in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hertz.matching.features import Features
from hertz.matching.kernels import pairs as kernels


@dataclass(frozen=True)
class EligibilityRules:
    """Eligibility rules of a category as arrays over n rows.

    Attributes:
        same: `(n, fields)` int32 codes that must be present and equal.
        different: `(n, fields)` int32 codes that must be present and different.
        numbers: `(n, fields)` float64 numbers that may lie `distances` apart at most.
        distances: `(fields,)` float64 largest distance in each field of `numbers`.
        code_columns: `(n, rules)` int64 column of `accepted` that stands for the row's code in the
            field that each `accepts` rule looks at.
        accepted: `(n, columns)` bool: whether the row accepts someone with the column's code.
        blocked: `(m,)` int64 blocked rows; those of row i, ascending, from `blocked_starts[i]` to
            `blocked_starts[i + 1]`.
        blocked_starts: `(n + 1,)` int64 first entry of each row in `blocked`.
    """

    same: np.ndarray
    different: np.ndarray
    numbers: np.ndarray
    distances: np.ndarray
    code_columns: np.ndarray
    accepted: np.ndarray
    blocked: np.ndarray
    blocked_starts: np.ndarray

    def may_meet(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Returns `(m,)` bool: whether the rows `a`, `b`, `(m,)` int64 each, may meet."""
        return kernels.may_meet(
            self.same, self.different, self.numbers, self.distances, self.code_columns,
            self.accepted, self.blocked, self.blocked_starts, a, b,
        )  # fmt: skip


def eligibility_rules(features: Features, category: str) -> EligibilityRules:
    """Returns a category's rules over all rows of the features."""
    rules = features.policy.eligibility_of(category)
    n = len(features)
    code_columns: list[np.ndarray] = []
    accepted: list[np.ndarray] = []
    for rule in rules.accepts:
        may = _accepted_codes(features, rule.wish, rule.of)
        codes = features.codes[rule.of].astype(np.int64)
        code_columns.append(len(accepted) + np.where(codes < 0, may.shape[1] - 1, codes))
        accepted += list(may.T)
    blocked = features.blocked if rules.blocked else features.blocked[:0]
    pairs = np.concatenate([blocked, blocked[:, ::-1]])
    pairs = pairs[np.lexsort(pairs.T[::-1])]
    return EligibilityRules(
        same=_table([features.codes[f] for f in rules.same], n, np.int32),
        different=_table([features.codes[f] for f in rules.different], n, np.int32),
        numbers=_table([features.numbers[w.field] for w in rules.within], n, np.float64),
        distances=np.array([w.distance for w in rules.within], dtype=np.float64),
        code_columns=_table(code_columns, n, np.int64),
        accepted=_table(accepted, n, np.bool_),
        blocked=np.ascontiguousarray(pairs[:, 1]),
        blocked_starts=np.r_[0, np.cumsum(np.bincount(pairs[:, 0], minlength=n))].astype(np.int64),
    )


def count_pairs_with(features: Features, category: str, rows: np.ndarray) -> int:
    """Counts the unordered pairs that may meet and have a user of `rows`, distinct int64 rows."""
    rules = eligibility_rules(features, category)
    uncounted = np.ones(len(features), dtype=bool)
    pairs = 0
    for row in rows:
        uncounted[row] = False
        others = np.flatnonzero(uncounted)
        pairs += int(rules.may_meet(np.full(len(others), row), others).sum())
    return pairs


def _accepted_codes(features: Features, wish: str, of: str) -> np.ndarray:
    """Returns whether each user accepts each code of `of`, and in the last column a missing one."""
    wishes = features.sets[wish]
    names = features.code_names[of]
    positions = {name: i for i, name in enumerate(features.code_names[wish])}
    accepted = np.zeros((len(wishes), len(names) + 1), dtype=bool)
    for column, name in enumerate(names):
        if name in positions:
            accepted[:, column] = wishes[:, positions[name]]
    accepted[~wishes.any(axis=1)] = True  # who has no wishes accepts everyone
    return accepted


def _table(columns: list[np.ndarray], rows: int, dtype: type) -> np.ndarray:
    """Returns columns, `(rows,)` each, as a C-contiguous table, `(rows, columns)`."""
    if not columns:
        return np.zeros((rows, 0), dtype=dtype)
    return np.ascontiguousarray(np.stack(columns, axis=1), dtype=dtype)

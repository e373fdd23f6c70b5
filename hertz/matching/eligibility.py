"""Decides which pairs of users may meet in a category, for many pairs at once.

In: features, a category and pairs of rows. Out: a boolean a pair. A pair may meet only if the rules
hold in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hertz.matching.features import Features
from hertz.matching.kernels import pairs as kernels


@dataclass(frozen=True)
class EligibilityRules:
    """Who may meet, over n rows.

    Attributes:
        same: `(n, fields)` int32 codes that must be told and equal.
        different: `(n, fields)` int32 codes that must be told and differ.
        numbers: `(n, fields)` float64 that may lie `distances` apart at most.
        distances: `(fields,)` float64.
        code_columns: `(n, rules)` int64 column of `accepted` that stands for the row's code, for
            each `accepts` rule.
        accepted: `(n, columns)` bool: whether a row would meet someone of that code.
        blocked: `(m,)` int64 blocked rows; those of row i, ascending, from `blocked_starts[i]` to
            `blocked_starts[i + 1]`.
        blocked_starts: `(n + 1,)` int64.
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
        """`(m,)` bool for the rows `a`, `b`: `(m,)` int64 each."""
        return kernels.may_meet(
            self.same,
            self.different,
            self.numbers,
            self.distances,
            self.code_columns,
            self.accepted,
            self.blocked,
            self.blocked_starts,
            a,
            b,
        )


def eligibility_rules(features: Features, category: str) -> EligibilityRules:
    """The category's rules over all rows of the features."""
    rules, n = features.policy.eligibility_of(category), len(features)
    told, accepted, first = [], [], 0
    for rule in rules.accepts:
        may = _accepted(features, rule.wish, rule.of)
        codes = features.codes[rule.of].astype(np.int64)
        told.append(first + np.where(codes < 0, may.shape[1] - 1, codes))
        accepted += list(may.T)
        first += may.shape[1]
    pairs = features.blocked if rules.blocked else features.blocked[:0]
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return EligibilityRules(
        same=_table([features.codes[f] for f in rules.same], n, np.int32),
        different=_table([features.codes[f] for f in rules.different], n, np.int32),
        numbers=_table([features.numbers[w.field] for w in rules.within], n, np.float64),
        distances=np.array([w.distance for w in rules.within], dtype=np.float64),
        code_columns=_table(told, n, np.int64),
        accepted=_table(accepted, n, np.bool_),
        blocked=np.ascontiguousarray(pairs[:, 1]),
        blocked_starts=np.r_[0, np.cumsum(np.bincount(pairs[:, 0], minlength=n))].astype(np.int64),
    )


def count_pairs_with(features: Features, category: str, rows: np.ndarray) -> int:
    """Unordered pairs that may meet in a category and have at least one of `rows`, `(m,)` int64."""
    rules, others = eligibility_rules(features, category), np.ones(len(features), dtype=bool)
    pairs = 0
    for row in rows:
        others[row] = False
        rest = np.flatnonzero(others)
        pairs += int(rules.may_meet(np.full(len(rest), row), rest).sum())
    return pairs


def _accepted(features: Features, wish: str, of: str) -> np.ndarray:
    """`(n, codes + 1)` bool: may a user meet someone of that code (last: not told)?"""
    wishes, names = features.sets[wish], features.code_names
    positions = {name: i for i, name in enumerate(names[wish])}
    accepted = np.zeros((len(wishes), len(names[of]) + 1), dtype=bool)
    for column, name in enumerate(names[of]):
        if name in positions:
            accepted[:, column] = wishes[:, positions[name]]
    accepted[~wishes.any(axis=1)] = True
    return accepted


def _table(columns: list[np.ndarray], rows: int, dtype: type) -> np.ndarray:
    if not columns:
        return np.zeros((rows, 0), dtype=dtype)
    return np.ascontiguousarray(np.stack(columns, axis=1), dtype=dtype)

"""Who can meet whom at all, before any pair is looked at.

In: features, and a category's rules. Out: eligibility blocks (only users with the same `same`
fields meet), and within a block the classes of users whom the rules treat alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hertz.matching.eligibility import EligibilityRules
from hertz.matching.features import Features

MOST_CLASSES = 4096  # with more, which of them meet is not kept: one class, which meets itself


def blocks(features: Features, same: tuple[str, ...]) -> list[np.ndarray]:
    """Rows that share told values of the `same` fields: ascending arrays of two rows or more."""
    everyone = np.arange(len(features), dtype=np.int64)
    if not same:
        return [everyone] if len(everyone) > 1 else []
    keys = np.stack([features.codes[field] for field in same], axis=1)
    told = everyone[(keys >= 0).all(axis=1)]
    rows = told[np.lexsort(keys[told].T[::-1])]
    cuts = np.flatnonzero((keys[rows[1:]] != keys[rows[:-1]]).any(axis=1)) + 1
    return [block for block in np.split(rows, cuts) if len(block) > 1]


@dataclass(frozen=True)
class Classes:
    """Classes of a block's rows.

    Attributes:
        of: `(n,)` int64 class of each row.
        meet: `(classes, classes)` bool: whether two of them may meet.
        pairs: Unordered pairs of the block that may meet.
    """

    of: np.ndarray
    meet: np.ndarray
    pairs: int


def classify(rules: EligibilityRules, rows: np.ndarray) -> Classes:
    """Classes of the rows of a block, `(n,)` int64; the rules are those of all rows."""
    anyone = replace(rules, blocked_starts=np.zeros_like(rules.blocked_starts))
    first, of, sizes = _distinct(rules, rows)
    pairs = -int(anyone.may_meet(*_blocked_pairs(rules, rows)).sum())
    meet = np.zeros((len(first), len(first)) if len(first) <= MOST_CLASSES else (0, 0), dtype=bool)
    # Two rows of a class are told apart by naming each class twice.
    twice = _taken(anyone, np.r_[rows[first], rows[first]])
    others = np.arange(len(first)) + len(first)
    for one, size in enumerate(sizes):
        met = twice.may_meet(np.full(one + 1, one), others[: one + 1])
        pairs += int(size * sizes[: one + 1][met].sum()) - met[one] * size * (size + 1) // 2
        if len(meet):
            meet[one, : one + 1] = meet[: one + 1, one] = met
    if not len(meet):
        return Classes(np.zeros(len(rows), dtype=np.int64), np.ones((1, 1), dtype=bool), int(pairs))
    return Classes(of, meet, int(pairs))


def _distinct(
    rules: EligibilityRules, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First row of each class, class of each row, size of each class; blocked pairs left out."""
    seen = [rules.different, rules.numbers, rules.code_columns, rules.accepted]
    bytes_of = [table[rows].view(np.uint8) for table in seen if table.shape[1]]
    if not bytes_of:
        n = len(rows)
        return np.zeros(1, np.int64), np.zeros(n, np.int64), np.array([n], np.int64)
    table = np.ascontiguousarray(np.concatenate(bytes_of, axis=1))
    whole = table.view(f"V{table.shape[1]}").ravel()
    first, of, sizes = np.unique(whole, return_index=True, return_inverse=True, return_counts=True)[
        1:
    ]
    return first, of, sizes


def _blocked_pairs(rules: EligibilityRules, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Blocked pairs within the block, each once."""
    inside = np.zeros(len(rules.same), dtype=bool)
    inside[rows] = True
    a = np.repeat(np.arange(len(rules.same)), np.diff(rules.blocked_starts))
    keep = (a < rules.blocked) & inside[a] & inside[rules.blocked]
    return a[keep], rules.blocked[keep]


def _taken(rules: EligibilityRules, rows: np.ndarray) -> EligibilityRules:
    """The rules over some of the rows, blocked pairs left out."""
    return replace(
        rules,
        same=rules.same[rows],
        different=rules.different[rows],
        numbers=rules.numbers[rows],
        code_columns=rules.code_columns[rows],
        accepted=rules.accepted[rows],
        blocked_starts=np.zeros(len(rows) + 1, dtype=np.int64),
    )

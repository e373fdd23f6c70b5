"""Groups users by the eligibility rules before any pair is looked at.

Only users of one eligibility block may meet; the rules treat users of one class alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hertz.matching.eligibility import EligibilityRules
from hertz.matching.features import Features

MAX_CLASSES = 4096  # a block with more is one class, whose members may meet each other


def eligibility_blocks(features: Features, same: tuple[str, ...]) -> list[np.ndarray]:
    """Returns the groups of two or more ascending rows that share values of the `same` fields."""
    everyone = np.arange(len(features), dtype=np.int64)
    if not same:
        return [everyone] if len(everyone) > 1 else []
    keys = np.stack([features.codes[field] for field in same], axis=1)
    complete = everyone[(keys >= 0).all(axis=1)]
    rows = complete[np.lexsort(keys[complete].T[::-1])]
    block_starts = np.flatnonzero((keys[rows[1:]] != keys[rows[:-1]]).any(axis=1)) + 1
    return [block for block in np.split(rows, block_starts) if len(block) > 1]


@dataclass(frozen=True)
class EligibilityClasses:
    """Classes of a block's n rows that the rules, blocked pairs aside, treat alike.

    Attributes:
        class_of_row: `(n,)` int64 class of each row.
        may_meet: `(classes, classes)` bool: whether members of two classes may meet.
        eligible_pairs: Number of unordered pairs that may meet, without blocked pairs.
    """

    class_of_row: np.ndarray
    may_meet: np.ndarray
    eligible_pairs: int


def classify(rules: EligibilityRules, rows: np.ndarray) -> EligibilityClasses:
    """Returns the classes of a block's rows, `(n,)` int64, and how many of its pairs may meet."""
    unblocked = replace(rules, blocked_starts=np.zeros_like(rules.blocked_starts))
    _, first, class_of_row, sizes = np.unique(
        _rule_bytes(rules, rows), return_index=True, return_inverse=True, return_counts=True
    )
    count = len(first)
    pairs = -int(unblocked.may_meet(*_blocked_pairs(rules, rows)).sum())
    keep_table = count <= MAX_CLASSES
    may_meet = np.zeros((count, count) if keep_table else (0, 0), dtype=bool)
    # Nobody may meet oneself, so a class meets itself through a second copy of its first row.
    copies = _select_rows(rules, np.tile(rows[first], 2))
    second_copies = np.arange(count) + count
    for one, size in enumerate(sizes):
        met = copies.may_meet(np.full(one + 1, one), second_copies[: one + 1])
        pairs += int(size * sizes[: one + 1][met].sum()) - met[one] * size * (size + 1) // 2
        if keep_table:
            may_meet[one, : one + 1] = met
            may_meet[: one + 1, one] = met
    if not keep_table:
        class_of_row = np.zeros(len(rows), dtype=np.int64)
        may_meet = np.ones((1, 1), dtype=bool)
    return EligibilityClasses(class_of_row, may_meet, int(pairs))


def _rule_bytes(rules: EligibilityRules, rows: np.ndarray) -> np.ndarray:
    """Returns the bytes of all that the rules, blocked pairs aside, read of each row: `(n,)`."""
    tables = [rules.different, rules.numbers, rules.code_columns, rules.accepted]
    columns = [table[rows].view(np.uint8) for table in tables if table.shape[1]]
    padding = np.zeros((len(rows), 1), dtype=np.uint8)  # there may be no columns at all
    table = np.ascontiguousarray(np.concatenate([padding, *columns], axis=1))
    return table.view(f"V{table.shape[1]}").ravel()


def _blocked_pairs(rules: EligibilityRules, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows of the blocked pairs within a block, each pair once."""
    inside = np.zeros(len(rules.same), dtype=bool)
    inside[rows] = True
    a = np.repeat(np.arange(len(rules.same)), np.diff(rules.blocked_starts))
    keep = (a < rules.blocked) & inside[a] & inside[rules.blocked]
    return a[keep], rules.blocked[keep]


def _select_rows(rules: EligibilityRules, rows: np.ndarray) -> EligibilityRules:
    """Returns the rules over some rows, which may repeat, without blocked pairs."""
    return replace(
        rules,
        same=rules.same[rows],
        different=rules.different[rows],
        numbers=rules.numbers[rows],
        code_columns=rules.code_columns[rows],
        accepted=rules.accepted[rows],
        blocked_starts=np.zeros(len(rows) + 1, dtype=np.int64),
    )

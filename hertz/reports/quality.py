"""Quality figures of a run: coverage, reciprocity, exposure, scores, and changes between two runs.

They are computed from the frames of a snapshot and of the one it is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import polars as pl

from hertz.policy.model import Policy
from hertz.reports.figures import (
    BlockFigures,
    CategoryChange,
    CategoryFigures,
    Changes,
    ExposedUser,
    Histogram,
    ListFigures,
    Measured,
    QuarantineFigures,
    QuarantineReason,
    ScoreFigures,
)

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
MOST_EXPOSED = 10
BINS = 50  # of the score's histogram, from 0 to the best score a category can give
BLOCKS_SHOWN = 12
SMALLEST_BLOCK = 10  # smaller ones share one line: a block of one is a person
WIDEST_TABLE = 20_000_000  # ids; a table of them is 20 times faster than a search in them

_Exposed = tuple[ExposedUser, ...]
_Lists = TypeVar("_Lists", bound=ListFigures)
_Measured = TypeVar("_Measured", bound=Measured)


def measure(
    policy: Policy, users: pl.DataFrame, matches: pl.DataFrame, quarantine: pl.DataFrame
) -> Measured:
    """Returns the figures of one run's frames.

    Args:
        policy: The policy.
        users: Columns `user_id` (unique) and the fields that define the eligibility blocks.
        matches: Columns `category`, `user_id`, `other_id`, `mutual`; one row a list entry.
        quarantine: Columns `row`, `field`, `reason`.
    """
    ids = np.sort(users["user_id"].to_numpy())
    categories = {}
    parts = []
    for name, rule in policy.categories.items():
        part = matches.filter(category=name)
        parts.append(_count_entries(ids, part))
        categories[name] = CategoryFigures(
            **dict(_list_figures(ids, parts[-1])),
            scores=scores(part["mutual"], sum(rule.weights.values())),
            blocks=blocks(users, policy.eligibility_of(name).same, part["user_id"]),
        )
    return Measured(
        overall=_list_figures(ids, _sum_of(parts)),
        categories=categories,
        quarantine=quarantine_figures(quarantine, users.height),
    )


def compare(
    users: pl.DataFrame,
    matches: pl.DataFrame,
    last_users: pl.DataFrame,
    last_matches: pl.DataFrame,
    categories: Collection[str],
) -> Changes:
    """Returns what changed since another run: users lost and new, list churn, shift of the scores.

    A user's churn is the share of the longer list's entries that the other list lacks; its mean is
    over the users of both runs who have a list in either. Users have the column `user_id`, matches
    the columns `category`, `user_id`, `other_id` and `mutual`.
    """
    before, after = (np.sort(frame["user_id"].to_numpy()) for frame in (last_users, users))
    everyone = np.union1d(before, after)
    stayed = np.intersect1d(before, after)
    by_category = {}
    all_changed = []
    for name in categories:
        now, then = matches.filter(category=name), last_matches.filter(category=name)
        changed = churn(now, then, stayed, everyone)
        all_changed.append(changed)
        by_category[name] = CategoryChange(
            churn=_share(float(changed.sum()), len(changed)),
            score_shift=score_shift(now["mutual"], then["mutual"]),
        )
    whole = np.concatenate(all_changed)
    return Changes(
        users=len(before),
        users_lost=len(before) - len(stayed),
        users_new=len(after) - len(stayed),
        lost_share=_share(len(before) - len(stayed), len(before)),
        churn=_share(float(whole.sum()), len(whole)),
        categories=by_category,
    )


def churn(
    now: pl.DataFrame, then: pl.DataFrame, users: np.ndarray, everyone: np.ndarray
) -> np.ndarray:
    """Returns 1 - |common| / |longer list| of each user with a list in either run, float64.

    Only `users` are looked at, in the order of `everyone`: all ids that either frame contains,
    ascending. The frames have the columns `user_id` and `other_id` of one category.
    """
    n = len(everyone)
    pairs = [one * n + other for one, other in (_rows(everyone, now), _rows(everyone, then))]
    longer = np.maximum(*(np.bincount(keys // n, minlength=n) for keys in pairs))
    common = np.bincount(_repeated(np.concatenate(pairs)) // n, minlength=n)
    looked = np.isin(everyone, users) & (longer > 0)
    return 1 - common[looked] / longer[looked]


def score_shift(now: pl.Series, then: pl.Series) -> float | None:
    """Returns the mean distance between the 1st to 99th percentiles of two sets of scores.

    This is the Wasserstein-1 distance of the two distributions, by percentiles.
    """
    if not (len(now) and len(then)):
        return None
    shares = np.arange(1, 100) / 100
    one, other = (np.quantile(s.to_numpy().astype(np.float64), shares) for s in (now, then))
    return _rounded(float(np.abs(one - other).mean()))


def scores(mutual: pl.Series, best: float) -> ScoreFigures | None:
    """Returns mean, quantiles and histogram of mutual scores; None without any score.

    A bin is a fiftieth of the best possible score wide, the sum of the category's weights.
    """
    if not len(mutual):
        return None
    values = mutual.to_numpy().astype(np.float64)
    width = best / BINS
    places = np.floor(values / width).astype(np.int64)
    first = int(places.min())
    quantiles = np.quantile(values, QUANTILES)
    return ScoreFigures(
        mean=_rounded(float(values.mean())),
        quantiles=tuple((q, _rounded(float(v))) for q, v in zip(QUANTILES, quantiles, strict=True)),
        histogram=Histogram(
            start=_rounded(first * width),
            width=_rounded(width),
            counts=np.bincount(places - first).tolist(),
        ),
    )


def gini(counts: np.ndarray) -> float | None:
    """Returns the Gini coefficient of counts `(n,)`: 0 if all are equal, near 1 if one has all.

    G = 2 sum(i x_i) / (n sum(x_i)) - (n + 1) / n, with x ascending and i from 1: half the relative
    mean absolute difference (Gini 1912; in this form Damgaard and Weiner, Ecology 81, 2000).
    """
    x = np.sort(counts.astype(np.float64))
    total, n = float(x.sum()), len(x)
    if not total:
        return None
    return _rounded(2 * float(np.arange(1, n + 1) @ x) / (n * total) - (n + 1) / n)


def lorenz(counts: np.ndarray) -> tuple[float, ...]:
    """Returns the share of entries that the least listed 0, 5, ... 100 % of users have, or ()."""
    x = np.sort(counts.astype(np.float64))
    if not x.sum():
        return ()
    shares = np.r_[0.0, np.cumsum(x) / x.sum()]
    at = np.linspace(0, len(x), 21)
    return tuple(_rounded(float(v)) for v in np.interp(at, np.arange(len(x) + 1), shares))


def blocks(
    users: pl.DataFrame, same: tuple[str, ...], covered: pl.Series
) -> tuple[BlockFigures, ...]:
    """Returns users and coverage by eligibility block, largest first; empty without any block.

    Users of a block agree in the fields of `same`. Blocks of fewer than ten users, and those past
    the twelfth, share one line: its `block` is None. `covered` are the ids of users with a match.
    """
    if not same:
        return ()
    named = [f"{name} = " + pl.col(name).cast(pl.String).fill_null("?") for name in same]
    has = pl.col("user_id").is_in(covered.unique().implode())
    found = (
        users.lazy()
        .group_by(block=pl.concat_str(named, separator=", "))
        .agg(users=pl.len(), covered=has.sum())
        .sort("users", "block", descending=[True, False])
        .collect()
    )
    shown = found.filter(pl.col("users") >= SMALLEST_BLOCK).head(BLOCKS_SHOWN)
    lines = [_block(1, *row) for row in shown.iter_rows()]
    rest = found.tail(found.height - shown.height)
    if rest.height:
        number, covered_users = rest.select("users", "covered").sum().row(0)
        lines.append(_block(rest.height, None, number, covered_users))
    return tuple(lines)


def quarantine_figures(quarantine: pl.DataFrame, users: int) -> QuarantineFigures:
    """Returns the number of rows in quarantine and their most common reasons, without any value.

    Args:
        quarantine: Columns `row`, `field`, `reason`.
        users: Number of accepted rows.
    """
    reason = (  # without the parts that differ from row to row
        pl.col("reason")
        .str.replace(r" \(is it [^)]*\?\)", "")
        .str.replace(r"^row \d+ ", "another row ")
        .str.slice(0, 120)
    )
    found = (
        quarantine.lazy()
        .group_by("field", reason=reason)
        .agg(rows=pl.col("row").n_unique())
        .sort("rows", "field", "reason", descending=[True, False, False])
        .head(15)
        .collect()
    )
    rows = quarantine["row"].n_unique()
    return QuarantineFigures(
        rows=rows,
        share=_share(rows, rows + users),
        reasons=tuple(QuarantineReason(**line) for line in found.iter_rows(named=True)),
    )


def without_ids(quality: _Measured) -> _Measured:
    """Returns the figures without any user's id, for what is kept longer than the snapshot."""
    return _with_exposed(quality, lambda exposed: None)


def without_exposed(quality: _Measured, users: Collection[int]) -> _Measured:
    """Returns the figures without some users among the most exposed; all else is unchanged."""
    return _with_exposed(
        quality, lambda exposed: tuple(line for line in exposed if line.user_id not in users)
    )


def _with_exposed(quality: _Measured, change: Callable[[_Exposed], _Exposed | None]) -> _Measured:
    """Returns the figures with another list of the most exposed users everywhere."""

    def changed(part: _Lists) -> _Lists:
        return part.model_copy(update={"most_exposed": change(part.most_exposed or ())})

    categories = {name: changed(part) for name, part in quality.categories.items()}
    return quality.model_copy(
        update={"overall": changed(quality.overall), "categories": categories}
    )


class _Entries(NamedTuple):
    """List entries of a category by user; the sum of several is that of all of them.

    Attributes:
        listed: `(users,)` number of lists that each user is on.
        owned: `(users,)` number of entries on each user's own list.
        returned: Number of entries whose other user lists the owner too.
    """

    listed: np.ndarray
    owned: np.ndarray
    returned: int


def _count_entries(ids: np.ndarray, matches: pl.DataFrame) -> _Entries:
    """Counts the entries of one category's lists; `ids` are all user ids, ascending."""
    one, other = _rows(ids, matches)
    n = len(ids)
    pairs = np.minimum(one, other) * n + np.maximum(one, other)
    listed, owned = (np.bincount(rows, minlength=n) for rows in (other, one))
    return _Entries(listed, owned, 2 * len(_repeated(pairs)))


def _sum_of(parts: Sequence[_Entries]) -> _Entries:
    """Returns the entries of several categories together."""
    listed = np.sum([part.listed for part in parts], axis=0)
    owned = np.sum([part.owned for part in parts], axis=0)
    return _Entries(listed, owned, sum(part.returned for part in parts))


def _rows(ids: np.ndarray, matches: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Returns the positions in `ids` (ascending, complete) of each entry's owner and other user."""
    named = [matches[name].to_numpy() for name in ("user_id", "other_id")]
    if int(ids[-1]) - int(ids[0]) < WIDEST_TABLE:
        table = np.zeros(ids[-1] - ids[0] + 1, dtype=np.int64)
        table[ids - ids[0]] = np.arange(len(ids))
        return table[named[0] - ids[0]], table[named[1] - ids[0]]
    return np.searchsorted(ids, named[0]), np.searchsorted(ids, named[1])


def _repeated(keys: np.ndarray) -> np.ndarray:
    """Returns the keys that occur twice; none occurs more often."""
    ordered = np.sort(keys)
    return ordered[1:][ordered[1:] == ordered[:-1]]


def _list_figures(ids: np.ndarray, entries: _Entries) -> ListFigures:
    """Returns coverage, reciprocity and exposure of one category, or of all of them together."""
    covered = int((entries.owned > 0).sum())
    places = int(entries.owned.sum())
    top = np.lexsort((ids, -entries.listed))[:MOST_EXPOSED]
    return ListFigures(
        users=len(ids),
        covered=covered,
        coverage=_share(covered, len(ids)),
        places=places,
        reciprocity=_share(entries.returned, places),
        gini=gini(entries.listed),
        lorenz=lorenz(entries.listed),
        on_no_list=int((entries.listed == 0).sum()),
        most_exposed=tuple(
            ExposedUser(user_id=int(ids[at]), lists=int(entries.listed[at]))
            for at in top
            if entries.listed[at]
        ),
    )


def _block(count: int, block: str | None, users: int, covered: int) -> BlockFigures:
    """Returns the line of one block, or of several small ones together."""
    coverage = _share(covered, users)
    return BlockFigures(blocks=count, block=block, users=users, covered=covered, coverage=coverage)


def _share(part: float, whole: int) -> float | None:
    return _rounded(part / whole) if whole else None


def _rounded(value: float) -> float:
    return round(value, 6)

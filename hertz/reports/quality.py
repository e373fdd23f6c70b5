"""Quality figures of a run: who is on whose list, how fairly, and how that differs from last time.

In: the frames of a snapshot (users, matches, quarantine), and those of the one it is compared with.
Out: plain figures for the manifest. User ids occur in `most_exposed` alone, always under the key
`user_id`, so that whoever erases or searches for a user knows where to look.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from hertz.policy.model import Policy

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
MOST_EXPOSED = 10
BINS = 50  # of the score's histogram, from 0 to the best score a category can give
LORENZ_POINTS = 21
BLOCKS_SHOWN = 12
SMALLEST_BLOCK = 10  # smaller ones are told together: a block of one is a person
REASONS_SHOWN = 15
REASON_LENGTH = 120
WIDEST_TABLE = 20_000_000  # ids; a table of them is 20 times faster than a search in them

_DIGITS = 6
_PERCENTILES = np.arange(1, 100) / 100
# What differs from row to row in a reason of the quarantine.
_SUGGESTION, _FIRST_ROW = r" \(is it [^)]*\?\)", r"^row \d+ "


def measure(
    policy: Policy, users: pl.DataFrame, matches: pl.DataFrame, quarantine: pl.DataFrame
) -> dict[str, Any]:
    """The figures of one run, all shares from 0 to 1, None where there is nothing to divide by.

    Args:
        policy: Its categories and their eligibility blocks.
        users: `user_id` (unique) and the fields that make the blocks.
        matches: `category`, `user_id`, `other_id`, `mutual`; a pair once a direction.
        quarantine: `row`, `field`, `reason`.
    """
    ids = np.sort(users["user_id"].to_numpy())
    categories, parts = {}, []
    for name, rule in policy.categories.items():
        part = matches.filter(category=name)
        parts.append(_standing(ids, part))
        categories[name] = {
            **_lists(ids, parts[-1]),
            "scores": scores(part["mutual"], sum(rule.weights.values())),
            "blocks": blocks(users, policy.eligibility_of(name).same, part["user_id"]),
        }
    return {
        "overall": _lists(ids, _together(parts)),
        "categories": categories,
        "quarantine": refused(quarantine, users.height),
    }


def compare(
    users: pl.DataFrame,
    matches: pl.DataFrame,
    last_users: pl.DataFrame,
    last_matches: pl.DataFrame,
    categories: Collection[str],
) -> dict[str, Any]:
    """What changed since another run: users lost and new, list churn, shift of the scores.

    A user's churn is the share of the longer list that the other list has not; its mean is over
    the users of both runs who have a list in either.
    """
    before, after = (np.sort(frame["user_id"].to_numpy()) for frame in (last_users, users))
    everyone, stayed = np.union1d(before, after), np.intersect1d(before, after)
    by_category, all_changed = {}, []
    for name in categories:
        now, then = matches.filter(category=name), last_matches.filter(category=name)
        changed = churn(now, then, stayed, everyone)
        all_changed.append(changed)
        by_category[name] = {
            "churn": _share(float(changed.sum()), len(changed)),
            "score_shift": score_shift(now["mutual"], then["mutual"]),
        }
    whole = np.concatenate(all_changed)
    return {
        "users": len(before),
        "users_lost": len(before) - len(stayed),
        "users_new": len(after) - len(stayed),
        "lost_share": _share(len(before) - len(stayed), len(before)),
        "churn": _share(float(whole.sum()), len(whole)),
        "categories": by_category,
    }


def churn(
    now: pl.DataFrame, then: pl.DataFrame, users: np.ndarray, everyone: np.ndarray
) -> np.ndarray:
    """1 - |common| / |longer list| of each user with a list in either, by id, float64.

    Args:
        now: `user_id`, `other_id` of one category.
        then: The same of another run.
        users: Ids of those who are looked at.
        everyone: All ids that either frame has, ascending.
    """
    n = len(everyone)
    pairs = [one * n + other for one, other in (_rows(everyone, now), _rows(everyone, then))]
    longer = np.maximum(*(np.bincount(keys // n, minlength=n) for keys in pairs))
    common = np.bincount(_repeated(np.concatenate(pairs)) // n, minlength=n)
    looked = np.isin(everyone, users) & (longer > 0)
    return 1 - common[looked] / longer[looked]


def score_shift(now: pl.Series, then: pl.Series) -> float | None:
    """Mean distance between the 1st to 99th percentiles of two sets of scores.

    That is the Wasserstein-1 distance of the two distributions, by percentiles.
    """
    if not (len(now) and len(then)):
        return None
    one, other = (np.quantile(s.to_numpy().astype(np.float64), _PERCENTILES) for s in (now, then))
    return _rounded(float(np.abs(one - other).mean()))


def scores(mutual: pl.Series, best: float) -> dict[str, Any] | None:
    """Mean, quantiles and histogram of mutual scores; None without any.

    Args:
        mutual: The scores.
        best: The sum of the category's weights: a bin is a fiftieth of it wide.
    """
    if not len(mutual):
        return None
    values, width = mutual.to_numpy().astype(np.float64), best / BINS
    places = np.floor(values / width).astype(np.int64)
    first = int(places.min())
    return {
        "mean": _rounded(float(values.mean())),
        "quantiles": [
            [share, _rounded(float(value))]
            for share, value in zip(QUANTILES, np.quantile(values, QUANTILES), strict=True)
        ],
        "histogram": {
            "from": _rounded(first * width),
            "width": _rounded(width),
            "counts": np.bincount(places - first).tolist(),
        },
    }


def gini(counts: np.ndarray) -> float | None:
    """Gini coefficient of counts `(n,)`, none negative: 0 all alike, towards 1 all on one.

    G = 2 sum(i x_i) / (n sum(x_i)) - (n + 1) / n, with x ascending and i from 1: half the relative
    mean absolute difference (Gini 1912; in this form Damgaard and Weiner, Ecology 81, 2000).
    """
    x = np.sort(counts.astype(np.float64))
    total, n = float(x.sum()), len(x)
    if not total:
        return None
    return _rounded(2 * float(np.arange(1, n + 1) @ x) / (n * total) - (n + 1) / n)


def lorenz(counts: np.ndarray) -> list[float]:
    """The least listed 0, 5, ... 100 % of users' share of all places on lists; [] without any."""
    x = np.sort(counts.astype(np.float64))
    if not x.sum():
        return []
    shares = np.r_[0.0, np.cumsum(x) / x.sum()]
    at = np.linspace(0, len(x), LORENZ_POINTS)
    return [_rounded(float(v)) for v in np.interp(at, np.arange(len(x) + 1), shares)]


def blocks(users: pl.DataFrame, same: tuple[str, ...], covered: pl.Series) -> list[dict[str, Any]]:
    """Users and those with a match by eligibility block, largest first; [] where there are none.

    Blocks of fewer than ten users, and those past the twelfth, are one line: `block` is None.

    Args:
        users: `user_id` and the fields of `same`.
        same: The fields in which those who meet are the same.
        covered: Ids of users with a match, in any number.
    """
    if not same:
        return []
    told = [f"{name} = " + pl.col(name).cast(pl.String).fill_null("?") for name in same]
    has = pl.col("user_id").is_in(covered.unique().implode())
    found = (
        users.lazy()
        .group_by(block=pl.concat_str(told, separator=", "))
        .agg(users=pl.len(), covered=has.sum())
        .sort("users", "block", descending=[True, False])
        .collect()
    )
    shown = found.filter(pl.col("users") >= SMALLEST_BLOCK).head(BLOCKS_SHOWN)
    lines = [{"blocks": 1, **row} for row in shown.iter_rows(named=True)]
    rest = found.tail(found.height - shown.height)
    if rest.height:
        people, with_match = int(rest["users"].sum()), int(rest["covered"].sum())
        lines.append({"blocks": rest.height, "block": None, "users": people, "covered": with_match})
    return [{**line, "coverage": _share(line["covered"], line["users"])} for line in lines]


def refused(quarantine: pl.DataFrame, users: int) -> dict[str, Any]:
    """Rows in quarantine, their share of all rows, and the commonest reasons, without any value.

    Args:
        quarantine: `row`, `field`, `reason`.
        users: Rows that were accepted.
    """
    reason = (
        pl.col("reason")
        .str.replace(_SUGGESTION, "")
        .str.replace(_FIRST_ROW, "another row ")
        .str.slice(0, REASON_LENGTH)
    )
    found = (
        quarantine.lazy()
        .group_by("field", reason=reason)
        .agg(rows=pl.col("row").n_unique())
        .sort("rows", "field", "reason", descending=[True, False, False])
        .head(REASONS_SHOWN)
        .collect()
    )
    rows = quarantine["row"].n_unique()
    return {"rows": rows, "share": _share(rows, rows + users), "reasons": found.to_dicts()}


def without_ids(quality: Mapping[str, Any]) -> dict[str, Any]:
    """The figures with no user's id in them, for what is kept longer than the snapshot."""
    return {
        **quality,
        "overall": _nameless(quality["overall"]),
        "categories": {name: _nameless(part) for name, part in quality["categories"].items()},
    }


def without_exposed(quality: Mapping[str, Any], users: Collection[int]) -> dict[str, Any]:
    """The figures without some users among the most exposed; all else is as it was told."""

    def kept(part: Mapping[str, Any]) -> dict[str, Any]:
        exposed = [line for line in part["most_exposed"] if line["user_id"] not in users]
        return {**part, "most_exposed": exposed}

    categories = {name: kept(part) for name, part in quality["categories"].items()}
    return {**quality, "overall": kept(quality["overall"]), "categories": categories}


def _nameless(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != "most_exposed"}


class _Standing(NamedTuple):
    """How users stand in the lists of a category; the sum of several is that of all of them.

    Attributes:
        listed: `(users,)` on how many lists each is.
        owned: `(users,)` how many places each one's own list has.
        returned: Places whose other one lists the owner too.
    """

    listed: np.ndarray
    owned: np.ndarray
    returned: int


def _standing(ids: np.ndarray, matches: pl.DataFrame) -> _Standing:
    one, other = _rows(ids, matches)
    n = len(ids)
    pairs = np.minimum(one, other) * n + np.maximum(one, other)
    listed, owned = (np.bincount(rows, minlength=n) for rows in (other, one))
    return _Standing(listed, owned, 2 * len(_repeated(pairs)))


def _together(parts: Sequence[_Standing]) -> _Standing:
    listed = np.sum([part.listed for part in parts], axis=0)
    owned = np.sum([part.owned for part in parts], axis=0)
    return _Standing(listed, owned, sum(part.returned for part in parts))


def _rows(ids: np.ndarray, matches: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Places in `ids` (ascending, complete) of the owner and the other one of each place."""
    named = [matches[name].to_numpy() for name in ("user_id", "other_id")]
    if int(ids[-1]) - int(ids[0]) < WIDEST_TABLE:
        table = np.zeros(ids[-1] - ids[0] + 1, dtype=np.int64)
        table[ids - ids[0]] = np.arange(len(ids))
        return table[named[0] - ids[0]], table[named[1] - ids[0]]
    return np.searchsorted(ids, named[0]), np.searchsorted(ids, named[1])


def _repeated(keys: np.ndarray) -> np.ndarray:
    """Keys that occur twice; none does more often."""
    ordered = np.sort(keys)
    return ordered[1:][ordered[1:] == ordered[:-1]]


def _lists(ids: np.ndarray, found: _Standing) -> dict[str, Any]:
    """Coverage, reciprocity and exposure of one category, or of all of them together."""
    covered, places = int((found.owned > 0).sum()), int(found.owned.sum())
    top = np.lexsort((ids, -found.listed))[:MOST_EXPOSED]
    return {
        "users": len(ids),
        "covered": covered,
        "coverage": _share(covered, len(ids)),
        "places": places,
        "reciprocity": _share(found.returned, places),
        "gini": gini(found.listed),
        "lorenz": lorenz(found.listed),
        "on_no_list": int((found.listed == 0).sum()),
        "most_exposed": [
            {"user_id": int(ids[at]), "lists": int(found.listed[at])}
            for at in top
            if found.listed[at]
        ],
    }


def _share(part: float, whole: int) -> float | None:
    return _rounded(part / whole) if whole else None


def _rounded(value: float) -> float:
    return round(value, _DIGITS)

"""Quality figures of a run: who is on whose list, how fairly, and how that differs from last time.

In: the frames of a snapshot (users, matches, quarantine), and those of the one it is compared with.
Out: plain figures for the manifest. User ids occur in `most_exposed` alone, always under the key
`user_id`, so that whoever erases or searches for a user knows where to look.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import polars as pl

from matching.policy import Policy

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
MOST_EXPOSED = 10
BINS = 50  # of the score's histogram, from 0 to the best score a category can give
LORENZ_POINTS = 21
BLOCKS_SHOWN = 12
SMALLEST_BLOCK = 10  # smaller ones are told together: a block of one is a person
REASONS_SHOWN = 15
REASON_LENGTH = 120

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
    everyone = users["user_id"]
    parts = {name: matches.filter(category=name) for name in policy.categories}
    both = {name: _returned(part) for name, part in parts.items()}
    categories = {
        name: {
            **_lists(everyone, part, both[name]),
            "scores": scores(part["mutual"], sum(policy.categories[name].weights.values())),
            "blocks": blocks(users, policy.eligibility_of(name).same, part["user_id"]),
        }
        for name, part in parts.items()
    }
    return {
        "overall": _lists(everyone, matches, sum(both.values())),
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
    lost = last_users.join(users, on="user_id", how="anti").height
    stayed = last_users.join(users, on="user_id", how="semi")["user_id"]
    by_category, total, lists = {}, 0.0, 0
    for name in categories:
        now, then = matches.filter(category=name), last_matches.filter(category=name)
        changed = churn(now, then, stayed)
        total, lists = total + float(changed.sum()), lists + len(changed)
        by_category[name] = {
            "churn": _share(float(changed.sum()), len(changed)),
            "score_shift": score_shift(now["mutual"], then["mutual"]),
        }
    return {
        "users": last_users.height,
        "users_lost": lost,
        "users_new": users.height - len(stayed),
        "lost_share": _share(lost, last_users.height),
        "churn": _share(total, lists),
        "categories": by_category,
    }


def churn(now: pl.DataFrame, then: pl.DataFrame, users: pl.Series) -> pl.Series:
    """For each of the users with a list in either: 1 - |common| / |longer list|, Float64.

    Args:
        now: `user_id`, `other_id` of one category.
        then: The same of another run.
        users: Ids of those who are looked at.
    """
    keys = ["user_id", "other_id"]
    wanted = pl.col("user_id").is_in(users.implode())
    one, other = (frame.lazy().select(keys).filter(wanted) for frame in (now, then))
    counts = [
        part.group_by("user_id").len(name)
        for name, part in (
            ("now", one), ("then", other), ("common", one.join(other, on=keys, how="semi")),
        )
    ]  # fmt: skip
    joined = counts[0].join(counts[1], on="user_id", how="full", coalesce=True)
    longer = pl.max_horizontal("now", "then")
    share = 1 - pl.col("common").fill_null(0) / longer
    joined = joined.join(counts[2], on="user_id", how="left")
    return joined.select("user_id", share=share).sort("user_id").collect()["share"]


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


def _returned(matches: pl.DataFrame) -> int:
    """Places on lists of one category that are returned: a lists b, and b lists a."""
    found = matches.lazy().select("user_id", "other_id")
    there = ["user_id", "other_id"]
    back = found.join(found, left_on=there, right_on=there[::-1], how="semi")
    return int(back.select(pl.len()).collect().item())


def _lists(users: pl.Series, matches: pl.DataFrame, returned: int) -> dict[str, Any]:
    """Coverage, reciprocity and exposure of one category, or of all of them together."""
    named = matches.group_by(user_id="other_id").len("lists")
    exposure = users.to_frame().join(named, on="user_id", how="left")
    exposure = exposure.with_columns(pl.col("lists").fill_null(0).cast(pl.Int64))
    counts = exposure["lists"].to_numpy()
    covered = matches["user_id"].n_unique()
    top = exposure.sort("lists", "user_id", descending=[True, False]).head(MOST_EXPOSED)
    return {
        "users": len(users),
        "covered": covered,
        "coverage": _share(covered, len(users)),
        "places": matches.height,
        "reciprocity": _share(returned, matches.height),
        "gini": gini(counts),
        "lorenz": lorenz(counts),
        "on_no_list": int((counts == 0).sum()),
        "most_exposed": top.filter(pl.col("lists") > 0).to_dicts(),
    }


def _share(part: float, whole: int) -> float | None:
    return _rounded(part / whole) if whole else None


def _rounded(value: float) -> float:
    return round(value, _DIGITS)

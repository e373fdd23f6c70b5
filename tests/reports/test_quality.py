"""Every figure equals its definition, written out naively; no user's id gets out where none may."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hertz.policy.model import Policy
from hertz.reports.figures import Measured
from hertz.reports.quality import (
    blocks,
    churn,
    compare,
    gini,
    lorenz,
    measure,
    quarantine_figures,
    score_shift,
    scores,
    without_exposed,
    without_ids,
)
from tests.storage.runs import random_frames

COUNTS = st.lists(st.integers(0, 50), min_size=1, max_size=30)
LISTS = st.dictionaries(
    st.integers(1, 8), st.lists(st.integers(1, 8), min_size=1, max_size=5, unique=True), max_size=8
)


def frame(lists: dict[int, list[int]]) -> pl.DataFrame:
    rows = [(user, other) for user, others in lists.items() for other in others]
    return pl.DataFrame(rows, {"user_id": pl.Int64, "other_id": pl.Int64}, orient="row")


@settings(deadline=None, max_examples=60)
@given(COUNTS)
def test_gini_is_half_the_relative_mean_difference(counts: list[int]) -> None:
    found = gini(np.array(counts))
    if not sum(counts):
        assert found is None
        return
    apart = sum(abs(a - b) for a in counts for b in counts) / len(counts) ** 2
    assert found == pytest.approx(apart / (2 * sum(counts) / len(counts)), abs=1e-6)


def test_gini_of_equals_is_0_and_of_one_taking_all_near_1() -> None:
    assert gini(np.full(1000, 7)) == 0
    assert gini(np.array([0] * 999 + [5])) == 0.999


@settings(deadline=None, max_examples=60)
@given(COUNTS)
def test_the_lorenz_curve_rises_ever_faster_from_0_to_1(counts: list[int]) -> None:
    curve = lorenz(np.array(counts))
    if not sum(counts):
        assert curve == ()
        return
    assert (curve[0], curve[-1]) == (0, 1)
    steps = [after - before for before, after in pairwise(curve)]
    assert all(later >= step - 1e-5 for step, later in pairwise(steps))


@settings(deadline=None, max_examples=60)
@given(LISTS, LISTS)
def test_churn_is_the_share_of_the_longer_list_that_the_other_has_not(
    now: dict[int, list[int]], then: dict[int, list[int]]
) -> None:
    users = [1, 2, 3, 4, 5, 6]
    pairs = [(now.get(user, []), then.get(user, [])) for user in users]
    expected = [1 - len({*a} & {*b}) / max(len(a), len(b)) for a, b in pairs if a or b]
    found = churn(frame(now), frame(then), np.array(users), np.arange(1, 9))
    assert found.tolist() == pytest.approx(expected)


@settings(deadline=None, max_examples=60)
@given(LISTS)
def test_lists_against_themselves_have_not_changed(lists: dict[int, list[int]]) -> None:
    found = frame(lists)
    assert set(churn(found, found, np.arange(1, 9), np.arange(1, 9))) <= {0.0}


def test_score_shift_is_how_far_the_scores_moved() -> None:
    drawn = np.random.default_rng(0).random(5000)
    one, other = pl.Series(drawn), pl.Series(drawn + 0.03)
    assert score_shift(one, other) == pytest.approx(0.03)
    assert score_shift(one, pl.Series([], dtype=pl.Float64)) is None


def test_scores_are_all_in_the_histogram() -> None:
    drawn = np.random.default_rng(1).normal(0.3, 0.3, 1000).astype(np.float32)
    found = scores(pl.Series(drawn), 1.0)
    assert found is not None
    bins = found.histogram
    assert sum(bins.counts) == 1000
    inside = Counter(np.floor((drawn.astype(np.float64) - bins.start) / bins.width).tolist())
    assert inside[10] == bins.counts[10]
    assert found.median == pytest.approx(np.median(drawn), abs=1e-6)
    assert scores(pl.Series([], dtype=pl.Float32), 1.0) is None


def test_the_figures_of_a_run_equal_their_definitions(service_policy: Policy) -> None:
    ids = list(range(1, 61))
    frames = random_frames(service_policy, ids, k=7)
    users = frames.profiles.with_columns(emailDomain=pl.lit("a.example"))
    found = measure(service_policy, users, frames.matches, quarantine())
    listed = frames.matches.filter(category="friend").select("user_id", "other_id").rows()
    friend, exposure = found.categories["friend"], Counter(other for _, other in listed)
    assert friend.covered == len({user for user, _ in listed}) == 59
    assert friend.coverage == pytest.approx(59 / 60, abs=1e-6)
    returned = sum((other, user) in set(listed) for user, other in listed)
    assert friend.reciprocity == pytest.approx(returned / len(listed), abs=1e-6)
    assert friend.gini == gini(np.array([exposure[user] for user in ids]))
    top = sorted(exposure.items(), key=lambda item: (-item[1], item[0]))[:10]
    assert [(line.user_id, line.lists) for line in friend.most_exposed] == top
    whole = Counter(frames.matches["other_id"])
    assert found.overall.most_exposed[0].lists == max(whole.values())
    parts = found.categories.values()
    assert found.overall.places == sum(part.places for part in parts)
    json.dumps(found.as_json(), allow_nan=False)


def test_ids_far_apart_make_no_difference(service_policy: Policy) -> None:
    def figures(ids: list[int]) -> Measured:
        frames = random_frames(service_policy, ids)
        users = frames.profiles.with_columns(emailDomain=pl.lit("a.example"))
        return without_ids(measure(service_policy, users, frames.matches, quarantine()))

    close = list(range(1, 41))
    assert figures([user**8 for user in close]) == figures(close)


def test_nobody_with_a_match_divides_by_nothing(service_policy: Policy) -> None:
    frames = random_frames(service_policy, [1])
    users = frames.profiles.with_columns(emailDomain=pl.lit("a.example"))
    overall = measure(service_policy, users, frames.matches, quarantine()).overall
    assert (overall.coverage, overall.reciprocity, overall.gini) == (0, None, None)


def test_what_changed_since_another_run(service_policy: Policy) -> None:
    before = random_frames(service_policy, list(range(1, 41)))
    now = random_frames(service_policy, list(range(5, 51)), seed=1)
    arguments = (now.profiles, now.matches, before.profiles, before.matches)
    found = compare(*arguments, service_policy.categories)
    assert (found.users_lost, found.users_new, found.users) == (4, 10, 40)
    assert found.lost_share == 0.1
    stayed, everyone = np.arange(5, 41), np.arange(1, 51)
    changed = [
        churn(*(f.matches.filter(category=name) for f in (now, before)), stayed, everyone)
        for name in service_policy.categories
    ]
    assert found.churn == pytest.approx(np.concatenate(changed).mean(), abs=1e-6)


def test_blocks_come_largest_first_and_small_ones_together() -> None:
    domains = ["big"] * 30 + ["mid"] * 12 + ["tiny"] * 3 + [None] * 2
    users = pl.DataFrame({"user_id": range(47), "emailDomain": domains})
    found = blocks(users, ("emailDomain",), pl.Series([*range(15), 44, 44]))
    assert [(line.block, line.users, line.covered) for line in found] == [
        ("emailDomain = big", 30, 15),
        ("emailDomain = mid", 12, 0),
        (None, 5, 1),
    ]
    assert found[-1].blocks == 2
    assert blocks(users, (), pl.Series([1])) == ()


def quarantine(*rows: tuple[int, str, str]) -> pl.DataFrame:
    schema = {"row": pl.Int64, "field": pl.String, "reason": pl.String}
    return pl.DataFrame(list(rows), schema, orient="row")


def test_reasons_are_counted_without_the_parts_that_differ_by_row() -> None:
    found = quarantine_figures(
        quarantine(
            (1, "MBTI", "unknown code (is it ENFP?); accepted: ENFP, INTJ"),
            (2, "MBTI", "unknown code; accepted: ENFP, INTJ"),
            (2, "userId", "row 7 has this id too and stays, as the first"),
            (9, "userId", "row 8 has this id too and stays, as the first"),
        ),
        users=7,
    )
    assert found.rows == 3
    assert found.share == 0.3
    assert [(line.field, line.reason, line.rows) for line in found.reasons] == [
        ("MBTI", "unknown code; accepted: ENFP, INTJ", 2),
        ("userId", "another row has this id too and stays, as the first", 2),
    ]


def test_ids_are_left_out_where_none_may_be(service_policy: Policy) -> None:
    ids = list(range(987_654_301, 987_654_331))
    frames = random_frames(service_policy, ids)
    users = frames.profiles.with_columns(emailDomain=pl.lit("a.example"))
    found = measure(service_policy, users, frames.matches, quarantine())
    assert "98765" in found.model_dump_json()
    assert "98765" not in without_ids(found).model_dump_json()
    first = found.overall.most_exposed[0].user_id
    left = without_exposed(found, {first})
    assert str(first) not in left.model_dump_json()
    assert left.overall.most_exposed == found.overall.most_exposed[1:]

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hertz.policy.profiles import validate_profiles
from tests.policy.raw_profiles import GOOD, POLICY, SCHEMA

# ---- properties ----------------------------------------------------------------------------------

TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["MALE", "FEMALE", "DOG", "DOG|CAT", '["DOG"]', "[", "[]", "S", "size L", "?"]),
    st.sampled_from(["30", "1e5", "nan", "-inf", "1|2", "[1, 2]", "a (b), c", "\x00", "\u0301e"]),
)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
ANYTHING = st.sampled_from(
    [
        (TEXTS, pl.String),
        (st.integers(-3, 120), pl.Int64),
        (NUMBERS, pl.Int64),
        (st.integers(0, 2**64 - 1), pl.UInt64),
        (st.floats(), pl.Float64),
        (st.floats(width=32), pl.Float32),
        (st.booleans(), pl.Boolean),
        (st.binary(max_size=5), pl.Binary),
        (st.dates(), pl.Date),
        (st.times(), pl.Time),
        (st.timedeltas(datetime.timedelta(-9), datetime.timedelta(9)), pl.Duration),
        (st.none(), pl.Null),
        (st.lists(TEXTS, max_size=4), pl.List(pl.String)),
        (st.lists(NUMBERS, max_size=3), pl.List(pl.Int64)),
        (st.lists(st.floats(), max_size=3), pl.List(pl.Float64)),
        (st.lists(st.booleans(), max_size=3), pl.List(pl.Boolean)),
        (st.lists(st.binary(max_size=3), max_size=3), pl.List(pl.Binary)),
        (st.lists(st.none(), max_size=3), pl.List(pl.Null)),
        (st.lists(st.lists(TEXTS, max_size=2), max_size=2), pl.List(pl.List(pl.String))),
        (st.fixed_dictionaries({"x": TEXTS}), pl.Struct({"x": pl.String})),
        (st.builds(object), pl.Object),
    ]
)


@st.composite
def junk(draw: st.DrawFn, most: int = len(GOOD)) -> pl.DataFrame:
    """Draws a frame with the policy's columns, `most` of them of any type and values."""
    height = draw(st.integers(1, 6))
    columns = {}
    odd = {name for name in draw(st.permutations(list(GOOD)))[:most] if draw(st.booleans())}
    for name in GOOD:
        if name not in odd:
            columns[name] = pl.Series([GOOD[name]] * height)
            continue
        values, dtype = draw(ANYTHING)
        cells = draw(st.lists(st.none() | values, min_size=height, max_size=height))
        columns[name] = pl.Series(name, cells, dtype=dtype)
    if draw(st.booleans()):
        columns["id"] = pl.Series(range(1, height + 1))
    return pl.DataFrame(columns)


@settings(max_examples=100, deadline=None)
@given(junk())
def test_any_values_are_either_profiles_or_quarantined(frame: pl.DataFrame) -> None:
    found = validate_profiles(POLICY, frame)
    assert dict(found.profiles.schema) == SCHEMA
    assert found.profiles.height + found.quarantine["row"].n_unique() == frame.height
    assert found.profiles["user_id"].is_sorted()
    assert found.profiles["user_id"].is_unique().all()
    assert found.quarantine["reason"].null_count() == 0


@settings(max_examples=80, deadline=None)
@given(junk(most=2))
def test_profiles_are_valid_and_unchanged_when_validated_again(frame: pl.DataFrame) -> None:
    once = validate_profiles(POLICY, frame).profiles
    # A required set whose codes are all hidden is accepted, but empty in the profile.
    once = once.filter(pl.col("pets").list.len() > 0)
    assume(once.height)
    again = validate_profiles(POLICY, once.rename({"user_id": "id", "town": "city"}))
    assert again.quarantine.rows() == []
    assert again.profiles.equals(once)


@settings(max_examples=40, deadline=None)
@given(junk(), st.integers(0, 2**32 - 1))
def test_profiles_do_not_depend_on_the_order_of_the_rows(frame: pl.DataFrame, seed: int) -> None:
    frame = frame.with_columns(id=pl.Series(range(1, frame.height + 1)))
    order = np.random.Generator(np.random.PCG64(seed)).permutation(frame.height)
    shuffled = validate_profiles(POLICY, frame.select(pl.all().gather(order)))
    assert shuffled.profiles.equals(validate_profiles(POLICY, frame).profiles)

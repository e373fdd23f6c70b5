from __future__ import annotations

import datetime

import polars as pl
import pytest

from hertz.core.errors import SourceError
from hertz.policy.profiles import validate_profiles
from hertz.policy.quarantine import QUARANTINE_SCHEMA
from tests.policy.raw_profiles import GOOD, POLICY, SCHEMA, check, faults, value

# ---- frames --------------------------------------------------------------------------------------


def test_profiles_have_the_policy_s_columns_and_types() -> None:
    found = check({}, {"bio": None, "age": None, "speaks": None, "blocks": None, "size": "?"})
    assert dict(found.profiles.schema) == SCHEMA
    assert found.profiles.row(1) == (2, "Seoul", "MALE", "A", None, ["DOG"], [], None, None, [])
    assert dict(found.quarantine.schema) == QUARANTINE_SCHEMA


def test_values_of_absent_optional_columns_are_missing() -> None:
    required = {name: [GOOD[name]] for name in ("id", "city", "sex", "pets")}
    found = validate_profiles(POLICY, pl.DataFrame(required))
    assert dict(found.profiles.schema) == SCHEMA
    assert found.profiles.row(0) == (1, "Seoul", "MALE", None, None, ["DOG"], [], None, None, [])


def test_columns_that_the_policy_does_not_know_are_named_and_ignored() -> None:
    found = check({"shoe": 42, "town": "not read: its source is city"})
    assert found.ignored_columns == ("shoe", "town")
    assert found.profiles["town"].to_list() == ["Seoul"]


def test_missing_required_columns_are_refused_with_close_names() -> None:
    frame = pl.DataFrame({"ID": [1], "City": ["Seoul"], "sex": ["MALE"]})
    with pytest.raises(SourceError) as caught:
        validate_profiles(POLICY, frame)
    message = str(caught.value)
    assert "id (is it ID?), city (is it City?), pets;" in message
    assert "found: ID, City, sex" in message


def test_a_source_without_rows_is_refused() -> None:
    with pytest.raises(SourceError, match="has no rows"):
        validate_profiles(POLICY, pl.DataFrame({name: [] for name in GOOD}))


def test_a_source_of_which_no_row_can_be_read_is_refused() -> None:
    with pytest.raises(SourceError, match=r"none of the source's 2 rows .* row 1: not JSON"):
        validate_profiles(POLICY, pl.DataFrame(), [(1, "not JSON"), (2, "not JSON")])


def test_a_batch_of_bad_rows_gives_an_empty_frame_of_profiles() -> None:
    found = check({"sex": "X"}, {"sex": "Y"})
    assert dict(found.profiles.schema) == SCHEMA
    assert found.profiles.height == 0


def test_row_numbers_count_the_rows_that_could_not_be_read() -> None:
    frame = pl.DataFrame([{**GOOD, "id": 1}, {**GOOD, "id": 2, "sex": "X"}])
    found = validate_profiles(POLICY, frame, [(1, "broken"), (3, "broken too")])
    assert found.quarantine.select("row", "user_id", "field", "reason").rows()[:2] == [
        (1, None, "(row)", "broken"),
        (3, None, "(row)", "broken too"),
    ]
    assert found.quarantine.row(2)[:3] == (4, "2", "sex")


def test_each_fault_of_a_row_is_a_line_and_the_row_counts_once() -> None:
    found = check({"sex": "X", "age": 7, "pets": ["DOG", "COW", "PIG"]}, {})
    lines = found.quarantine.select("row", "user_id", "field", "value").rows()
    assert lines == [
        (1, "1", "sex", "'X'"),
        (1, "1", "pets", "'COW'"),
        (1, "1", "pets", "'PIG'"),
        (1, "1", "age", "7.0"),
    ]
    assert found.profiles["user_id"].to_list() == [2]


# ---- ids -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", [42, 42.0, "42", " 42 ", "42.0", "+42"])
def test_ids_may_be_written_in_several_ways(raw: object) -> None:
    assert check({"id": raw}).profiles["user_id"].to_list() == [42]


@pytest.mark.parametrize(
    "raw",
    [
        *(0, -1, 4.2, "4.2", True, "true", "abc", "", None, float("nan"), float("inf"), 1e300),
        *("99999999999999999999", "٤٢", "4 2", [1], b"1", datetime.date(2026, 1, 1)),
    ],
)
def test_other_ids_are_quarantined(raw: object) -> None:
    (line,) = check({"id": raw}).quarantine.rows(named=True)
    assert line["field"] == "id"
    assert line["reason"] == "an integer of 1 or more is accepted"
    assert line["user_id"] == (None if raw is None else str(pl.Series([raw]).to_list()[0]))


def test_the_smallest_id_is_the_policy_s() -> None:
    policy = POLICY.model_copy(update={"id_minimum": 0})
    assert check({"id": 0}, policy=policy).profiles["user_id"].to_list() == [0]


def test_of_two_rows_with_one_id_the_first_stays() -> None:
    found = check({"id": 5, "bio": "first"}, {"id": 3}, {"id": 5, "bio": "second"})
    assert found.profiles.select("user_id", "bio").rows() == [(3, "Hello"), (5, "first")]
    line = found.quarantine.row(0, named=True)
    assert (line["row"], line["user_id"], line["field"]) == (3, "5", "id")
    assert line["reason"] == "row 1 has this id too and stays, as the first"


def test_a_good_row_after_a_bad_one_with_the_same_id_stays() -> None:
    found = check({"id": 5, "sex": "X"}, {"id": "5", "bio": "good"}, {"id": 5.0, "sex": "X"})
    assert found.profiles.select("user_id", "bio").rows() == [(5, "good")]
    lines = found.quarantine.select("row", "field").rows()
    assert lines == [(1, "sex"), (3, "id"), (3, "sex")]


# ---- codes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "raw", "clean"),
    [
        ("sex", " MALE\t", "MALE"),
        ("sex", "MA\x00LE", "MALE"),
        ("city", "서울", "서울"),
        ("city", "\u1109\u1165\u110b\u116e\u11af", "서울"),  # decomposed, as macOS writes it
        ("city", 12, "12"),
        ("city", 12.0, "12"),
        ("city", True, "true"),
        ("size", "size L", "L"),
        ("size", "?", None),
        ("size", "", None),
        ("size", "  ", None),
        ("size", None, None),
        ("letter", float("nan"), None),
    ],
)
def test_codes_are_cleaned(field: str, raw: object, clean: object) -> None:
    assert value(field, raw) == clean


@pytest.mark.parametrize("raw", [None, "", "  ", "\x00"])
def test_a_required_code_must_not_be_missing(raw: object) -> None:
    ((_, reason),) = faults("sex", raw)
    assert reason == "required, but missing; accepted: MALE, FEMALE"


@pytest.mark.parametrize(
    ("field", "raw", "reason"),
    [
        ("sex", "male", "unknown code (is it MALE?); accepted: MALE, FEMALE"),
        ("sex", "남자", "unknown code (is it MALE?); accepted: MALE, FEMALE"),
        ("sex", "XX", "unknown code; accepted: MALE, FEMALE"),
        ("letter", "Z", "accepted: A, B, C, D, E, F, G, H, I, J, K, L ... (15 accepted, see"),
        ("size", "size XL", "unknown code (is it L?); accepted: S, M, L, ?"),
        ("city", ["Seoul"], "found List(String); accepted: a text"),
        ("city", {"name": "Seoul"}, "found Struct"),
    ],
)
def test_an_unknown_code_is_quarantined_with_what_is_accepted(
    field: str, raw: object, reason: str
) -> None:
    ((_, found),) = faults(field, raw)
    assert reason in found


def test_a_long_value_is_cut() -> None:
    ((shown, _),) = faults("sex", "x" * 500)
    assert len(shown) == 80
    assert shown.endswith("…")


# ---- sets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        ["CAT", "DOG", "CAT"],
        [" CAT", None, "", "DOG\x00"],
        "CAT|DOG",
        "CAT; DOG ;",
        '["CAT", "DOG"]',
        ' ["CAT","\\u0044OG", null] ',
        "CAT|DOG|SECRET",
        ["SECRET", "DOG", "CAT"],
    ],
)
def test_sets_are_unique_in_the_order_of_the_vocabulary(raw: object) -> None:
    assert value("pets", raw) == ["DOG", "CAT"]


@pytest.mark.parametrize("raw", [[], [None], "", " | ", "[]", None])
def test_a_required_set_needs_an_item(raw: object) -> None:
    ((_, reason),) = faults("pets", raw)
    assert reason == "required, but missing; accepted: any of DOG, CAT, NO_PETS, SECRET"


def test_a_required_set_of_hidden_codes_is_accepted_and_empty() -> None:
    assert value("pets", ["SECRET"]) == []


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (["DOG", "COW"], "'COW'"),
        ("DOG|COW", "'COW'"),
        ('["DOG", 3]', "'3'"),
        ([1], "'1'"),
        ("a dog, a cat", "'a dog, a cat'"),
    ],
)
def test_an_unknown_item_quarantines_the_row(raw: object, shown: str) -> None:
    ((found, reason),) = faults("pets", raw)
    assert found == shown
    assert "accepted: DOG, CAT, NO_PETS, SECRET" in reason


@pytest.mark.parametrize("raw", ["['DOG']", '["DOG"', '["DOG", ["CAT"]]', '["\\ud800"]', "[01]"])
def test_a_broken_json_list_is_quarantined(raw: str) -> None:
    reasons = [reason for _, reason in faults("pets", raw)]
    assert len(reasons) == 1
    assert 'write ["A", "B"] or A|B' in reasons[0] or "unknown code" in reasons[0]


@pytest.mark.parametrize("raw", [[["DOG"]], [{"pet": "DOG"}], [b"DOG"], {"pet": "DOG"}])
def test_nested_lists_are_quarantined(raw: object) -> None:
    ((_, reason),) = faults("pets", raw)
    assert reason.startswith("found ")


def test_open_sets_are_split_stripped_and_sorted() -> None:
    raw = "english (fluently), c++ (poorly), english, sign language (okay)"
    assert value("speaks", raw) == ["c++", "english", "sign language"]
    assert value("speaks", ["french (okay)", "a|b", "french"]) == ["a|b", "french"]
    assert value("speaks", "") == []


def test_categories_and_arrays_of_other_tools_are_read() -> None:
    frame = pl.DataFrame(
        {
            "id": pl.Series([1, 2], dtype=pl.UInt8),
            "city": pl.Series(["Seoul", "Busan"], dtype=pl.Categorical),
            "sex": pl.Series(["MALE", "FEMALE"], dtype=pl.Enum(["FEMALE", "MALE"])),
            "pets": pl.Series([["CAT", "DOG"], ["DOG", "CAT"]], dtype=pl.Array(pl.String, 2)),
            "age": pl.Series(["30.50", "41"]).cast(pl.Decimal(10, 2)),
            "blocks": pl.Series([[3.0], [2.0, 1.0]]),
        }
    )
    found = validate_profiles(POLICY, frame)
    assert found.quarantine.rows() == []
    columns = found.profiles.select("town", "sex", "pets", "age", "blocks")
    assert columns.rows() == [
        ("Seoul", "MALE", ["DOG", "CAT"], 30.5, [3]),
        ("Busan", "FEMALE", ["DOG", "CAT"], 41.0, [1, 2]),
    ]


# ---- numbers, ids, texts -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "clean"),
    [(18, 18.0), (99.0, 99.0), (" 30.5 ", 30.5), ("3e1", 30.0), ("", None), (float("nan"), None)],
)
def test_numbers_are_read(raw: object, clean: float | None) -> None:
    assert value("age", raw) == clean


@pytest.mark.parametrize("raw", [17.9, 99.1, "old", float("inf"), "nan", True, "1_0", [30]])
def test_other_numbers_are_quarantined(raw: object) -> None:
    ((_, reason),) = faults("age", raw)
    assert "a number from 18 up to 99" in reason


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ([3, 1, 3], [1, 3]),
        ("3|1", [1, 3]),
        ("3,1", [1, 3]),
        ("[3, 1]", [1, 3]),
        (["3", "1.0"], [1, 3]),
        (3.0, [3]),
        ([-5], [-5]),
        ("", []),
        (None, []),
    ],
)
def test_id_lists_are_read(raw: object, clean: list[int]) -> None:
    assert value("blocks", raw) == clean


@pytest.mark.parametrize("raw", [[1.5], ["x"], "3|x", [True], "[1.5]"])
def test_other_id_lists_are_quarantined(raw: object) -> None:
    ((_, reason),) = faults("blocks", raw)
    assert reason == "a list of integers is accepted, such as [3, 17] or 3|17"


def test_texts_are_cleaned() -> None:
    assert value("bio", " a\x00b\nc\x1f ") == "ab\nc"
    assert value("bio", " \x00 ") is None


def test_a_text_that_is_too_long_is_quarantined_without_being_shown() -> None:
    ((shown, reason),) = faults("bio", "secret " * 4)
    assert shown == "27 characters"
    assert reason == "at most 20 characters are accepted"
    assert value("bio", "한" * 20) == "한" * 20


def test_a_text_of_the_wrong_type_is_quarantined_without_being_shown() -> None:
    ((shown, reason),) = faults("bio", ["secret"])
    assert "secret" not in shown + reason

"""policies/okcupid.toml: a policy for another schema than the service's."""

from __future__ import annotations

import tomllib
from pathlib import Path

import polars as pl
import pytest

from hertz.embedding.texts import profile_texts
from hertz.policy.checks import missing_ceiling
from hertz.policy.load import parse_policy
from hertz.policy.model import Policy
from hertz.policy.profiles import ValidatedProfiles, validate_profiles
from hertz.storage.settings import load_settings
from hertz.storage.sources import read_source

ROOT = Path(__file__).parents[1]
TOML = ROOT / "policies" / "okcupid.toml"
DATA = ROOT.parent / "shared" / "data" / "okcupid" / "profiles_dev.parquet"

ROW = {
    "row_id": 0,
    "age": 30,
    "sex": "f",
    "status": "single",
    "height_in": 65,
    "body_type": "rather not say",
    "diet": "mostly vegetarian",
    "drinks": "socially",
    "smokes": "when drinking",
    "education": "dropped out of space camp",
    "job": "science / tech / engineering",
    "offspring": "doesn't have kids, and doesn't want any",
    "pets": "has cats and dislikes dogs",
    "sign": "leo and it's fun to think about",
    "speaks": "english, english, c++ (fluently), sign language (okay)",
}


@pytest.fixture(scope="module")
def policy() -> Policy:
    return parse_policy(tomllib.loads(TOML.read_text(encoding="utf-8"))["policy"])


def check(policy: Policy, **values: object) -> ValidatedProfiles:
    return validate_profiles(policy, pl.DataFrame([ROW | values]))


def test_the_file_is_valid_as_a_whole() -> None:
    settings = load_settings(TOML)
    assert settings.home == Path("data/okcupid")
    assert settings.policy.languages == ("en",)
    assert settings.explanations.model == ""


def test_prose_becomes_codes(policy: Policy) -> None:
    found = check(policy)
    assert found.quarantine.rows() == []
    profile = found.profiles.row(0, named=True)
    assert profile == {
        "user_id": 0,
        "age": 30.0,
        "sex": "f",
        "status": "single",
        "height_in": 65.0,
        "body_type": None,
        "diet": "vegetarian",
        "drinks": "socially",
        "smokes": "when drinking",
        "education": None,
        "job": "science / tech / engineering",
        "offspring": "doesn't have doesn't want",
        "pets": ["has cats", "dislikes dogs"],
        "sign": "leo",
        "speaks": ["c++", "english", "sign language"],
    }


@pytest.mark.parametrize(
    ("prose", "code"),
    [
        ("has a kid", "has"),
        ("has kids", "has"),
        ("has a kid, and might want more", "has might want"),
        ("has kids, but doesn't want more", "has doesn't want"),
        ("doesn't have kids", "doesn't have"),
        ("doesn't have kids, but wants them", "doesn't have wants"),
        ("might want kids", "might want"),
        ("wants kids", "wants"),
    ],
)
def test_children_keep_what_is_had_and_what_is_wanted(
    policy: Policy, prose: str, code: str
) -> None:
    assert check(policy, offspring=prose).profiles["offspring"].to_list() == [code]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("age", 17),
        ("age", 109),
        ("sex", "x"),
        ("sex", None),
        ("height_in", 3),
        ("diet", "mostly air"),
        ("pets", "has cats and eats dogs"),
        ("sign", "ophiuchus but it doesn't matter"),
        ("row_id", -1),
    ],
)
def test_other_values_are_quarantined(policy: Policy, field: str, value: object) -> None:
    found = check(policy, **{field: value})
    assert found.profiles.height == 0
    assert found.quarantine["field"].to_list() == [field]


def test_the_children_table_is_written_out_and_directional(policy: Policy) -> None:
    table = policy.tables["children"]
    assert set(table.rows) == set(policy.shown_codes("offspring"))
    assert policy.term_value("children", "wants", "doesn't have wants") == 1.0
    assert policy.term_value("children", "wants", "doesn't want") == 0.0
    assert policy.term_value("children", "has doesn't want", "has") == 0.9
    assert policy.term_value("children", "has", "has doesn't want") == 0.8
    assert policy.term_value("children", "wants", "has") == 0.5  # left out: the default


def test_hiding_never_pays(policy: Policy) -> None:
    for name, term in policy.terms.items():
        assert term.missing <= missing_ceiling(policy, name)


def test_the_profile_text_is_english_and_leaves_out_missing_values(policy: Policy) -> None:
    (text,) = profile_texts(policy, check(policy, education=None).profiles)
    assert text == (
        "Drinking: drinking socially. Smoking: smoking when drinking. "
        "Children: has no children, wants none."
    )


def test_it_combines_by_the_harmonic_mean_and_pairs_women_with_men(policy: Policy) -> None:
    assert policy.combine == "harmonic"
    rules = policy.eligibility_of("date")
    assert rules.different == ("sex",)
    assert rules.same == ("status",)
    assert [(w.field, w.distance) for w in rules.within] == [("age", 8)]


@pytest.mark.skipif(not DATA.is_file(), reason="the OkCupid profiles are not on this machine")
def test_the_real_profiles_are_hardly_ever_quarantined(policy: Policy) -> None:
    found = validate_profiles(policy, read_source(str(DATA)).frame)
    assert found.ignored_columns == ()
    assert found.quarantine["row"].n_unique() < 200
    assert found.profiles.height > 19_800
    shares = found.profiles.select(pl.all().is_not_null().mean())
    assert shares["offspring"][0] == pytest.approx(0.41, abs=0.01)
    assert shares["drinks"][0] > 0.9

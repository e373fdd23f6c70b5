from __future__ import annotations

import copy
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from hertz.core.errors import PolicyError
from hertz.policy.checks import missing_ceiling
from hertz.policy.load import parse_policy
from hertz.policy.model import (
    Accepts,
    Category,
    Eligibility,
    Embed,
    FieldRule,
    Gate,
    Policy,
    Table,
    Term,
    Within,
)

ROOT = Path(__file__).parents[2]
TOML = ROOT / "hertz.toml"
SERVICE: dict[str, Any] = tomllib.loads(TOML.read_text(encoding="utf-8"))["policy"]
ONE_WAY = {
    ("ENTJ", "INFP"),
    ("ESTJ", "ISFP"),
    ("ESTJ", "ISTP"),
    ("INTP", "ENFJ"),
    ("ISTP", "ENFJ"),
    ("ISTP", "ESFJ"),
}


def changed(path: str, value: object) -> dict[str, Any]:
    """Returns the service's policy with one key, `a.b.c`, set to a value, or removed for None."""
    raw = copy.deepcopy(SERVICE)
    *parents, last = path.split(".")
    node = raw
    for name in parents:
        node = node.setdefault(name, {})
    node[last] = value
    if value is None:
        del node[last]
    return raw


def refusal(path: str, value: object) -> str:
    with pytest.raises(PolicyError) as caught:
        parse_policy(changed(path, value))
    return str(caught.value)


def test_the_service_policy_has_the_16_fields_and_three_categories(service_policy: Policy) -> None:
    assert service_policy.id_field == "userId"
    required = [name for name, rule in service_policy.fields.items() if rule.required]
    assert len(required) == 15
    assert list(service_policy.categories) == ["general", "friend", "couple"]


@pytest.mark.parametrize(
    ("vocabulary", "size"),
    [
        ("mbti", 17),
        ("personality", 41),
        ("interests", 23),
        ("foods", 20),
        ("sports", 30),
        ("pets", 11),
        ("development", 12),
        ("hobbies", 22),
        ("age", 5),
        ("religion", 6),
        ("smoking", 5),
        ("drinking", 5),
        ("gender", 2),
    ],
)
def test_the_service_vocabularies_are_complete(
    service_policy: Policy, vocabulary: str, size: int
) -> None:
    codes = service_policy.vocabularies[vocabulary]
    assert len(codes) == size
    assert all(set(labels) == {"ko", "en"} for labels in codes.values())


def test_labels_are_in_the_given_language(service_policy: Policy) -> None:
    assert service_policy.label("smoking", "NO_SMOKING", "ko") == "비흡연"
    assert service_policy.label("smoking", "NO_SMOKING", "en") == "non-smoker"
    assert service_policy.label("smoking", "NO_SMOKING", "fr") == "NO_SMOKING"
    assert service_policy.field_label("pets", "ko") == "반려동물"


# ---- the service's formulas ----------------------------------------------------------------------


def test_general_weighs_embedding_wishes_and_codes(service_policy: Policy) -> None:
    weights = service_policy.categories["general"].weights
    assert weights["cosine"] == pytest.approx(0.7)
    assert weights["religion"] == weights["smoking"] == weights["drinking"]
    assert weights["religion"] * 3 == pytest.approx(0.3 * 0.3)
    assert weights["mbti"] == weights["age"] == pytest.approx(0.3 * 0.2)
    assert weights["wishes"] == pytest.approx(0.3 * 0.3)


@pytest.mark.parametrize(("category", "cosine"), [("friend", 0.7), ("couple", 0.6)])
def test_friend_and_couple_share_the_rest_between_mbti_and_age(
    service_policy: Policy, category: str, cosine: float
) -> None:
    rest = (1 - cosine) / 2
    assert service_policy.categories[category].weights == pytest.approx(
        {"cosine": cosine, "mbti": rest, "age": rest}
    )


def test_only_couples_need_different_genders(service_policy: Policy) -> None:
    assert service_policy.eligibility_of("couple").different == ("gender",)
    assert service_policy.eligibility_of("friend").different == ()
    assert all(
        service_policy.eligibility_of(c).same == ("emailDomain",) for c in service_policy.categories
    )


@pytest.mark.parametrize(
    ("a", "b", "value"),
    [
        ("INTJ", "INTJ", 0.7),  # all letters equal, not a pairing
        ("INTJ", "ENFP", 0.7 * 1.0 / 3 + 0.3),  # N alone equal, a pairing
        ("INTJ", "ENTP", 0.7 * 2.0 / 3 + 0.3),  # N and T
        ("INTJ", "ESFP", 0.0),  # nothing
        ("ISTP", "ESFJ", 0.7 * 1.0 / 3 + 0.3),  # S alone; ISTP looks for ESFJ ...
        ("ESFJ", "ISTP", 0.7 * 1.0 / 3),  # ... who looks for others: a one-way edge
        ("ESTJ", "ISTP", 0.7 * 2.0 / 3 + 0.3),
        ("ISTP", "ESTJ", 0.7 * 2.0 / 3),
        ("ENFJ", "INFP", 0.7 * 2.0 / 3 + 0.3),
        ("INFP", "INFJ", 0.7 * 2.5 / 3),  # all but the last letter, weight 0.5
    ],
)
def test_mbti_values_match_hand_computed_pairs(
    service_policy: Policy, a: str, b: str, value: float
) -> None:
    assert service_policy.term_value("mbti", a, b) == pytest.approx(value)


def test_six_edges_of_the_mbti_pairs_are_one_way(service_policy: Policy) -> None:
    pairs = service_policy.tables["mbti"].pairs
    one_way = {(a, b) for a, liked in pairs.items() for b in liked if a not in pairs[b]}
    assert one_way == ONE_WAY


def test_equal_age_groups_give_1_adjacent_ones_half_others_0(
    service_policy: Policy,
) -> None:
    values = [
        service_policy.term_value("age", "AGE_20S", b)
        for b in service_policy.shown_codes("ageGroup")
    ]
    assert values == [1.0, 0.5, 0.0, 0.0, 0.0]


def test_equal_terms_give_1_or_0(service_policy: Policy) -> None:
    assert service_policy.term_value("religion", "BUDDHISM", "BUDDHISM") == 1.0
    assert service_policy.term_value("religion", "BUDDHISM", "WON_BUDDHISM") == 0.0


# ---- hiding a field never raises one's rank ------------------------------------------------------


def test_a_hidden_mbti_above_the_average_is_refused() -> None:
    message = refusal("terms.mbti.missing", 0.6)
    assert "terms.mbti.missing = 0.6" in message
    assert "0.35" in message
    assert "raise one's rank" in message


def test_an_unknown_mbti_never_beats_the_average_of_the_known_types(service_policy: Policy) -> None:
    types = service_policy.shown_codes("MBTI")
    hidden = service_policy.terms["mbti"].missing
    assert len(types) == 16
    for other in types:
        seen = [service_policy.term_value("mbti", other, mine) for mine in types]
        seeing = [service_policy.term_value("mbti", mine, other) for mine in types]
        assert hidden <= sum(seen) / 16 + 1e-12
        assert hidden <= sum(seeing) / 16 + 1e-12


@pytest.mark.parametrize("name", ["religion", "age", "mbti"])
def test_the_ceiling_itself_is_accepted_and_no_more(service_policy: Policy, name: str) -> None:
    ceiling = missing_ceiling(service_policy, name)
    assert parse_policy(changed(f"terms.{name}.missing", ceiling - 1e-9))
    assert f"terms.{name}.missing" in refusal(f"terms.{name}.missing", ceiling + 1e-6)


def test_a_missing_set_gives_0() -> None:
    assert "terms.wishes.missing = 0.01" in refusal("terms.wishes.missing", 0.01)


# ---- errors name key, value and what is accepted -------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("combin", "arithmetic", ["combin", "no such key", "docs/policy.md"]),
        ("fields.pets.requird", True, ["fields.pets.requird", "no such key"]),
        ("combine", "harmonical", ["combine = 'harmonical'", "'harmonic'", "'geometric'"]),
        ("k", 0, ["k = 0", "greater than or equal to 1"]),
        ("fields.pets.kind", "list", ["fields.pets.kind = 'list'", "'set'"]),
        ("fields.pets.values", "animals", ["fields.pets.values = 'animals'", "pets", "sports"]),
        ("fields.ageGroup.values", None, ["fields.ageGroup", "`values`, lowest first"]),
        ("fields.pets.drop", "(", ["fields.pets.drop = '('", "regular expression"]),
        ("fields.userId", {"kind": "code"}, ["fields.userId", "built in"]),
        ("fields.pets.drop", "a(?=b)", ["fields.pets.drop = 'a(?=b)'", "polars"]),
        ("fields.religion.hidden", ["OTHER"], ["fields.religion.hidden = 'OTHER'", "BUDDHISM"]),
        ("fields.user_id", {"kind": "code"}, ["fields.user_id", "built in"]),
        ("terms.cosine.missing", 0.1, ["terms.cosine.missing", "never missing"]),
        ("terms.wishes.theirs", "pets", ["terms.wishes", "no code in common"]),
        ("tables.mbti.letters", [0.0, 0.0, 0.0, 0.0], ["tables.mbti.letters", "above 0"]),
        ("tables.mbti.pairs_share", 0.7, ["tables.mbti", "above 1 together"]),
        ("tables.mbti.default", 5.0, ["tables.mbti.default = 5.0", "less than or equal to 1"]),
        ("languages", [], ["languages", "at least 1"]),
        ("embed.templates.ko", ["{bio} {}"], ["embed.templates.ko", "no other braces"]),
        ("terms.religion.field", "religon", ["terms.religion.field = 'religon'", "religion"]),
        ("terms.religion.field", "pets", ["of kind set", "accepted: code, ordered"]),
        ("terms.wishes.mine", "MBTI", ["terms.wishes.mine = 'MBTI'", "accepted: set"]),
        ("terms.wishes.theirs", None, ["terms.wishes.theirs", "missing"]),
        ("terms.mbti.table", "mbtii", ["terms.mbti.table = 'mbtii'", "accepted: mbti"]),
        ("terms.mbti.field", "gender", ["tables.mbti", "MALE"]),
        ("terms.age.steps", [], ["terms.age.steps", "distance 0, 1, 2"]),
        ("terms.mbti.missing", -1, ["terms.mbti.missing = -1"]),
        ("tables.mbti.pairs.INTX", ["ENFP"], ["tables.mbti = 'INTX'", "INTJ"]),
        ("tables.mbti.letters", [1.0, 1.0], ["tables.mbti.letters", "each letter"]),
        ("categories.friend.weights.agee", 1, ["categories.friend.weights = 'agee'", "age"]),
        ("categories.friend.weights.age", -1, ["categories.friend.weights.age = -1"]),
        ("categories.friend.weights", {"age": 0}, ["categories.friend.weights", "sum to 0"]),
        ("categories.friend.voice", "pal", ["categories.friend.voice = 'pal'", "'friend'"]),
        ("categories", {}, ["categories", "at least 1"]),
        ("eligibility.same", ["domain"], ["eligibility.same = 'domain'", "emailDomain"]),
        ("eligibility.same", ["pets"], ["eligibility.same = 'pets'", "of kind set"]),
        ("eligibility.blocked", ["pets"], ["eligibility.blocked = 'pets'", "accepted: ids"]),
        ("eligibility.within", [{"field": "age", "distance": 1}], ["eligibility.within", "'age'"]),
        ("embed.language", "fr", ["embed.language = 'fr'", "accepted: en, ko"]),
        ("embed.fields.hobies", 1, ["embed.fields = 'hobies'", "hobbies"]),
        ("embed.templates.ko", ["{bioo}"], ["embed.templates.ko = 'bioo'", "bio"]),
        ("embed.profile_weight", -1, ["embed.profile_weight = -1"]),
    ],
)
def test_a_wrong_policy_is_refused_in_words(path: str, value: object, words: list[str]) -> None:
    message = refusal(path, value)
    assert [word for word in words if word not in message] == []


def test_every_problem_is_reported_at_once() -> None:
    raw = changed("terms.religion.field", "religon")
    raw["terms"]["mbti"]["table"] = "mbtii"
    with pytest.raises(PolicyError) as caught:
        parse_policy(raw)
    assert "'religon'" in str(caught.value)
    assert "'mbtii'" in str(caught.value)


def test_both_embedding_weights_at_0_are_refused() -> None:
    raw = changed("embed.profile_weight", 0)
    raw["embed"]["fields_weight"] = 0
    with pytest.raises(PolicyError, match="both 0"):
        parse_policy(raw)


def test_an_empty_policy_names_what_it_lacks() -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy({})
    for key in ("name", "languages", "k", "fields", "embed", "terms", "categories"):
        assert f"{key}: Field required" in str(caught.value)


# ---- the digest ----------------------------------------------------------------------------------


def test_the_digest_is_the_same_for_the_same_policy(service_policy: Policy) -> None:
    again = parse_policy(tomllib.loads("# a remark\n" + TOML.read_text(encoding="utf-8"))["policy"])
    assert again.digest == service_policy.digest
    assert len(service_policy.digest) == 64


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("categories.friend.weights.age", 0.1500001),
        ("k", 51),
        ("combine", "harmonic"),
        ("terms.mbti.missing", 0.34),
        ("tables.mbti.pairs.INTJ", ["ENFP"]),
        ("vocabularies.pets.DOG.ko", "개"),
        ("embed.templates.ko", ["{bio}"]),
    ],
)
def test_the_digest_changes_with_the_policy(
    service_policy: Policy, path: str, value: object
) -> None:
    assert parse_policy(changed(path, value)).digest != service_policy.digest


def test_default_values_written_out_do_not_change_the_digest(service_policy: Policy) -> None:
    assert parse_policy(changed("id_minimum", 1)).digest == service_policy.digest


# ---- the reference -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [Policy, FieldRule, Table, Term, Accepts, Within, Eligibility, Category, Embed, Gate],
)
def test_the_reference_names_every_key(model: type[BaseModel]) -> None:
    page = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    keys = set(re.findall(r"\w+", page))
    assert set(model.model_fields) - keys == set()


def test_the_examples_of_the_reference_are_toml() -> None:
    page = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    assert len(examples) >= 5
    for example in examples:
        assert tomllib.loads(example)["policy"]

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hertz.cli.sample.sample import make_sample
from hertz.cli.sample.tables import Bios, bios, members
from hertz.core.errors import PolicyError
from hertz.policy.model import Policy
from hertz.policy.profiles import validate_profiles
from hertz.storage.sources import read_source

ROOT = Path(__file__).parents[3]
LENGTHS = members().list_lengths
LISTS = tuple(LENGTHS)


@pytest.fixture(scope="module")
def sample(service_policy: Policy) -> pl.DataFrame:
    return make_sample(2000, 7, service_policy)


def share(frame: pl.DataFrame, column: str, code: str) -> float:
    return float((frame[column] == code).sum() / frame.height)


# ---- what it is ----------------------------------------------------------------------------------


def test_every_profile_is_valid(sample: pl.DataFrame, service_policy: Policy) -> None:
    found = validate_profiles(service_policy, sample)
    assert found.quarantine.rows() == []
    assert found.ignored_columns == ()
    assert found.profiles.height == 2000


def test_it_has_the_service_s_columns_and_ids_from_1(
    sample: pl.DataFrame, service_policy: Policy
) -> None:
    assert sample.columns == ["userId", *service_policy.fields]
    assert sample["userId"].to_list() == list(range(1, 2001))
    assert sample["blockedUserIds"].dtype == pl.List(pl.Int64)


@pytest.mark.parametrize("users", [0, 1, 2])
def test_small_samples_work(users: int, service_policy: Policy) -> None:
    frame = make_sample(users, 1, service_policy)
    assert frame.height == users
    if users:
        assert validate_profiles(service_policy, frame).profiles.height == users


def test_csv_jsonl_and_parquet_give_the_same_profiles(
    sample: pl.DataFrame, service_policy: Policy, tmp_path: Path
) -> None:
    lists = pl.selectors.by_dtype(pl.List(pl.String), pl.List(pl.Int64))
    sample.write_parquet(tmp_path / "p.parquet")
    sample.write_ndjson(tmp_path / "p.jsonl")
    joined = sample.with_columns(lists.cast(pl.List(pl.String)).list.join("|"))
    joined.write_csv(tmp_path / "p.csv")
    sources = [read_source(str(tmp_path / f"p.{kind}")) for kind in ("parquet", "jsonl", "csv")]
    expected = validate_profiles(service_policy, sample).profiles
    for source in sources:
        found = validate_profiles(service_policy, source.frame, source.rejected)
        assert found.quarantine.rows() == []
        assert found.profiles.equals(expected)


def test_another_policy_is_refused(service_policy: Policy) -> None:
    fields = {n: rule for n, rule in service_policy.fields.items() if n != "pets"}
    with pytest.raises(PolicyError, match="lacks: pets"):
        make_sample(3, 1, service_policy.model_copy(update={"fields": fields}))


def test_a_policy_without_a_code_of_the_sample_is_refused(service_policy: Policy) -> None:
    vocabularies = dict(service_policy.vocabularies)
    vocabularies["foods"] = {c: v for c, v in vocabularies["foods"].items() if c != "THAI"}
    with pytest.raises(PolicyError, match="lacks: favoriteFoods: THAI"):
        make_sample(3, 1, service_policy.model_copy(update={"vocabularies": vocabularies}))


def test_the_archetypes_like_codes_that_the_policy_knows(service_policy: Policy) -> None:
    assert 8 <= len(members().archetypes) <= 12
    for archetype in members().archetypes.values():
        assert len(archetype.likes) == 6
        for field, codes in archetype.likes.items():
            assert set(codes) <= set(service_policy.shown_codes(field))
    known = {code for field in LISTS for code in service_policy.shown_codes(field)}
    assert {*members().frequency.popular, *members().frequency.rare} <= known


@pytest.mark.parametrize(
    ("line", "accepted"),
    [
        ("{a}을(를) 좋아<해요|합니다|함>", True),
        ("{a}을(를) 좋아<해요|합니다>", False),
        ("{c}을(를) 좋아<해요|합니다|함>", False),
    ],
)
def test_a_sentence_without_three_endings_or_with_another_label_is_refused(
    line: str, accepted: bool
) -> None:
    tables = bios().model_dump() | {"sentences": {**bios().sentences, "pets": (line,)}}
    if accepted:
        assert Bios.model_validate(tables).sentences["pets"] == (line,)
    else:
        with pytest.raises(ValueError, match=r"polite\|formal\|casual"):
            Bios.model_validate(tables)


# ---- the same again ------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_frame(sample: pl.DataFrame, service_policy: Policy) -> None:
    assert make_sample(2000, 7, service_policy).equals(sample)
    assert not make_sample(2000, 8, service_policy).equals(sample)


@pytest.mark.parametrize("threads", ["1", "3"])
def test_the_frame_does_not_depend_on_the_number_of_threads(
    sample: pl.DataFrame, tmp_path: Path, threads: str
) -> None:
    path = tmp_path / "sample.parquet"
    script = (
        "import sys, tomllib, pathlib\n"
        "from hertz.policy.load import parse_policy\n"
        "from hertz.cli.sample.sample import make_sample\n"
        "raw = tomllib.loads(pathlib.Path('hertz.toml').read_text(encoding='utf-8'))\n"
        "make_sample(2000, 7, parse_policy(raw['policy'])).write_parquet(sys.argv[1])\n"
    )
    counts = {"POLARS_MAX_THREADS": threads, "OMP_NUM_THREADS": threads, "PYTHONHASHSEED": threads}
    command = [sys.executable, "-c", script, str(path)]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **counts})
    assert pl.read_parquet(path).equals(sample)


# ---- realistic -----------------------------------------------------------------------------------


def test_one_domain_has_70_percent_of_the_users(sample: pl.DataFrame) -> None:
    counts = sample["emailDomain"].value_counts(sort=True)
    assert 4 <= counts.height <= 8
    assert counts["count"][0] / sample.height == pytest.approx(0.7, abs=0.04)
    assert all(domain.endswith(".example") for domain in counts["emailDomain"])


def test_lists_have_realistic_lengths_and_distinct_codes(sample: pl.DataFrame) -> None:
    for field in LISTS:
        lengths = sample[field].list.len()
        assert lengths.min() == 1
        assert lengths.max() <= len(LENGTHS[field])
        assert (lengths == sample[field].list.n_unique()).all()
    short = sample.select(pl.col("personality", "preferredPeople").list.len() <= 5).mean()
    assert min(short.row(0)) > 0.9


def test_codes_are_uneven(sample: pl.DataFrame) -> None:
    assert 0.03 < share(sample, "MBTI", "UNKNOWN") < 0.07
    assert share(sample, "MBTI", "UNKNOWN") < share(sample, "MBTI", "ISTJ") + 0.05
    assert share(sample, "religion", "NON_RELIGIOUS") > 0.4
    assert share(sample, "smoking", "NO_SMOKING") > 0.6
    assert 0.35 < share(sample, "gender", "FEMALE") < 0.6
    for field in LISTS:
        counts = sample[field].explode().value_counts(sort=True)["count"]
        assert counts[0] > 3 * counts[-1]


def test_every_code_occurs(sample: pl.DataFrame, service_policy: Policy) -> None:
    for field in ("MBTI", "religion", "smoking", "drinking", "ageGroup", *LISTS):
        met = set(sample[field].explode()) if field in LISTS else set(sample[field])
        assert met == set(service_policy.vocabulary(field) or ())


def test_interests_and_hobbies_go_together(sample: pl.DataFrame) -> None:
    """A pair that an archetype joins is met far more often than chance would have it."""
    for interest, hobby in [("STOCKS", "STOCKS"), ("BAKING", "BAKING"), ("DRAWING", "DRAWING")]:
        has_interest = sample["currentInterests"].list.contains(interest)
        has_hobby = sample["hobbies"].list.contains(hobby)
        assert (has_interest & has_hobby).mean() > 2 * has_interest.mean() * has_hobby.mean()


def test_pets_do_not_contradict_each_other(sample: pl.DataFrame) -> None:
    for pets in sample["pets"]:
        assert len(pets) == 1 or not {"NONE", "LIKE_BUT_NOT_HAVE", "WANT_TO_HAVE"} & set(pets)


def test_some_users_block_others_never_themselves(sample: pl.DataFrame) -> None:
    blocking = sample.filter(pl.col("blockedUserIds").list.len() > 0)
    assert 0.01 < blocking.height / sample.height < 0.06
    for user, blocked in blocking.select("userId", "blockedUserIds").iter_rows():
        assert user not in blocked
        assert all(1 <= other <= 2000 for other in blocked)


# ---- bios ----------------------------------------------------------------------------------------


def test_bios_are_varied_and_some_users_have_none(sample: pl.DataFrame) -> None:
    assert 0.07 < sample["bio"].null_count() / sample.height < 0.13
    bios = sample["bio"].drop_nulls()
    assert bios.n_unique() > 0.9 * len(bios)
    assert bios.str.len_chars().max() < 300


def test_bios_are_korean_sentences_without_markers_or_contacts(sample: pl.DataFrame) -> None:
    left_over = re.compile(r"[(){}<>|@#]|http|www|[0-9]{3}|[A-Z]_|  ")
    for bio in sample["bio"].drop_nulls():
        text = bio.replace(" :)", "")
        assert not left_over.search(text), text
        assert re.search("[가-힣]", text)
        assert not re.search(r"[\u4e00-\u9fff]", text)
        assert 1 <= len(re.findall(r"[.!~]|:\)|ㅎㅎ|ㅋㅋ", bio)) <= 4


def test_particles_follow_the_final_consonant(sample: pl.DataFrame) -> None:
    bios = " ".join(sample["bio"].drop_nulls())
    for right, wrong in [("영화를", "영화을"), ("음악을", "음악를"), ("고양이와", "고양이과")]:
        assert right in bios
        assert wrong not in bios


def test_most_bios_fit_the_codes(sample: pl.DataFrame, service_policy: Policy) -> None:
    """Labels named in a bio are the user's own far more often than a stranger's."""
    described = sample.filter(pl.col("bio").is_not_null())
    own = named_labels(described, described["bio"].to_list(), service_policy)
    others = named_labels(
        described, np.roll(described["bio"].to_numpy(), 1).tolist(), service_policy
    )
    assert own > 0.75
    assert others < 0.35


def named_labels(people: pl.DataFrame, bios: list[str], policy: Policy) -> float:
    """Share of the sports and foods named in the bios that the people have."""
    named = had = 0
    for field in ("likedSports", "favoriteFoods"):
        for codes, bio in zip(people[field], bios, strict=True):
            for code in policy.shown_codes(field):
                if policy.label(field, code, "ko") in bio:
                    named += 1
                    had += code in codes
    return had / named

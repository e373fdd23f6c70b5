"""The two shipped policies, and a pair of people who have much in common."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from matching.policy import Policy, parse_policy
from tests.explanations.people import profile

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def okcupid_policy() -> Policy:
    """English only, no MBTI, open vocabularies."""
    text = (ROOT / "policies" / "okcupid.toml").read_text(encoding="utf-8")
    return parse_policy(tomllib.loads(text)["policy"])


@pytest.fixture(params=["service", "okcupid"])
def any_policy(
    request: pytest.FixtureRequest, service_policy: Policy, okcupid_policy: Policy
) -> Policy:
    """Each shipped policy in turn."""
    return service_policy if request.param == "service" else okcupid_policy


@pytest.fixture(scope="session")
def minji(service_policy: Policy) -> dict[str, Any]:
    """The lower id of the pair."""
    return profile(
        service_policy,
        1203,
        emailDomain="a.com",
        gender="FEMALE",
        ageGroup="AGE_20S",
        MBTI="ENFP",
        religion="NON_RELIGIOUS",
        smoking="NO_SMOKING",
        drinking="SOMETIMES",
        personality=["RELIABLE", "SMILES_OFTEN"],
        preferredPeople=["GOOD_LISTENER"],
        currentInterests=["MOVIES", "COOKING"],
        favoriteFoods=["TTEOKBOKKI", "KOREAN"],
        likedSports=["YOGA"],
        pets=["CAT"],
        selfDevelopment=["READING"],
        hobbies=["MUSIC", "BAKING"],
        bio="주말이면 동네 골목을 천천히 걸으며 오래된 빵집을 찾아다니는 것을 가장 좋아해요.",
    )


@pytest.fixture(scope="session")
def jun(service_policy: Policy) -> dict[str, Any]:
    """The higher id of the pair."""
    return profile(
        service_policy,
        4310,
        emailDomain="a.com",
        gender="MALE",
        ageGroup="AGE_30S",
        MBTI="INTJ",
        religion="NON_RELIGIOUS",
        smoking="NO_SMOKING",
        drinking="OFTEN",
        personality=["GOOD_LISTENER", "CALM"],
        preferredPeople=["SMILES_OFTEN", "WITTY"],
        currentInterests=["MOVIES", "STOCKS"],
        favoriteFoods=["KOREAN", "PIZZA"],
        likedSports=["SOCCER"],
        pets=["DOG"],
        selfDevelopment=["READING", "INVESTING"],
        hobbies=["MUSIC"],
    )

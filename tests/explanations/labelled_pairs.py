"""The two pairs that the labelled texts are about."""

from __future__ import annotations

from typing import Any

from hertz.policy.model import Policy
from tests.explanations.people import profile

Someone = dict[str, Any]


def labelled_pairs(policy: Policy) -> dict[str, tuple[Someone, Someone]]:
    """Returns pair A and pair B, the lower id first; three of the four have a bio."""
    return {
        "A": (
            profile(
                policy,
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
                bio="주말이면 동네 골목을 천천히 걸으며 오래된 빵집을 "
                "찾아다니는 것을 가장 좋아해요.",
            ),
            profile(
                policy,
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
            ),
        ),
        "B": (
            profile(
                policy,
                2208,
                emailDomain="a.com",
                gender="FEMALE",
                ageGroup="AGE_30S",
                MBTI="ISFJ",
                religion="CHRISTIANITY",
                smoking="NO_SMOKING",
                drinking="NEVER",
                personality=["POLITE", "METICULOUS", "QUIET"],
                preferredPeople=["HONEST", "WITTY"],
                currentInterests=["HOME_CAFE", "PLANT_PARENTING", "PHOTOGRAPHY"],
                favoriteFoods=["BAKERY", "BRUNCH", "SEAFOOD"],
                likedSports=["PILATES", "SWIMMING"],
                pets=["LIKE_BUT_NOT_HAVE"],
                selfDevelopment=["LANGUAGE_LEARNING"],
                hobbies=["PHOTOGRAPHY", "WEBTOON"],
                bio="한적한 바닷가 마을에서 필름 카메라로 노을을 담는 걸 좋아해요. "
                "상대방은 아마 대기업에 다니는 다정한 사람일 거예요.",
            ),
            profile(
                policy,
                7315,
                emailDomain="a.com",
                gender="MALE",
                ageGroup="AGE_30S",
                MBTI="ESTP",
                religion="BUDDHISM",
                smoking="NO_SMOKING",
                drinking="NEVER",
                personality=["HONEST", "ACTIVE"],
                preferredPeople=["POLITE"],
                currentInterests=["HOME_CAFE", "SKATEBOARDING"],
                favoriteFoods=["SEAFOOD", "MEAT_LOVER"],
                likedSports=["SWIMMING", "SURFING", "PILATES"],
                pets=["DOG"],
                selfDevelopment=["LANGUAGE_LEARNING", "DIET"],
                hobbies=["PHOTOGRAPHY", "GAMING"],
                bio="Ask me about the secret noodle shop behind the old lighthouse. "
                "I never lose at board games and I restore vintage radios.",
            ),
        ),
    }

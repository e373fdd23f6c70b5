"""The archetypes of the sample: ways to live, how common each is, and the codes it likes.

Data only; `sample.py` draws from it, and a test checks that the policy knows every code.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Archetype:
    """A way to live: how common it is, for whom, and which codes it likes.

    Attributes:
        share: Relative number of users.
        women: Factor on the share among women (men get its inverse).
        young: Factor on the share among people in their twenties (others get its inverse).
        letters: Chance of E, N, T and J in the MBTI.
        codes: Liked codes by field, separated by blanks.
    """

    share: float
    women: float
    young: float
    letters: tuple[float, float, float, float]
    codes: dict[str, str]


def _likes(
    interests: str, hobbies: str, sports: str, foods: str, development: str, personality: str
) -> dict[str, str]:
    return {
        "currentInterests": interests,
        "hobbies": hobbies,
        "likedSports": sports,
        "favoriteFoods": foods,
        "selfDevelopment": development,
        "personality": personality,
    }


ARCHETYPES = {
    "outdoors": Archetype(
        1.1,
        0.9,
        0.9,
        (0.6, 0.45, 0.5, 0.45),
        _likes(
            "PHOTOGRAPHY SCUBA_DIVING PLANT_PARENTING SKATEBOARDING",
            "OUTDOOR PHOTOGRAPHY SCUBA_DIVING MUSIC",
            "HIKING CLIMBING CYCLING SURFING SKI SNOWBOARD FISHING SWIMMING",
            "SEAFOOD KOREAN FRUIT STREET_FOOD MEAT_LOVER",
            "MIRACLE_MORNING LIFE_OPTIMIZATION MINDFULNESS",
            "ACTIVE POSITIVE FREE_SPIRITED COOL DILIGENT",
        ),
    ),
    "athlete": Archetype(
        1.2,
        0.7,
        1.1,
        (0.65, 0.3, 0.55, 0.5),
        _likes(
            "SNEAKER_COLLECTION SKATEBOARDING DANCE VARIETY_SHOWS",
            "OUTDOOR GAMING MUSIC",
            "SOCCER FUTSAL BASKETBALL BASEBALL GYM CROSSFIT BOXING JIUJITSU RUNNING MARATHON",
            "MEAT_LOVER CHICKEN KOREAN HAMBURGER ROOT_VEGETABLES",
            "DIET LIFE_OPTIMIZATION MIRACLE_MORNING",
            "COMPETITIVE ACTIVE PASSIONATE SELF_MANAGING RELIABLE",
        ),
    ),
    "homebody": Archetype(
        1.4,
        0.85,
        1.1,
        (0.2, 0.55, 0.55, 0.4),
        _likes(
            "NETFLIX SPACE_OUT VARIETY_SHOWS MOVIES CRYPTO",
            "GAMING WEBTOON SPACE_OUT DRAMA COLLECTING",
            "HOME_TRAINING BILLIARDS BOWLING PINGPONG",
            "CHICKEN PIZZA HAMBURGER TTEOKBOKKI SPICY_FOOD",
            "DIET READING WRITING",
            "LONER QUIET WITTY UNIQUE PLAYFUL COOL",
        ),
    ),
    "foodie": Archetype(
        1.1,
        1.2,
        1.0,
        (0.55, 0.4, 0.4, 0.5),
        _likes(
            "COOKING BAKING HOME_CAFE CHATTING VARIETY_SHOWS",
            "COOKING BAKING CHATTING DRAMA",
            "PILATES HOME_TRAINING BADMINTON SWIMMING",
            "JAPANESE WESTERN THAI VIETNAMESE MEXICAN BRUNCH BAKERY SEAFOOD",
            "DIET LANGUAGE_LEARNING READING",
            "SMILES_OFTEN EMPATHETIC AFFECTIONATE CONSIDERATE POSITIVE",
        ),
    ),
    "creative": Archetype(
        0.9,
        1.15,
        1.1,
        (0.35, 0.8, 0.35, 0.35),
        _likes(
            "DRAWING INSTRUMENT PHOTOGRAPHY MOVIES INTERIOR",
            "DRAWING INSTRUMENT MUSIC APPRECIATION PHOTOGRAPHY",
            "YOGA SURFING CLIMBING PINGPONG",
            "VEGETARIAN BRUNCH VIETNAMESE BAKERY WESTERN",
            "WRITING READING MINDFULNESS",
            "CHARACTERFUL SENSITIVE UNIQUE FREE_SPIRITED OPEN_MINDED",
        ),
    ),
    "career": Archetype(
        0.9,
        0.85,
        0.6,
        (0.55, 0.5, 0.75, 0.8),
        _likes(
            "STOCKS CRYPTO INTERIOR NETFLIX",
            "STOCKS MUSIC OUTDOOR APPRECIATION",
            "GOLF TENNIS GYM SQUASH RUNNING",
            "WESTERN JAPANESE MEAT_LOVER SEAFOOD",
            "INVESTING CAREER_DEVELOPMENT MIRACLE_MORNING LIFE_OPTIMIZATION",
            "COMPETENT WORKAHOLIC DILIGENT SELF_MANAGING COMPETITIVE RESPONSIVE",
        ),
    ),
    "scholar": Archetype(
        1.1,
        1.0,
        1.5,
        (0.3, 0.55, 0.6, 0.7),
        _likes(
            "HOME_CAFE MOVIES SPACE_OUT INSTRUMENT",
            "APPRECIATION MUSIC WEBTOON MOVIES",
            "BADMINTON PINGPONG RUNNING SWIMMING",
            "TTEOKBOKKI KOREAN BAKERY FRUIT CHINESE",
            "STUDYING CAFE_STUDY LICENSE_STUDY LANGUAGE_LEARNING READING",
            "SINCERE CALM SERIOUS METICULOUS POLITE QUIET",
        ),
    ),
    "style": Archetype(
        0.9,
        2.0,
        1.2,
        (0.6, 0.45, 0.3, 0.45),
        _likes(
            "MAKEUP NAIL_ART HOME_CAFE FORTUNE_TELLING INTERIOR",
            "MAKEUP PHOTOGRAPHY INTERIOR DRAMA CHATTING",
            "PILATES YOGA HOME_TRAINING TENNIS",
            "BRUNCH BAKERY TTEOKBOKKI SPICY_FOOD VEGETARIAN",
            "DIET LANGUAGE_LEARNING CAFE_STUDY",
            "NEAT CUTE AFFECTIONATE RESPONSIVE SENSITIVE",
        ),
    ),
    "social": Archetype(
        1.1,
        1.0,
        1.1,
        (0.9, 0.5, 0.4, 0.4),
        _likes(
            "CHATTING DANCE VARIETY_SHOWS FORTUNE_TELLING SKATEBOARDING",
            "CHATTING DANCE MUSIC OUTDOOR",
            "BOWLING BILLIARDS BASEBALL VOLLEYBALL SNOWBOARD",
            "STREET_FOOD CHICKEN MEXICAN CHINESE SPICY_FOOD",
            "LANGUAGE_LEARNING CAREER_DEVELOPMENT DIET",
            "TALKATIVE SOCIABLE WITTY SMILES_OFTEN PLAYFUL POSITIVE",
        ),
    ),
    "homely": Archetype(
        1.0,
        1.2,
        0.7,
        (0.35, 0.35, 0.35, 0.65),
        _likes(
            "PLANT_PARENTING CLEANING INTERIOR COOKING HOME_CAFE",
            "PLANT_CARE CLEANING COOKING INTERIOR BAKING",
            "YOGA HIKING SWIMMING FISHING",
            "KOREAN FRUIT ROOT_VEGETABLES VEGETARIAN SEAFOOD",
            "READING MINDFULNESS INVESTING",
            "FAMILY_ORIENTED CONSIDERATE CALM FRUGAL LOYAL GOOD_LISTENER",
        ),
    ),
    "screen": Archetype(
        1.0,
        1.0,
        1.0,
        (0.35, 0.65, 0.45, 0.45),
        _likes(
            "MOVIES NETFLIX VARIETY_SHOWS PHOTOGRAPHY HOME_CAFE",
            "MOVIES DRAMA APPRECIATION MUSIC COLLECTING",
            "BOWLING CYCLING HOME_TRAINING SHOOTING",
            "PIZZA CHICKEN JAPANESE VIETNAMESE THAI",
            "WRITING READING LANGUAGE_LEARNING",
            "GOOD_LISTENER SENSITIVE HONEST EMPATHETIC OPEN_MINDED",
        ),
    ),
}

# What most people name, and what few do, whatever their archetype.
POPULAR = """
    MOVIES NETFLIX MUSIC CHATTING COOKING KOREAN JAPANESE CHICKEN TTEOKBOKKI GYM RUNNING HIKING
    PILATES READING STUDYING DIET INVESTING DOG CAT LIKE_BUT_NOT_HAVE DRAMA GAMING PHOTOGRAPHY
    POSITIVE CONSIDERATE POLITE HONEST SINCERE SMILES_OFTEN GOOD_LISTENER NONE
"""
RARE = """
    NAIL_ART SNEAKER_COLLECTION SCUBA_DIVING SKATEBOARDING FORTUNE_TELLING ROOT_VEGETABLES
    VEGETARIAN MEXICAN SQUASH SHOOTING JIUJITSU FISHING VOLLEYBALL BILLIARDS REPTILE AMPHIBIAN
    BIRD RABBIT HAMSTER COLLECTING MIRACLE_MORNING CONSERVATIVE WORKAHOLIC DOESNT_SWEAR LOYAL
"""

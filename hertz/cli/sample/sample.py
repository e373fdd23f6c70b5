"""Made-up profiles in the service's schema that look like a real membership.

In: how many users, a seed and the service's policy. Out: a frame as the service would export it.
Everyone leans to one archetype and a little to a second: interests, hobbies, sports, foods,
self-development and personality follow it, so that likeness between profiles is not noise.
The same seed and number give the same frame: all randomness is one PCG64 stream, and only
comparisons and elementary arithmetic (exact on every machine) act on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
import pyarrow as pa

from hertz.cli.sample.archetypes import ARCHETYPES, POPULAR, RARE
from hertz.cli.sample.bios import DRAWS, write_bio
from hertz.core.errors import PolicyError
from hertz.policy.model import Policy

AGES = ("AGE_20S", "AGE_30S", "AGE_40S", "AGE_50S", "AGE_60_PLUS")
# Each domain: its share of the users, and the shares of the ages in it.
DOMAINS = {
    "snu.example": (0.70, (0.72, 0.20, 0.05, 0.02, 0.01)),
    "hangang.example": (0.12, (0.78, 0.16, 0.04, 0.015, 0.005)),
    "namsan.example": (0.08, (0.66, 0.24, 0.07, 0.02, 0.01)),
    "startup.example": (0.06, (0.35, 0.48, 0.13, 0.03, 0.01)),
    "cityhall.example": (0.03, (0.15, 0.38, 0.28, 0.15, 0.04)),
    "clinic.example": (0.01, (0.22, 0.40, 0.24, 0.11, 0.03)),
}
GENDERS = {"MALE": 0.54, "FEMALE": 0.46}
RELIGIONS = {
    "NON_RELIGIOUS": 0.56,
    "CHRISTIANITY": 0.20,
    "BUDDHISM": 0.12,
    "CATHOLICISM": 0.09,
    "WON_BUDDHISM": 0.01,
    "OTHER_RELIGION": 0.02,
}
SMOKING = ("NO_SMOKING", "SOMETIMES", "EVERYDAY", "E_CIGARETTE", "TRYING_TO_QUIT")
SMOKING_SHARES = ((0.66, 0.08, 0.11, 0.09, 0.06), (0.90, 0.04, 0.02, 0.02, 0.02))  # by gender
DRINKING = {
    "NEVER": 0.18,
    "ONLY_IF_NEEDED": 0.24,
    "SOMETIMES": 0.40,
    "OFTEN": 0.14,
    "TRYING_TO_QUIT": 0.04,
}
UNKNOWN_MBTI = 0.05
# Chance of 1, 2, 3, ... items in each list.
LENGTHS = {
    "personality": (0.12, 0.22, 0.28, 0.20, 0.12, 0.03, 0.01, 0.01, 0.005, 0.005),
    "preferredPeople": (0.14, 0.24, 0.28, 0.18, 0.10, 0.03, 0.01, 0.01, 0.005, 0.005),
    "currentInterests": (0.20, 0.32, 0.28, 0.20),
    "favoriteFoods": (0.18, 0.32, 0.30, 0.20),
    "likedSports": (0.40, 0.38, 0.22),
    "pets": (0.85, 0.15),
    "selfDevelopment": (0.42, 0.38, 0.20),
    "hobbies": (0.20, 0.34, 0.28, 0.18),
}
LONE_PETS = ("NONE", "LIKE_BUT_NOT_HAVE", "WANT_TO_HAVE")  # answers that stand alone
LIKED, HALF_LIKED, POPULARITY, RARITY = 20.0, 6.0, 2.0, 0.3  # how much a code's weight grows
BIO_KINDS = {"fit": 0.85, "other": 0.05, "": 0.10}
BLOCKING = 0.03  # share of users who block someone

_TEXTS = pa.large_list(pa.large_string())  # 20 times faster than polars from Python lists
Columns = dict[str, Sequence[str]]
Lists = dict[str, list[list[str]]]


def make_sample(users: int, seed: int, policy: Policy) -> pl.DataFrame:
    """Profiles of the service's schema.

    Args:
        users: How many; their ids are 1..users.
        seed: Same seed, same frame, bit for bit.
        policy: The service's policy: vocabularies and Korean labels.

    Returns:
        One row a user: userId Int64, seven codes String, eight lists List(String), bio String
        (or null), blockedUserIds List(Int64).

    Raises:
        PolicyError: when the policy has not the service's fields and codes.
    """
    _require_schema(policy)
    rng = np.random.Generator(np.random.PCG64(seed))
    domains, ages = _domains_and_ages(rng, users)
    genders = _choose(rng, _shares(GENDERS), users)
    main, second = _archetypes(rng, genders, ages)
    codes: Columns = {
        "emailDomain": _named(domains, DOMAINS),
        "gender": _named(genders, GENDERS),
        "ageGroup": _named(ages, AGES),
        "MBTI": _mbti(rng, main),
        "religion": _named(_choose(rng, _shares(RELIGIONS), users), RELIGIONS),
        "smoking": _named(_choose(rng, np.array(SMOKING_SHARES)[genders], users), SMOKING),
        "drinking": _named(_choose(rng, _shares(DRINKING), users), DRINKING),
    }
    lists = {name: _lists(rng, policy, name, main, second) for name in LENGTHS}
    lists["pets"] = [_plausible(pets) for pets in lists["pets"]]
    bios = _bios(rng, policy, codes, lists)
    return _frame(codes, lists, bios, _blocked(rng, users))


def _frame(
    codes: Columns, lists: Lists, bios: list[str | None], blocked: list[list[int]]
) -> pl.DataFrame:
    ids = pl.int_range(1, len(bios) + 1, dtype=pl.Int64, eager=True)
    return pl.DataFrame(
        {
            "userId": ids,
            **{name: pl.Series(v, dtype=pl.String) for name, v in codes.items()},
            **{name: pl.Series(pa.array(v, _TEXTS)) for name, v in lists.items()},
            "bio": pl.Series(bios, dtype=pl.String),
            "blockedUserIds": pl.Series(blocked, dtype=pl.List(pl.Int64)),
        }
    )


def _require_schema(policy: Policy) -> None:
    used: dict[str, set[str]] = {name: set() for name in LENGTHS}
    used |= {"gender": {*GENDERS}, "ageGroup": {*AGES}, "religion": {*RELIGIONS}}
    used |= {"smoking": {*SMOKING}, "drinking": {*DRINKING}, "pets": {*LONE_PETS}}
    used |= {"MBTI": {"INTJ", "UNKNOWN"}, "emailDomain": set()}
    for archetype in ARCHETYPES.values():
        for name, liked in archetype.codes.items():
            used[name].update(liked.split())
    unknown = [name for name in used if name not in policy.fields]
    unknown += [
        f"{name}: {code}"
        for name, codes in used.items()
        if name in policy.fields
        for code in sorted(codes - set(policy.vocabulary(name) or ()))
    ]
    if unknown:
        message = (
            "the sample has the service's schema, this policy has not; missing: "
            f"{', '.join(unknown[:12])}; use the policy in hertz.toml"
        )
        raise PolicyError(message)


# ---- drawing -------------------------------------------------------------------------------------


def _choose(rng: np.random.Generator, weights: np.ndarray, users: int) -> np.ndarray:
    """An index a user `(users,) int64`, with chances by `weights` `(k,)` or `(users, k)`."""
    edges = np.cumsum(weights, axis=-1)
    drawn = rng.random(users) * edges[..., -1]
    return np.minimum((drawn[:, None] >= edges).sum(axis=1), edges.shape[-1] - 1)


def _shares(table: Mapping[str, float]) -> np.ndarray:
    return np.array(list(table.values()))


def _named(indices: np.ndarray, names: Sequence[str] | Mapping[str, object]) -> list[str]:
    ordered = list(names)
    return [ordered[i] for i in indices.tolist()]


def _domains_and_ages(rng: np.random.Generator, users: int) -> tuple[np.ndarray, np.ndarray]:
    domains = _choose(rng, np.array([share for share, _ in DOMAINS.values()]), users)
    by_domain = np.array([ages for _, ages in DOMAINS.values()])
    return domains, _choose(rng, by_domain[domains], users)


def _archetypes(
    rng: np.random.Generator, genders: np.ndarray, ages: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Main and second archetype of each user; they may be the same."""
    types = ARCHETYPES.values()
    women = np.array([[1 / t.women for t in types], [t.women for t in types]])
    young = np.array([[1 / t.young for t in types], [t.young for t in types]])
    shares = np.array([t.share for t in types])
    weights = shares * women[genders] * young[(ages == 0).astype(int)]
    return _choose(rng, weights, len(ages)), _choose(rng, weights, len(ages))


def _mbti(rng: np.random.Generator, main: np.ndarray) -> list[str]:
    chances = np.array([t.letters for t in ARCHETYPES.values()])[main]
    letters = np.where(rng.random(chances.shape) < chances, list("ENTJ"), list("ISFP"))
    hidden = rng.random(len(main)) < UNKNOWN_MBTI
    return ["UNKNOWN" if h else "".join(row) for h, row in zip(hidden, letters, strict=True)]


def _lists(
    rng: np.random.Generator, policy: Policy, name: str, main: np.ndarray, second: np.ndarray
) -> list[list[str]]:
    """Distinct codes of a field for each user, the dearest first."""
    vocabulary = policy.shown_codes(name)
    liked = _liked(name, vocabulary)
    weights = _popularity(vocabulary) * (1 + LIKED * liked[main] + HALF_LIKED * liked[second])
    ranked = np.argsort(rng.random(weights.shape) / weights, axis=1, kind="stable")
    lengths = 1 + _choose(rng, np.array(LENGTHS[name]), len(main))
    top = ranked[:, : len(LENGTHS[name])].tolist()
    return [
        [vocabulary[i] for i in row[:length]]
        for row, length in zip(top, lengths.tolist(), strict=True)
    ]


def _liked(name: str, vocabulary: Sequence[str]) -> np.ndarray:
    """`(archetypes, codes)` float64, 1 where liked; like looks for like in `preferredPeople`."""
    key = "personality" if name == "preferredPeople" else name
    rows = [set(archetype.codes.get(key, "").split()) for archetype in ARCHETYPES.values()]
    return np.array([[float(code in row) for code in vocabulary] for row in rows])


def _popularity(vocabulary: Sequence[str]) -> np.ndarray:
    factors = dict.fromkeys(POPULAR.split(), POPULARITY) | dict.fromkeys(RARE.split(), RARITY)
    return np.array([factors.get(code, 1.0) for code in vocabulary])


def _plausible(pets: list[str]) -> list[str]:
    return pets[:1] if pets[0] in LONE_PETS else [pet for pet in pets if pet not in LONE_PETS]


def _blocked(rng: np.random.Generator, users: int) -> list[list[int]]:
    """Few users block one to three others."""
    blocking = (rng.random(users) < BLOCKING).tolist()
    counts = rng.integers(1, 4, users).tolist()
    others = rng.integers(1, users + 1, (users, 3)).tolist()
    return [
        sorted({*row[:count]} - {user}) if blocks else []
        for user, (blocks, count, row) in enumerate(
            zip(blocking, counts, others, strict=True), start=1
        )
    ]


def _bios(
    rng: np.random.Generator, policy: Policy, codes: Columns, lists: Lists
) -> list[str | None]:
    fields = ("MBTI", "ageGroup", "smoking", "drinking", *LENGTHS)
    labels = {n: {c: policy.label(n, c, "ko") for c in policy.vocabulary(n) or ()} for n in fields}
    users = len(codes["MBTI"])
    kinds = _named(_choose(rng, _shares(BIO_KINDS), users), BIO_KINDS)
    draws = rng.random((users, DRAWS)).tolist()
    bios: list[str | None] = []
    for user, kind in enumerate(kinds):
        person = {n: lists[n][user] if n in lists else [codes[n][user]] for n in fields}
        bios.append(write_bio(person, labels, iter(draws[user]), kind) if kind else None)
    return bios

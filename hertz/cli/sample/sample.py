"""Invented profiles in the service's schema that look like those of real members.

Each user has two archetypes (members.toml), from which most answers follow: profiles are similar
for a reason. The same seed and number of users give the same frame: all randomness is one PCG64
stream, and only comparisons and elementary arithmetic, exact on every machine, act on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from hertz.cli.sample.bios import DRAWS, write_bio
from hertz.cli.sample.tables import Members, members
from hertz.core.errors import PolicyError
from hertz.policy.model import Policy

_IDS = pl.List(pl.Int64)
_TEXTS = pa.large_list(pa.large_string())  # 20 times faster than polars from Python lists
Columns = dict[str, Sequence[str]]
Lists = dict[str, list[list[str]]]


class _Archetypes(NamedTuple):
    """Positions of each user's archetypes `(users,) int64`; the two may be the same."""

    main: np.ndarray
    second: np.ndarray


def make_sample(users: int, seed: int, policy: Policy) -> pl.DataFrame:
    """Draws profiles of the service's schema, with the ids 1..users.

    Returns:
        One row a user: userId Int64, seven codes String, eight lists List(String), bio String
        (or null), blockedUserIds List(Int64).

    Raises:
        PolicyError: The policy lacks fields or codes of the service's schema.
    """
    tables = members()
    _require_schema(policy, tables)
    rng = np.random.Generator(np.random.PCG64(seed))
    domains = _choose(rng, np.array([domain.share for domain in tables.domains.values()]), users)
    ages_of_domains = np.array([_weights(domain.ages) for domain in tables.domains.values()])
    ages = _choose(rng, ages_of_domains[domains], users)
    genders = _choose(rng, _weights(tables.genders), users)
    archetypes = _archetypes(rng, genders, ages, tables)
    smoking = np.array([_weights(row) for row in tables.smoking.values()])
    codes: Columns = {
        "emailDomain": _named(domains, tables.domains),
        "gender": _named(genders, tables.genders),
        "ageGroup": _named(ages, tables.ages),
        "MBTI": _mbti(rng, archetypes.main, tables),
        "religion": _named(_choose(rng, _weights(tables.religion), users), tables.religion),
        "smoking": _named(_choose(rng, smoking[genders], users), _smoking_codes(tables)),
        "drinking": _named(_choose(rng, _weights(tables.drinking), users), tables.drinking),
    }
    lists = {name: _lists(rng, policy, name, archetypes, tables) for name in tables.list_lengths}
    lists["pets"] = [_plausible(pets, tables.lone_pets) for pets in lists["pets"]]
    columns = {
        "userId": pl.int_range(1, users + 1, dtype=pl.Int64, eager=True),
        **{name: pl.Series(v, dtype=pl.String) for name, v in codes.items()},
        **{name: pl.Series(pa.array(v, _TEXTS)) for name, v in lists.items()},
        "bio": pl.Series(_bios(rng, policy, codes, lists), dtype=pl.String),
        "blockedUserIds": pl.Series(_blocked(rng, users, tables.blocking), dtype=_IDS),
    }
    return pl.DataFrame(columns)


def _require_schema(policy: Policy, tables: Members) -> None:
    """Checks that the policy has the fields and the codes of the tables."""
    used: dict[str, set[str]] = {name: set() for name in tables.list_lengths}
    used |= {"gender": {*tables.genders}, "ageGroup": {*tables.ages}}
    used |= {"religion": {*tables.religion}, "drinking": {*tables.drinking}}
    used |= {"smoking": {*_smoking_codes(tables)}, "pets": {*tables.lone_pets}}
    used |= {"MBTI": {"INTJ", "UNKNOWN"}, "emailDomain": set()}
    for archetype in tables.archetypes.values():
        for name, liked in archetype.likes.items():
            used[name].update(liked)
    unknown = [name for name in used if name not in policy.fields]
    unknown += [
        f"{name}: {code}"
        for name, codes in used.items()
        if name in policy.fields
        for code in sorted(codes - set(policy.vocabulary(name) or ()))
    ]
    if unknown:
        message = (
            "the sample needs the fields and codes of the service's schema; this policy lacks: "
            f"{', '.join(unknown[:12])}; use the policy in hertz.toml"
        )
        raise PolicyError(message)


def _choose(rng: np.random.Generator, weights: np.ndarray, users: int) -> np.ndarray:
    """Draws an index for each user `(users,) int64`, by weights `(k,)` or `(users, k)`."""
    edges = np.cumsum(weights, axis=-1)
    drawn = rng.random(users) * edges[..., -1]
    return np.minimum((drawn[:, None] >= edges).sum(axis=1), edges.shape[-1] - 1)


def _weights(table: Mapping[str, float]) -> np.ndarray:
    return np.array(list(table.values()))


def _named(indices: np.ndarray, names: Iterable[str]) -> list[str]:
    ordered = list(names)
    return [ordered[i] for i in indices.tolist()]


def _smoking_codes(tables: Members) -> list[str]:
    return list(next(iter(tables.smoking.values())))


def _archetypes(
    rng: np.random.Generator, genders: np.ndarray, ages: np.ndarray, tables: Members
) -> _Archetypes:
    """Draws each user's archetypes: some are more common among women or the young."""
    types = tables.archetypes.values()
    women = np.array([[1 / t.women for t in types], [t.women for t in types]])
    young = np.array([[1 / t.young for t in types], [t.young for t in types]])
    shares = np.array([t.share for t in types])
    weights = shares * women[genders] * young[(ages == 0).astype(int)]
    main = _choose(rng, weights, len(ages))
    return _Archetypes(main, _choose(rng, weights, len(ages)))


def _mbti(rng: np.random.Generator, main: np.ndarray, tables: Members) -> list[str]:
    """Draws each user's MBTI type letter by letter; some users do not give one."""
    chances = np.array([t.letters for t in tables.archetypes.values()])[main]
    letters = np.where(rng.random(chances.shape) < chances, list("ENTJ"), list("ISFP"))
    hidden = rng.random(len(main)) < tables.unknown_mbti
    return ["UNKNOWN" if h else "".join(row) for h, row in zip(hidden, letters, strict=True)]


def _lists(
    rng: np.random.Generator, policy: Policy, name: str, archetypes: _Archetypes, tables: Members
) -> list[list[str]]:
    """Draws distinct codes of a field for each user, the dearest first."""
    codes = policy.shown_codes(name)
    liked = _liked(name, codes, tables)
    growth = tables.code_weights
    appeal = growth.main * liked[archetypes.main] + growth.second * liked[archetypes.second]
    weights = _frequency(codes, tables) * (1 + appeal)
    ranked = np.argsort(rng.random(weights.shape) / weights, axis=1, kind="stable")
    shares = tables.list_lengths[name]
    lengths = 1 + _choose(rng, np.array(shares), len(weights))
    top = ranked[:, : len(shares)].tolist()
    return [
        [codes[i] for i in row[:length]] for row, length in zip(top, lengths.tolist(), strict=True)
    ]


def _liked(name: str, codes: Sequence[str], tables: Members) -> np.ndarray:
    """Returns `(archetypes, codes)` float64: 1 where the archetype likes the code."""
    key = "personality" if name == "preferredPeople" else name  # users prefer people like them
    rows = [archetype.likes.get(key, ()) for archetype in tables.archetypes.values()]
    return np.array([[float(code in row) for code in codes] for row in rows])


def _frequency(codes: Sequence[str], tables: Members) -> np.ndarray:
    """Returns a factor for each code `(codes,) float64`: popular codes are drawn more often."""
    factors = dict.fromkeys(tables.frequency.popular, tables.code_weights.popular)
    factors |= dict.fromkeys(tables.frequency.rare, tables.code_weights.rare)
    return np.array([factors.get(code, 1.0) for code in codes])


def _plausible(pets: list[str], lone: Sequence[str]) -> list[str]:
    """Returns answers about pets that do not contradict each other."""
    return pets[:1] if pets[0] in lone else [pet for pet in pets if pet not in lone]


def _blocked(rng: np.random.Generator, users: int, share: float) -> list[list[int]]:
    """Draws whom each user blocks: a share of the users blocks one to three others."""
    blocking = (rng.random(users) < share).tolist()
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
    """Writes a self-introduction for most users."""
    fields = ("MBTI", "ageGroup", "smoking", "drinking", *lists)
    labels = {n: {c: policy.label(n, c, "ko") for c in policy.vocabulary(n) or ()} for n in fields}
    shares = members().bios.model_dump()
    users = len(codes["MBTI"])
    kinds = _named(_choose(rng, _weights(shares), users), shares)
    draws = rng.random((users, DRAWS)).tolist()
    bios: list[str | None] = []
    for user, kind in enumerate(kinds):
        person = {n: lists[n][user] if n in lists else [codes[n][user]] for n in fields}
        written = kind != "none"
        unrelated = kind == "unrelated"
        bios.append(write_bio(person, labels, iter(draws[user]), unrelated) if written else None)
    return bios

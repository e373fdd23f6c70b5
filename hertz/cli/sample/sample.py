"""Invented profiles in the service's schema that look like those of real members.

Each user has two archetypes (members.toml), from which most answers follow: profiles are similar
for a reason. The same seed and number of users give the same frame: all randomness is one PCG64
stream, and only comparisons and elementary arithmetic, exact on every machine, act on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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
    weights = _archetype_weights(genders, ages, tables)
    main = _choose(rng, weights, users)
    second = _choose(rng, weights, users)  # may be the main one
    smoking = np.array([_weights(row) for row in tables.smoking.values()])
    codes: Columns = {
        "emailDomain": _named(domains, tables.domains),
        "gender": _named(genders, tables.genders),
        "ageGroup": _named(ages, tables.ages),
        "MBTI": _mbti(rng, main, tables),
        "religion": _named(_choose(rng, _weights(tables.religion), users), tables.religion),
        "smoking": _named(_choose(rng, smoking[genders], users), _smoking_codes(tables)),
        "drinking": _named(_choose(rng, _weights(tables.drinking), users), tables.drinking),
    }
    lists = {name: _lists(rng, policy, name, main, second) for name in tables.list_lengths}
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
    for name in [field for field in used if field in policy.fields]:
        missing = used[name].difference(policy.vocabulary(name) or ())
        unknown += [f"{name}: {code}" for code in sorted(missing)]
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


def _archetype_weights(genders: np.ndarray, ages: np.ndarray, tables: Members) -> np.ndarray:
    """Returns `(users, archetypes)`: some are more common among women or the young."""
    types = tables.archetypes.values()
    women = np.array([[1 / t.women for t in types], [t.women for t in types]])
    young = np.array([[1 / t.young for t in types], [t.young for t in types]])
    shares = np.array([t.share for t in types])
    return shares * women[genders] * young[(ages == 0).astype(int)]


def _mbti(rng: np.random.Generator, main: np.ndarray, tables: Members) -> list[str]:
    """Draws each user's MBTI type letter by letter; some users do not give one."""
    chances = np.array([t.letters for t in tables.archetypes.values()])[main]
    letters = np.where(rng.random(chances.shape) < chances, list("ENTJ"), list("ISFP"))
    hidden = rng.random(len(main)) < tables.unknown_mbti
    return ["UNKNOWN" if h else "".join(row) for h, row in zip(hidden, letters, strict=True)]


def _lists(
    rng: np.random.Generator, policy: Policy, name: str, main: np.ndarray, second: np.ndarray
) -> list[list[str]]:
    """Draws distinct codes of a field for each user, the dearest first."""
    tables = members()
    codes = policy.shown_codes(name)
    liked = _liked(name, codes, tables)
    growth = tables.code_weights
    appeal = growth.main * liked[main] + growth.second * liked[second]
    factors = dict.fromkeys(tables.frequency.popular, growth.popular)
    factors |= dict.fromkeys(tables.frequency.rare, growth.rare)
    weights = np.array([factors.get(code, 1.0) for code in codes]) * (1 + appeal)
    ranked = np.argsort(rng.random(weights.shape) / weights, axis=1, kind="stable")
    shares = tables.list_lengths[name]
    lengths = (1 + _choose(rng, np.array(shares), len(weights))).tolist()
    top = ranked[:, : len(shares)].tolist()
    return [[codes[i] for i in row[:n]] for row, n in zip(top, lengths, strict=True)]


def _liked(name: str, codes: Sequence[str], tables: Members) -> np.ndarray:
    """Returns `(archetypes, codes)` float64: 1 where the archetype likes the code."""
    key = "personality" if name == "preferredPeople" else name  # users prefer people like them
    rows = [archetype.likes.get(key, ()) for archetype in tables.archetypes.values()]
    return np.array([[float(code in row) for code in codes] for row in rows])


def _plausible(pets: list[str], lone: Sequence[str]) -> list[str]:
    """Returns answers about pets that do not contradict each other."""
    return pets[:1] if pets[0] in lone else [pet for pet in pets if pet not in lone]


def _blocked(rng: np.random.Generator, users: int, share: float) -> list[list[int]]:
    """Draws whom each user blocks: a share of the users blocks one to three others."""
    blocking = (rng.random(users) < share).tolist()
    counts = rng.integers(1, 4, users).tolist()
    others = rng.integers(1, users + 1, (users, 3)).tolist()
    rows = zip(range(1, users + 1), blocking, counts, others, strict=True)
    return [sorted({*row[:n]} - {user}) if blocks else [] for user, blocks, n, row in rows]


def _bios(
    rng: np.random.Generator, policy: Policy, codes: Columns, lists: dict[str, list[list[str]]]
) -> list[str | None]:
    """Writes a self-introduction for most users."""
    fields = ("MBTI", "ageGroup", "smoking", "drinking", *lists)
    labels = {n: {c: policy.label(n, c, "ko") for c in policy.vocabulary(n) or ()} for n in fields}
    shares = members().bios.model_dump()
    kinds = _named(_choose(rng, _weights(shares), len(codes["MBTI"])), shares)
    draws = rng.random((len(kinds), DRAWS)).tolist()
    bios: list[str | None] = []
    for user, kind in enumerate(kinds):
        person = {n: lists[n][user] if n in lists else [codes[n][user]] for n in fields}
        text = write_bio(person, labels, iter(draws[user]), kind == "unrelated")
        bios.append(None if kind == "none" else text)
    return bios

"""Sample users in the service's schema, with vectors spread like those of a model."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hertz.cli.sample.sample import make_sample
from hertz.matching.features import Features, build_features
from hertz.policy.load import parse_policy
from hertz.policy.model import Policy
from hertz.policy.profiles import validate_profiles
from hertz.storage.settings import load_settings

ROOT = Path(__file__).parent.parent
DIM, K = 384, 50
# Length of the mean, and eigenvalues of the covariance by rank, of the bundled model's vectors of
# 2,000 sample users (2026-11-22).
MEAN_LENGTH = 0.824
SPECTRUM = {
    1: 1.32e-2, 2: 1.22e-2, 4: 1.13e-2, 8: 7.85e-3, 16: 4.90e-3, 32: 2.67e-3, 64: 1.34e-3,
    96: 7.38e-4, 128: 4.29e-4, 192: 1.41e-4, 256: 5.05e-5, 320: 2.04e-5, 384: 1e-6,
}  # fmt: skip


def population(users: int, weights: dict[str, float] | None = None, flat: bool = False) -> Features:
    """Returns features of sample users who may all meet, in one category named `all`.

    Args:
        users: Number of users.
        weights: Weights of the service policy's terms; by default those of its category `general`.
        flat: Whether vectors spread equally in all directions, which is the worst case.
    """
    return build_features(_policy(weights), profiles(users), vectors(users, 7, flat))


def service_population(users: int, flat: bool = False) -> Features:
    """Returns features of sample users in the service's own three categories."""
    return build_features(parse_policy(_service()), profiles(users), vectors(users, 7, flat))


@cache
def profiles(users: int) -> pl.DataFrame:
    """Returns validated sample profiles, all of one e-mail domain."""
    policy = _policy(None)
    valid = validate_profiles(policy, make_sample(users, 7, policy)).profiles
    return valid.with_columns(emailDomain=pl.lit("one.example"))


def vectors(users: int, seed: int, flat: bool = False) -> np.ndarray:
    """Returns random unit vectors, `(users, DIM)` float32; `flat` as in `population`."""
    rng = np.random.default_rng(seed)
    drawn = rng.standard_normal((users, DIM), dtype=np.float32)
    if not flat:
        ranks = np.arange(1, DIM + 1)
        energies = np.exp(np.interp(np.log(ranks), *np.log(np.array(list(SPECTRUM.items())).T)))
        axes = np.linalg.qr(np.random.default_rng(1).standard_normal((DIM, DIM)))[0]
        drawn = (drawn * np.sqrt(energies).astype(np.float32)) @ axes.astype(np.float32)
        drawn += MEAN_LENGTH * axes[0].astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def changed(features: Features, share: float, seed: int = 3) -> Features:
    """Returns the same users, a random share of them with other vectors."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(features))[: max(1, round(share * len(features)))]
    moved = features.vectors.copy()
    moved[rows] = vectors(len(rows), seed)
    return Features(**{**vars(features), "vectors": moved})


def _policy(weights: dict[str, float] | None) -> Policy:
    raw = _service()
    category = raw["categories"]["general"]
    if weights:
        category = {**category, "weights": weights}
    return parse_policy({**raw, "categories": {"all": category}})


def _service() -> dict[str, Any]:
    """Returns the service's policy with lists of K entries."""
    return {**load_settings(ROOT / "hertz.toml").policy.model_dump(), "k": K}

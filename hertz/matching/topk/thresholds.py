"""Seeds of thresholds: scores that a list's last entry almost always reaches.

A sample of every SAMPLE_STEP-th row holds about `depth / SAMPLE_STEP` members of a list of `depth`
entries, and almost never as many as `seed_rank` returns. So the sample's score of that rank lies
below the list's last one, and the list's threshold can start there. A list that ends below its
seed is underfilled: that shows, and it is searched again.
"""

from __future__ import annotations

import math

SAMPLE_STEP = 24  # every 24th row is in the sample
# Sampled rows scored for each one that the seed needs: some may not meet, and upper bounds rank
# the sample only roughly.
OVERSAMPLING = 3
SEED_DEVIATIONS = 2.6  # standard deviations between the expected rank of a seed and its rank
SEED_DEVIATIONS_FEW_ACTIVE = 4.0  # searching one of few rows again takes nearly as long as all


def seed_rank(depth: int, step: int, all_active: bool) -> int:
    """Returns the rank whose score in a sample a list's last entry almost always reaches.

    `depth` is the length of the list, and `step` the distance between sampled rows: with 1, the
    last entry always reaches that score.
    """
    expected = depth / step
    deviations = SEED_DEVIATIONS if all_active else SEED_DEVIATIONS_FEW_ACTIVE
    return math.ceil(expected + deviations * math.sqrt(expected) + 1)


def clipping_score(combine: str) -> float:
    """Returns the highest mutual score that gives no threshold for upper bounds.

    A geometric or harmonic mean is clipped at 0, and the upper bound is not.
    """
    return 0.0 if combine in ("geometric", "harmonic") else -math.inf

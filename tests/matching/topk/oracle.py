"""Shared by the tests of the search: the brute-force oracle, random policies and a counter."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st

from hertz.matching.features import Features
from hertz.matching.reference import eligible, score
from hertz.matching.topk.cpu.category import CpuCategorySearch
from hertz.matching.topk.gpu.category import GpuCategorySearch
from hertz.matching.topk.search import TopK
from tests.matching.worlds import ELIGIBILITY, TERMS

EVERYTHING = {"weights": dict.fromkeys(TERMS, 0.125), "eligibility": {"same": ["domain"]}}

weights = st.dictionaries(
    st.sampled_from(sorted(TERMS)), st.sampled_from([0.001, 0.1, 0.3, 1.0, 700.0]), min_size=1
)
rules = st.lists(st.sampled_from(sorted(ELIGIBILITY)), unique=True).map(
    lambda names: {name: ELIGIBILITY[name] for name in names}
)
categories = st.fixed_dictionaries({"weights": weights, "eligibility": rules})
means = st.sampled_from(["arithmetic", "geometric", "harmonic", "minimum"])


def brute_force(features: Features, category: str) -> list[tuple[int, int, float]]:
    """Returns (row, other, mutual) of every user's best k, from the reference alone."""
    n, kept = len(features), []
    for a in range(n):
        met = [b for b in range(n) if eligible(features, category, a, b)]
        scored = [(-score(features, category, a, b).mutual, b) for b in met]
        kept += [(a, b, -s) for s, b in sorted(scored)[: features.policy.k]]
    return kept


def listed(top: TopK) -> list[tuple[int, int, float]]:
    """Returns (row, other, mutual) of every kept pair."""
    return list(
        zip(top.users.tolist(), top.others.tolist(), top.scores.mutual.tolist(), strict=True)
    )


def count_underfilled(
    monkeypatch: pytest.MonkeyPatch,
    search: type[CpuCategorySearch] | type[GpuCategorySearch] = CpuCategorySearch,
) -> list[int]:
    """Returns the number of underfilled rows of each later search of a kind, filled as they end."""
    counts: list[int] = []
    original: Any = search.underfilled_rows

    def counted(category: Any) -> Any:  # noqa: ANN401
        counts.append(len(original(category)))
        return original(category)

    monkeypatch.setattr(search, "underfilled_rows", counted)
    return counts

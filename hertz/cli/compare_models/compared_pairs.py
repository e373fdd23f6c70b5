"""The reports that language models are compared by: the same prompts for all of them.

In: the policy, and lists: of the published snapshot, or of made-up profiles. Out: the most valuable
pairs of whom there is something to tell, each category's in turn, asked about in every language.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import polars as pl

from hertz.explanations.facts import Profile, pair_facts
from hertz.explanations.generation.messages import Conversation
from hertz.explanations.prompts.prompts import PromptFacts, conversation, prompt_facts
from hertz.policy.model import Policy
from hertz.stages.explain.tasks import explained_pairs

USERS, DIM = 300, 32
PAIR = ("category", "user_a", "user_b")


class Case(NamedTuple):
    """One report to be written, and what it is judged by."""

    category: str
    language: str
    a: Profile
    b: Profile
    told: PromptFacts
    talk: Conversation


class Lists(NamedTuple):
    """Profiles and everyone's matches, as in a snapshot."""

    profiles: pl.DataFrame
    matches: pl.DataFrame


def sample_lists(policy: Policy, seed: int, users: int = USERS) -> Lists:
    """Sample profiles, and everyone's best matches with made-up embeddings.

    Raises:
        PolicyError: the policy is not the service's, whose schema the sample has.
    """
    import numpy as np

    from hertz.cli.sample.sample import make_sample
    from hertz.matching.features import build_features
    from hertz.matching.topk.search import find_neighbors, top_k
    from hertz.policy.profiles import validate_profiles
    from hertz.stages.recompute import match_frame

    profiles = validate_profiles(policy, make_sample(users, seed, policy)).profiles
    drawn = np.random.default_rng(seed).standard_normal((len(profiles), DIM), np.float32)
    vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    features = build_features(policy, profiles, vectors)
    frames = [
        match_frame(
            features, category, top_k(features, category, find_neighbors(features, category))
        )
        for category in policy.categories
    ]
    return Lists(profiles, pl.concat(frames))


def cases(
    policy: Policy, lists: Lists, top: int, reports: int, languages: Sequence[str]
) -> list[Case]:
    """So many reports in each language, language after language; fewer where there are no more."""
    people = {row["user_id"]: row for row in lists.profiles.iter_rows(named=True)}
    pairs = explained_pairs(policy, lists.matches, top).sort("value").select(PAIR).rows()
    found: list[Case] = []
    for language in languages:
        asked = (
            _case(policy, category, language, people[a], people[b]) for category, a, b in pairs
        )
        found += islice((case for case in asked if case.told), reports)
    return found


def _case(policy: Policy, category: str, language: str, a: Profile, b: Profile) -> Case:
    facts = pair_facts(policy, category, a, b)
    told = prompt_facts(policy, category, language, facts)
    talk = conversation(policy, category, language, a, b, facts) if told else []
    return Case(category, language, a, b, told, talk)

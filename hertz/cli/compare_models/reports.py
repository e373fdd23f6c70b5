"""The reports that language models are compared by: every model gets the same prompts.

In: match lists of the published snapshot, or of sample profiles. Out: the most valuable pairs that
a prompt has facts of, in every language.
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

DIM = 32  # of the random embeddings


class Report(NamedTuple):
    """One report that a model is to write from a prompt; `a` has the lower user id."""

    category: str
    language: str
    a: Profile
    b: Profile
    facts: PromptFacts
    conversation: Conversation


class MatchLists(NamedTuple):
    """Profiles and everyone's matches, in the columns of a snapshot."""

    profiles: pl.DataFrame
    matches: pl.DataFrame


def sample_lists(policy: Policy, seed: int, users: int = 300) -> MatchLists:
    """Returns sample profiles, and everyone's best matches with random embeddings.

    Raises:
        PolicyError: The policy's fields are not those of the sample.
    """
    import numpy as np  # and the search: slow imports that a comparison of a snapshot does without

    from hertz.cli.sample.sample import make_sample
    from hertz.matching.features import build_features
    from hertz.matching.topk.search import find_neighbors, top_k
    from hertz.policy.profiles import validate_profiles
    from hertz.stages.recompute import match_frame

    profiles = validate_profiles(policy, make_sample(users, seed, policy)).profiles
    drawn = np.random.default_rng(seed).standard_normal((len(profiles), DIM), np.float32)
    vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    features = build_features(policy, profiles, vectors)
    found = find_neighbors(features, list(policy.categories))
    frames = [
        match_frame(features, category, top_k(features, category, found[category]))
        for category in policy.categories
    ]
    return MatchLists(profiles, pl.concat(frames))


def reports_to_write(
    policy: Policy, lists: MatchLists, top: int, count: int, languages: Sequence[str]
) -> list[Report]:
    """Returns reports of the most valuable pairs, one language after the other.

    Each user's `top` matches count. Each language has at most `count` reports.
    """
    people = {row["user_id"]: row for row in lists.profiles.iter_rows(named=True)}
    chosen = explained_pairs(policy, lists.matches, top).sort("value")
    pairs = chosen.select("category", "user_a", "user_b").rows()
    found: list[Report] = []
    for language in languages:
        reports = (_report(policy, name, language, people[a], people[b]) for name, a, b in pairs)
        found += islice((report for report in reports if report.facts), count)
    return found


def _report(policy: Policy, category: str, language: str, a: Profile, b: Profile) -> Report:
    facts = pair_facts(policy, category, a, b)
    chosen = prompt_facts(policy, category, language, facts)
    prompt = conversation(policy, category, language, a, b, facts) if chosen else []
    return Report(category, language, a, b, chosen, prompt)

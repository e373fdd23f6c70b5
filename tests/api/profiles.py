"""Profiles as a client sends them, and a server of a home with a small snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from hertz.policy.model import Policy
from tests.api.servers import served_home
from tests.storage.runs import Frames, publish_frames, random_frames

IDS = list(range(1, 51))
RUN = "20261122T170000Z-0001"
PROFILE: dict[str, Any] = {
    "emailDomain": "example.ac.kr",
    "gender": "FEMALE",
    "ageGroup": "AGE_20S",
    "MBTI": "ENFP",
    "religion": "NON_RELIGIOUS",
    "smoking": "NO_SMOKING",
    "drinking": "SOMETIMES",
    "personality": ["CUTE", "RELIABLE"],
    "preferredPeople": ["NICE_VOICE"],
    "currentInterests": ["MOVIES", "NETFLIX"],
    "favoriteFoods": ["KOREAN"],
    "likedSports": ["BASEBALL"],
    "pets": ["DOG"],
    "selfDevelopment": ["READING"],
    "hobbies": ["GAMING", "MUSIC"],
}


def profile(user_id: int, **changed: object) -> dict[str, Any]:
    """Returns a valid profile with some columns changed; a column set to None is left out."""
    whole = {"userId": user_id, **PROFILE, **changed}
    return {name: value for name, value in whole.items() if value is not None}


def publish_users(home: Path, policy: Policy, ids: list[int] = IDS, run: str = RUN) -> Frames:
    """Publishes a snapshot in which everyone lists others of the same ids."""
    frames = random_frames(policy, ids)
    publish_frames(home, policy, run, frames)
    return frames


@contextmanager
def served_users(home: Path, policy: Policy) -> Iterator[httpx.Client]:
    """Serves a snapshot of 50 users and the intake; yields a client."""
    publish_users(home, policy)
    with served_home(home, policy) as client:
        yield client


def listed(client: httpx.Client, user: int, category: str = "general") -> list[int]:
    """Returns the ids that a user is shown."""
    answer = client.get("/api/v3/tuning", params={"userId": user, "category": category})
    assert answer.status_code == 200
    data = answer.json()["data"]
    return list(data["userIdList"]) if data else []

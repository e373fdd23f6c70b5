"""The types of the intake: requests, their outcomes, events, and the fold that a run applies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

Kind = Literal["register", "update", "delete", "forget", "block", "unblock"]
Verdict = Literal["done", "repeated", "exists", "unknown", "key_reused"]


@dataclass(frozen=True)
class Request:
    """A request to the intake.

    Attributes:
        other_id: The blocked or unblocked user, for `block` and `unblock`.
        profile: The complete profile by the source's column names, for `register` and `update`.
        key: Idempotency key; a second request with the same key adds no event.
    """

    kind: Kind
    user_id: int
    other_id: int | None = None
    profile: Mapping[str, Any] | None = None
    key: str | None = None

    @property
    def fingerprint(self) -> bytes:
        """A hash of the request without its key, 32 bytes."""
        whole = [self.kind, self.user_id, self.other_id, self.profile]
        return hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).digest()


class Outcome(NamedTuple):
    """The outcome of a request; `sequence` is the number of its event, or 0 if it has none."""

    verdict: Verdict
    sequence: int = 0


class Event(NamedTuple):
    """An event without its profile."""

    sequence: int
    kind: Kind
    user_id: int
    other_id: int | None


class Profile(NamedTuple):
    """The profile in a user's latest event: values by the source's column names; times ISO, UTC."""

    sequence: int
    user_id: int
    received_at: str
    columns: dict[str, Any]


@dataclass(frozen=True)
class Fold:
    """All events up to a number, combined into one change to the source.

    Attributes:
        sequence: That number; 0 before the first event.
        profiles: Profiles of the users whose latest event has one, by user id.
        removed: Users whose latest event removes them.
        blocks: (user, other) -> (event number, whether it blocks) of their latest block or unblock.
    """

    sequence: int = 0
    profiles: list[Profile] = field(default_factory=list)
    removed: frozenset[int] = frozenset()
    blocks: dict[tuple[int, int], tuple[int, bool]] = field(default_factory=dict)

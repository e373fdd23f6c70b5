"""What the intake is asked, what becomes of it, and what a run makes of it all."""

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
    """One thing asked of the intake; `profile` is the whole profile in the source's names."""

    kind: Kind
    user_id: int
    other_id: int | None = None
    profile: Mapping[str, Any] | None = None
    key: str | None = None

    @property
    def fingerprint(self) -> bytes:
        """The same for the same request, whatever its key."""
        whole = [self.kind, self.user_id, self.other_id, self.profile]
        return hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).digest()


class Outcome(NamedTuple):
    """What became of a request; `sequence` is its event's number, 0 where there is none."""

    verdict: Verdict
    sequence: int = 0


class Event(NamedTuple):
    """One event as the read API needs it."""

    sequence: int
    kind: Kind
    user_id: int
    other_id: int | None


class Profile(NamedTuple):
    """The profile that a user's latest event carries."""

    sequence: int
    user_id: int
    received_at: str
    columns: dict[str, Any]


@dataclass(frozen=True)
class Fold:
    """All events up to a number, as one change to the source.

    Attributes:
        sequence: That number; 0 before the first event.
        profiles: Users whose latest event carries a profile, by id.
        removed: Users whose latest event removes them.
        blocks: (user, other) -> (number, whether it holds) of the latest block or unblock.
    """

    sequence: int = 0
    profiles: list[Profile] = field(default_factory=list)
    removed: frozenset[int] = frozenset()
    blocks: dict[tuple[int, int], tuple[int, bool]] = field(default_factory=dict)

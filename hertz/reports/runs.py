"""A run as reports and the run history describe it: its counts, its origin and how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, PlainSerializer, field_serializer, field_validator

from hertz.policy.model import Policy
from hertz.reports.figures import Figures, Origins, Quality

Outcome = Literal["published", "held", "failed"]
Timestamp = Annotated[AwareDatetime, PlainSerializer(datetime.isoformat, when_used="json")]


class Counts(Figures):
    """Numbers of users, rows in quarantine, pairs and list entries by category, explanations."""

    users: int
    quarantined: int
    eligible_pairs: dict[str, int]
    matches: dict[str, int]
    explanations: Origins


class ReportedRun(Figures):
    """What the report of a run shows of it; its manifest extends it.

    Attributes:
        created_at: Time at which the snapshot was completed.
        policy_hash: Digest of the policy without its gate.
        language_model: Name of the language model; None if only templates were used.
    """

    run_id: str
    created_at: Timestamp
    policy_name: str
    policy_hash: str
    policy: Policy
    embedding_model: str
    language_model: str | None
    counts: Counts
    quality: Quality


class RunRecord(Figures):
    """How a run ended, as the run history keeps it; it contains no user's id.

    Attributes:
        reason: One line that says why.
        forced: Whether a person published the run although the gate had held it.
        policy_hash: Digest of the policy without its gate; empty for a failed run.
        counts: What the run produced; None for a failed run, as is `quality`.
        seconds: Duration of each stage, by its name.
    """

    run_id: str
    outcome: Outcome
    reason: str
    forced: bool
    ended_at: Timestamp
    policy_hash: str
    counts: Counts | None
    seconds: dict[str, float]
    total_seconds: float
    quality: Quality | None

    @field_validator("counts", mode="before")
    @classmethod
    def _read_counts(cls, value: object) -> object:
        """Reads an empty object as None: a failed run is written without any count."""
        return value or None

    @field_serializer("counts")
    def _write_counts(self, counts: Counts | None) -> dict[str, Any]:
        """Writes None as an empty object."""
        return counts.as_json() if counts else {}

"""The result of each stage of a run: its duration and figures, kept in the manifest's `stages`."""

from __future__ import annotations

import json
from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from hertz.reports.figures import Figures, ModelCounts, Origins, is_none


class StageResult(Figures):
    """Base of all stage results.

    Attributes:
        stage: Name of the stage, its key in the manifest.
        adopted: Name of the snapshot whose files were linked instead of computing them.
    """

    stage: ClassVar[str]
    seconds: float
    adopted: str | None = Field(default=None, exclude_if=is_none)


class PrepareResult(StageResult):
    """Result of reading and validating the profiles.

    Attributes:
        ignored_columns: Columns of the source that the policy does not use.
        intake_sequence: Sequence number of the last intake event that was merged.
        intake_profiles: Number of profiles that came from the intake.
        intake_removed: Number of the source's users whom the intake removed.
    """

    stage: ClassVar[str] = "prepare"
    users: int
    quarantined: int
    ignored_columns: tuple[str, ...] = ()
    intake_sequence: int = 0
    intake_profiles: int = 0
    intake_removed: int = 0
    intake_blocks: int = 0


class EmbedResult(StageResult):
    """Result of encoding the profile texts.

    Attributes:
        model_identity: Everything that a vector depends on besides its text.
        texts: Number of distinct texts; `encoded` of them had no stored vector.
    """

    stage: ClassVar[str] = "embed"
    model: str
    model_identity: dict[str, JsonValue]
    texts: int
    encoded: int

    @property
    def identity(self) -> str:
        """The model's identity as the embedding store names it."""
        return json.dumps(self.model_identity, ensure_ascii=False)


MatchPath = Literal["full", "incremental", "unchanged"]
ChromaPath = Literal["full", "delta", "unchanged"]


class RecomputeResult(StageResult):
    """Result of matching.

    Attributes:
        path: Whether everyone was matched, the published lists were updated, or linked.
        device: Device that scored the pairs; None if no pair was scored.
        matches: Number of entries on all lists, by category.
    """

    stage: ClassVar[str] = "recompute"
    path: MatchPath
    why: str
    scores_version: int
    device: str | None = Field(default=None, exclude_if=is_none)
    eligible_pairs: dict[str, int]
    scored_pairs: dict[str, int]
    matches: dict[str, int]


class ChromaResult(StageResult):
    """Result of writing the Chroma database: whole, or `delta_users` in a second one, or copied."""

    stage: ClassVar[str] = "chroma"
    path: ChromaPath
    delta_users: int | None = Field(default=None, exclude_if=is_none)


class ModelWork(ModelCounts):
    """What the language model did, as the explain stage counts it.

    Attributes:
        left_out_by_budget: Number of texts beyond the budget.
        prefix_hit_rate: Share of the prompt tokens that were in the engine's prefix cache.
        generator_failed: Reason why the engine ended early; empty if it did not.
    """

    left_out_by_budget: int = 0
    prefix_hit_rate: float = 0.0
    generator_failed: str = ""


class ExplainedPairs(StageResult):
    """The part of the explain stage's result that does not depend on a model."""

    model: str | None
    pairs: int
    explanations: Origins


class ExplainResult(ModelWork, ExplainedPairs):
    """Result of explaining the matches; `carried_over` texts are the published template's."""

    stage: ClassVar[str] = "explain"
    carried_over: int
    voice: str


class PublishResult(StageResult):
    """Result of writing the serving files."""

    stage: ClassVar[str] = "publish"


class ReportResult(StageResult):
    """Result of measuring the run and writing its report."""

    stage: ClassVar[str] = "report"


class DropVectorsResult(StageResult):
    """Result of removing the vectors of embedding models that no setting or snapshot uses."""

    stage: ClassVar[str] = "drop_vectors"
    models_removed: int


class StageResults(Figures):
    """Results of the stages that made a snapshot; the report stage ends after its own report."""

    prepare: PrepareResult
    embed: EmbedResult
    recompute: RecomputeResult
    chroma: ChromaResult
    explain: ExplainResult
    publish: PublishResult
    report: ReportResult | None = Field(default=None, exclude_if=is_none)

    @property
    def seconds(self) -> dict[str, float]:
        """Duration of each stage, by its name."""
        return {name: result.seconds for name, result in self if result is not None}

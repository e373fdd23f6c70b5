"""The quality figures of a run, whose JSON is part of the manifest and of the run history.

Shares are from 0 to 1, and None means that there was nothing to measure. User ids occur in
`most_exposed` alone, always under the key `user_id`, so that erasure knows where to look.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Verdict = Literal["ok", "outside", "not judged"]
Bound = Literal["least", "most"]


def is_none(value: object) -> bool:
    """Returns whether an optional value is absent; its key is then left out of the JSON."""
    return value is None


class Figures(BaseModel):
    """Base of all figures: immutable, read from and written as JSON by the same keys."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, serialize_by_alias=True)

    def as_json(self) -> dict[str, Any]:
        """Returns the figures as values that `json.dumps` accepts."""
        return self.model_dump(mode="json")


class ExposedUser(Figures):
    """A user who is on many lists, and their number."""

    user_id: int
    lists: int


class ListFigures(Figures):
    """Coverage, reciprocity and exposure of one category's lists, or of all lists together.

    Attributes:
        covered: Number of users with at least one match; `coverage` is their share.
        places: Number of entries on all lists.
        reciprocity: Share of entries whose other user lists the owner too.
        gini: Gini coefficient of the number of lists that each user is on.
        lorenz: Lorenz curve of the same numbers; empty without any entry.
        most_exposed: Users who are on the most lists; None in the run history, which has no ids.
    """

    users: int
    covered: int
    coverage: float | None
    places: int
    reciprocity: float | None
    gini: float | None
    lorenz: tuple[float, ...]
    on_no_list: int
    most_exposed: tuple[ExposedUser, ...] | None = Field(default=None, exclude_if=is_none)


class Histogram(Figures):
    """Number of scores in bins of equal width, the first of which begins at `start`."""

    start: float = Field(alias="from")
    width: float
    counts: tuple[int, ...]


class ScoreFigures(Figures):
    """Mean, quantiles (pairs of share and score) and histogram of a category's mutual scores."""

    mean: float
    quantiles: tuple[tuple[float, float], ...]
    histogram: Histogram

    @property
    def median(self) -> float:
        """Median score."""
        return dict(self.quantiles)[0.5]


class BlockFigures(Figures):
    """Coverage of one eligibility block, or of several small ones together.

    Attributes:
        block: Values that the block's users share; None for small blocks together.
        covered: Number of users with at least one match; `coverage` is their share.
    """

    blocks: int
    block: str | None
    users: int
    covered: int
    coverage: float | None


class CategoryFigures(ListFigures):
    """List figures of one category, with its scores (None without any) and eligibility blocks."""

    scores: ScoreFigures | None
    blocks: tuple[BlockFigures, ...]


class QuarantineReason(Figures):
    """Number of rows in quarantine for the same reason, which does not contain the value."""

    field: str
    reason: str
    rows: int


class QuarantineFigures(Figures):
    """Number of rows in quarantine, their share of all rows, and the most common reasons."""

    rows: int
    share: float | None
    reasons: tuple[QuarantineReason, ...]


class CategoryChange(Figures):
    """Churn of one category's lists, and the mean distance that its mutual scores moved."""

    churn: float | None
    score_shift: float | None


class Changes(Figures):
    """Difference between a run and an earlier one.

    Attributes:
        users: Number of users of the earlier run.
        users_lost: Number of them who are not in this run; `lost_share` is their share.
        churn: Mean share of a list that changed, over all categories.
    """

    users: int
    users_lost: int
    users_new: int
    lost_share: float | None
    churn: float | None
    categories: dict[str, CategoryChange]


class Comparison(Changes):
    """Changes since the published snapshot, and the snapshot's scores by category.

    Attributes:
        run_id: Id of the run that published the snapshot.
        incomparable: Why lists and scores may differ, as in `Check.why`; empty if they may not.
    """

    run_id: str
    incomparable: str
    scores: dict[str, ScoreFigures | None]


class Origins(Figures):
    """Number of explanations by the model, by the model in an earlier run, and by templates."""

    model: int = 0
    reused: int = 0
    template: int = 0

    @property
    def total(self) -> int:
        """Number of all explanations."""
        return self.model + self.reused + self.template


class ModelCounts(Figures):
    """What the language model did in a run.

    Attributes:
        candidates: Number of texts that the model wrote; `accepted` of them passed the checks.
        retried: Number of texts that were written again after a failed check.
        failed_checks: Number of failures by check.
        bios_cut: Number of prompts whose bios were shortened to fit.
        left_to_template: Number of texts left to the template voice, by reason.
        cached_tokens: Number of prompt tokens that the engine had in its prefix cache.
    """

    candidates: int = 0
    accepted: int = 0
    retried: int = 0
    failed_checks: dict[str, int] = Field(default_factory=dict)
    bios_cut: int = 0
    left_to_template: dict[str, int] = Field(default_factory=dict)
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    generating_seconds: float = 0.0
    engine_restarts: int = 0


class TextCount(Figures):
    """Number of explanations of one category, language and origin."""

    category: str
    language: str
    origin: str
    texts: int


class ExplanationFigures(ModelCounts):
    """Figures of a run's explanations.

    Attributes:
        grounded: Share of the model's texts that passed the checks.
        prefix_hits: Share of the prompt tokens that were in the engine's prefix cache.
        model_failed: Whether the engine ended before its work was done.
    """

    origins: Origins
    grounded: float | None
    prefix_hits: float | None
    model_failed: bool
    texts: tuple[TextCount, ...]


class Check(Figures):
    """One limit of the gate and how the run compares with it.

    Attributes:
        figure: The figure's name in the policy, or `coverage.couple` for a category's own limit.
        bound: Whether the limit is the least or the most that is accepted.
        why: Why it is not judged, or what to look at if it is outside: the end of the key of an
            interface text, `report_why_...`; `note` is that text.
    """

    figure: str
    bound: Bound
    limit: float
    value: float | None
    verdict: Verdict
    why: str
    note: str


class Measured(Figures):
    """The figures that a run's frames give: of all lists, of each category, of the quarantine."""

    overall: ListFigures
    categories: dict[str, CategoryFigures]
    quarantine: QuarantineFigures


class Quality(Measured):
    """All quality figures of a run; `last` is None if nothing was published before."""

    last: Comparison | None
    explanations: ExplanationFigures
    gate: tuple[Check, ...] = ()

    @property
    def is_outside(self) -> bool:
        """Whether at least one figure is outside the policy's limits."""
        return any(check.verdict == "outside" for check in self.gate)

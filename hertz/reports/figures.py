"""The quality figures of a run as typed models, shared by quality, gate, reports and manifest.

In: values that `reports/quality.py`, `reports/gate.py` and the stages compute. Out: frozen models
whose JSON form is part of the manifest and of the run history; shares are from 0 to 1, and `None`
means that there was nothing to measure. User ids occur in `most_exposed` alone, always under the
key `user_id`, so that erasure and search know where to look.
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
    """A user who is on many lists.

    Attributes:
        user_id: Id of the user.
        lists: Number of lists that the user is on.
    """

    user_id: int
    lists: int


class ListFigures(Figures):
    """Coverage, reciprocity and exposure of one category's lists, or of all lists together.

    Attributes:
        users: Number of users.
        covered: Number of users with at least one match.
        coverage: Their share of all users.
        places: Number of entries on all lists.
        reciprocity: Share of entries whose other user lists the owner too.
        gini: Gini coefficient of the number of lists that each user is on.
        lorenz: Lorenz curve of the same numbers, from 0 to 1; empty without any entry.
        on_no_list: Number of users who are on no list.
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
    """Number of scores in bins of equal width.

    Attributes:
        start: Lower edge of the first bin.
        width: Width of each bin.
        counts: Number of scores in each bin.
    """

    start: float = Field(alias="from")
    width: float
    counts: tuple[int, ...]


class ScoreFigures(Figures):
    """Distribution of the mutual scores of one category.

    Attributes:
        mean: Mean score.
        quantiles: Pairs of a share from 0 to 1 and the score at that share.
        histogram: Histogram of the scores.
    """

    mean: float
    quantiles: tuple[tuple[float, float], ...]
    histogram: Histogram

    @property
    def median(self) -> float:
        """Median score."""
        return dict(self.quantiles)[0.5]


class BlockFigures(Figures):
    """Coverage of one eligibility block, or of all small blocks together.

    Attributes:
        blocks: Number of blocks that the line stands for.
        block: Values that the block's users share; None for small blocks together.
        users: Number of users in the block.
        covered: Number of them with at least one match.
        coverage: Their share of the block's users.
    """

    blocks: int
    block: str | None
    users: int
    covered: int
    coverage: float | None


class CategoryFigures(ListFigures):
    """List figures of one category, with its scores and blocks.

    Attributes:
        scores: Distribution of the mutual scores; None without any match.
        blocks: Eligibility blocks, largest first; empty if the category has none.
    """

    scores: ScoreFigures | None
    blocks: tuple[BlockFigures, ...]


class QuarantineReason(Figures):
    """Rows in quarantine for the same reason.

    Attributes:
        field: Field with the bad value.
        reason: Description of the fault, without the value.
        rows: Number of rows.
    """

    field: str
    reason: str
    rows: int


class QuarantineFigures(Figures):
    """Rows in quarantine.

    Attributes:
        rows: Number of rows in quarantine.
        share: Their share of all rows.
        reasons: The most common reasons, most rows first.
    """

    rows: int
    share: float | None
    reasons: tuple[QuarantineReason, ...]


class CategoryChange(Figures):
    """Difference of one category's lists between two runs.

    Attributes:
        churn: Mean share of a list that changed.
        score_shift: Mean distance between the percentiles of the mutual scores.
    """

    churn: float | None
    score_shift: float | None


class Changes(Figures):
    """Difference between a run and an earlier one.

    Attributes:
        users: Number of users of the earlier run.
        users_lost: Number of them who are not in this run.
        users_new: Number of users of this run who were not in the earlier one.
        lost_share: Share of the earlier run's users who are not in this run.
        churn: Mean share of a list that changed, over all categories.
        categories: The same for each category.
    """

    users: int
    users_lost: int
    users_new: int
    lost_share: float | None
    churn: float | None
    categories: dict[str, CategoryChange]


class Comparison(Changes):
    """Changes since the published snapshot.

    Attributes:
        run_id: Id of the run that published the snapshot.
        incomparable: Why lists and scores may differ, as in `Check.why`; empty if they may not.
        scores: Distribution of the snapshot's mutual scores, by category.
    """

    run_id: str
    incomparable: str
    scores: dict[str, ScoreFigures | None]


class Origins(Figures):
    """Number of explanations by origin.

    Attributes:
        model: Texts that the language model wrote in this run.
        reused: Texts that it wrote in an earlier run.
        template: Texts of the template voice.
    """

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
        candidates: Number of texts that the model wrote.
        accepted: Number of them that passed the checks.
        retried: Number of texts that were written again after a failed check.
        failed_checks: Number of failures by check.
        bios_cut: Number of prompts whose bios were shortened to fit.
        left_to_template: Number of texts left to the template voice, by reason.
        prompt_tokens: Number of prompt tokens.
        cached_tokens: Number of them that the engine had in its prefix cache.
        output_tokens: Number of generated tokens.
        generating_seconds: Seconds that the engine was generating.
        engine_restarts: Number of times that a dead engine was started again.
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
        origins: Number of explanations by origin.
        grounded: Share of the model's texts that passed the checks.
        prefix_hits: Share of the prompt tokens that were in the engine's prefix cache.
        model_failed: Whether the engine ended before its work was done.
        texts: Number of explanations by category, language and origin.
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
        limit: The policy's limit.
        value: The run's figure; None where there is nothing to measure.
        verdict: Whether the figure is within the limit.
        why: Why it is not judged, or what to look at if it is outside: the end of the key of an
            interface text, `report_why_...`.
        note: The same in words.
    """

    figure: str
    bound: Bound
    limit: float
    value: float | None
    verdict: Verdict
    why: str
    note: str


class Measured(Figures):
    """The figures that a run's frames give.

    Attributes:
        overall: List figures of all categories together.
        categories: List figures by category.
        quarantine: Rows in quarantine.
    """

    overall: ListFigures
    categories: dict[str, CategoryFigures]
    quarantine: QuarantineFigures


class Quality(Measured):
    """All quality figures of a run.

    Attributes:
        last: Changes since the published snapshot; None on a first run.
        explanations: Figures of the explanations.
        gate: The checks of the policy's limits.
    """

    last: Comparison | None
    explanations: ExplanationFigures
    gate: tuple[Check, ...] = ()

    @property
    def is_outside(self) -> bool:
        """Whether at least one figure is outside the policy's limits."""
        return any(check.verdict == "outside" for check in self.gate)

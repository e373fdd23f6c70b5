"""The gate judges what it can, says what it cannot, and leaves the policy's hash alone."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from hertz.core.errors import PolicyError
from hertz.core.interface_texts.catalogue import text
from hertz.policy.load import parse_policy
from hertz.policy.model import Gate, Policy
from hertz.reports.figures import CategoryChange, Check, Quality
from hertz.reports.gate import checks, outside, summarize
from tests.storage.manifests import recorded_manifest

HEALTHY: dict[str, object] = {
    "overall_users": 1000,
    "overall_coverage": 0.99,
    "quarantine_share": 0.01,
    "last_users": 1000,
    "last_lost_share": 0.01,
    "last_churn": 0.1,
    "last_incomparable": "",
    "last_categories": {
        "friend": CategoryChange(churn=None, score_shift=0.01),
        "couple": CategoryChange(churn=None, score_shift=None),
    },
    "explanations_candidates": 32,
    "explanations_grounded": 0.8,
}


def healthy(**changes: object) -> Quality:
    """Returns a run's figures that are within every limit, with some of them changed.

    Args:
        changes: Values by `part_attribute`, such as `last_churn`; `last` itself may be None.
    """
    recorded = recorded_manifest().quality
    assert recorded.last
    values = dict(HEALTHY)
    values |= changes
    part = recorded.categories["friend"]
    return recorded.model_copy(
        update={
            "overall": recorded.overall.model_copy(update=_of(values, "overall_")),
            "categories": {
                "friend": part.model_copy(update={"coverage": 0.9}),
                "couple": part.model_copy(update={"coverage": 0.4}),
            },
            "quarantine": recorded.quarantine.model_copy(update=_of(values, "quarantine_")),
            "last": recorded.last.model_copy(update=_of(values, "last_"))
            if "last" not in changes
            else None,
            "explanations": recorded.explanations.model_copy(update=_of(values, "explanations_")),
        }
    )


def _of(values: dict[str, object], part: str) -> dict[str, object]:
    return {n.removeprefix(part): value for n, value in values.items() if n.startswith(part)}


def verdicts(found: Iterable[Check]) -> dict[str, str]:
    return {check.figure: check.verdict for check in found}


def test_a_healthy_run_is_within_every_limit() -> None:
    found = checks(Gate(), healthy())
    assert set(verdicts(found).values()) == {"ok"}
    assert summarize(found) == ""


@pytest.mark.parametrize(
    ("changed", "figure"),
    [
        ({"overall_coverage": 0.49}, "coverage"),
        ({"quarantine_share": 0.31}, "quarantined"),
        ({"last_lost_share": 0.31}, "users_lost"),
        ({"last_churn": 0.81}, "churn"),
        ({"last_categories": {"f": CategoryChange(churn=0.1, score_shift=0.11)}}, "score_shift"),
        ({"explanations_grounded": 0.19}, "grounded"),
    ],
)
def test_each_figure_outside_is_named_with_its_limit_and_what_to_look_at(
    changed: dict[str, object], figure: str
) -> None:
    found = checks(Gate(), healthy(**changed))
    found_outside = outside(found)
    assert [check.figure for check in found_outside] == [figure]
    assert summarize(found).startswith(f"{figure} = ")
    assert f"{found_outside[0].limit:g} is accepted" in summarize(found)
    assert found_outside[0].note == text(f"report_why_{figure}", "en")


def test_the_limit_itself_is_accepted() -> None:
    assert summarize(checks(Gate(), healthy(overall_coverage=0.5))) == ""


def test_a_category_has_its_own_threshold_where_the_policy_names_one() -> None:
    found = checks(Gate(category_coverage={"couple": 0.5}), healthy())
    assert summarize(found) == "coverage.couple = 0.4: at least 0.5 is accepted"


def test_a_first_run_says_what_could_not_be_compared() -> None:
    found = checks(Gate(), healthy(last=None))
    open_ = {check.figure: check.note for check in found if check.verdict == "not judged"}
    note = text("report_why_first_run", "en")
    assert open_ == dict.fromkeys(["users_lost", "churn", "score_shift"], note)


def test_another_policy_excuses_other_lists_but_not_lost_users() -> None:
    other = healthy(last_incomparable="policy_changed", last_churn=1.0, last_lost_share=0.9)
    found = checks(Gate(), other)
    assert verdicts(found) | {"churn": "not judged", "score_shift": "not judged"} == verdicts(found)
    assert verdicts(found)["users_lost"] == "outside"


def test_shares_of_few_users_are_not_judged_but_the_loss_of_nearly_all_is() -> None:
    few = {"overall_users": 12, "overall_coverage": 0.1, "quarantine_share": 0.9}
    alone = healthy(**few, last_users=99, last_lost_share=0.9)
    assert summarize(checks(Gate(), alone)) == ""
    many = healthy(**few, last_users=5000, last_lost_share=0.998)
    assert "users_lost" in summarize(checks(Gate(), many))


def test_few_texts_of_the_model_are_not_judged() -> None:
    found = checks(Gate(), healthy(explanations_candidates=19, explanations_grounded=0.0))
    assert verdicts(found)["grounded"] == "not judged"
    none = checks(Gate(), healthy(explanations_candidates=0, explanations_grounded=None))
    assert verdicts(none)["grounded"] == "not judged"


def test_the_gate_is_no_part_of_the_policy_s_hash(service_policy: Policy) -> None:
    other = service_policy.model_copy(update={"gate": Gate(coverage=0.9)})
    assert other.digest == service_policy.digest


def test_a_category_that_is_not_there_is_refused(service_policy: Policy) -> None:
    raw = service_policy.model_dump(mode="json") | {"gate": {"category_coverage": {"freind": 0.5}}}
    with pytest.raises(PolicyError, match=r"gate\.category_coverage = 'freind'.*accepted: couple"):
        parse_policy(raw)

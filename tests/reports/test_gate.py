"""The gate judges what it can, says what it cannot, and leaves the policy's hash alone."""

from __future__ import annotations

from typing import Any

import pytest

from hertz.core.errors import PolicyError
from hertz.policy.load import parse_policy
from hertz.policy.model import Gate, Policy
from hertz.reports.gate import Check, checks, first_line, note_of

HEALTHY: dict[str, Any] = {
    "overall": {"users": 1000, "coverage": 0.99},
    "categories": {"friend": {"coverage": 0.9}, "couple": {"coverage": 0.4}},
    "quarantine": {"share": 0.01},
    "last": {
        "users": 1000, "lost_share": 0.01, "churn": 0.1, "incomparable": "",
        "categories": {"friend": {"score_shift": 0.01}, "couple": {"score_shift": None}},
    },
    "explanations": {"candidates": 32, "grounded": 0.8},
}  # fmt: skip


def verdicts(found: list[Check]) -> dict[str, str]:
    return {check.figure: check.verdict for check in found}


def test_a_healthy_run_is_within_every_limit() -> None:
    found = checks(Gate(), HEALTHY)
    assert set(verdicts(found).values()) == {"ok"}
    assert first_line(found) == ""


@pytest.mark.parametrize(
    ("changed", "figure"),
    [
        ({"overall": {"users": 1000, "coverage": 0.49}}, "coverage"),
        ({"quarantine": {"share": 0.31}}, "quarantined"),
        ({"last": HEALTHY["last"] | {"lost_share": 0.31}}, "users_lost"),
        ({"last": HEALTHY["last"] | {"churn": 0.81}}, "churn"),
        ({"last": HEALTHY["last"] | {"categories": {"f": {"score_shift": 0.11}}}}, "score_shift"),
        ({"explanations": {"candidates": 32, "grounded": 0.19}}, "grounded"),
    ],
)
def test_each_figure_outside_is_named_with_its_limit_and_what_to_look_at(
    changed: dict[str, Any], figure: str
) -> None:
    found = checks(Gate(), HEALTHY | changed)
    outside = [check for check in found if check.verdict == "outside"]
    assert [check.figure for check in outside] == [figure]
    assert first_line(found).startswith(f"{figure} = ")
    assert f"{outside[0].limit:g} is accepted" in first_line(found)
    assert outside[0].note == note_of(figure)


def test_the_limit_itself_is_accepted() -> None:
    exact = HEALTHY | {"overall": {"users": 1000, "coverage": 0.5}}
    assert first_line(checks(Gate(), exact)) == ""


def test_a_category_has_its_own_floor_where_the_policy_names_one() -> None:
    found = checks(Gate(category_coverage={"couple": 0.5}), HEALTHY)
    assert first_line(found) == "coverage.couple = 0.4: at least 0.5 is accepted"


def test_a_first_run_says_what_could_not_be_compared() -> None:
    found = checks(Gate(), HEALTHY | {"last": None})
    open_ = {check.figure: check.note for check in found if check.verdict == "not judged"}
    assert open_ == dict.fromkeys(["users_lost", "churn", "score_shift"], note_of("first_run"))


def test_another_policy_excuses_other_lists_but_not_lost_users() -> None:
    other = {"incomparable": "policy_changed", "churn": 1.0, "lost_share": 0.9}
    found = checks(Gate(), HEALTHY | {"last": HEALTHY["last"] | other})
    assert verdicts(found) | {"churn": "not judged", "score_shift": "not judged"} == verdicts(found)
    assert verdicts(found)["users_lost"] == "outside"


def test_shares_of_few_users_are_not_judged_but_the_loss_of_nearly_all_is() -> None:
    few = {"overall": {"users": 12, "coverage": 0.1}, "quarantine": {"share": 0.9}}
    alone = HEALTHY["last"] | {"users": 99, "lost_share": 0.9}
    assert first_line(checks(Gate(), HEALTHY | few | {"last": alone})) == ""
    many = HEALTHY["last"] | {"users": 5000, "lost_share": 0.998}
    assert "users_lost" in first_line(checks(Gate(), HEALTHY | few | {"last": many}))


def test_few_texts_of_the_model_are_not_judged() -> None:
    found = checks(Gate(), HEALTHY | {"explanations": {"candidates": 19, "grounded": 0.0}})
    assert verdicts(found)["grounded"] == "not judged"
    none = checks(Gate(), HEALTHY | {"explanations": {"grounded": None}})
    assert verdicts(none)["grounded"] == "not judged"


def test_the_gate_is_no_part_of_the_policy_s_hash(service_policy: Policy) -> None:
    other = service_policy.model_copy(update={"gate": Gate(coverage=0.9)})
    assert other.digest == service_policy.digest


def test_a_category_that_is_not_there_is_refused(service_policy: Policy) -> None:
    raw = service_policy.model_dump(mode="json") | {"gate": {"category_coverage": {"freind": 0.5}}}
    with pytest.raises(PolicyError, match=r"gate\.category_coverage = 'freind'.*accepted: couple"):
        parse_policy(raw)

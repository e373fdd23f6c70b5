"""Requests generated from the OpenAPI document: no 5xx, no answer that is not documented."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from hertz.api.app import create_app
from hertz.api.middleware.security import Keys
from hertz.policy.model import Policy
from tests.api.servers import served_app
from tests.storage.runs import publish_frames, random_frames, vectors_of

IDS = list(range(1, 61))  # the ids of the examples are among them
RUN = "20261122T170000Z-0001"
KEY = "a-key-of-the-contract-test"
Checks = list[schemathesis.CheckFunction]
DOCUMENTED: Checks = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory, service_policy: Policy
) -> Iterator[schemathesis.BaseSchema]:
    home = tmp_path_factory.mktemp("home")
    frames = random_frames(service_policy, IDS)
    publish_frames(home, service_policy, RUN, frames, vectors=vectors_of(len(IDS)))
    with served_app(create_app(home, keys=Keys([KEY]), policy=service_policy)) as client:
        yield schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")


@pytest.fixture(scope="module")
def empty(
    tmp_path_factory: pytest.TempPathFactory, service_policy: Policy
) -> Iterator[schemathesis.BaseSchema]:
    app = create_app(tmp_path_factory.mktemp("home"), policy=service_policy)
    with served_app(app) as client:
        yield schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")


def hold_everywhere(
    schema: schemathesis.BaseSchema, key: str, examples: int, checks: Checks
) -> None:
    """Sends every operation valid and invalid requests; each answer must be a documented one."""
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 16
    asked = set()
    for operation in operations:
        for mode in schemathesis.GenerationMode:

            @settings(
                max_examples=examples,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def holds(case: schemathesis.Case) -> None:
                asked.add(case.operation.label)
                answer = case.call(headers={"X-API-Key": key})
                case.validate_response(answer, checks=checks)

            with contextlib.suppress(Unsatisfiable):  # nothing can be wrong where nothing is asked
                holds()
    assert asked == {operation.label for operation in operations}


@pytest.mark.slow
def test_with_a_key_every_answer_is_documented_and_none_is_a_failure(
    whole: schemathesis.BaseSchema,
) -> None:
    hold_everywhere(whole, KEY, 40, [*DOCUMENTED, not_a_server_error])


def test_without_a_key_every_answer_is_documented(whole: schemathesis.BaseSchema) -> None:
    hold_everywhere(whole, "none", 5, [*DOCUMENTED, not_a_server_error])


def test_before_the_first_run_every_answer_is_documented(
    empty: schemathesis.BaseSchema,
) -> None:
    hold_everywhere(empty, "none", 10, DOCUMENTED)

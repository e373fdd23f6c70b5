"""Makes a policy from TOML and validates it as a whole.

In: the parsed `[policy]` part of hertz.toml. Out: a `Policy` in which every name that is used
exists, every number is in range, and hiding a field cannot raise one's rank (see `Term.missing`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from hertz.core.errors import PolicyError
from hertz.policy.checks import problems
from hertz.policy.model import Policy


def parse_policy(raw: dict[str, Any]) -> Policy:
    """Validates a policy that was read from TOML.

    Raises:
        PolicyError: If the policy is not valid; one line a problem: key, value, what is accepted.
    """
    try:
        policy = Policy.model_validate(raw)
    except ValidationError as error:
        raise invalid(map(describe_error, error.errors()), "the policy") from error
    if found := problems(policy):
        raise invalid(found, "the policy")
    return policy


def describe_error(item: Any) -> str:  # noqa: ANN401  pydantic's ErrorDetails
    """Describes one pydantic error as `key = value: what is accepted`."""
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{key}: no such key; check its spelling against docs/policy.md"
    reason = item["msg"].removeprefix("Value error, ")
    value = item.get("input")
    shown = f" = {value!r}" if isinstance(value, (str, int, float, bool)) else ""
    return f"{key}{shown}: {reason}" if key else reason


def invalid(problems: Iterable[str], what: str) -> PolicyError:
    """Returns the error that lists all problems of a policy or of a file of settings."""
    return PolicyError(f"{what} is not valid:\n  " + "\n  ".join(problems))

"""Checks one profile of a request against the policy, as `prepare` checks a source's rows.

In: the parsed JSON body. Out: the columns to store, under the source's names, or everything that is
wrong with it. What is plainly right is accepted at once (0.05 ms); anything else goes through
`hertz.policy.profiles.validate_profiles` (about 15 ms), which alone decides what is wrong.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from hertz.policy.model import FieldRule, Policy
from hertz.policy.profiles import validate_profiles
from hertz.policy.text_frame import text_frame

MAX_ID = 2**63 - 1

_JSON_TYPES = {
    "code": ("string_type", "a text"),
    "ordered": ("string_type", "a text"),
    "text": ("string_type", "a text"),
    "number": ("float_type", "a number"),
    "set": ("list_type", "a list of texts"),
    "ids": ("list_type", "a list of integers"),
}
_FAULT_TYPES = {"text": "string_too_long", "number": "number_range", "ids": "list_type"}


class Problem(NamedTuple):
    """One thing that is wrong: the field under the source's name, in words, and its kind."""

    field: str
    reason: str
    kind: str


@dataclass(frozen=True)
class CheckedProfile:
    """A profile as it is to be stored; worth nothing where there are problems."""

    user_id: int
    columns: dict[str, Any]
    problems: list[Problem]


class ProfileCheck:
    """Checks profiles against one policy.

    Args:
        policy: What a profile is.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._names = {name: rule.source or name for name, rule in policy.fields.items()}
        self._codes = {
            name: frozenset(code for code in codes if _is_clean(code))
            for name in policy.fields
            if (codes := policy.vocabulary(name)) is not None
        }

    def check_plainly(self, body: dict[str, Any]) -> CheckedProfile | None:
        """The profile if it is plainly right; None where only `check` can tell."""
        user_id, told = self._read(body)
        if self._id_problem(user_id) is None and all(
            self._is_plainly_right(name, value) for name, value in told.items()
        ):
            return CheckedProfile(user_id, self._columns(user_id, told), [])
        return None

    def check(self, body: dict[str, Any]) -> CheckedProfile:
        """Check a profile in full; columns that the policy does not name are left out."""
        user_id, told = self._read(body)
        return CheckedProfile(user_id, self._columns(user_id, told), self._problems(user_id, told))

    def _read(self, body: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        told = {name: body.get(source) for name, source in self._names.items()}
        return body.get(self.policy.id_field), told

    def _columns(self, user_id: Any, told: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
        columns = {self._names[n]: value for n, value in told.items() if value is not None}
        return {self.policy.id_field: user_id, **columns}

    def _is_plainly_right(self, name: str, value: object) -> bool:
        rule = self.policy.fields[name]
        if value is None:
            return not rule.required
        if rule.drop is not None or not _has_type(rule, value):
            return False
        return _PLAIN[rule.kind](rule, self._codes.get(name), value)

    def _problems(self, user_id: object, told: dict[str, Any]) -> list[Problem]:
        found = [problem for problem in [self._id_problem(user_id)] if problem]
        mistyped = {
            name
            for name, value in told.items()
            if value is not None and not _has_type(self.policy.fields[name], value)
        }
        for name in self._names:
            if name in mistyped:
                kind, accepted = _JSON_TYPES[self.policy.fields[name].kind]
                found.append(Problem(self._names[name], f"Input should be {accepted}", kind))
        return found + self._policy_problems(told, mistyped)

    def _id_problem(self, user_id: object) -> Problem | None:
        name, minimum = self.policy.id_field, self.policy.id_minimum
        if user_id is None:
            return Problem(name, "Field required", "missing")
        if not isinstance(user_id, int) or isinstance(user_id, bool):
            return Problem(name, "Input should be an integer", "int_type")
        if user_id < minimum:
            reason = f"Input should be greater than or equal to {minimum}"
            return Problem(name, reason, "greater_than_equal")
        if user_id > MAX_ID:
            reason = f"Input should be less than or equal to {MAX_ID}"
            return Problem(name, reason, "less_than_equal")
        return None

    def _policy_problems(self, told: dict[str, Any], mistyped: set[str]) -> list[Problem]:
        row = {self._names[n]: None if n in mistyped else value for n, value in told.items()}
        row[self.policy.id_field] = max(1, self.policy.id_minimum)
        faults = validate_profiles(self.policy, text_frame([row])).quarantine
        return [
            self._problem(name, told[name], value, reason)
            for name, value, reason in faults.select("field", "value", "reason").iter_rows()
            if name not in mistyped
        ]

    def _problem(self, name: str, told: object, value: str, reason: str) -> Problem:
        source, kind = self._names[name], self.policy.fields[name].kind
        if told is None:
            accepted = reason.removeprefix("required, but not told; ")
            return Problem(source, f"Field required; {accepted}", "missing")
        if kind == "text":
            return Problem(source, f"{value}: {reason}", _FAULT_TYPES[kind])
        if reason.startswith("required"):
            return Problem(source, reason, "missing")
        return Problem(source, f"{value}: {reason}", _FAULT_TYPES.get(kind, "enum"))


def _has_type(rule: FieldRule, value: object) -> bool:
    if rule.kind in ("code", "ordered", "text"):
        return isinstance(value, str)
    if rule.kind == "number":
        return isinstance(value, float) or _is_int64(value)
    if not isinstance(value, list):
        return False
    if rule.kind == "set":
        return all(isinstance(item, str) for item in value)
    return all(_is_int64(item) for item in value)


def _is_int64(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_ID


def _is_clean(text: str) -> bool:
    """Whether `prepare` would take the text as it is."""
    return (
        text.isprintable() and text.strip() == text != "" and unicodedata.is_normalized("NFC", text)
    )


def _plain_code(_: FieldRule, codes: frozenset[str] | None, value: Any) -> bool:  # noqa: ANN401
    return _is_clean(value) if codes is None else value in codes


def _plain_set(rule: FieldRule, codes: frozenset[str] | None, value: Any) -> bool:  # noqa: ANN401
    items = all(_plain_code(rule, codes, item) for item in value)
    return items and (bool(value) or not rule.required)


def _plain_number(rule: FieldRule, _: frozenset[str] | None, value: Any) -> bool:  # noqa: ANN401
    low = -1e300 if rule.minimum is None else rule.minimum
    high = 1e300 if rule.maximum is None else rule.maximum
    return low <= value <= high


def _plain_text(rule: FieldRule, _: frozenset[str] | None, value: Any) -> bool:  # noqa: ANN401
    return _is_clean(value) and len(value) <= rule.max_length


def _plain_ids(rule: FieldRule, _: frozenset[str] | None, value: Any) -> bool:  # noqa: ANN401
    inside = all(abs(item) < 10**18 for item in value)
    return inside and (bool(value) or not rule.required)


_PLAIN: dict[str, Callable[[FieldRule, frozenset[str] | None, Any], bool]] = {
    "code": _plain_code,
    "ordered": _plain_code,
    "set": _plain_set,
    "number": _plain_number,
    "text": _plain_text,
    "ids": _plain_ids,
}

"""The policy's profile as a JSON schema with an example, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from hertz.policy.model import FieldRule, Policy

_LISTED = 3  # items of a set in the example


def profile_schema(policy: Policy) -> dict[str, Any]:
    """JSON schema of a profile as the write routes take it."""
    fields = {rule.source or name: (name, rule) for name, rule in policy.fields.items()}
    properties: dict[str, Any] = {
        policy.id_field: {"type": "integer", "minimum": policy.id_minimum, "maximum": 2**63 - 1}
    }
    properties |= {source: _schema(policy, *field) for source, field in fields.items()}
    required = [source for source, (_, rule) in fields.items() if rule.required]
    return {
        "type": "object",
        "title": "Profile",
        "properties": properties,
        "required": [policy.id_field, *required],
    }


def profile_example(policy: Policy) -> dict[str, Any]:
    """One profile that the write routes accept, of the required fields."""
    told = {
        rule.source or name: _example(policy, name, rule)
        for name, rule in policy.fields.items()
        if rule.required
    }
    return {policy.id_field: max(42, policy.id_minimum), **told}


def _schema(policy: Policy, name: str, rule: FieldRule) -> dict[str, Any]:
    codes = policy.vocabulary(name)
    text: dict[str, Any] = {"type": "string", "minLength": 1}
    one = text | ({"enum": list(codes)} if codes else {})
    by_kind: dict[str, dict[str, Any]] = {
        "set": {"type": "array", "items": one, "minItems": 1 if rule.required else 0},
        "ids": {"type": "array", "items": {"type": "integer"}},
        "number": _number(rule),
        "text": {"type": "string", "maxLength": rule.max_length},
    }
    described = {"description": label} if (label := rule.label.get("en")) else {}
    return by_kind.get(rule.kind, one) | described


def _number(rule: FieldRule) -> dict[str, Any]:
    bounds = {"minimum": rule.minimum, "maximum": rule.maximum}
    return {"type": "number"} | {k: bound for k, bound in bounds.items() if bound is not None}


def _example(policy: Policy, name: str, rule: FieldRule) -> object:
    codes = list(policy.shown_codes(name)) or ["example"]
    by_kind: dict[str, object] = {
        "set": codes[:_LISTED],
        "ids": [7],
        "number": rule.minimum if rule.minimum is not None else 30,
        "text": "Hello",
    }
    return by_kind.get(rule.kind, codes[0])

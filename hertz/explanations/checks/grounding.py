"""Checks that decide whether a text about two people may be published.

Every reason is compared with the profiles, and so is every word that is a label of some field.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hertz.explanations.checks import leaks, numbers, style
from hertz.explanations.checks.claims import Claim, claims
from hertz.explanations.checks.normalized_text import NormalizedText, normalize
from hertz.explanations.checks.reasons import failed_reason, is_mentioned
from hertz.explanations.checks.vocabulary import labels
from hertz.explanations.facts import Explanation, FactPlan, Profile, cached_by_policy, fact_plan
from hertz.explanations.forbidden_words import WORDS, Kind, Words
from hertz.policy.model import Policy

CHECKS_VERSION = "3"
CLAIMED_KINDS: tuple[Kind, ...] = ("romance", "offensive", "invented", "leak")  # may be labels


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An explanation to be checked, with everything that the checks read."""

    policy: Policy
    category: str
    language: str
    a: Profile
    b: Profile
    explanation: Explanation
    text: NormalizedText
    plan: FactPlan

    def has(self, kind: str) -> bool:
        """Returns whether the text has a forbidden word of a kind."""
        words = _forbidden(self.policy)[kind]
        return words.within(self.text.lower, self.text.listed, self.text.hits)


_CHECKS: dict[str, Callable[[_Candidate], object]] = {
    "empty": lambda c: not (c.explanation.title.strip() and c.explanation.content.strip()),
    "length": lambda c: style.wrong_length(c.explanation),
    "closing": lambda c: style.wrong_closing(c.explanation.content),
    "emoji": lambda c: style.many_emoji(c.explanation.content),
    "script": lambda c: style.wrong_script(c.policy, c.language, c.text, c.a, c.b),
    "claims_in_text": lambda c: (
        not all(_is_true(c.plan, c.a, c.b, claim) for claim in claims(c.policy, c.language, c.text))
    ),
    "not_told": lambda c: (
        not all(is_mentioned(c.policy, c.language, r, c.text.plain) for r in c.explanation.reasons)
    ),
    "number": lambda c: (
        c.has("share") or numbers.wrong_number(c.policy, c.plan, c.language, c.a, c.b, c.text)
    ),
    "mbti": lambda c: numbers.foreign_type(c.policy, c.a, c.b, c.text),
    "pairing": lambda c: numbers.overstated(c.policy, c.category, c.a, c.b, c.text),
    "name": lambda c: style.has_name(c.policy, c.language, c.text),
    "id": lambda c: numbers.shows_id({str(c.a["user_id"]), str(c.b["user_id"])}, c.text),
    "contact": lambda c: c.has("contact") or numbers.has_phone(c.text),
    "solicitation": lambda c: c.has("solicitation"),
    "romance": lambda c: c.policy.categories[c.category].voice == "friend" and c.has("romance"),
    "offensive": lambda c: c.has("offensive"),
    "invented": lambda c: c.has("invented"),
    "bio_copied": lambda c: leaks.copies_bio(c.policy, c.language, c.a, c.b, c.text),
    "prompt_leak": lambda c: c.has("leak") or leaks.leaks_internals(c.policy, c.language, c.text),
    "markup": lambda c: c.has("markup"),
    "placeholder": lambda c: c.has("placeholder"),
    "repetition": lambda c: style.repeats(c.text),
}


def failed_checks(
    policy: Policy,
    category: str,
    language: str,
    a: Profile,
    b: Profile,
    explanation: Explanation | None,
) -> list[str]:
    """Returns the names of the checks that an explanation of the pair (a, b) fails, each once.

    Profile `a` has the lower user id. None stands for an answer that could not be read ("json").
    """
    if explanation is None:
        return ["json"]
    text, plan = normalize(explanation), fact_plan(policy, category)
    candidate = _Candidate(policy, category, language, a, b, explanation, text, plan)
    reasons = [failed_reason(policy, category, a, b, reason) for reason in explanation.reasons]
    failed = [name for name, fails in _CHECKS.items() if fails(candidate)]
    return list(dict.fromkeys([*filter(None, reasons), *failed]))


@cached_by_policy
def _forbidden(policy: Policy) -> dict[str, Words]:
    """Returns the forbidden words by kind, without labels, which are checked as claims."""
    shown = [label.casefold() for label in labels(policy)]
    judged = {kind: WORDS[kind].without(shown) for kind in CLAIMED_KINDS}
    return {**WORDS, **judged}


def _is_true(plan: FactPlan, a: Profile, b: Profile, claim: Claim) -> bool:
    """Returns whether a claim is true of the two."""
    wishes = {mine for mine, _ in plan.wishes}
    wished = [code for field, code in claim.meanings if field in wishes]
    if claim.wished and wished:
        return any(_wish_holds(plan, a, b, code) for code in wished)
    meant = [m for m in claim.meanings if m[0] not in wishes] if wished else claim.meanings
    of_a, of_b = ({m for m in meant if m[1] in _codes(who[m[0]])} for who in (a, b))
    if claim.of_both:
        return bool(of_a and of_b)
    # what is said of one alone is not true of both
    return bool(of_a or of_b) and not (claim.of_one and of_a & of_b)


def _wish_holds(plan: FactPlan, a: Profile, b: Profile, code: str) -> bool:
    """Returns whether a wish is met, or both have it."""
    return any(
        (code in a[mine] and (code in b[theirs] or code in b[mine]))
        or (code in b[mine] and code in a[theirs])
        for mine, theirs in plan.wishes
    )


def _codes(value: list[str] | str | None) -> list[str]:
    """Returns the codes of a set, or the only code of another field."""
    return value if isinstance(value, list) else [value] if value else []

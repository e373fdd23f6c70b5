"""Checks that decide whether a text about two people may be published.

In: a candidate explanation and the two profiles it is about. Out: the names of the checks it fails;
none means that people may read it. Nothing here trusts the writer: every reason is compared with
the profiles, and so is every word of the text that is a label of some profile field.
"""

from __future__ import annotations

from collections.abc import Callable

from hertz.explanations.checks import leaks, numbers, style
from hertz.explanations.checks.claims import Claim, claims
from hertz.explanations.checks.normalized_text import normalize
from hertz.explanations.checks.reasons import failed_reason, is_mentioned
from hertz.explanations.checks.vocabulary import labels
from hertz.explanations.facts import Explanation, FactPlan, Profile, cached_by_policy, fact_plan
from hertz.explanations.forbidden_words import WORDS, Kind, Words
from hertz.policy.model import Policy

CHECKS_VERSION = "3"
CLAIMED_KINDS: tuple[Kind, ...] = ("romance", "offensive", "invented", "leak")  # may be labels


def failed_checks(
    policy: Policy,
    category: str,
    language: str,
    a: Profile,
    b: Profile,
    explanation: Explanation | None,
) -> list[str]:
    """Returns the names of the checks that an explanation of the pair (a, b) fails, each once.

    Args:
        policy: Policy whose fields, labels and voices are used.
        category: Category of the pair; its voice decides about romance.
        language: Language that the text must be written in.
        a: Profile of the lower user id.
        b: Profile of the higher user id.
        explanation: The candidate; None stands for an answer that could not be read ("json").
    """
    if explanation is None:
        return ["json"]
    text = normalize(explanation)
    plan = fact_plan(policy, category)
    friend = policy.categories[category].voice == "friend"
    words = _forbidden(policy)
    ids = {str(a["user_id"]), str(b["user_id"])}
    reasons = explanation.reasons

    def has(kind: str) -> bool:
        return words[kind].within(text.lower, text.listed, text.hits)

    checks: dict[str, Callable[[], object]] = {
        "empty": lambda: not (explanation.title.strip() and explanation.content.strip()),
        "length": lambda: style.wrong_length(explanation),
        "closing": lambda: style.wrong_closing(explanation.content),
        "emoji": lambda: style.many_emoji(explanation.content),
        "script": lambda: style.wrong_script(policy, language, text, a, b),
        "claims_in_text": lambda: not _all_true(plan, a, b, claims(policy, language, text)),
        "not_told": lambda: not all(is_mentioned(policy, language, r, text.plain) for r in reasons),
        "number": lambda: has("share") or numbers.wrong_number(policy, plan, language, a, b, text),
        "mbti": lambda: numbers.foreign_type(policy, a, b, text),
        "pairing": lambda: numbers.overstated(policy, category, a, b, text),
        "name": lambda: style.has_name(policy, language, text),
        "id": lambda: numbers.shows_id(ids, text),
        "contact": lambda: has("contact") or numbers.has_phone(text),
        "solicitation": lambda: has("solicitation"),
        "romance": lambda: friend and has("romance"),
        "offensive": lambda: has("offensive"),
        "invented": lambda: has("invented"),
        "bio_copied": lambda: leaks.copies_bio(policy, language, a, b, text),
        "prompt_leak": lambda: has("leak") or leaks.leaks_internals(policy, language, text),
        "markup": lambda: has("markup"),
        "placeholder": lambda: has("placeholder"),
        "repetition": lambda: style.repeats(text),
    }
    untrue = [failed_reason(policy, category, a, b, reason) for reason in reasons]
    failed = [name for name, fails in checks.items() if fails()]
    return list(dict.fromkeys([*filter(None, untrue), *failed]))


@cached_by_policy
def _forbidden(policy: Policy) -> dict[str, Words]:
    """Returns the forbidden words by kind, without labels, which are checked as claims."""
    shown = [label.casefold() for label in labels(policy)]
    judged = {kind: WORDS[kind].without(shown) for kind in CLAIMED_KINDS}
    return {**WORDS, **judged}


def _all_true(plan: FactPlan, a: Profile, b: Profile, found: list[Claim]) -> bool:
    """Returns whether all claims are true of the two."""
    fields = {field for claim in found for field, _ in claim.meanings}
    of_a, of_b = (
        {(field, code) for field in fields for code in _codes(who[field])} for who in (a, b)
    )
    of_one, of_both, wishes = of_a | of_b, of_a & of_b, {mine for mine, _ in plan.wishes}
    for meanings, says_both, says_one, wished in found:
        about_wishes = [code for field, code in meanings if field in wishes]
        if wished and about_wishes:
            true = any(_wish_holds(plan, a, b, code) for code in about_wishes)
        else:
            meant = [m for m in meanings if m[0] not in wishes] if about_wishes else meanings
            if says_both:
                true = not (of_a.isdisjoint(meant) or of_b.isdisjoint(meant))
            else:  # what is said of one alone is not true of both
                true = not (
                    of_one.isdisjoint(meant) or (says_one and not of_both.isdisjoint(meant))
                )
        if not true:
            return False
    return True


def _wish_holds(plan: FactPlan, a: Profile, b: Profile, code: str) -> bool:
    """Returns whether a wish is met, or both have it."""
    return any(
        (code in a[mine] and (code in b[theirs] or code in b[mine]))
        or (code in b[mine] and code in a[theirs])
        for mine, theirs in plan.wishes
    )


def _codes(value: list[str] | str | None) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []

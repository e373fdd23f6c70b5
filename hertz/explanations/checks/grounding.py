"""Checks that decide whether a text about two people may be published.

In: a candidate explanation and the two profiles it speaks of. Out: the names of the checks it
fails; none means that real people may read it. Nothing here trusts the writer: every reason is held
against the profiles, and so is every word of the text that is a label of some profile field.
"""

from __future__ import annotations

from collections.abc import Callable

from hertz.explanations import patterns
from hertz.explanations.checks.claims import Claim, claims
from hertz.explanations.checks.leaks import bios_of, copies, leaks
from hertz.explanations.checks.normalized_text import read
from hertz.explanations.checks.numbers import (
    foreign_type,
    has_phone,
    overstated,
    shows_id,
    wrong_number,
)
from hertz.explanations.checks.reasons import failed_reason, is_told
from hertz.explanations.checks.style import (
    has_name,
    many_emoji,
    repeats,
    wrong_closing,
    wrong_length,
    wrong_script,
)
from hertz.explanations.checks.vocabulary import labels
from hertz.explanations.facts import Explanation, Plan, Profile, fact_plan, per_policy
from hertz.policy.model import Policy

CHECKS_VERSION = "3"


def failed_checks(
    policy: Policy,
    category: str,
    language: str,
    a: Profile,
    b: Profile,
    explanation: Explanation | None,
) -> list[str]:
    """Names of the checks that an explanation of the pair (a, b) fails, each once.

    Args:
        policy: Whose fields, labels and voice count.
        category: Its voice decides about romance.
        language: What the text must be written in.
        a: Profile of the lower user id.
        b: Profile of the other.
        explanation: The candidate; None is one that could not be read ("json").
    """
    if explanation is None:
        return ["json"]
    r, plan = read(explanation), fact_plan(policy, category)
    friend = policy.categories[category].voice == "friend"
    unwanted = _unwanted(policy)

    def has(words: patterns.Words) -> bool:
        return words.within(r.lower, r.listed, r.hits)

    checks: dict[str, Callable[[], object]] = {
        "empty": lambda: not (explanation.title.strip() and explanation.content.strip()),
        "length": lambda: wrong_length(explanation),
        "closing": lambda: wrong_closing(explanation.content),
        "emoji": lambda: many_emoji(explanation.content),
        "script": lambda: wrong_script(policy, language, r, a, b),
        "claims_in_text": lambda: not _all_true(plan, a, b, claims(policy, language, r)),
        "not_told": lambda: (
            not all(is_told(policy, language, reason, r.plain) for reason in explanation.reasons)
        ),
        "number": lambda: has(patterns.SHARE) or wrong_number(policy, plan, language, a, b, r),
        "mbti": lambda: foreign_type(policy, a, b, r),
        "pairing": lambda: overstated(policy, category, a, b, r),
        "name": lambda: has_name(policy, language, r),
        "id": lambda: shows_id({str(a["user_id"]), str(b["user_id"])}, r),
        "contact": lambda: has(unwanted["contact"]) or has_phone(r),
        "solicitation": lambda: has(unwanted["solicitation"]),
        "romance": lambda: friend and has(unwanted["romance"]),
        "offensive": lambda: has(unwanted["offensive"]),
        "invented": lambda: has(unwanted["invented"]),
        "bio_copied": lambda: copies(policy, language, bios_of(policy, a, b), r),
        "prompt_leak": lambda: has(unwanted["leak"]) or leaks(policy, language, r),
        "markup": lambda: has(patterns.MARKUP),
        "placeholder": lambda: has(patterns.PLACEHOLDER),
        "repetition": lambda: repeats(r),
    }
    reasons = [failed_reason(policy, category, a, b, reason) for reason in explanation.reasons]
    named = [name for name in reasons if name]
    return list(dict.fromkeys(named + [name for name, fails in checks.items() if fails()]))


@per_policy
def _unwanted(policy: Policy) -> dict[str, patterns.Words]:
    """The words that no text may have, less those that are labels: claims judge them."""
    shown = [label.casefold() for label in labels(policy)]
    return {
        "contact": patterns.CONTACT,
        "solicitation": patterns.SOLICITATION,
        "romance": patterns.ROMANCE.without(shown),
        "offensive": patterns.OFFENSIVE.without(shown),
        "invented": patterns.INVENTED.without(shown),
        "leak": patterns.LEAK.without(shown),
    }


def _all_true(plan: Plan, a: Profile, b: Profile, found: list[Claim]) -> bool:
    """Does what the sentences say with labels hold for the two?"""
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
            else:  # what is told of one is not true of both
                true = not (
                    of_one.isdisjoint(meant) or (says_one and not of_both.isdisjoint(meant))
                )
        if not true:
            return False
    return True


def _wish_holds(plan: Plan, a: Profile, b: Profile, code: str) -> bool:
    """Is the wish met, or the same on both sides?"""
    return any(
        (code in a[mine] and (code in b[theirs] or code in b[mine]))
        or (code in b[mine] and code in a[theirs])
        for mine, theirs in plan.wishes
    )


def _codes(told: list[str] | str | None) -> list[str]:
    return told if isinstance(told, list) else [told] if told else []

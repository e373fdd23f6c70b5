"""Checks that decide whether a text about two people may be published.

In: a candidate explanation and the two profiles it speaks of. Out: the names of the checks it
fails; none means that real people may read it. Nothing here trusts the writer: every reason is held
against the profiles, and so is every word of the text that is a label of some profile field.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from explanations.claims import BOTH, Claim, claims, plain_words, sentences
from explanations.facts import (
    Explanation,
    Plan,
    Profile,
    fact_plan,
    pair_facts,
    per_policy,
    talkable,
)
from matching.policy import Policy

CHECKS_VERSION = "1"
TITLE_LENGTH = (4, 100)
SENTENCE_LENGTH = 200
CONTENT_LENGTH = (100, 2400)
COPIED_WORDS, COPIED_SYLLABLES = 8, 20
TOLD_ID_DIGITS = 3  # a shorter number is an id only where the text calls it one

_LATIN = r"A-Za-z\u00aa\u00ba\u00c0-\u024f"
_OTHER_SCRIPT = {
    "en": re.compile(rf"[^\W\d_{_LATIN}]"),
    "ko": re.compile(rf"[^\W\d_{_LATIN}가-힣]"),  # refuses broken jamo too
}
_INVISIBLE = re.compile(r"[\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffd]")
# The patterns below read lower case: ignoring case in the pattern costs several times more.
_CONTACT = re.compile(
    r"@\S+\.\w|https?:|www\.|(?<=\w)\.(?:com|net|org|kr|io|me|gg|ly)\b|(?<!\w)@\w{2,}"
    r"|\d(?:[\s().-]?\d){7,}|카톡|카카오톡|오픈채팅|\b(?:kakao|telegram|whatsapp|instagram)"
)
_MBTI = re.compile(r"(?<![a-z])[ei][ns][tf][jp](?![a-z])")
_PLACEHOLDER = re.compile(
    r"\[[^\]]*\]|\{[^}]*\}|<[^>]*>|[○●]{2,}|_{3,}|\b(?:XX+|User [AB]|Person [AB])\b"
)
_ROMANCE = re.compile(
    r"\b(?:lov(?:e|es|ed|ing|ers?|ebirds?)|beloved|roman(?:ce|tic)\w*|dat(?:e|es|ed|ing)|flirt\w*"
    r"|crush(?:es)?|kiss\w*|marr(?:y|ied|iages?)|weddings?|(?:boy|girl)friends?|soul ?mates?"
    r"|sweethearts?|couples?(?! of)|sparks? fly|intima\w+|seduc\w+)\b"
    r"|사랑|연인|연애|커플|데이트|로맨|설레|설렘|두근|핑크빛|결혼|키스|애인|남자\s?친구|여자\s?친구"
    r"|남친|여친|심쿵|하트|썸[을은이 ]|열애|고백|반했"
    "|[\u2661\u2665\u2763\u2764\U0001f491\U0001f48b-\U0001f49f\U0001f5a4\U0001f90d\U0001f90e"
    "\U0001f60d\U0001f617-\U0001f61a\U0001f970\U0001f9e1\U0001fa75-\U0001fa77\U0001faf6]"
)


_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+")
_CALLED_ID = re.compile(r"(?:\bid|user|no\.|#|회원|번호)\s*[:#]?\s*(\d+)|(\d+)\s?번")


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
    text = unicodedata.normalize("NFKC", f"{explanation.title}\n{explanation.content}")
    lower, plain, plan = text.casefold(), plain_words(text), fact_plan(policy, category)
    friend = policy.categories[category].voice == "friend"
    checks: dict[str, Callable[[], object]] = {
        "empty": lambda: not (explanation.title.strip() and explanation.content.strip()),
        "length": lambda: _wrong_length(explanation),
        "claims_in_text": lambda: (
            not all(_is_true(plan, a, b, claim) for claim in claims(policy, language, plain))
        ),
        "not_told": lambda: (
            not all(_is_told(policy, language, reason, plain) for reason in explanation.reasons)
        ),
        "number": lambda: _wrong_number(policy, category, language, a, b, text),
        "name": lambda: language == "en" and _has_name(policy, explanation),
        "repetition": lambda: _repeats(explanation.content.casefold()),
        "mbti": lambda: _foreign_type(policy, a, b, lower),
        "contact": lambda: _CONTACT.search(lower),
        "id": lambda: _shows_id({str(a["user_id"]), str(b["user_id"])}, lower),
        "script": lambda: _wrong_script(language, f"{explanation.title}\n{explanation.content}"),
        "romance": lambda: friend and _ROMANCE.search(lower),
        "bio_copied": lambda: _copied(_bios(policy, a, b), text),
        "code_fence": lambda: "```" in text or '{"' in text,
        "placeholder": lambda: _PLACEHOLDER.search(text),
    }
    reasons = [_failed_reason(policy, category, a, b, r) for r in explanation.reasons]
    named = [name for name in reasons if name]
    return list(dict.fromkeys(named + [name for name, fails in checks.items() if fails()]))


def _failed_reason(
    policy: Policy, category: str, a: Profile, b: Profile, reason: dict[str, Any]
) -> str | None:
    """Name of the check that a reason fails: is it true of the two?"""
    kind, fields, values = reason["kind"], tuple(reason["fields"]), reason["values"]
    if not values or not fields or not all(_known(policy, name, values) for name in fields):
        return "unknown_value"
    plan, field, name = fact_plan(policy, category), fields[0], CHECK_OF_KIND.get(kind, "json")
    if kind == "wish":
        wished = fields in plan.wishes and any(
            set(values) <= {*x[fields[0]]} & {*y[fields[1]]} for x, y in ((a, b), (b, a))
        )
        return None if wished else name
    if len(fields) != 1:
        return name
    if kind == "shared":
        held = field in plan.shared and set(values) <= {*a[field]} & {*b[field]}
        return None if held else name
    if field not in plan.codes and field not in [of for _, of in plan.tables]:
        return name
    told = {a[field], b[field]}
    places = [plan.ordered.get(field, {}).get(str(code), -9) for code in told]
    held = {
        "same": len(told) == 1 and {*values} == told,
        "near": len(told) == 2 and {*values} == told and abs(places[0] - places[1]) == 1,
        "pairing": {*values} == told and field in [of for _, of in plan.tables],
    }.get(kind, False)
    return None if held else name


CHECK_OF_KIND = {
    "shared": "not_shared",
    "wish": "wish_not_met",
    "same": "not_same",
    "near": "not_near",
    "pairing": "not_paired",
}


def _known(policy: Policy, field: str, values: Iterable[str]) -> bool:
    if field not in talkable_fields(policy):
        return False
    return policy.vocabulary(field) is None or set(values) <= {*policy.shown_codes(field)}


@per_policy
def talkable_fields(policy: Policy) -> frozenset[str]:
    """`talkable`, remembered."""
    return frozenset(talkable(policy))


def _wrong_length(explanation: Explanation) -> bool:
    title, content = len(explanation.title), len(explanation.content)
    return not (
        TITLE_LENGTH[0] <= title <= TITLE_LENGTH[1]
        and CONTENT_LENGTH[0] <= content <= CONTENT_LENGTH[1]
        and max(map(len, sentences(explanation.content)), default=0) <= SENTENCE_LENGTH
    )


def _is_true(plan: Plan, a: Profile, b: Profile, claim: Claim) -> bool:
    """Does what a sentence says with a label hold for the two?"""
    wishes = {mine for mine, _ in plan.wishes}
    about_wishes = [code for field, code in claim.meanings if field in wishes]
    if claim.wished and about_wishes:
        return any(_wish_holds(plan, a, b, code) for code in about_wishes)
    meanings = [m for m in claim.meanings if claim.wished or m[0] not in wishes]
    has = [any(_tells(who, *meaning) for meaning in meanings) for who in (a, b)]
    if claim.of_both:
        return all(has)
    if claim.of_one and any(_tells(a, *m) and _tells(b, *m) for m in meanings):
        return False  # told of one, true of both
    return any(has)


def _wish_holds(plan: Plan, a: Profile, b: Profile, code: str) -> bool:
    """Is the wish met, or the same on both sides?"""
    return any(
        (code in a[mine] and (code in b[theirs] or code in b[mine]))
        or (code in b[mine] and code in a[theirs])
        for mine, theirs in plan.wishes
    )


def _tells(profile: Profile, field: str, code: str) -> bool:
    told = profile[field]
    return bool(told) and (code in told if isinstance(told, list) else code == told)


def _is_told(policy: Policy, language: str, reason: dict[str, Any], plain: str) -> bool:
    """Does the text speak of what the reason rests on?"""
    return any(
        plain_words(policy.label(field, code, language)) in plain
        for field in reason["fields"][:1]
        for code in reason["values"]
    )


def _wrong_number(
    policy: Policy, category: str, language: str, a: Profile, b: Profile, text: str
) -> bool:
    """Is there a number that neither told, and that does not count what they have in common?"""
    numbers = {*_NUMBER.findall(text)}
    if not numbers:
        return False
    told = [str(pair_facts(policy, category, a, b).count)]
    for field in talkable(policy):
        for who in (a, b):
            values = who[field] if isinstance(who[field], list) else [who[field]]
            told += [policy.label(field, str(value), language) for value in values if value]
    return not numbers <= {number for label in told for number in _NUMBER.findall(label)}


def _has_name(policy: Policy, explanation: Explanation) -> bool:
    """Is there a capital letter within a sentence that is no label? Headlines may have them."""
    known = _capitals(policy)
    for sentence in sentences(f"{explanation.title}\n{explanation.content}"):
        words = re.findall(r"[^\W\d_]+", sentence)
        capital = [word for word in words[1:] if word[0].isupper() and not word.isupper()]
        if len(capital) <= len(words) / 2 and not known.issuperset(capital):
            return True
    return False


@per_policy
def _capitals(policy: Policy) -> frozenset[str]:
    labels = [text for rule in policy.fields.values() for text in rule.label.values()]
    labels += [
        policy.label(field, code, "en")
        for field in policy.fields
        for code in policy.shown_codes(field)
    ]
    return frozenset(re.findall(r"[^\W\d_]+", " ".join(labels))) | {"Stay", "Tuned"}


def _repeats(text: str) -> bool:
    """A sentence said twice, or the same five words three times."""
    said = [" ".join(words) for s in sentences(text) if len(words := _WORD.findall(s)) > 2]
    words = _WORD.findall(text)
    runs = Counter(zip(*(words[at:] for at in range(5)), strict=False))
    return len(set(said)) < len(said) or max(runs.values(), default=0) > 2


def _foreign_type(policy: Policy, a: Profile, b: Profile, text: str) -> bool:
    """Is an MBTI type named that neither has, or one called common that only one has?"""
    codes = [name for name, rule in policy.fields.items() if rule.kind in ("code", "ordered")]
    told = [{str(who[name]).casefold() for name in codes} for who in (a, b)]
    for sentence in sentences(text):
        types = {*_MBTI.findall(sentence)}
        if types - told[0] - told[1]:
            return True
        if len(types) == 1 and BOTH.search(sentence) and not types <= told[0] & told[1]:
            return True
    return False


def _shows_id(ids: set[str], lower: str) -> bool:
    long = {number for number in ids if len(number) >= TOLD_ID_DIGITS}
    called = {number for pair in _CALLED_ID.findall(lower) for number in pair}
    return bool(ids & called) or bool(long & {*_NUMBER.findall(lower)})


def _wrong_script(language: str, text: str) -> bool:
    other = _OTHER_SCRIPT.get(language)
    if _INVISIBLE.search(text) or (other and other.search(text)):
        return True
    if language != "ko":
        return False
    hangul, latin = len(re.findall("[가-힣]", text)), len(re.findall("[A-Za-z]", text))
    return hangul <= latin


def _bios(policy: Policy, a: Profile, b: Profile) -> list[str]:
    names = [name for name, rule in policy.fields.items() if rule.kind == "text"]
    return [who[name] for who in (a, b) for name in names if who[name]]


def _copied(bios: list[str], text: str) -> bool:
    """Does the text repeat eight words, or twenty Korean syllables, of a bio in a row?"""
    if not bios:
        return False
    runs = _runs(text)
    return any(runs & _runs(bio) for bio in bios)


def _runs(text: str) -> set[str]:
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())
    syllables = "".join(re.findall("[가-힣]+", text))
    found = {" ".join(words[i : i + COPIED_WORDS]) for i in range(len(words) - COPIED_WORDS + 1)}
    last = len(syllables) - COPIED_SYLLABLES + 1
    return found | {syllables[i : i + COPIED_SYLLABLES] for i in range(last)}

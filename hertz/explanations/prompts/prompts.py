"""What the language model is asked, the shape it must answer in, and how its answer is read.

In: the facts of a pair and the two profiles. Out: a conversation that is the same for a whole
category and language up to the first profile, one JSON schema for a run, and an `Explanation` from
the answer.

The model gets both profiles as data and the facts on lines that begin with their kind, after
examples in the same form; it answers with a sentence or two a kind, and with the kinds that its
text rests on. What users typed stands between markers, and nothing in it can open or close one.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from zlib import crc32

from hertz.core.korean import attach
from hertz.explanations.facts import (
    Explanation,
    Fact,
    Facts,
    Kind,
    Plan,
    Profile,
    fact_plan,
    is_sayable,
    pairing_level,
    per_policy,
    reason,
    talkable,
)
from hertz.explanations.limits import CLOSING, SENTENCE_LENGTH, TITLE_LENGTH
from hertz.explanations.prompts.wordings import TEXTS
from hertz.policy.model import Policy

PROMPT_VERSION = "3"
KINDS: tuple[Kind, ...] = ("shared", "wish", "pairing", "same", "near")
# One fact a kind, and what complements only where there is little else: of more, a small model
# makes a mixture with the examples' (measured: 9 of 32 texts accepted with twice as many).
LITTLE = 3
MAX_ITEMS = 2
EXAMPLES, VARIANTS = 3, 3
BIO_LENGTH = 300
CUT = "[...]"  # users' brackets are taken out, so only a cut looks like this
PARTS = (*KINDS, "complement")
PARAGRAPHS = (
    ("teaser",),
    ("pairing",),
    ("shared", "wish", "complement"),
    ("same", "near", "outlook"),
    ("closing",),
)
_LETTERS = {"en": "A-Za-z0-9é", "ko": "가-힣A-Za-z0-9"}
_SCRIPTS = {"en": re.compile("[A-Za-z]"), "ko": re.compile("[가-힣]")}
_EMOJI = "😄🎤✨📰🎉🙂"
_MARKUP = re.compile(r"[^\w\s.,!?~&'\"()/:;%+-]|_")  # brackets of any kind, signs, emoji


class ToldFact(NamedTuple):
    """A fact in the prompt, with what a text about its values must contain."""

    fact: Fact
    labels: tuple[str, ...]


Told = Mapping[str, ToldFact]  # by kind


def told_facts(policy: Policy, category: str, language: str, facts: Facts) -> Told:
    """The facts that the model is told: of each kind the fullest one."""
    topics = fact_plan(policy, category).topics
    told: dict[str, ToldFact] = {}
    for kind in KINDS:
        named = [
            fact
            for fact in facts.of(kind)
            if all(language in policy.fields[name].label for name in fact.fields)
            and (kind != "shared" or fact.fields[0] in topics)
        ]
        if named:
            fullest = max(named, key=lambda fact: len(fact.values[:MAX_ITEMS]))
            told[kind] = _labelled(policy, language, fullest)
    return told


def conversation(
    policy: Policy,
    category: str,
    language: str,
    a: Profile,
    b: Profile,
    facts: Facts,
    *,
    bio_length: int = BIO_LENGTH,
) -> list[dict[str, str]]:
    """What the model is asked about the pair (a, b), of whom it is told one fact at least.

    Args:
        policy: Whose labels are used.
        category: Decides the voice.
        language: What the model writes.
        a: Profile of the lower user id; it comes first, so that a user's pairs share a prefix.
        b: Profile of the other.
        facts: All that is true of them (`pair_facts`).
        bio_length: Characters of each free text that are shown; the rest is cut, with a marker.
    """
    told = told_facts(policy, category, language, facts)
    lines = _lines(policy, category, language, told)
    other = _complement(policy, language, facts) if len(told) < LITTLE else {}
    if other:
        lines += f"\ncomplement: {_filled_in(language, 'complement', other)}"
    # So that neither a list nor a pair's categories read as copies.
    variant = str(crc32(f"{category}\n{lines}".encode()) % VARIANTS)
    kinds = (*told, "complement") if other else tuple(told)
    return [
        *_opening(policy, category, language, variant, *kinds),
        {"role": "user", "content": _profiles(policy, language, a, b, bio_length)},
        {"role": "assistant", "content": TEXTS[language]["noted"]},
        {"role": "user", "content": lines},
    ]


@per_policy
def response_schema(policy: Policy, language: str) -> dict[str, Any]:
    """The JSON schema of every answer of a run in one language."""
    letters = _LETTERS[language]
    # One character more than the checks allow: a part that the limit cut is refused.
    inner = f"[{letters} ,:;&+/'‘’“”-]"

    def text(least: int) -> dict[str, Any]:
        # in two halves: from 128 repetitions on, xgrammar lets tokens pass that it then refuses
        half = SENTENCE_LENGTH // 2
        body = f"{inner}{{{least},{half}}}{inner}{{0,{half + 1}}}"
        sentence = f"[{letters}‘“]{body}[.!?]( [{_EMOJI}])?"
        return {"type": "string", "pattern": f"^{sentence}( {sentence})?$"}

    title = f"^[{letters}‘“]{inner}{{8,{TITLE_LENGTH[1]}}}[{letters}!?’”]$"
    content: dict[str, Any] = {
        "teaser": text(8),
        **{kind: text(12) for kind in PARTS},
        "outlook": text(8),
        "closing": {"const": CLOSING},
    }
    return _object(
        {
            "content": {**_object(content), "required": ["teaser", "outlook", "closing"]},
            "title": {"type": "string", "pattern": title},
            "reasons": {
                "type": "array",
                "items": {"enum": list(KINDS)},
                "minItems": 1,
                "maxItems": len(KINDS),
            },
        }
    )


def read_answer(text: str, told: Told) -> Explanation | None:
    """The explanation in a model's answer; None where it is not the JSON that was asked for.

    A reason of a kind that was not told keeps no fields: it fails the check of unknown values.
    """
    try:
        answer = json.loads(text)
        parts = {str(name): str(part).strip() for name, part in answer["content"].items()}
        title = str(answer["title"]).strip()
        kinds = dict.fromkeys(str(kind) for kind in answer["reasons"])
        content = "\n\n".join(_paragraphs(parts))
        plain = f"{title}\n{content}".casefold()
        "".join((plain, *kinds)).encode()  # half of an escaped emoji could not be written down
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    reasons = [found for kind in kinds if (found := _reason(told, kind, plain))]
    first = [reason(item.fact) for item in told.values()][:1]  # refused: the text tells nothing
    return Explanation(title, content, reasons or first)


def defused(text: str, length: int = BIO_LENGTH) -> str:
    """A user's text that cannot pass for anything else: one line, no brackets or signs, cut."""
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text))
    shown = "".join(x if unicodedata.category(x)[0] in "LNPZS" else " " for x in text)
    plain = " ".join(_MARKUP.sub(" ", shown).split())
    return plain if len(plain) <= length else f"{plain[:length].rstrip()} {CUT}"


def _reason(told: Told, kind: str, plain: str) -> dict[str, Any] | None:
    """The told fact of a kind, as far as the text has its words: on others it cannot rest."""
    if kind not in told:
        return {"kind": kind, "fields": [], "values": [], "direction": "both"}
    fact = _in_text(told[kind], plain)
    return reason(fact) if fact else None


def _in_text(item: ToldFact, plain: str) -> Fact | None:
    pairs = zip(item.fact.values, item.labels, strict=True)
    values = tuple(code for code, label in pairs if label.casefold() in plain)
    if values and item.fact.kind in ("shared", "wish"):
        return replace(item.fact, values=values)
    return item.fact if values else None


def _paragraphs(parts: dict[str, str]) -> list[str]:
    """The service's five: teaser, pairing, common ground, how it could go, closing line."""
    shown = [" ".join(parts[name] for name in group if name in parts) for group in PARAGRAPHS]
    known = {name for group in PARAGRAPHS for name in group}
    rest = [part for name, part in parts.items() if name not in known]
    return [part for part in shown + rest if part]


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _labelled(policy: Policy, language: str, fact: Fact) -> ToldFact:
    fact = replace(fact, values=fact.values[:MAX_ITEMS])
    return ToldFact(fact, tuple(policy.label(fact.fields[0], c, language) for c in fact.values))


def _profiles(policy: Policy, language: str, a: Profile, b: Profile, bio_length: int) -> str:
    """Both profiles, each between its markers."""
    shown = [_profile(policy, language, who, bio_length) for who in (a, b)]
    return f"<profile_1>\n{shown[0]}\n</profile_1>\n<profile_2>\n{shown[1]}\n</profile_2>"


def _profile(policy: Policy, language: str, who: Profile, bio_length: int) -> str:
    """What one told, a line a field: labels, and what was typed, defused."""
    lines = []
    for name in talkable(policy):
        kind, value = policy.fields[name].kind, who[name]
        if kind in ("ids", "number") or not value:
            continue
        if kind == "text":
            typed = defused(value, bio_length)
            told = f"“{typed}”" if _SCRIPTS[language].search(typed) else ""
        else:
            codes = value if isinstance(value, list) else [value]
            shown = (_shown(policy, name, code, language) for code in codes)
            told = ", ".join(label for label in shown if label)
        if told:
            lines.append(f"{policy.field_label(name, language)}: {told}")
    return "\n".join(lines)


def _shown(policy: Policy, field: str, code: str, language: str) -> str:
    label = policy.label(field, code, language)
    return label if policy.vocabulary(field) is not None or is_sayable(code) else ""


def _lines(policy: Policy, category: str, language: str, told: Told) -> str:
    """The facts as the model sees them: one line a kind, beginning with it."""
    return "\n".join(
        f"{kind}: {_parts(policy, category, language, item)['fact']}" for kind, item in told.items()
    )


def _parts(policy: Policy, category: str, language: str, item: ToldFact) -> dict[str, str]:
    """A fact in words, and what they are filled with."""
    texts, fact = TEXTS[language], item.fact
    parts = {
        "field": policy.field_label(fact.fields[0], language),
        "items": _items(item.labels, texts["and"]),
    }
    if fact.kind == "pairing":
        parts["rated"] = texts["rated"][pairing_level(policy, category, fact)]
    return {**parts, "fact": _filled_in(language, fact.kind, parts)}


def _filled_in(language: str, kind: str, parts: dict[str, str]) -> str:
    return attach(TEXTS[language]["facts"][kind].format(**parts))


def _items(labels: tuple[str, ...], last: str) -> str:
    return last.join((", ".join(labels[:-1]), labels[-1])) if len(labels) > 1 else labels[0]


def _complement(policy: Policy, language: str, facts: Facts) -> dict[str, str]:
    """One field in which each has something of their own, and what; empty where there is none."""
    for item in facts.complements[:1]:
        a, b = (
            policy.label(item.field, codes[0], language) for codes in (item.only_a, item.only_b)
        )
        return {"field": policy.field_label(item.field, language), "a": a, "b": b}
    return {}


@per_policy
def _opening(
    policy: Policy, category: str, language: str, variant: str, *kinds: str
) -> list[dict[str, str]]:
    """The system part, and examples with facts of the same kinds as the pair's."""
    texts = TEXTS[language]
    voice = policy.categories[category].voice
    system = texts["system"].format(voice=texts["voices"][voice], rule=texts["rules"][voice])
    turns = [{"role": "system", "content": system}]
    for number in range(EXAMPLES):
        facts = {kind: _sample(policy, category, language, kind, number) for kind in kinds}
        lines = "\n".join(f"{kind}: {parts['fact']}" for kind, parts in facts.items())
        answer = _sample_answer(language, voice, facts, int(variant))
        compact = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))  # as it must answer
        turns += [
            {"role": "user", "content": lines},
            {"role": "assistant", "content": compact},
        ]
    return turns


def _sample(policy: Policy, category: str, language: str, kind: str, number: int) -> dict[str, str]:
    """A made-up fact in the policy's own words: what a model copies from it, the checks know."""
    plan = fact_plan(policy, category)
    topics = [(name,) for name in plan.topics or plan.shared]
    fields: dict[str, Sequence[tuple[str, ...]]] = {
        "shared": topics,
        "complement": topics[1:] or topics,
        "wish": plan.wishes,
        "pairing": [(name,) for _, name in plan.tables],
        "same": [(name,) for name in plan.codes],
        "near": [(name,) for name in plan.ordered],
    }
    chosen = fields[kind][number % len(fields[kind])]
    codes = policy.shown_codes(chosen[0]) or ("one", "two", "three", "four")
    size = 2 if kind in ("near", "pairing", "complement") or (kind == "shared" and number) else 1
    start = 2 * number % max(1, len(codes) - size + 1)
    values = codes[start : start + size]
    if kind == "complement":
        a, b = (policy.label(chosen[0], code, language) for code in values)
        parts = {"field": policy.field_label(chosen[0], language), "a": a, "b": b}
        return {**parts, "fact": _filled_in(language, kind, parts)}
    made_up: dict[str, Kind] = {name: name for name in KINDS}
    fact = Fact(made_up[kind], chosen, values, worth=_worth(plan, kind, values))
    return _parts(policy, category, language, _labelled(policy, language, fact))


def _worth(plan: Plan, kind: str, values: tuple[str, ...]) -> tuple[float, float]:
    if kind != "pairing":
        return (0.0, 0.0)
    table, (a, b) = next(iter(plan.worth.values())), values
    return table[a, b], table[b, a]


def _sample_answer(
    language: str, voice: str, facts: dict[str, dict[str, str]], wording: int
) -> dict[str, Any]:
    texts = TEXTS[language]
    sentences = {
        kind: attach(texts["leads"][kind][wording].format(**parts)) for kind, parts in facts.items()
    }
    items = facts["shared"]["items"] if "shared" in facts else ""
    outlook, title = (
        attach(texts[slot][voice if items else "nothing"][wording].format(items=items))
        for slot in ("outlooks", "titles")
    )
    teaser = texts["teasers"][voice][wording]
    content = {"teaser": teaser, **sentences, "outlook": outlook, "closing": CLOSING}
    return {"content": content, "title": title, "reasons": [k for k in facts if k in KINDS]}

"""The prompt for the language model, the schema of its answer, and how the answer is read.

After examples, the model gets both profiles between markers, which nothing that a user typed can
open or close, and the facts by kind. It answers with one or two sentences for each kind.
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
    Profile,
    as_reason,
    cached_by_policy,
    fact_plan,
    is_presentable,
    mentionable_fields,
    pairing_level,
)
from hertz.explanations.limits import CLOSING, SENTENCE_LENGTH, TITLE_LENGTH
from hertz.explanations.prompts.wordings import VARIANTS, load_wordings
from hertz.policy.model import Policy

PROMPT_VERSION = "3"
KINDS: tuple[Kind, ...] = ("shared", "wish", "pairing", "same", "near")
# One fact a kind, and a complement only where there are few facts: given more, a small model mixes
# them with those of the examples (measured: 9 of 32 texts accepted with twice as many).
FEW_FACTS = 3
MAX_ITEMS = 2
EXAMPLES = 3
BIO_LENGTH = 300
CUT = "[...]"  # brackets are removed from what users typed, so only a cut looks like this
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
_COMPLEMENT = "complement"


class PromptFact(NamedTuple):
    """A fact in the prompt, and the labels of its values, which a text about it must contain."""

    fact: Fact
    labels: tuple[str, ...]


PromptFacts = Mapping[str, PromptFact]  # by kind


def prompt_facts(policy: Policy, category: str, language: str, facts: Facts) -> PromptFacts:
    """Returns the facts that the prompt contains: of each kind the one with most values."""
    topics = fact_plan(policy, category).topics
    chosen: dict[str, PromptFact] = {}
    for kind in KINDS:
        labelled = [
            fact
            for fact in facts.of_kind(kind)
            if all(language in policy.fields[name].label for name in fact.fields)
            and (kind != "shared" or fact.fields[0] in topics)
        ]
        if labelled:
            fullest = max(labelled, key=lambda fact: len(fact.values[:MAX_ITEMS]))
            chosen[kind] = _with_labels(policy, language, fullest)
    return chosen


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
    """Returns the conversation that asks the model for the text about a pair.

    `a` has the lower user id and comes first, so that a user's pairs share a prefix. `prompt_facts`
    must find some of the facts. Free texts are cut to `bio_length` characters, with a marker.
    """
    chosen = prompt_facts(policy, category, language, facts)
    lines = "\n".join(
        f"{kind}: {_parts(policy, category, language, item)['fact']}"
        for kind, item in chosen.items()
    )
    complements = facts.complements[:1] if len(chosen) < FEW_FACTS else ()
    for item in complements:
        complement = _complement(policy, language, item.field, item.only_a[0], item.only_b[0])
        lines += f"\ncomplement: {complement['fact']}"
    # So that neither the texts of one list nor those of a pair's categories read as copies.
    variant = str(crc32(f"{category}\n{lines}".encode()) % VARIANTS)
    kinds = (*chosen, _COMPLEMENT) if complements else tuple(chosen)
    one, two = (_profile(policy, language, who, bio_length) for who in (a, b))
    profiles = f"<profile_1>\n{one}\n</profile_1>\n<profile_2>\n{two}\n</profile_2>"
    return [
        *_opening(policy, category, language, variant, *kinds),
        {"role": "user", "content": profiles},
        {"role": "assistant", "content": load_wordings(language)["noted"][0]},
        {"role": "user", "content": lines},
    ]


@cached_by_policy
def response_schema(policy: Policy, language: str) -> dict[str, Any]:
    """Returns the JSON schema of every answer of a run in one language."""
    letters = _LETTERS[language]
    # One character more than the checks allow: a part that the limit cut is refused.
    inner = f"[{letters} ,:;&+/'‘’“”-]"

    def text(shortest: int) -> dict[str, Any]:
        # in two halves: from 128 repetitions on, xgrammar lets tokens pass that it then refuses
        half = SENTENCE_LENGTH // 2
        body = f"{inner}{{{shortest},{half}}}{inner}{{0,{half + 1}}}"
        sentence = f"[{letters}‘“]{body}[.!?]( [{_EMOJI}])?"
        return {"type": "string", "pattern": f"^{sentence}( {sentence})?$"}

    title = f"^[{letters}‘“]{inner}{{8,{TITLE_LENGTH[1]}}}[{letters}!?’”]$"
    content: dict[str, Any] = {
        "teaser": text(8),
        **{kind: text(12) for kind in PARTS},
        "outlook": text(8),
        "closing": {"const": CLOSING},
    }
    kinds = {"enum": list(KINDS)}
    return _object(
        {
            "content": {**_object(content), "required": ["teaser", "outlook", "closing"]},
            "title": {"type": "string", "pattern": title},
            "reasons": {"type": "array", "items": kinds, "minItems": 1, "maxItems": len(KINDS)},
        }
    )


def read_answer(text: str, facts: PromptFacts) -> Explanation | None:
    """Returns the explanation in a model's answer; None if the answer does not have its form.

    A reason of a kind that is not among the prompt's `facts` is kept without fields, so that the
    check of unknown values refuses it.
    """
    try:
        answer = json.loads(text)
        parts = {str(name): str(part).strip() for name, part in answer["content"].items()}
        title = str(answer["title"]).strip()
        kinds = dict.fromkeys(str(kind) for kind in answer["reasons"])
        content = "\n\n".join(_paragraphs(parts))
        plain = f"{title}\n{content}".casefold()
        "".join((plain, *kinds)).encode()  # half of an escaped emoji could not be stored
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    reasons = [found for kind in kinds if (found := _reason(facts, kind, plain))]
    # Without any reason the first fact is kept, and the check that it is mentioned refuses the text
    first = [as_reason(item.fact) for item in facts.values()][:1]
    return Explanation(title, content, reasons or first)


def sanitized(text: str, length: int = BIO_LENGTH) -> str:
    """Returns what a user typed as one line without brackets or signs, cut to a length.

    Nothing in it can be mistaken for another part of the prompt.
    """
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text))
    shown = "".join(x if unicodedata.category(x)[0] in "LNPZS" else " " for x in text)
    plain = " ".join(_MARKUP.sub(" ", shown).split())
    return plain if len(plain) <= length else f"{plain[:length].rstrip()} {CUT}"


def _reason(facts: PromptFacts, kind: str, plain: str) -> dict[str, Any] | None:
    """Returns the fact of a kind as a reason, with the values whose labels the text contains."""
    if kind not in facts:
        return {"kind": kind, "fields": [], "values": [], "direction": "both"}
    fact, labels = facts[kind]
    pairs = zip(fact.values, labels, strict=True)
    values = tuple(code for code, label in pairs if label.casefold() in plain)
    if not values:
        return None
    return as_reason(replace(fact, values=values) if kind in ("shared", "wish") else fact)


def _paragraphs(parts: dict[str, str]) -> list[str]:
    """Returns the parts of an answer as five paragraphs, then any part that is unknown."""
    shown = [" ".join(parts[name] for name in group if name in parts) for group in PARAGRAPHS]
    known = {name for group in PARAGRAPHS for name in group}
    unknown = [part for name, part in parts.items() if name not in known]
    return [part for part in shown + unknown if part]


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    """Returns the JSON schema of an object that has all these properties and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _with_labels(policy: Policy, language: str, fact: Fact) -> PromptFact:
    """Returns the first values of a fact with their labels."""
    fact = replace(fact, values=fact.values[:MAX_ITEMS])
    return PromptFact(fact, tuple(policy.label(fact.fields[0], c, language) for c in fact.values))


def _profile(policy: Policy, language: str, who: Profile, bio_length: int) -> str:
    """Returns a profile, one line a field: labels of codes, and free texts sanitized."""
    lines = []
    for name in mentionable_fields(policy):
        kind, value = policy.fields[name].kind, who[name]
        if kind in ("ids", "number") or not value:
            continue
        if kind == "text":
            typed = sanitized(value, bio_length)
            shown = f"“{typed}”" if _SCRIPTS[language].search(typed) else ""
        else:
            codes = value if isinstance(value, list) else [value]
            if policy.vocabulary(name) is None:
                codes = [code for code in codes if is_presentable(code)]
            shown = ", ".join(filter(None, (policy.label(name, x, language) for x in codes)))
        if shown:
            lines.append(f"{policy.field_label(name, language)}: {shown}")
    return "\n".join(lines)


def _parts(policy: Policy, category: str, language: str, item: PromptFact) -> dict[str, str]:
    """Returns what the wordings of a fact are filled with; "fact" is the fact in words."""
    texts, fact = load_wordings(language), item.fact
    *first, last = item.labels
    items = texts["and"][0].join((", ".join(first), last)) if first else last
    parts = {"field": policy.field_label(fact.fields[0], language), "items": items}
    if fact.kind == "pairing":
        parts["rated"] = texts[f"rated.{pairing_level(policy, category, fact)}"][0]
    return {**parts, "fact": _filled(language, f"facts.{fact.kind}", parts)}


def _filled(language: str, slot: str, parts: dict[str, str], variant: int = 0) -> str:
    """Returns a wording with its placeholders filled."""
    return attach(load_wordings(language)[slot][variant].format(**parts))


def _complement(
    policy: Policy, language: str, field: str, code_a: str, code_b: str
) -> dict[str, str]:
    """Returns what the wordings of a complement are filled with, as `_parts` does."""
    a, b = (policy.label(field, code, language) for code in (code_a, code_b))
    parts = {"field": policy.field_label(field, language), "a": a, "b": b}
    return {**parts, "fact": _filled(language, "facts.complement", parts)}


@cached_by_policy
def _opening(
    policy: Policy, category: str, language: str, variant: str, *kinds: str
) -> list[dict[str, str]]:
    """Returns the system message, and examples with facts of the same kinds as the pair's."""
    texts = load_wordings(language)
    voice = policy.categories[category].voice
    manner, rule = texts[f"voices.{voice}"][0], texts[f"rules.{voice}"][0]
    system = texts["system"][0].format(voice=manner, rule=rule)
    turns = [{"role": "system", "content": system}]
    for number in range(EXAMPLES):
        facts = {kind: _example_fact(policy, category, language, kind, number) for kind in kinds}
        lines = "\n".join(f"{kind}: {parts['fact']}" for kind, parts in facts.items())
        answer = _example_answer(language, voice, facts, int(variant))
        compact = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))  # as it must answer
        turns.append({"role": "user", "content": lines})
        turns.append({"role": "assistant", "content": compact})
    return turns


def _example_fact(
    policy: Policy, category: str, language: str, kind: str, number: int
) -> dict[str, str]:
    """Returns an invented fact in the policy's own labels, so that the checks notice a copy."""
    plan = fact_plan(policy, category)
    topics = [(name,) for name in plan.topics or plan.shared]
    fields: dict[str, Sequence[tuple[str, ...]]] = {
        "shared": topics,
        _COMPLEMENT: topics[1:] or topics,
        "wish": plan.wishes,
        "pairing": [(name,) for _, name in plan.tables],
        "same": [(name,) for name in plan.codes],
        "near": [(name,) for name in plan.ordered],
    }
    chosen = fields[kind][number % len(fields[kind])]
    codes = policy.shown_codes(chosen[0]) or ("one", "two", "three", "four")
    size = 2 if kind in ("near", "pairing", _COMPLEMENT) or (kind == "shared" and number) else 1
    start = 2 * number % max(1, len(codes) - size + 1)
    values = codes[start : start + size]
    if kind == _COMPLEMENT:
        return _complement(policy, language, chosen[0], values[0], values[1])
    known: dict[str, Kind] = {name: name for name in KINDS}
    fact = Fact(known[kind], chosen, values)
    if kind == "pairing":
        table, (a, b) = next(iter(plan.table_values.values())), values
        fact = replace(fact, table_values=(table[a, b], table[b, a]))
    return _parts(policy, category, language, _with_labels(policy, language, fact))


def _example_answer(
    language: str, voice: str, facts: dict[str, dict[str, str]], variant: int
) -> dict[str, Any]:
    """Returns the answer of an example: one wording of each sentence, filled with its facts."""
    sentences = {
        kind: _filled(language, f"leads.{kind}", parts, variant) for kind, parts in facts.items()
    }
    items = facts["shared"]["items"] if "shared" in facts else ""
    tone = voice if items else "nothing"
    teaser = load_wordings(language)[f"teasers.{voice}"][variant]
    outlook = _filled(language, f"outlooks.{tone}", {"items": items}, variant)
    return {
        "content": {"teaser": teaser, **sentences, "outlook": outlook, "closing": CLOSING},
        "title": _filled(language, f"titles.{tone}", {"items": items}, variant),
        "reasons": [kind for kind in facts if kind in KINDS],
    }

"""What the language model is asked, the shape it must answer in, and how its answer is read.

In: the facts of a pair and the two profiles. Out: a conversation whose system part is the same for
a whole category and language, one JSON schema for a run, and an `Explanation` from the answer.

The model gets one fact of a kind, on a line that begins with the kind, after two examples with the
same kinds; it answers with one sentence a kind and with the kinds that its text rests on. Users'
texts stand between markers as data, and nothing in them can open or close a marker.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

from explanations.facts import (
    Explanation,
    Fact,
    Facts,
    Kind,
    Plan,
    Profile,
    fact_plan,
    per_policy,
    reason,
)
from explanations.grounding import SENTENCE_LENGTH, TITLE_LENGTH
from explanations.korean import attach
from explanations.prompt_texts import TEXTS
from matching.policy import Policy

PROMPT_VERSION = "1"
KINDS: tuple[Kind, ...] = ("shared", "wish", "pairing", "same", "near")
MAX_FACTS, MAX_ITEMS = 3, 2
EXAMPLES, VARIANTS = 3, 3
BIO_LENGTH = 300
_LETTERS = {"en": "A-Za-z0-9é", "ko": "가-힣A-Za-z0-9"}
_SCRIPTS = {"en": re.compile("[A-Za-z]"), "ko": re.compile("[가-힣]")}
_EMOJI = "😄🎤✨📰🎉🙂"
_MARKUP = re.compile(r"[<>{}\[\]`|]")

Told = Mapping[Kind, Fact]


def told_facts(policy: Policy, category: str, language: str, facts: Facts) -> dict[Kind, Fact]:
    """The facts that the model is told: the fullest of each kind, three kinds at most."""
    topics = fact_plan(policy, category).topics
    told: dict[Kind, Fact] = {}
    for kind in KINDS:
        named = [
            fact
            for fact in facts.of(kind)
            if all(language in policy.fields[name].label for name in fact.fields)
            and (kind != "shared" or fact.fields[0] in topics)
        ]
        if named and len(told) < MAX_FACTS:
            fullest = max(named, key=lambda fact: len(fact.values[:MAX_ITEMS]))
            told[kind] = Fact(kind, fullest.fields, fullest.values[:MAX_ITEMS], fullest.direction)
    return told


def conversation(
    policy: Policy, category: str, language: str, a: Profile, b: Profile, facts: Facts
) -> list[dict[str, str]]:
    """What the model is asked about the pair (a, b), of whom it is told one fact at least."""
    told = told_facts(policy, category, language, facts)
    lines = _lines(policy, language, told)
    # So that neither a list nor a pair's categories read as copies.
    variant = str(crc32(f"{category}\n{lines}".encode()) % VARIANTS)
    bios = "".join(_bio(policy, language, who) for who in (a, b))
    return [
        *_opening(policy, category, language, variant, *told),
        {"role": "user", "content": lines + bios},
    ]


@per_policy
def response_schema(policy: Policy, language: str) -> dict[str, Any]:
    """The JSON schema of every answer of a run in one language."""
    letters = _LETTERS[language]
    # One character more than the checks allow: a part that the limit cut is refused.
    inner = f"[{letters} ,:;&'‘’“”-]"

    def sentence(least: int) -> dict[str, Any]:
        pattern = f"^[{letters}‘“]{inner}{{{least},{SENTENCE_LENGTH}}}[.!?]( [{_EMOJI}])?$"
        return {"type": "string", "pattern": pattern}

    title = f"^[{letters}‘“]{inner}{{8,{TITLE_LENGTH[1]}}}[{letters}!?’”]$"
    content: dict[str, Any] = {
        "teaser": sentence(8),
        **{kind: sentence(12) for kind in KINDS},
        "outlook": sentence(8),
        "closing": {"const": "Stay Tuned!"},
    }
    return _object(
        {
            "content": {**_object(content), "required": ["teaser", "outlook", "closing"]},
            "title": {"type": "string", "pattern": title},
            "reasons": {
                "type": "array",
                "items": {"enum": list(KINDS)},
                "minItems": 1,
                "maxItems": MAX_FACTS,
            },
        }
    )


def read_answer(text: str, told: Told) -> Explanation | None:
    """The explanation in a model's answer; None where it is not the JSON that was asked for.

    A reason of a kind that was not told keeps no fields: it fails the check of unknown values.
    """
    try:
        answer = json.loads(text)
        parts = [str(part).strip() for part in answer["content"].values()]
        title = str(answer["title"]).strip()
        kinds = dict.fromkeys(str(kind) for kind in answer["reasons"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    nothing: dict[str, Any] = {"fields": [], "values": [], "direction": "both"}
    reasons = [
        reason(told[kind]) if kind in told else {"kind": kind, **nothing}  # type: ignore[index]
        for kind in kinds
    ]
    return Explanation(title, "\n\n".join(_paragraphs(parts)), reasons)


def defused(text: str) -> str:
    """A user's text that cannot pass for markup: markers out, one line, cut."""
    return " ".join(_MARKUP.sub(" ", text).split())[:BIO_LENGTH]


def _paragraphs(parts: list[str]) -> list[str]:
    """Teaser, what is known, outlook with the closing line."""
    return [parts[0], " ".join(parts[1:-2]), " ".join(parts[-2:])]


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _lines(policy: Policy, language: str, told: Told) -> str:
    """The facts as the model sees them: one line each, beginning with its kind."""
    return "\n".join(f"{kind}: {_wording(policy, language, fact)}" for kind, fact in told.items())


def _wording(policy: Policy, language: str, fact: Fact) -> str:
    texts, field = TEXTS[language], fact.fields[0]
    return attach(
        texts["facts"][fact.kind].format(
            field=policy.field_label(field, language), items=_items(policy, language, fact)
        )
    )


def _items(policy: Policy, language: str, fact: Fact) -> str:
    labels = [policy.label(fact.fields[0], code, language) for code in fact.values]
    head, last = ", ".join(labels[:-1]), labels[-1]
    return f"{head}{TEXTS[language]['and']}{last}" if head else last


def _bio(policy: Policy, language: str, who: Profile) -> str:
    """What a person wrote, as data; left out where its script is not the report's."""
    names = [name for name, rule in policy.fields.items() if rule.kind == "text"]
    told = defused(" ".join(who[name] for name in names if who[name]))
    return f"\n<profile>{told}</profile>" if _SCRIPTS[language].search(told) else ""


@per_policy
def _opening(
    policy: Policy, category: str, language: str, variant: str, *kinds: Kind
) -> list[dict[str, str]]:
    """The system part, and two examples with facts of the same kinds as the pair's."""
    texts = TEXTS[language]
    voice = policy.categories[category].voice
    turns = [{"role": "system", "content": texts["system"].format(voice=texts["voices"][voice])}]
    for number in range(EXAMPLES):
        told = {kind: _sample(fact_plan(policy, category), policy, kind, number) for kind in kinds}
        answer = _sample_answer(policy, language, voice, told, int(variant))
        compact = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))  # as it must answer
        turns += [
            {"role": "user", "content": _lines(policy, language, told)},
            {"role": "assistant", "content": compact},
        ]
    return turns


def _sample(plan: Plan, policy: Policy, kind: Kind, number: int) -> Fact:
    """A made-up fact of the policy's own words: what a model copies from it, the checks know."""
    fields: dict[Kind, Sequence[tuple[str, ...]]] = {
        "shared": [(name,) for name in plan.topics or plan.shared],
        "wish": plan.wishes,
        "pairing": [(name,) for _, name in plan.tables],
        "same": [(name,) for name in plan.codes],
        "near": [(name,) for name in plan.ordered],
    }
    options = fields[kind]
    chosen = options[number % len(options)]
    codes = policy.shown_codes(chosen[0]) or ("one", "two", "three", "four")
    size = 2 if kind in ("near", "pairing") or (kind == "shared" and number) else 1
    start = 2 * number % max(1, len(codes) - size + 1)
    return Fact(kind, chosen, codes[start : start + size])


def _sample_answer(
    policy: Policy, language: str, voice: str, told: Told, wording: int
) -> dict[str, Any]:
    texts = TEXTS[language]
    sentences: dict[str, str] = {
        kind: attach(texts["leads"][kind][wording].format(fact=_wording(policy, language, fact)))
        for kind, fact in told.items()
    }
    topic = told.get("shared")
    items = _items(policy, language, topic) if topic else ""
    outlook, title = (
        attach(texts[slot][voice if topic else "nothing"][wording].format(items=items))
        for slot in ("outlooks", "titles")
    )
    teaser = texts["teasers"][voice][wording]
    content = {"teaser": teaser, **sentences, "outlook": outlook, "closing": "Stay Tuned!"}
    return {"content": content, "title": title, "reasons": list(told)}

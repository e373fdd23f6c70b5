"""The template voice: a deterministic report about two anonymous people, out of their facts alone.

In: `Facts` and a key (the pair's content hash), which decides the phrases, so that a list of ten
does not read as copies. Out: an `Explanation` of five short paragraphs. It needs no model, works
for any policy, and claims nothing but facts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from explanations import korean, voices_en, voices_ko
from explanations.facts import (
    Explanation,
    Fact,
    Facts,
    fact_plan,
    pairing_level,
    per_policy,
    reason,
)
from matching.errors import PolicyError
from matching.policy import Policy

TEMPLATE_VERSION = "2"
MAX_ITEMS = 4  # of one field in a sentence
ONE_WAY = 0.05  # difference of the two directions worth telling

T = TypeVar("T")
Phrases = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Speech:
    """How a language quotes, joins and finishes a text."""

    phrases: Phrases
    quote: str
    pair: str  # joins two
    last: str  # joins the last of more
    words_unquoted: int  # longest label that stands in a list without quotes
    finish: Callable[[str], str]


SPEECHES = {
    "ko": Speech(voices_ko.PHRASES, "‘{}’", "과(와) ", ", ", 0, korean.attach),
    "en": Speech(voices_en.PHRASES, "“{}”", " and ", " and ", 2, str),
}


class _Labels(dict[str, str]):
    """A field's codes as they stand in a text; filled as codes come up."""

    def __init__(
        self, policy: Policy, field: str, language: str, quote: str, unquoted: int
    ) -> None:
        super().__init__()
        self._where = (policy, field, language)
        self._quote, self._unquoted = quote, unquoted

    def __missing__(self, code: str) -> str:
        policy, field, language = self._where
        label = policy.label(field, code, language)
        self[code] = label if len(label.split()) <= self._unquoted else self._quote.format(label)
        return self[code]


@dataclass(frozen=True, slots=True)
class _Voice:
    """A category's voice in one language, with everything that does not depend on the pair."""

    speech: Speech
    phrases: Phrases
    fields: dict[str, str]  # name of each field one may speak of
    items: dict[str, _Labels]
    quoted: dict[str, _Labels]
    paired: dict[str, _Labels]
    level: Callable[[Fact], str]  # of a pairing
    topics: frozenset[str]

    def listing(self, field: str, codes: Sequence[str], quoted: bool = False) -> str:
        labels = (self.quoted if quoted else self.items)[field]
        shown = [labels[code] for code in codes[:MAX_ITEMS]]
        if len(shown) < 3:
            return self.speech.pair.join(shown)
        return f"{', '.join(shown[:-1])}{self.speech.last}{shown[-1]}"

    def named(self, facts: list[Fact]) -> list[Fact]:
        return [fact for fact in facts if all(name in self.fields for name in fact.fields)]


class _Writer:
    """Picks phrases by the digits of a hash and fills them."""

    def __init__(self, voice: _Voice, key: str) -> None:
        self._phrases = voice.phrases
        self._digits = iter(hashlib.sha512(key.encode()).digest())
        self.told: list[Fact] = []

    def pick(self, options: Sequence[T]) -> T:
        return options[next(self._digits) % len(options)]

    def say(self, slot: str, **parts: str) -> str:
        return self.pick(self._phrases[slot]).format_map(parts)

    def order(self, facts: list[Fact]) -> list[Fact]:
        digits = [next(self._digits) for _ in facts]
        return [facts[at] for at in sorted(range(len(facts)), key=lambda at: (digits[at], at))]


def check_languages(policy: Policy) -> None:
    """Refuse a policy in a language that the template voice does not speak.

    Raises:
        PolicyError: naming the language and those there are.
    """
    for language in policy.languages:
        if language not in SPEECHES:
            message = (
                f"languages = {language!r}: the template voice has no such language; "
                f"accepted: {', '.join(SPEECHES)}"
            )
            raise PolicyError(message)


def render(policy: Policy, category: str, language: str, facts: Facts, key: str) -> Explanation:
    """The report on one pair: five paragraphs of two or three sentences and one or two emoji.

    Args:
        policy: Whose labels and voice are used.
        category: Decides the voice: gossip news, friendship, neutral.
        language: One of `SPEECHES`.
        facts: All that is said (see `pair_facts`).
        key: Decides among phrases of the same meaning; the pair's content hash.
    """
    voice = _voice(policy, category, language)
    writer = _Writer(voice, f"{key}{category}{language}")
    singles = voice.named(facts.of("same")) + voice.named(facts.of("near"))
    shared = voice.named(facts.of("shared"))
    topics = writer.order([fact for fact in shared if fact.fields[0] in voice.topics])
    traits = [fact for fact in shared if fact.fields[0] not in voice.topics]
    topic = voice.fields[topics[0].fields[0]] if topics else ""
    paragraphs = (
        _teaser(writer, facts),
        _pairing(voice, writer, facts, singles),
        _common_ground(voice, writer, facts, topics + traits),
        (
            *_lifestyle(voice, writer, singles),
            writer.say("topic", field=topic) if topic else writer.say("topic.none"),
            writer.say("outlook"),
        ),
        (writer.say("close"), writer.say("recap"), writer.say("end")),
    )
    title = writer.say("title", field=topic) if topic else writer.say("plain")
    content = "\n\n".join(
        f"{' '.join(sentences)} {writer.say(f'emoji.{number}')}"
        for number, sentences in enumerate(paragraphs, 1)
    )
    finish = voice.speech.finish
    reasons = [reason(fact) for fact in facts.found if fact in writer.told]
    return Explanation(finish(title), finish(content), reasons)


@per_policy
def _voice(policy: Policy, category: str, language: str) -> _Voice:
    speech, plan = SPEECHES[language], fact_plan(policy, category)
    suffix = f".{policy.categories[category].voice}"
    fields = {
        name: rule.label[language] for name, rule in policy.fields.items() if language in rule.label
    }

    def labels(unquoted: int) -> dict[str, _Labels]:
        return {name: _Labels(policy, name, language, speech.quote, unquoted) for name in fields}

    return _Voice(
        speech=speech,
        phrases={slot.removesuffix(suffix): options for slot, options in speech.phrases.items()},
        fields=fields,
        items=labels(speech.words_unquoted),
        quoted=labels(0),
        paired=labels(1),
        level=lambda fact: pairing_level(policy, category, fact),
        topics=frozenset(plan.topics),
    )


def _teaser(writer: _Writer, facts: Facts) -> list[str]:
    many = facts.count > 1
    found = writer.say("count", count=str(facts.count)) if many else writer.say("compared")
    return [writer.say("open"), found, writer.say("tease")]


def _pairing(voice: _Voice, writer: _Writer, facts: Facts, singles: list[Fact]) -> list[str]:
    """A table's verdict on the two; else an equal or neighboring answer, taken from `singles`."""
    for fact in voice.named(facts.of("pairing")):
        level, (worth, back) = voice.level(fact), fact.worth
        one_way = abs(worth - back) > ONE_WAY
        verdict = writer.pick((level, "oneway" if one_way else level))
        return [
            _pair_sentence(voice, writer, fact, "pair.same", "pair.two"),
            writer.say(verdict),
            writer.say(f"{level}.like"),
        ]
    if not singles:
        return [writer.say("lead.none"), writer.say("lead.none.like")]
    fact = singles.pop(0)
    return [_pair_sentence(voice, writer, fact, "lead.same", "lead.near"), writer.say("lead.like")]


def _pair_sentence(voice: _Voice, writer: _Writer, fact: Fact, same: str, two: str) -> str:
    writer.told.append(fact)
    field = fact.fields[0]
    labels = (voice.paired if fact.kind == "pairing" else voice.quoted)[field]
    shown = [labels[code] for code in fact.values]
    if len(set(fact.values)) == 1:
        return writer.say(same, field=voice.fields[field], items=shown[0])
    return writer.say(two, field=voice.fields[field], a=shown[0], b=shown[1])


def _common_ground(voice: _Voice, writer: _Writer, facts: Facts, shared: list[Fact]) -> list[str]:
    """Up to two shared fields, then a wish that is met or something that complements."""
    writer.told += shared[:2]
    sentences = [
        writer.say(
            slot,
            field=voice.fields[fact.fields[0]],
            items=voice.listing(fact.fields[0], fact.values),
        )
        for slot, fact in zip(("shared.first", "shared.next"), shared, strict=False)
    ]
    if not shared:
        sentences.append(writer.say("shared.none", what=writer.say("what")))
    more = _wish(voice, writer, facts) or _complement(voice, writer, facts)
    if more:
        sentences.append(more)
    elif len(sentences) == 1:
        sentences.append(writer.say("shared.tail" if shared else "shared.none.tail"))
    if len(sentences) == 2 and shared:
        sentences.append(writer.say("ground.tail"))
    return sentences


def _wish(voice: _Voice, writer: _Writer, facts: Facts) -> str | None:
    wishes = voice.named(facts.of("wish"))
    if not wishes:
        return None
    first = wishes[0]
    writer.told.append(first)
    mine, theirs = (voice.fields[name] for name in first.fields)
    there = voice.listing(first.fields[0], first.values[:2], quoted=True)
    back = next((w for w in wishes[1:] if w.fields == first.fields), None)
    if back is None:
        return writer.say("wish.one", mine=mine, theirs=theirs, items=there)
    writer.told.append(back)
    here = voice.listing(back.fields[0], back.values[:2], quoted=True)
    return writer.say("wish.both", mine=mine, theirs=theirs, a=there, b=here)


def _complement(voice: _Voice, writer: _Writer, facts: Facts) -> str | None:
    options = [item for item in facts.complements if item.field in voice.fields]
    if not options:
        return None
    item = writer.pick(options)
    return writer.say(
        "complement",
        field=voice.fields[item.field],
        a=voice.listing(item.field, item.only_a[:2]),
        b=voice.listing(item.field, item.only_b[:2]),
    )


def _lifestyle(voice: _Voice, writer: _Writer, singles: list[Fact]) -> list[str]:
    """One sentence on the equal answers left (two at most), on a neighboring one, or advice."""
    same = writer.order([fact for fact in singles if fact.kind == "same"])
    if not same:
        near = singles[:1]
        if not near:
            return [writer.say("advice")]
        return [_pair_sentence(voice, writer, near[0], "life.near", "life.near")]
    writer.told += same[:2]
    told = [(f.fields[0], voice.quoted[f.fields[0]][f.values[0]]) for f in same[:2]]
    parts = {"field": voice.fields[told[0][0]], "items": told[0][1]}
    if len(told) == 1:
        return [writer.say("life.one", **parts)]
    return [writer.say("life.two", field2=voice.fields[told[1][0]], items2=told[1][1], **parts)]

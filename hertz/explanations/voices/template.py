"""The template voice: a deterministic report about two anonymous people, out of their facts.

In: `Facts` and a key (the pair's content hash), which decides the phrases, so that a list of ten
does not read as copies. Out: an `Explanation` of five short paragraphs. It needs no model, works
for any policy, and claims nothing but facts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import TypeVar

from hertz.core import korean
from hertz.core.errors import PolicyError
from hertz.explanations.facts import (
    Complement,
    Explanation,
    Fact,
    Facts,
    fact_plan,
    pairing_level,
    per_policy,
    reason,
)
from hertz.explanations.voices import english as voices_en
from hertz.explanations.voices import korean as voices_ko
from hertz.policy.model import Policy

TEMPLATE_VERSION = "3"
MAX_ITEMS = 4  # of one field in a sentence
ROOM, LITTLE_ROOM, ENTRIES_ROOM = 50, 40, 100  # characters that a list in a sentence may take
MAX_ENTRIES = 3  # equal answers in a sentence
NO_TOPIC = frozenset({"NONE"})  # answers that are true, but nothing to talk about
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
    lettered: frozenset[str]  # fields whose table compares codes letter by letter

    def listing(self, field: str, codes: Sequence[str], room: int, quoted: bool = False) -> str:
        """As many of the codes as there is room for, one at least."""
        labels = (self.quoted if quoted else self.items)[field]
        shown: list[str] = []
        for label in (labels[code] for code in codes[:MAX_ITEMS]):
            room -= len(label) + 2
            if shown and room < 0:
                break
            shown.append(label)
        return self.joined(shown)

    def joined(self, shown: Sequence[str]) -> str:
        if len(shown) < 3:
            return self.speech.pair.join(shown)
        return f"{', '.join(shown[:-1])}{self.speech.last}{shown[-1]}"

    def named(self, facts: list[Fact]) -> list[Fact]:
        return [fact for fact in facts if all(name in self.fields for name in fact.fields)]


class _Writer:
    """Picks phrases by the digits of a hash and fills them."""

    def __init__(self, voice: _Voice, key: str) -> None:
        self._phrases = voice.phrases
        self._digits = cycle(hashlib.sha512(key.encode()).digest())
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
    topics = writer.order([fact for fact in shared if _is_topic(voice, fact)])
    others = [] if topics and facts.of("wish") else _others(voice, shared)
    spare = [item for item in facts.complements if _is_swap(voice, item)]
    paragraphs = (
        _teaser(writer, facts),
        _pairing(voice, writer, facts, singles),
        _common_ground(voice, writer, facts, topics + others, spare),
        (
            _lifestyle(voice, writer, singles),
            _suggestion(voice, writer, topics, spare),
            writer.say("outlook"),
        ),
        (writer.say("close"), writer.say("recap"), writer.say("end")),
    )
    title = _about(voice, writer, "title", topics[0]) if topics else writer.say("plain")
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
        lettered=frozenset(
            str(term.field)
            for term in policy.terms.values()
            if term.kind == "table" and policy.tables[str(term.table)].letters
        ),
    )


def _is_topic(voice: _Voice, fact: Fact) -> bool:
    return fact.fields[0] in voice.topics and not NO_TOPIC.issuperset(fact.values)


def _others(voice: _Voice, shared: list[Fact]) -> list[Fact]:
    """One trait, since what both are and what both wish for reads alike; then what is no topic."""
    traits = [fact for fact in shared if fact.fields[0] not in voice.topics]
    topics = [fact for fact in shared if fact.fields[0] in voice.topics]
    return traits[:1] + [fact for fact in topics if not _is_topic(voice, fact)]


def _is_swap(voice: _Voice, item: Complement) -> bool:
    """Has each something to tell the other?"""
    return item.field in voice.fields and NO_TOPIC.isdisjoint((*item.only_a, *item.only_b))


def _teaser(writer: _Writer, facts: Facts) -> list[str]:
    many = facts.count > 1
    found = writer.say("count", count=str(facts.count)) if many else writer.say("compared")
    return [writer.say("open"), found, writer.say("tease")]


def _pairing(voice: _Voice, writer: _Writer, facts: Facts, singles: list[Fact]) -> list[str]:
    """A table's verdict on the two; else an equal or neighboring answer, taken from `singles`."""
    for fact in voice.named(facts.of("pairing")):
        level, (worth, back) = voice.level(fact), fact.worth
        verdict = writer.say(level)
        sentences = [_two(voice, writer, fact, "pair.same", "pair.two", verdict=verdict)]
        sentences += _letters(voice, writer, fact)
        one_way = abs(worth - back) > ONE_WAY
        return [*sentences, writer.say(writer.pick((f"{level}.like", "oneway")[: 1 + one_way]))]
    if not singles:
        first = [writer.say("lead.none"), writer.say("lead.none.like")]
    else:
        lead = _two(voice, writer, singles.pop(0), "lead.same", "lead.near")
        first = [lead, writer.say("lead.like")]
    return [*first, writer.say("lead.tail")]


def _letters(voice: _Voice, writer: _Writer, fact: Fact) -> list[str]:
    """Which letters two types have in common, and what one of the places can look like."""
    pairs = list(zip(*fact.values, strict=False)) if fact.fields[0] in voice.lettered else []
    scenes = [f"letters.{''.join(sorted({*pair}))}" for pair in pairs]
    if not scenes or not all(scene in voice.phrases for scene in scenes):
        return []
    same = [x for x, y in pairs if x == y]
    other = [writer.say("letters.two", a=x, b=y) for x, y in pairs if x != y]
    slot = "letters.none" if not same else "letters.some" if other else "letters.all"
    parts = {"same": voice.joined(same), "other": ", ".join(other)}
    return [writer.say(slot, scene=writer.say(writer.pick(scenes)), **parts)]


def _two(voice: _Voice, writer: _Writer, fact: Fact, same: str, two: str, **parts: str) -> str:
    """The answer of both, or each one's own."""
    writer.told.append(fact)
    field = fact.fields[0]
    labels = (voice.paired if fact.kind == "pairing" else voice.quoted)[field]
    shown = [labels[code] for code in fact.values]
    if len(set(fact.values)) == 1:
        return writer.say(same, field=voice.fields[field], items=shown[0], **parts)
    return writer.say(two, field=voice.fields[field], a=shown[0], b=shown[1], **parts)


def _common_ground(
    voice: _Voice, writer: _Writer, facts: Facts, shared: list[Fact], spare: list[Complement]
) -> list[str]:
    """Up to three shared fields, then a wish that is met and something that complements."""
    sentences = _shared(voice, writer, shared[:3])
    if wish := _wish(voice, writer, facts):
        sentences.append(wish)
    if spare and len(sentences) < 3:
        sentences.append(_complement(voice, writer, "complement", spare))
    if len(sentences) == 1:
        sentences.append(writer.say("shared.tail"))
    if len(sentences) == 2 and shared:
        sentences.append(writer.say("ground.tail"))
    return sentences


def _shared(voice: _Voice, writer: _Writer, shared: list[Fact]) -> list[str]:
    if not shared:
        none = writer.say("shared.none", what=writer.say("what"))
        return [none, writer.say("shared.none.tail")]
    writer.told += shared
    names = [voice.fields[fact.fields[0]] for fact in shared]
    items = [voice.listing(fact.fields[0], fact.values, ROOM) for fact in shared]
    spark = writer.say("spark")
    said = [writer.say("shared.first", field=names[0], items=items[0], spark=spark)]
    if len(shared) == 2:
        said.append(writer.say("shared.next", field=names[1], items=items[1]))
    elif shared[2:]:
        parts = {"field": names[1], "items": items[1], "field2": names[2], "items2": items[2]}
        said.append(writer.say("shared.two", **parts))
    return said


def _wish(voice: _Voice, writer: _Writer, facts: Facts) -> str | None:
    wishes = voice.named(facts.of("wish"))
    if not wishes:
        return None
    first = wishes[0]
    writer.told.append(first)
    mine, theirs = (voice.fields[name] for name in first.fields)
    there = voice.listing(first.fields[0], first.values[:2], LITTLE_ROOM, quoted=True)
    back = next((w for w in wishes[1:] if w.fields == first.fields), None)
    if back is None:
        return writer.say("wish.one", mine=mine, theirs=theirs, items=there)
    writer.told.append(back)
    here = voice.listing(back.fields[0], back.values[:2], LITTLE_ROOM, quoted=True)
    if here == there:
        return writer.say("wish.same", mine=mine, theirs=theirs, items=here)
    return writer.say("wish.both", mine=mine, theirs=theirs, a=there, b=here)


def _complement(voice: _Voice, writer: _Writer, slot: str, spare: list[Complement]) -> str:
    """What each could show the other; taken from `spare`."""
    item = spare.pop(writer.pick(range(len(spare))))
    a, b = (voice.listing(item.field, own[:2], LITTLE_ROOM) for own in (item.only_a, item.only_b))
    return writer.say(slot, field=voice.fields[item.field], a=a, b=b)


def _lifestyle(voice: _Voice, writer: _Writer, singles: list[Fact]) -> str:
    """A few of the equal answers left, else a neighboring one, else advice."""
    same = writer.order([fact for fact in singles if fact.kind == "same"])
    if not same:
        near = singles[:1]
        return _two(voice, writer, near[0], "", "life.near") if near else writer.say("advice")
    told = same[:1]
    for fact in same[1:MAX_ENTRIES]:
        if len(_entries(voice, [*told, fact])) <= ENTRIES_ROOM:
            told.append(fact)
    if len(told) == 1:
        return _two(voice, writer, told[0], "life.one", "")
    writer.told += told
    return writer.say("life.many", entries=_entries(voice, told))


def _entries(voice: _Voice, facts: list[Fact]) -> str:
    """Answers of both, each with its field's name."""
    (entry,) = voice.phrases["life.entry"]
    shown = [
        entry.format(field=voice.fields[name], items=voice.quoted[name][fact.values[0]])
        for fact in facts
        for name in fact.fields
    ]
    return f"{', '.join(shown[:-1])}{voice.speech.last}{shown[-1]}"


def _suggestion(voice: _Voice, writer: _Writer, topics: list[Fact], spare: list[Complement]) -> str:
    """A question or a plan for the first meeting, out of what they share or could show."""
    if spare and (not topics or writer.pick((True, False, False))):
        return _complement(voice, writer, "swap", spare)
    if not topics:
        return writer.say("topic.none")
    fact = writer.pick(topics[:2])
    slot = f"ask.{fact.fields[0]}"
    return _about(voice, writer, slot if slot in voice.phrases else "ask", fact)


def _about(voice: _Voice, writer: _Writer, slot: str, fact: Fact) -> str:
    field = fact.fields[0]
    code = writer.pick([code for code in fact.values if code not in NO_TOPIC][:2])
    return writer.say(slot, field=voice.fields[field], item=voice.items[field][code])

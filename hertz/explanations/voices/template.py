"""The template voice: a deterministic report about two anonymous people, made from their facts.

In: `Facts` and a key, which chooses among the phrases, so that the texts of one list differ. Out:
an `Explanation` of five short paragraphs. It needs no language model and works for any policy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from typing import TypeVar

from hertz.core import korean
from hertz.core.errors import PolicyError
from hertz.explanations.facts import (
    Complement,
    Explanation,
    Fact,
    Facts,
    as_reason,
    cached_by_policy,
    fact_plan,
    pairing_level,
)
from hertz.explanations.text_files import Texts
from hertz.explanations.voices.phrases import LANGUAGES, Style, load_phrases
from hertz.policy.model import Policy

TEMPLATE_VERSION = "3"
MAX_ITEMS = 4  # of one field in a sentence
LIST_ROOM, SHORT_LIST_ROOM, ENTRIES_ROOM = 50, 40, 100  # characters of a list in a sentence
MAX_ENTRIES = 3  # equal answers in a sentence
NO_TOPIC = frozenset({"NONE"})  # answers that are true, but nothing to talk about
ONE_WAY = 0.05  # smallest difference between a pairing's directions that is mentioned

Labels = Callable[[str, str], str]  # of a field and code, as a text shows it
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Voice:
    """The voice of a category in one language: everything that does not depend on the pair."""

    style: Style
    phrases: Texts  # by slot, without the tone in the slot's name
    fields: dict[str, str]  # labels of the fields that a text may mention
    items: Labels  # in a list: short ones without quotes
    quoted: Labels
    paired: Labels  # of a pairing's codes: single words without quotes
    level: Callable[[Fact], str]  # how a pairing is rated
    topics: frozenset[str]  # set fields that are neither wishes nor traits
    lettered: frozenset[str]  # fields whose table compares codes letter by letter

    def listed(self, labels: Labels, field: str, codes: Sequence[str], room: int) -> str:
        """Returns a list of as many of the codes as there is room for, at least one."""
        shown: list[str] = []
        for label in (labels(field, code) for code in codes[:MAX_ITEMS]):
            room -= len(label) + 2
            if shown and room < 0:
                break
            shown.append(label)
        return self.joined(shown)

    def joined(self, labels: Sequence[str]) -> str:
        """Returns labels as a list in a sentence."""
        if len(labels) < 3:
            return self.style.pair.join(labels)
        return self.joined_entries(labels)

    def joined_entries(self, entries: Sequence[str]) -> str:
        """Returns two entries or more as a list in a sentence."""
        return f"{', '.join(entries[:-1])}{self.style.last}{entries[-1]}"

    def with_labels(self, facts: list[Fact]) -> list[Fact]:
        """Returns the facts whose fields have a label in this language."""
        return [fact for fact in facts if all(name in self.fields for name in fact.fields)]

    def is_topic(self, fact: Fact) -> bool:
        """Returns whether two people could talk about what they share."""
        return fact.fields[0] in self.topics and not NO_TOPIC.issuperset(fact.values)

    def can_be_swapped(self, item: Complement) -> bool:
        """Returns whether each of the two has something to show the other."""
        return item.field in self.fields and NO_TOPIC.isdisjoint((*item.only_a, *item.only_b))


class _Writer:
    """Chooses a voice's phrases by the digits of a hash, and fills them."""

    def __init__(self, voice: _Voice, key: str) -> None:
        self.voice = voice
        self.used: list[Fact] = []  # what the text mentions so far
        self._digits = cycle(hashlib.sha512(key.encode()).digest())

    def choose(self, options: Sequence[T]) -> T:
        """Returns one of the options."""
        return options[next(self._digits) % len(options)]

    def fill(self, slot: str, **parts: str) -> str:
        """Returns one of a slot's phrases with its placeholders filled."""
        return self.choose(self.voice.phrases[slot]).format_map(parts)

    def shuffle(self, facts: list[Fact]) -> list[Fact]:
        """Returns the facts in an order that the hash decides."""
        digits = [next(self._digits) for _ in facts]
        return [facts[at] for at in sorted(range(len(facts)), key=lambda at: (digits[at], at))]


def check_languages(policy: Policy) -> None:
    """Checks that the template voice exists in every language of a policy.

    Raises:
        PolicyError: A language has no phrases; the message names it and those that have.
    """
    for language in policy.languages:
        if language not in LANGUAGES:
            problem = f"languages = {language!r}: the template voice has no such language"
            message = f"{problem}; accepted: {', '.join(LANGUAGES)}"
            raise PolicyError(message)


def render(policy: Policy, category: str, language: str, facts: Facts, key: str) -> Explanation:
    """Returns the report on one pair: five paragraphs of two or three sentences with emoji.

    The category decides the tone: gossip news, friendship or neutral. The key, the pair's content
    hash, decides among phrases of the same meaning. The report claims nothing but facts.
    """
    voice = _voice(policy, category, language)
    writer = _Writer(voice, f"{key}{category}{language}")
    singles = voice.with_labels([*facts.of_kind("same"), *facts.of_kind("near")])
    shared = voice.with_labels(facts.of_kind("shared"))
    topics = writer.shuffle([fact for fact in shared if voice.is_topic(fact)])
    others = [] if topics and facts.of_kind("wish") else _others(voice, shared)
    spare = [item for item in facts.complements if voice.can_be_swapped(item)]
    paragraphs = (
        _teaser(writer, facts),
        _pairing(writer, facts, singles),
        _common_ground(writer, facts, topics + others, spare),
        (_lifestyle(writer, singles), _suggestion(writer, topics, spare), writer.fill("outlook")),
        (writer.fill("close"), writer.fill("recap"), writer.fill("end")),
    )
    title = _about(writer, "title", topics[0]) if topics else writer.fill("plain")
    content = "\n\n".join(
        f"{' '.join(sentences)} {writer.fill(f'emoji.{number}')}"
        for number, sentences in enumerate(paragraphs, 1)
    )
    finish = korean.attach if voice.style.particles else str
    reasons = [as_reason(fact) for fact in facts.found if fact in writer.used]
    return Explanation(finish(title), finish(content), reasons)


@cached_by_policy
def _voice(policy: Policy, category: str, language: str) -> _Voice:
    """Returns the voice of a category in one language."""
    phrases = load_phrases(language)
    style = phrases.style
    tone = f".{policy.categories[category].voice}"

    def labels(unquoted_words: int) -> Labels:
        @cache
        def label(field: str, code: str) -> str:
            text = policy.label(field, code, language)
            return text if len(text.split()) <= unquoted_words else style.quote.format(text)

        return label

    tables = [term for term in policy.terms.values() if term.kind == "table"]
    by_letter = [term for term in tables if policy.tables[str(term.table)].letters]
    named = {name: rule.label for name, rule in policy.fields.items() if language in rule.label}
    return _Voice(
        style=style,
        phrases={slot.removesuffix(tone): options for slot, options in phrases.by_slot.items()},
        fields={name: label[language] for name, label in named.items()},
        items=labels(style.unquoted_words),
        quoted=labels(0),
        paired=labels(1),
        level=lambda fact: pairing_level(policy, category, fact),
        topics=frozenset(fact_plan(policy, category).topics),
        lettered=frozenset(str(term.field) for term in by_letter),
    )


def _others(voice: _Voice, shared: list[Fact]) -> list[Fact]:
    """Returns one shared trait (more would read like wishes), then the fields that are no topic."""
    traits = [fact for fact in shared if fact.fields[0] not in voice.topics]
    topics = [fact for fact in shared if fact.fields[0] in voice.topics]
    return traits[:1] + [fact for fact in topics if not voice.is_topic(fact)]


def _teaser(writer: _Writer, facts: Facts) -> list[str]:
    """Returns the first paragraph, with the number of equal entries if there are several."""
    equal = facts.equal_entries
    found = writer.fill("count", count=str(equal)) if equal > 1 else writer.fill("compared")
    return [writer.fill("open"), found, writer.fill("tease")]


def _pairing(writer: _Writer, facts: Facts, singles: list[Fact]) -> list[str]:
    """Returns the second paragraph: a pairing, or else an answer that is removed from `singles`."""
    for fact in writer.voice.with_labels(facts.of_kind("pairing"))[:1]:
        level = writer.voice.level(fact)
        verdict = writer.fill(level)
        sentences = [_answers(writer, fact, "pair.same", "pair.two", verdict=verdict)]
        sentences += _letters(writer, fact)
        one_way = abs(fact.table_values[0] - fact.table_values[1]) > ONE_WAY
        comparisons = (f"{level}.like", "oneway") if one_way else (f"{level}.like",)
        return [*sentences, writer.fill(writer.choose(comparisons))]
    if singles:
        lead = _answers(writer, singles.pop(0), "lead.same", "lead.near")
        first = [lead, writer.fill("lead.like")]
    else:
        first = [writer.fill("lead.none"), writer.fill("lead.none.like")]
    return [*first, writer.fill("lead.tail")]


def _letters(writer: _Writer, fact: Fact) -> list[str]:
    """Returns a sentence on the letters that two types share, and on what one of them can mean."""
    voice = writer.voice
    pairs = list(zip(*fact.values, strict=False)) if fact.fields[0] in voice.lettered else []
    scenes = [f"letters.{''.join(sorted({*pair}))}" for pair in pairs]
    if not scenes or not all(scene in voice.phrases for scene in scenes):
        return []
    same = [x for x, y in pairs if x == y]
    other = [writer.fill("letters.two", a=x, b=y) for x, y in pairs if x != y]
    slot = "letters.none" if not same else "letters.some" if other else "letters.all"
    scene = writer.fill(writer.choose(scenes))
    return [writer.fill(slot, scene=scene, same=voice.joined(same), other=", ".join(other))]


def _answers(writer: _Writer, fact: Fact, same: str, two: str, **parts: str) -> str:
    """Returns a sentence on one fact: from slot `same` if both answers are equal, else `two`."""
    writer.used.append(fact)
    field = fact.fields[0]
    labels = writer.voice.paired if fact.kind == "pairing" else writer.voice.quoted
    shown = [labels(field, code) for code in fact.values]
    parts["field"] = writer.voice.fields[field]
    if len(set(fact.values)) == 1:
        return writer.fill(same, items=shown[0], **parts)
    return writer.fill(two, a=shown[0], b=shown[1], **parts)


def _common_ground(
    writer: _Writer, facts: Facts, shared: list[Fact], spare: list[Complement]
) -> list[str]:
    """Returns the third paragraph: up to three shared fields, a wish that is met, a complement."""
    sentences = _shared(writer, shared[:3])
    if wish := _wish(writer, facts):
        sentences.append(wish)
    if spare and len(sentences) < 3:
        sentences.append(_complement(writer, "complement", spare))
    if len(sentences) == 1:
        sentences.append(writer.fill("shared.tail"))
    if len(sentences) == 2 and shared:
        sentences.append(writer.fill("ground.tail"))
    return sentences


def _shared(writer: _Writer, shared: list[Fact]) -> list[str]:
    """Returns one or two sentences on up to three shared fields, or on there being none."""
    if not shared:
        none = writer.fill("shared.none", what=writer.fill("what"))
        return [none, writer.fill("shared.none.tail")]
    writer.used += shared
    voice = writer.voice
    names = [voice.fields[fact.fields[0]] for fact in shared]
    items = [voice.listed(voice.items, f.fields[0], f.values, LIST_ROOM) for f in shared]
    spark = writer.fill("spark")
    sentences = [writer.fill("shared.first", field=names[0], items=items[0], spark=spark)]
    if len(shared) == 2:
        sentences.append(writer.fill("shared.next", field=names[1], items=items[1]))
    elif len(shared) == 3:
        parts = {"field": names[1], "items": items[1], "field2": names[2], "items2": items[2]}
        sentences.append(writer.fill("shared.two", **parts))
    return sentences


def _wish(writer: _Writer, facts: Facts) -> str | None:
    """Returns a sentence on a wish that is met, and on the same wish of the other person."""
    voice = writer.voice
    wishes = voice.with_labels(facts.of_kind("wish"))
    if not wishes:
        return None
    alike = [wish for wish in wishes if wish.fields == wishes[0].fields][:2]
    writer.used += alike
    field = wishes[0].fields[0]
    mine, theirs = (voice.fields[name] for name in wishes[0].fields)
    items = [voice.listed(voice.quoted, field, f.values[:2], SHORT_LIST_ROOM) for f in alike]
    if len(alike) == 1:
        return writer.fill("wish.one", mine=mine, theirs=theirs, items=items[0])
    if items[0] == items[1]:
        return writer.fill("wish.same", mine=mine, theirs=theirs, items=items[0])
    return writer.fill("wish.both", mine=mine, theirs=theirs, a=items[0], b=items[1])


def _complement(writer: _Writer, slot: str, spare: list[Complement]) -> str:
    """Returns a sentence on what each could show the other; its subject leaves `spare`."""
    voice = writer.voice
    item = spare.pop(writer.choose(range(len(spare))))
    a = voice.listed(voice.items, item.field, item.only_a[:2], SHORT_LIST_ROOM)
    b = voice.listed(voice.items, item.field, item.only_b[:2], SHORT_LIST_ROOM)
    return writer.fill(slot, field=voice.fields[item.field], a=a, b=b)


def _lifestyle(writer: _Writer, singles: list[Fact]) -> str:
    """Returns a sentence on a few equal answers, else on a neighboring one, else advice."""
    same = writer.shuffle([fact for fact in singles if fact.kind == "same"])
    if not same:
        return _answers(writer, singles[0], "", "life.near") if singles else writer.fill("advice")
    chosen = same[:1]
    for fact in same[1:MAX_ENTRIES]:
        if len(_entries(writer.voice, [*chosen, fact])) <= ENTRIES_ROOM:
            chosen.append(fact)
    if len(chosen) == 1:
        return _answers(writer, chosen[0], "life.one", "")
    writer.used += chosen
    return writer.fill("life.many", entries=_entries(writer.voice, chosen))


def _entries(voice: _Voice, facts: list[Fact]) -> str:
    """Returns a list of equal answers, each with the label of its field."""
    entry = voice.phrases["life.entry"][0]
    answers = [(fact.fields[0], fact.values[0]) for fact in facts]
    return voice.joined_entries(
        [entry.format(field=voice.fields[f], items=voice.quoted(f, code)) for f, code in answers]
    )


def _suggestion(writer: _Writer, topics: list[Fact], spare: list[Complement]) -> str:
    """Returns a question or a plan for the first meeting."""
    if spare and (not topics or writer.choose((True, False, False))):
        return _complement(writer, "swap", spare)
    if not topics:
        return writer.fill("topic.none")
    fact = writer.choose(topics[:2])
    slot = f"ask.{fact.fields[0]}"
    return _about(writer, slot if slot in writer.voice.phrases else "ask", fact)


def _about(writer: _Writer, slot: str, fact: Fact) -> str:
    """Returns a phrase about one value that both share."""
    field = fact.fields[0]
    code = writer.choose([code for code in fact.values if code not in NO_TOPIC][:2])
    return writer.fill(slot, field=writer.voice.fields[field], item=writer.voice.items(field, code))

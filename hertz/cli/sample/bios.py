"""Korean self-introductions of one to three sentences for the sample's profiles.

A text names only the user's own codes, or says other things. The sentences are in bios.toml.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TypeVar

from hertz.cli.sample.tables import ENDING, bios
from hertz.core.korean import attach

T = TypeVar("T")
Person = Mapping[str, Sequence[str]]  # field -> codes, one or more
Labels = Mapping[str, Mapping[str, str]]  # field -> code -> Korean label
DRAWS = 32  # upper limit of the random numbers that one text uses
FORMAL, CASUAL = 1, 2  # positions of a sentence's endings; 0 is polite
_TONES = (*[0] * 7, *[FORMAL] * 2, CASUAL)
_COUNTS = (1, 1, 1, 2, 2, 2, 2, 2, 3, 3)  # sentences of a text
_GREETED, _LINKED = 0.12, 0.2  # shares of texts with a greeting, of further sentences with a link
_CLOSING = "closing"  # the topic of a text's last words


def write_bio(
    person: Person, labels: Labels, draws: Iterator[float], unrelated: bool = False
) -> str:
    """Writes a self-introduction, from at least `DRAWS` random numbers within [0, 1).

    If `unrelated`, the text says things that the user's codes do not say.
    """
    tone = _pick(_TONES, draws)
    count = _pick(_COUNTS, draws)
    opener = _pick(bios().openers, draws) if next(draws) < _GREETED and tone != CASUAL else ""
    topics = ["other", *_topics(count - 1, draws)] if unrelated else _topics(count, draws)
    if unrelated:  # the codes that the user does not have
        person = {
            field: [code for code in labels[field] if code not in codes] or codes
            for field, codes in person.items()
        }
    sentences = [_sentence(topic, tone, person, labels, draws) for topic in topics]
    links = [
        "",
        *(_pick(bios().links, draws) if next(draws) < _LINKED else "" for _ in sentences[1:]),
    ]
    text = opener + " ".join(link + s for link, s in zip(links, sentences, strict=True) if s)
    return attach(text)


def _topics(count: int, draws: Iterator[float]) -> list[str]:
    """Draws distinct topics, the closing words last; fewer than `count` where a draw repeats."""
    drawn = dict.fromkeys(_pick(_weighted_topics(), draws) for _ in range(count))
    return sorted(drawn, key=lambda topic: topic == _CLOSING)


@cache
def _weighted_topics() -> tuple[str, ...]:
    """Returns each topic as often as its weight says."""
    return tuple(Counter(bios().weights).elements())


def _sentence(topic: str, tone: int, person: Person, labels: Labels, draws: Iterator[float]) -> str:
    """Writes one sentence about a topic, with up to two of the user's codes."""
    codes = person.get(topic, ())
    first = _pick(codes, draws) if codes else ""
    second = _pick([code for code in codes if code != first] or [first], draws)
    lines = _lines(topic, first, tone)
    line = _pick([x for x in lines if second != first or "{b}" not in x], draws)
    line = line.replace("{a}", _phrase(topic, first, labels))
    line = line.replace("{b}", _phrase(topic, second, labels))
    return line + _pick(list(bios().marks.values())[tone], draws)


@cache
def _lines(topic: str, code: str, tone: int) -> tuple[str, ...]:
    """Returns the sentences for a code of a topic, with the endings of a tone."""
    sentences = bios().sentences
    lines = sentences.get(f"{topic}:{code}") or sentences.get(topic)
    if lines is None or (topic == "MBTI" and code == "UNKNOWN"):
        lines = sentences[_CLOSING]
    return tuple(ENDING.sub(lambda ending: ending[tone + 1], line) for line in lines)


def _phrase(field: str, code: str, labels: Labels) -> str:
    """Returns a label as a sentence needs it: traits in the form that stands before a noun."""
    label = bios().labels.get(field, {}).get(code) or labels.get(field, {}).get(code, "")
    is_trait = field in ("personality", "preferredPeople") and label
    ends_in_n = is_trait and (ord(label[-1]) - 0xAC00) % 28 == 4
    return label + "인" if is_trait and not ends_in_n else label


def _pick(choices: Sequence[T], draws: Iterator[float]) -> T:
    return choices[int(next(draws) * len(choices))]

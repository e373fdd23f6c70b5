"""How a text looks, whoever it is about: length, closing line, emoji, script, names, repetition.

In: an explanation, or its `Reading`. Out: whether something is wrong with it.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain

from hertz.explanations import patterns
from hertz.explanations.checks.normalized_text import Reading, lines, sentences
from hertz.explanations.checks.vocabulary import known_words, labels
from hertz.explanations.facts import Explanation, Profile, per_policy, talkable
from hertz.explanations.limits import (
    CLOSING,
    CONTENT_LENGTH,
    EMOJI_A_PARAGRAPH,
    SENTENCE_LENGTH,
    TITLE_LENGTH,
)
from hertz.policy.model import Policy

_PICTURE = "\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2b55"
_EMOJI = re.compile(f"[{_PICTURE}](?:[\ufe0f\U0001f3fb-\U0001f3ff]|\u200d[{_PICTURE}])*")
_COMMON = rf"\n -~À-ÖØ-öø-ÿ‘’“”–—…·{_PICTURE}\ufe0f"
_FOREIGN = {  # whatever no text needs: other scripts, broken jamo, invisible characters
    "en": re.compile(rf"[^{_COMMON}](?<!\u200d(?=[{_PICTURE}]))"),
    "ko": re.compile(rf"[^{_COMMON}가-힣](?<!\u200d(?=[{_PICTURE}]))"),
}
_LATIN = re.compile("[a-z]{3,}")
_KOREAN_LATIN = frozenset(  # Latin words of a Korean reporter
    "stay tuned mbti tmi sns bgm ost pick best news live air vip feat day top hot".split()
)
_CAPITALISED = re.compile(r"[^\W\d_]+")
_INNER_CAPITAL = re.compile(  # after a blank within a line, perhaps in quotes
    r"[A-Z](?:(?<=[^.!?\n] .)|(?<=[^.!?\n] [“‘(\"].))\w*[a-z]\w*"
)
_DOES = re.compile(
    r"\n[“‘\"']*([A-Z][a-z]+)(?:'s)? "
    r"(?:is|has|likes?|wants?|lists?|enjoys?|says?|hopes?|met|and [A-Z])\b"
)


def wrong_length(explanation: Explanation) -> bool:
    """Is the title, the content or one sentence too short or too long?"""
    title, content = len(explanation.title), len(explanation.content)
    return not (
        TITLE_LENGTH[0] <= title <= TITLE_LENGTH[1]
        and "\n" not in explanation.title
        and CONTENT_LENGTH[0] <= content <= CONTENT_LENGTH[1]
        and max(map(len, sentences(explanation.content)), default=0) <= SENTENCE_LENGTH
    )


def wrong_closing(content: str) -> bool:
    """The closing line ends the text, but for emoji, and stands nowhere else."""
    end = _EMOJI.sub("", content[-40:]).rstrip()
    return not end.endswith(CLOSING) or content.count(CLOSING) != 1


def many_emoji(content: str) -> bool:
    """Has a paragraph more emoji than a reporter uses?"""
    return any(
        len(_EMOJI.findall(part)) > EMOJI_A_PARAGRAPH for part in content.split("\n") if part
    )


def wrong_script(policy: Policy, language: str, r: Reading, a: Profile, b: Profile) -> bool:
    """Is there anything but the language's own letters, or in Korean too much Latin?"""
    foreign = _FOREIGN.get(language)
    if foreign and foreign.search(r.raw):
        return True
    if language != "ko":
        return False
    latin = {word for word in r.tokens if len(word) > 2} - _KOREAN_LATIN
    if latin and (latin := latin - _label_words(policy, language)):
        typed = " ".join(str(who[name]) for who in (a, b) for name in _open_fields(policy))
        if latin - {*_LATIN.findall(typed.casefold())}:
            return True
    return len(r.hangul) <= sum(map(len, r.tokens))


def has_name(policy: Policy, language: str, r: Reading) -> bool:
    """Is somebody named? In English: a capital letter within a sentence that is no label."""
    hinted = not r.hits.isdisjoint(patterns.NAME_HINTS.get(language, ()))
    if language != "en":
        return hinted and bool(patterns.KOREAN_NAME.search(r.lower))
    said, known = f"\n{lines(r.text)}", _capitals(policy)
    first = {word.casefold() for word in _DOES.findall(said)}
    if not known_words(policy, language).issuperset(first):
        return True
    if not known.issuperset(_INNER_CAPITAL.findall(said)) and any(
        _has_capital(sentence, known) for sentence in said.split("\n")
    ):
        return True
    return hinted and bool(patterns.ENGLISH_NAME.search(r.lower))


def repeats(r: Reading) -> bool:
    """A sentence said twice, or the same five words three times, the title aside: it names them."""
    said = [tuple(words) for words in r.words if len(words) > 2]
    if len(set(said)) < len(said):
        return True
    title = len(sentences(r.plain.partition("\n")[0]))
    words = [*chain.from_iterable(r.words[title:])]
    # Of three places two are even or two are odd: four of the words come twice at an even one.
    fours = [*zip(*(words[at::2] for at in range(4)), strict=False)]
    if len(set(fours)) == len(fours):
        return False
    runs = Counter(zip(*(words[at:] for at in range(5)), strict=False))
    return max(runs.values(), default=0) > 2


def _has_capital(sentence: str, known: frozenset[str]) -> bool:
    """Has a sentence an unknown name inside, and is no headline?"""
    if known.issuperset(_INNER_CAPITAL.findall(sentence)):
        return False
    words = _CAPITALISED.findall(sentence)
    capital = [word for word in words[1:] if word[0].isupper() and not word.isupper()]
    return len(capital) <= len(words) / 2 and not known.issuperset(capital)


@per_policy
def _label_words(policy: Policy, language: str) -> frozenset[str]:
    labels = (
        policy.label(field, code, language)
        for field in talkable(policy)
        for code in policy.shown_codes(field)
    )
    names = (policy.field_label(field, language) for field in talkable(policy))
    return frozenset(_LATIN.findall(" ".join((*labels, *names)).casefold()))


@per_policy
def _open_fields(policy: Policy) -> tuple[str, ...]:
    return tuple(
        name
        for name in talkable(policy)
        if policy.fields[name].kind in ("code", "set") and policy.vocabulary(name) is None
    )


@per_policy
def _capitals(policy: Policy) -> frozenset[str]:
    return frozenset(_CAPITALISED.findall(" ".join(labels(policy)))) | {"Stay", "Tuned"}

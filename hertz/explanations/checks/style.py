"""Checks of a text's style: length, closing line, emoji, script, names and repetition."""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain

from hertz.explanations import forbidden_words, limits
from hertz.explanations.checks.normalized_text import NormalizedText, lines, sentences
from hertz.explanations.checks.vocabulary import known_words, labels
from hertz.explanations.checks.word_lists import WORD_LISTS
from hertz.explanations.facts import (
    Explanation,
    Profile,
    cached_by_policy,
    is_open_field,
    mentionable_fields,
)
from hertz.policy.model import Policy

_PICTURE = "\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2b55"
_EMOJI = re.compile(f"[{_PICTURE}](?:[\ufe0f\U0001f3fb-\U0001f3ff]|\u200d[{_PICTURE}])*")
_COMMON = rf"\n -~À-ÖØ-öø-ÿ‘’“”–—…·{_PICTURE}\ufe0f"
_FOREIGN = {  # what no text needs: other scripts, single jamo, invisible characters
    "en": re.compile(rf"[^{_COMMON}](?<!\u200d(?=[{_PICTURE}]))"),
    "ko": re.compile(rf"[^{_COMMON}가-힣](?<!\u200d(?=[{_PICTURE}]))"),
}
_LATIN = re.compile("[a-z]{3,}")
_KOREAN_LATIN = frozenset(WORD_LISTS["ko"].latin)
_WORD = re.compile(r"[^\W\d_]+")
_INNER_CAPITAL = re.compile(  # after a blank within a line, perhaps in quotes
    r"[A-Z](?:(?<=[^.!?\n] .)|(?<=[^.!?\n] [“‘(\"].))\w*[a-z]\w*"
)
_SUBJECT = re.compile(  # of a sentence, as in "Peter likes"
    rf"\n[“‘\"']*([A-Z][a-z]+)(?:'s)? (?:{'|'.join(WORD_LISTS['en'].verbs)}|and [A-Z])\b"
)


def wrong_length(explanation: Explanation) -> bool:
    """Returns whether the title, the content or one sentence is too short or too long."""
    title, content = explanation.title, explanation.content
    longest = max(map(len, sentences(content)), default=0)
    return not (
        limits.TITLE_LENGTH[0] <= len(title) <= limits.TITLE_LENGTH[1]
        and "\n" not in title
        and limits.CONTENT_LENGTH[0] <= len(content) <= limits.CONTENT_LENGTH[1]
        and longest <= limits.SENTENCE_LENGTH
    )


def wrong_closing(content: str) -> bool:
    """Returns whether the closing line does not end the text, emoji aside, or stands elsewhere."""
    end = _EMOJI.sub("", content[-40:]).rstrip()
    return not end.endswith(limits.CLOSING) or content.count(limits.CLOSING) != 1


def many_emoji(content: str) -> bool:
    """Returns whether a paragraph has too many emoji."""
    most = limits.EMOJI_PER_PARAGRAPH
    return any(len(_EMOJI.findall(part)) > most for part in content.split("\n"))


def wrong_script(
    policy: Policy, language: str, text: NormalizedText, a: Profile, b: Profile
) -> bool:
    """Returns whether a text has letters of another language, or a Korean one too much Latin."""
    foreign = _FOREIGN.get(language)
    if foreign and foreign.search(text.raw):
        return True
    if language != "ko":
        return False
    latin = {word for word in text.distinct_latin if len(word) > 2} - _KOREAN_LATIN
    if latin and (latin := latin - _label_words(policy, language)):
        fields = [name for name in mentionable_fields(policy) if is_open_field(policy, name)]
        typed = " ".join(str(who[name]) for who in (a, b) for name in fields)
        if latin - {*_LATIN.findall(typed.casefold())}:
            return True
    return len(text.hangul) <= sum(map(len, text.distinct_latin))


def has_name(policy: Policy, language: str, text: NormalizedText) -> bool:
    """Returns whether a text names somebody.

    In English a word with a capital letter within a sentence is a name, unless a label has it.
    """
    names = forbidden_words.NAMES.get(language)
    if names and not text.hits.isdisjoint(names.hints) and names.pattern.search(text.lower):
        return True
    if language != "en":
        return False
    by_line = f"\n{lines(text.text)}"
    known = _capitalized_words(policy)
    subjects = {word.casefold() for word in _SUBJECT.findall(by_line)}
    if not known_words(policy, language).issuperset(subjects):
        return True
    if known.issuperset(_INNER_CAPITAL.findall(by_line)):
        return False
    return any(_has_capital(sentence, known) for sentence in by_line.split("\n"))


def repeats(text: NormalizedText) -> bool:
    """Returns whether a sentence comes twice, or the same five words three times.

    The title is left out, since it has words of the text on purpose.
    """
    whole = [tuple(words) for words in text.words if len(words) > 2]
    if len(set(whole)) < len(whole):
        return True
    title = len(sentences(text.plain.partition("\n")[0]))
    words = [*chain.from_iterable(text.words[title:])]
    # Of three positions two are both even or both odd, so that four of the five words, cut at every
    # second word, come twice: cheaper to look for than all runs of five.
    fours = [*zip(*(words[at::2] for at in range(4)), strict=False)]
    if len(set(fours)) == len(fours):
        return False
    runs = Counter(zip(*(words[at:] for at in range(5)), strict=False))
    return max(runs.values(), default=0) > 2


def _has_capital(sentence: str, known: frozenset[str]) -> bool:
    """Returns whether a sentence has an unknown name inside, and is no headline."""
    if known.issuperset(_INNER_CAPITAL.findall(sentence)):
        return False
    words = _WORD.findall(sentence)
    capital = [word for word in words[1:] if word[0].isupper() and not word.isupper()]
    return len(capital) <= len(words) / 2 and not known.issuperset(capital)


@cached_by_policy
def _label_words(policy: Policy, language: str) -> frozenset[str]:
    """Returns the Latin words of the labels in a language, in lower case."""
    shown = [policy.field_label(field, language) for field in mentionable_fields(policy)]
    shown += [
        policy.label(field, code, language)
        for field in mentionable_fields(policy)
        for code in policy.shown_codes(field)
    ]
    return frozenset(_LATIN.findall(" ".join(shown).casefold()))


@cached_by_policy
def _capitalized_words(policy: Policy) -> frozenset[str]:
    """Returns the words of the labels, and those of the closing line."""
    return frozenset(_WORD.findall(" ".join(labels(policy)))) | {"Stay", "Tuned"}

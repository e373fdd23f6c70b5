"""The words that a text may use freely: those of the voice's phrases and the policy's labels."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hertz.explanations.checks.word_lists import WORD_LISTS
from hertz.explanations.facts import cached_by_policy, mentionable_fields
from hertz.explanations.prompts.wordings import load_wordings
from hertz.explanations.voices.phrases import LANGUAGES, load_phrases
from hertz.policy.model import Policy

_LATIN = re.compile("[a-z]{4,}")
_HANGUL = re.compile("[가-힣]{2,}")


def labels(policy: Policy) -> Iterator[str]:
    """Yields every label of the policy: fields, then values, in all languages."""
    for rule in policy.fields.values():
        yield from rule.label.values()
    for field in mentionable_fields(policy):
        for code in policy.shown_codes(field):
            for language in policy.languages:
                yield policy.label(field, code, language)


def stems(language: str, text: str) -> set[str]:
    """Returns the longer words of a text: Korean ones by their first two syllables."""
    if language == "ko":
        return {word[:2] for word in _HANGUL.findall(text)}
    return {word.removesuffix("s") for word in _LATIN.findall(text.casefold())}


@cached_by_policy
def known_words(policy: Policy, language: str) -> frozenset[str]:
    """Returns the words and stems of the voice's phrases, the labels and common words."""
    texts = [*labels(policy)]
    if language in LANGUAGES:
        slots = [*load_phrases(language).by_slot.values(), *load_wordings(language).values()]
        texts += [text for slot in slots for text in slot]
        texts += WORD_LISTS[language].common
    whole = " ".join(texts).casefold()
    return frozenset(stems(language, whole) | {*re.findall(r"[a-z]+", whole)})

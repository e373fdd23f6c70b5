"""The words that a reporter may use freely: those of our own phrases and of the policy's labels.

In: a text. Out: its words, cut down to what inflection leaves the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hertz.explanations.facts import per_policy, talkable
from hertz.explanations.prompts.wordings import TEXTS
from hertz.explanations.voices import english as voices_en
from hertz.explanations.voices import korean as voices_ko
from hertz.policy.model import Policy

_PHRASES = {"en": voices_en.PHRASES, "ko": voices_ko.PHRASES}
_COMMON = {
    "en": "that this these those with from have been were they them their there here what when "
    "where which while will would could should about after again also always among another "
    "around because before being between both does doing down during each ever every everyone "
    "first friend friends good great have having into just kind know like likes little look "
    "looking make makes making many maybe meet meeting meets more most much near need never next "
    "nice nothing once only open other others over people perhaps person place really same seem "
    "seems share side some someone something soon start starts still story such sure take takes "
    "talk than then thing things think through time today together tonight true under until very "
    "want wants well whether whose without word words work world year your yours enjoy enjoys "
    "favorite find finds hello help keep life it its music no none nobody anyone who we our he "
    "she you i if in on at as so but and or to by love loves day days week weekend weekends "
    "evening evenings night morning always often sometimes",
    "ko": "그리고 하지만 그래서 그런데 우리 서로 함께 같이 정말 아주 매우 조금 많이 항상 언제나 "
    "가끔 자주 좋아 좋은 좋습 좋겠 좋다 사람 사람들 시간 하루 주말 오늘 내일 이야기 대화 친구 "
    "생각 마음 저는 나는 제가 내가 것을 것이 있는 있어 있습 없는 하는 하고 해요 합니 하면 되는 "
    "되면 됩니 되고 보는 보고 보면 처음 먼저 새로 다시 그냥 편하 편한 즐기 즐겨 즐거 만나 만남 "
    "싶어 싶습 싶은 어떤 어떻 무엇 모두 모든 가장 제일 요즘 평소 이런 그런 저런",
}
_LATIN, _HANGUL = re.compile(r"[a-z]{4,}"), re.compile("[가-힣]{2,}")


def labels(policy: Policy) -> Iterator[str]:
    """Every label of the policy: fields, then values, in all languages."""
    for rule in policy.fields.values():
        yield from rule.label.values()
    for field in talkable(policy):
        for code in policy.shown_codes(field):
            for language in policy.languages:
                yield policy.label(field, code, language)


def stems(language: str, text: str) -> set[str]:
    """The longer words of a text: Korean ones by their first two syllables."""
    if language == "ko":
        return {word[:2] for word in _HANGUL.findall(text)}
    return {word.removesuffix("s") for word in _LATIN.findall(text.casefold())}


@per_policy
def known_words(policy: Policy, language: str) -> frozenset[str]:
    """Words and stems of our phrases, of the labels, and common ones."""
    phrases = [text for options in _PHRASES.get(language, {}).values() for text in options]
    texts = [
        *phrases,
        *_strings(TEXTS.get(language, {})),
        *labels(policy),
        _COMMON.get(language, ""),
    ]
    whole = " ".join(texts).casefold()
    return frozenset(stems(language, whole) | {*re.findall(r"[a-z]+", whole)})


def _strings(texts: object) -> Iterator[str]:
    if isinstance(texts, str):
        yield texts
    elif isinstance(texts, dict):
        for value in texts.values():
            yield from _strings(value)
    elif isinstance(texts, tuple):
        for value in texts:
            yield from _strings(value)

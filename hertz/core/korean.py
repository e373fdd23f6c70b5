"""Replaces markers of Korean particles, such as `은(는)`, by the form that fits the word before.

`‘영화’이(가)` becomes `‘영화’가`. The form depends on the final consonant of the word before;
closing quotes and brackets are skipped.
"""

from __future__ import annotations

import re

# Libraries were tried: tossi (last release 2018) leaves `MBTI은(는)` as it is; korean-glue,
# es-hangul, korean-josa and pyjosa fail on quotes, remarks in brackets or Latin words.
NONE, RIEUL, OTHER = 0, 8, 1  # final consonants; 8 is the number of ㄹ in Unicode's syllables
FORMS = {
    "은(는)": ("은", "는"),
    "이(가)": ("이", "가"),
    "을(를)": ("을", "를"),
    "과(와)": ("과", "와"),
    "(이)": ("이", ""),
    "(으)로": ("으로", "로"),
}
_MARKER = re.compile("|".join(re.escape(marker) for marker in FORMS))
_CLOSERS = " ’'\"”」』>》]}.,!?"
_DIGITS = {"0": OTHER, "1": RIEUL, "3": OTHER, "6": OTHER, "7": RIEUL, "8": RIEUL}  # 영일삼육칠팔
_LETTERS = {"L": RIEUL, "M": OTHER, "N": OTHER, "R": RIEUL}  # 엘 엠 엔 알; the others: a vowel


def attach(text: str) -> str:
    """Replaces every particle marker by the form that fits the word before it."""
    return _MARKER.sub(_form, text)


def final_consonant(text: str) -> int:
    """Returns the final consonant of the last word of a text, as Koreans read it.

    It is NONE, RIEUL or another number. Closing quotes and a bracketed remark at the end are
    skipped: `카페(홈)` ends as `카페`.
    """
    at = len(text) - 1
    while at >= 0 and (text[at] in _CLOSERS or text[at] == ")"):
        opened = text.rfind("(", 0, at) if text[at] == ")" else -1
        at = (opened if opened > 0 else at) - 1
    if at < 0:
        return NONE
    if "가" <= text[at] <= "힣":
        return (ord(text[at]) - 0xAC00) % 28
    return _DIGITS.get(text[at]) or _latin(text, at)


def _form(match: re.Match[str]) -> str:
    """Returns the form of a marker that fits the word before it."""
    closed, opened = FORMS[match.group()]
    final = final_consonant(match.string[: match.start()])
    if final == NONE or (final == RIEUL and match.group() == "(으)로"):
        return opened
    return closed


def _latin(text: str, at: int) -> int:
    """Returns the final consonant of a Latin word, read as an abbreviation or by its sound."""
    before = text[at - 1] if at else ""
    if text[at].isupper():  # the last letter of an abbreviation is read by its name
        return _LETTERS.get(text[at], NONE)
    if text[at] in "lL":
        return RIEUL
    if text[at] in "mn" or (text[at] == "g" and before == "n"):
        return OTHER
    return OTHER if text[at] in "ckpt" and before in "aeiouc" else NONE

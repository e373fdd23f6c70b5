"""Chooses the language of a console page by the cookie or the Accept-Language header."""

from __future__ import annotations

from hertz.core.interface_texts.catalogue import LANGUAGES, Language

LANGUAGE_NAMES: dict[Language, str] = {"ko": "한국어", "en": "English"}


def wanted_language(remembered: str | None, accepted: str) -> Language:
    """Returns the language of the cookie, or the best one of the Accept-Language header.

    Args:
        remembered: Value of the language cookie; None without one.
        accepted: The Accept-Language header; empty without one.
    """
    for language in LANGUAGES:
        if remembered == language:
            return language
    ranked: list[tuple[float, Language]] = []
    for part in accepted.split(","):
        name, _, quality = part.strip().partition(";q=")
        found = [language for language in LANGUAGES if name.lower().split("-")[0] == language]
        ranked += [(-_quality(quality), language) for language in found]
    return min(ranked, key=lambda item: item[0])[1] if ranked else "en"


def _quality(text: str) -> float:
    """Returns the quality value of a language in the header; 0 where it is not a number."""
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0

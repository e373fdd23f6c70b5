"""The emoji of the template voice, in whatever language.

One or two a paragraph, none of them in two paragraphs of a text.
"""

from __future__ import annotations

PHRASES: dict[str, tuple[str, ...]] = {
    "emoji.1": (
        "📰",
        "🎤",
        "📢",
        "🎙️",
        "📸",
        "🗞️",
        "📣",
        "🎤📰",
    ),
    "emoji.2": (
        "🧩",
        "🔍",
        "🧭",
        "📊",
        "🔎",
        "🔍🧩",
    ),
    "emoji.3": (
        "🎯",
        "🙌",
        "😄",
        "📝",
        "👀",
        "🎯✨",
        "😄✨",
    ),
    "emoji.4.couple": (
        "💘",
        "😳",
        "💕",
        "🌸",
        "💌",
        "😳💘",
        "🌸💕",
    ),
    "emoji.4.friend": (
        "🤝",
        "😊",
        "🌱",
        "🤗",
        "☕",
        "😊🤝",
    ),
    "emoji.4.neutral": (
        "🤝",
        "😊",
        "🌱",
        "🙂",
        "🌤️",
        "🙂🌱",
    ),
    "emoji.5": (
        "📺",
        "🎬",
        "👋",
        "📡",
        "🎉",
        "👋📺",
    ),
}

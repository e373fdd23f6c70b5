"""The phrases of the template voice, read from the files in hertz/voices and checked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from hertz.core.strict import Strict
from hertz.explanations.text_files import Slot, Texts, check_texts, read_model

VOICE = "news"
LANGUAGES = ("ko", "en")
TONES = ("couple", "friend", "neutral")
_BY_TONE = {  # slots of which each tone has its own
    "title": "field item", "plain": "", "open": "", "tease": "", "close": "", "spark": "",
    "outlook": "", "emoji.4": "",
}  # fmt: skip
_SLOTS = {
    "emoji.1": "", "emoji.2": "", "emoji.3": "", "emoji.5": "",
    "count": "count", "compared": "", "recap": "", "end": "",
    "pair.two": "a b field verdict", "pair.same": "field items verdict",
    "high": "", "middle": "", "low": "",
    "high.like": "", "middle.like": "", "low.like": "", "oneway": "",
    "letters.two": "a b", "letters.all": "scene", "letters.none": "scene",
    "letters.some": "same other scene",
    "lead.same": "field items", "lead.near": "field a b", "lead.like": "", "lead.tail": "",
    "lead.none": "", "lead.none.like": "",
    "shared.first": "field items spark", "shared.next": "field items",
    "shared.two": "field items field2 items2", "shared.tail": "", "ground.tail": "",
    "shared.none": "what", "what": "", "shared.none.tail": "",
    "wish.both": "mine theirs a b", "wish.same": "mine theirs items",
    "wish.one": "mine theirs items",
    "complement": "field a b", "swap": "field a b",
    "life.one": "field items", "life.many": "entries", "life.near": "field a b", "advice": "",
    "ask": "field item", "topic.none": "",
}  # fmt: skip
SLOTS = {name: Slot(placeholders) for name, placeholders in _SLOTS.items()}
SLOTS |= {f"{name}.{tone}": Slot(_BY_TONE[name]) for name in _BY_TONE for tone in TONES}
SLOTS["life.entry"] = Slot("field items", size=1)
OPTIONAL_SLOTS = {r"ask\.\w+": Slot("field item"), r"letters\.[A-Z]{1,2}": Slot()}


class Style(Strict):
    """How a language quotes and joins the labels in a text."""

    quote: str  # a label in quotes, with `{}` for the label
    pair: str  # joins two labels
    last: str  # joins the last of three labels or more to the others
    unquoted_words: int  # number of words up to which a label in a list has no quotes
    particles: bool  # whether the phrases have markers of Korean particles


class _File(Strict):
    """A voice's file in one language."""

    style: Style
    phrases: dict[str, object]


@dataclass(frozen=True, slots=True)
class Phrases:
    """A voice in one language: its style, and its phrases by slot."""

    style: Style
    by_slot: Texts


@cache
def load_phrases(language: str) -> Phrases:
    """Returns the voice in one of `LANGUAGES`; each file is read once in a process.

    Raises:
        HertzError: The file is missing or wrong; the message names the file and the slot.
    """
    path = f"voices/{VOICE}/{language}.toml"
    file = read_model(path, _File)
    return Phrases(file.style, check_texts(path, file.phrases, SLOTS, OPTIONAL_SLOTS))

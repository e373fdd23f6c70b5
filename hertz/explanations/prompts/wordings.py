"""The wordings of the prompts: instructions, facts and the sentences of the examples, by slot."""

from __future__ import annotations

from functools import cache

from pydantic import RootModel

from hertz.explanations.text_files import Slot, Texts, check_texts, read_model
from hertz.explanations.voices.phrases import TONES, VOICE

VARIANTS = 3  # wordings of each sentence of the examples
FACTS = {
    "shared": "field items", "wish": "field items", "pairing": "field items rated",
    "same": "field items", "near": "field items", "complement": "field a b",
}  # fmt: skip
SLOTS = {
    "system": Slot("voice rule", size=1),
    "noted": Slot(size=1),
    "and": Slot(size=1),
    **{f"{table}.{tone}": Slot(size=1) for table in ("rules", "voices") for tone in TONES},
    **{f"facts.{kind}": Slot(parts, size=1) for kind, parts in FACTS.items()},
    **{f"rated.{level}": Slot(size=1) for level in ("high", "middle", "low")},
    **{f"leads.{kind}": Slot(f"{parts} fact", size=VARIANTS) for kind, parts in FACTS.items()},
    **{f"teasers.{tone}": Slot(size=VARIANTS) for tone in TONES},
    **{f"outlooks.{tone}": Slot("items", size=VARIANTS) for tone in TONES},
    **{f"titles.{tone}": Slot("items", size=VARIANTS) for tone in TONES},
    **{f"{table}.nothing": Slot(size=VARIANTS) for table in ("outlooks", "titles")},
}


@cache
def load_wordings(language: str) -> Texts:
    """Returns the wordings in a language by slot, such as `rules.couple`; read once in a process.

    Raises:
        HertzError: The file is missing or wrong; the message names the file and the slot.
    """
    path = f"voices/{VOICE}/prompts-{language}.toml"
    return check_texts(path, read_model(path, RootModel[dict[str, object]]).root, SLOTS, {})

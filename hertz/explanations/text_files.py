"""The package's files of phrases, prompts and words, which people edit: read, checked, reported.

In: the path of a TOML file inside the package, and what it must have. Out: its content. A file that
does not fit is refused in one line that names the file and the key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib.resources import files
from string import Formatter
from typing import Any, NamedTuple, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from hertz.core.errors import HertzError

Texts = Mapping[str, tuple[str, ...]]  # phrases by slot
Model = TypeVar("Model", bound=BaseModel)


class Slot(NamedTuple):
    """What one slot of a file must have."""

    placeholders: str = ""  # names that may stand in braces, separated by blanks
    size: int = 0  # number of phrases; 0 for one or more


def read_model(path: str, model: type[Model]) -> Model:
    """Returns the content of a TOML file of the package, such as "voices/news/en.toml", as a model.

    Raises:
        HertzError: The file is missing, is not TOML, or does not fit the model.
    """
    try:
        text = files("hertz").joinpath(path).read_text(encoding="utf-8")
        return model.model_validate(tomllib.loads(text))
    except FileNotFoundError:
        refuse(path, "no such file; it is part of the package, install it again")
    except ValidationError as error:
        first = error.errors()[0]
        refuse(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        refuse(path, f"not valid TOML: {error}")


def check_texts(
    path: str, found: Mapping[str, Any], slots: Mapping[str, Slot], optional: Mapping[str, Slot]
) -> Texts:
    """Returns the texts of a file by slot; a slot in a table is `table.slot`.

    The file must have all `slots`, and may have `optional` ones, by the pattern of their names.

    Raises:
        HertzError: A slot is missing, unknown, empty, or has a placeholder that nothing fills.
    """
    texts = dict(_flat(found))
    for name in slots:
        if name not in texts:
            refuse(path, f"slot {name!r} is missing")
    known = dict(slots)
    for name in [name for name in texts if name not in slots]:
        patterns = [slot for pattern, slot in optional.items() if re.fullmatch(pattern, name)]
        if not patterns:
            close = " or ".join(map(repr, get_close_matches(name, slots, n=1)))
            refuse(path, f"slot {name!r} is unknown{close and f'; perhaps {close}?'}")
        known[name] = patterns[0]
    return {name: _phrases(path, name, text, known[name]) for name, text in texts.items()}


def refuse(path: str, problem: str) -> NoReturn:
    """Raises an error that names a file of the package."""
    message = f"hertz/{path}: {problem}"
    raise HertzError(message)


def _flat(found: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the values of nested tables with their dotted names."""
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _phrases(path: str, name: str, value: object, slot: Slot) -> tuple[str, ...]:
    """Returns the phrases of one slot; a single text counts as a list of one."""
    phrases = tuple(value) if isinstance(value, list) else (value,)
    if not phrases or not all(isinstance(phrase, str) and phrase for phrase in phrases):
        refuse(path, f"slot {name!r} needs one text or a list of texts, none of them empty")
    if slot.size and len(phrases) != slot.size:
        refuse(path, f"slot {name!r} has {len(phrases)} phrases; it needs {slot.size}")
    accepted = [f"{{{placeholder}}}" for placeholder in slot.placeholders.split()]
    for phrase in phrases:
        try:
            parts = list(Formatter().parse(phrase))
        except ValueError as error:
            refuse(path, f"slot {name!r}: {phrase!r}: {error}")
        for _, placeholder, form, conversion in parts:
            filled = f"{{{placeholder}}}" in accepted and not form and not conversion
            if placeholder is not None and not filled:
                known = ", ".join(accepted) or "none"
                refuse(path, f"slot {name!r}: {phrase!r} has {{{placeholder}}}; accepted: {known}")
    return phrases

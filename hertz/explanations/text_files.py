"""The package's files of phrases, prompts and words, which people edit: read, checked, reported.

In: the path of a TOML file inside the package, and what it must have. Out: its texts by slot. A
file that does not fit is refused in one line that names the file and the slot.
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
    """What one slot of a file must have.

    Attributes:
        placeholders: Names that its phrases may have in braces, separated by blanks.
        size: Number of its phrases; 0 for one or more.
    """

    placeholders: str = ""
    size: int = 0


def read_toml(path: str) -> dict[str, Any]:
    """Returns the content of a TOML file of the package.

    Args:
        path: Path below the package `hertz`, such as "voices/news/en.toml".

    Raises:
        HertzError: The file is missing or is not TOML.
    """
    try:
        return tomllib.loads(files("hertz").joinpath(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        _refuse(path, "no such file; it is part of the package, install it again")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        _refuse(path, f"not valid TOML: {error}")


def read_model(path: str, model: type[Model]) -> Model:
    """Returns the content of a TOML file of the package as a typed model.

    Raises:
        HertzError: The file does not fit the model; the message names the file and the key.
    """
    return check_model(path, read_toml(path), model)


def check_model(path: str, found: object, model: type[Model]) -> Model:
    """Returns a table of a file as a typed model.

    Raises:
        HertzError: The table does not fit the model; the message names the file and the key.
    """
    try:
        return model.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        _refuse(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")


def check_texts(
    path: str, found: object, slots: Mapping[str, Slot], optional: Mapping[str, Slot]
) -> Texts:
    """Returns the texts of a file, by slot, if they are what is expected.

    Args:
        path: File that the error message names.
        found: Table of the file; the slots of a table within it are `table.slot`.
        slots: What each slot must have; all of them are required.
        optional: The same for slots that may be left out, by the pattern of their names.

    Raises:
        HertzError: A slot is missing, unknown, empty, or has a placeholder that nothing fills.
    """
    texts = dict(_flat(found))
    for slot in slots:
        if slot not in texts:
            _refuse(path, f"slot {slot!r} is missing")
    return {slot: _phrases(path, slot, texts[slot], slots, optional) for slot in texts}


def _flat(found: object, before: str = "") -> Iterator[tuple[str, object]]:
    """Yields the values of nested tables with their dotted names."""
    for name, value in found.items() if isinstance(found, dict) else ():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _phrases(
    path: str, name: str, value: object, slots: Mapping[str, Slot], optional: Mapping[str, Slot]
) -> tuple[str, ...]:
    """Returns the phrases of one slot; a single text counts as a list of one."""
    patterns = (slot for pattern, slot in optional.items() if re.fullmatch(pattern, name))
    slot = slots.get(name) or next(patterns, None)
    if slot is None:
        close = get_close_matches(name, slots, n=1)
        _refuse(path, f"slot {name!r} is unknown" + (f"; perhaps {close[0]!r}?" if close else ""))
    phrases = tuple(value) if isinstance(value, list) else (value,)
    if not phrases or not all(isinstance(phrase, str) and phrase for phrase in phrases):
        _refuse(path, f"slot {name!r} needs one text or a list of texts, none of them empty")
    if slot.size and len(phrases) != slot.size:
        _refuse(path, f"slot {name!r} has {len(phrases)} phrases; it needs {slot.size}")
    for phrase in phrases:
        _check_placeholders(path, name, phrase, slot.placeholders.split())
    return phrases


def _check_placeholders(path: str, name: str, phrase: str, accepted: list[str]) -> None:
    """Refuses a phrase with a brace that is open or a placeholder that nothing fills."""
    try:
        parts = list(Formatter().parse(phrase))
    except ValueError as error:
        _refuse(path, f"slot {name!r}: {phrase!r}: {error}")
    for _, placeholder, specification, conversion in parts:
        if placeholder is None:
            continue
        if placeholder not in accepted or specification or conversion:
            known = ", ".join(f"{{{x}}}" for x in accepted) or "none"
            _refuse(path, f"slot {name!r}: {phrase!r} has {{{placeholder}}}; accepted: {known}")


def _refuse(path: str, problem: str) -> NoReturn:
    message = f"hertz/{path}: {problem}"
    raise HertzError(message)

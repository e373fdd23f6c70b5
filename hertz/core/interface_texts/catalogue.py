"""Loads the interface texts of `ko.ftl` and `en.ftl`, which translators edit, and formats them.

Texts without variables are formatted once, when the catalogue is loaded. Korean texts get the
particles that fit their variables.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING, Literal, get_args

from hertz.core.korean import attach

if TYPE_CHECKING:
    from fluent.runtime import FluentBundle
    from fluent.syntax import ast

Language = Literal["ko", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


class _Texts:
    """The texts of one language: `plain` ones by key, and the `variables` of every text by key."""

    def __init__(self, language: Language, source: str) -> None:
        # Late, because it imports babel, which takes 0.2 s: most commands show none of the texts.
        from fluent.runtime import FluentBundle, FluentResource

        resource = FluentResource(source)
        self.language = language
        self._bundle: FluentBundle = FluentBundle([language], use_isolating=False)
        self._bundle.add_resource(resource)
        self.variables = {m.id.name: _variables(m) for m in _messages(language, resource)}
        self.plain = {
            key: self.format(key, {}) for key, names in self.variables.items() if not names
        }

    def format(self, key: str, values: Mapping[str, object]) -> str:
        """Returns a text with its variables filled in, each as `str` writes it."""
        pattern = self._bundle.get_message(key).value
        if pattern is None:
            message = f"interface text {key!r} ({self.language}): it has no value"
            raise ValueError(message)
        # Strings, because Fluent would write numbers by locale: user 12345 as 12,345.
        text, errors = self._bundle.format_pattern(
            pattern, {name: str(value) for name, value in values.items()}
        )
        if errors:
            message = f"interface text {key!r} ({self.language}): {errors[0]}"
            raise ValueError(message)
        return attach(str(text)) if self.language == "ko" else str(text)


class Catalogue:
    """The interface texts of all languages, read from the content of each one's `.ftl` file.

    Raises:
        ValueError: A file does not parse, names a key twice, or the files differ in a key or its
            variables; the message names the language and the key.
    """

    def __init__(self, sources: Mapping[Language, str]) -> None:
        self._texts = {language: _Texts(language, text) for language, text in sources.items()}
        first, *others = self._texts.values()
        for other in others:
            _check_same(first, other)
        self.keys = frozenset(first.variables)

    def text(self, key: str, language: Language, **values: object) -> str:
        """Returns the text of a key in a language, with its variables filled in.

        Raises:
            KeyError: The catalogue has no such key.
            ValueError: A variable of the text has no value.
        """
        texts = self._texts[language]
        plain = texts.plain.get(key)
        if plain is not None:
            return plain
        if key not in self.keys:
            message = (
                f"no interface text {key!r}: add it to all files of hertz/core/interface_texts"
            )
            raise KeyError(message)
        return texts.format(key, values)


@functools.cache
def packaged_catalogue() -> Catalogue:
    """Returns the catalogue of the package, loaded by the first call."""
    folder = resources.files(__package__)
    return Catalogue(
        {language: (folder / f"{language}.ftl").read_text("utf-8") for language in LANGUAGES}
    )


def text(key: str, language: Language, **values: object) -> str:
    """Returns an interface text of the package; see `Catalogue.text`."""
    return packaged_catalogue().text(key, language, **values)


def _messages(language: Language, resource: ast.Resource) -> list[ast.Message]:
    """Returns the messages of a file, every one of which must be valid and have its own key."""
    from fluent.syntax import ast

    found: dict[str, ast.Message] = {}
    for entry in resource.body:
        if isinstance(entry, ast.Junk):
            message = f"{language}.ftl: not valid Fluent: {str(entry.content).strip()!r}"
            raise ValueError(message)
        if isinstance(entry, ast.Message):
            if entry.id.name in found:
                message = f"{language}.ftl: the key {entry.id.name!r} stands there twice"
                raise ValueError(message)
            found[entry.id.name] = entry
    return list(found.values())


def _variables(message: ast.Message) -> frozenset[str]:
    """Returns the names of the variables that a message refers to."""
    from fluent.syntax import visitor

    found: set[str] = set()

    class Collector(visitor.Visitor):
        def visit_VariableReference(self, node: ast.VariableReference) -> None:
            found.add(node.id.name)

    Collector().visit(message)
    return frozenset(found)


def _check_same(one: _Texts, two: _Texts) -> None:
    """Raises a ValueError unless two languages have the same keys with the same variables."""
    for key in sorted(one.variables.keys() | two.variables.keys()):
        for texts in (one, two):
            if key not in texts.variables:
                message = f"{texts.language}.ftl: the key {key!r} is missing"
                raise ValueError(message)
        if one.variables[key] != two.variables[key]:
            message = (
                f"interface text {key!r}: {one.language}.ftl has the variables "
                f"{sorted(one.variables[key])}, {two.language}.ftl {sorted(two.variables[key])}"
            )
            raise ValueError(message)

"""Loads the interface texts and formats them in Korean and English.

In: `ko.ftl` and `en.ftl`, which translators edit. Out: the text of a key in a language, with its
variables filled in and, in Korean, with the particles that fit them. Texts without variables are
formatted once, when the catalogue is loaded.
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
    """The texts of one language.

    Attributes:
        plain: Texts without variables, by key.
        variables: Names of the variables of every text, by key.
    """

    def __init__(self, language: Language, source: str) -> None:
        # Late, because it imports babel, which takes 0.2 s: most commands show none of the texts.
        from fluent.runtime import FluentBundle, FluentResource

        resource = FluentResource(source)
        self._language = language
        self._bundle: FluentBundle = FluentBundle([language], use_isolating=False)
        self._bundle.add_resource(resource)
        self.variables = {
            message.id.name: _variables(message) for message in _messages(language, resource)
        }
        self.plain = {
            key: self.format(key, {}) for key, names in self.variables.items() if not names
        }

    def format(self, key: str, values: Mapping[str, object]) -> str:
        """Returns a text with its variables filled in, each as `str` writes it."""
        pattern = self._bundle.get_message(key).value
        if pattern is None:
            message = f"interface text {key!r} ({self._language}): it has no value"
            raise ValueError(message)
        # Strings, because Fluent would write numbers by locale: user 12345 as 12,345.
        text, errors = self._bundle.format_pattern(
            pattern, {name: str(value) for name, value in values.items()}
        )
        if errors:
            message = f"interface text {key!r} ({self._language}): {errors[0]}"
            raise ValueError(message)
        return attach(str(text)) if self._language == "ko" else str(text)


class Catalogue:
    """The interface texts of all languages.

    Args:
        sources: Content of the `.ftl` file of each language.

    Raises:
        ValueError: A file does not parse, names a key twice, or the files differ in a key or its
            variables; the message names the language and the key.
    """

    def __init__(self, sources: Mapping[Language, str]) -> None:
        self._texts = {language: _Texts(language, text) for language, text in sources.items()}
        first, *others = self._texts
        for other in others:
            _check_same(first, self._texts[first].variables, other, self._texts[other].variables)
        self.keys = frozenset(self._texts[first].variables)

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
                f"no interface text {key!r}: add it to each file of hertz/core/interface_texts"
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


def _check_same(
    language: Language,
    variables: Mapping[str, frozenset[str]],
    other: Language,
    other_variables: Mapping[str, frozenset[str]],
) -> None:
    """Raises a ValueError unless two languages have the same keys with the same variables."""
    for key in sorted(variables.keys() | other_variables.keys()):
        ours, theirs = variables.get(key), other_variables.get(key)
        if ours is None or theirs is None:
            missing = language if ours is None else other
            message = f"{missing}.ftl: the key {key!r} is missing"
            raise ValueError(message)
        if ours != theirs:
            message = (
                f"interface text {key!r}: {language}.ftl has the variables {sorted(ours)}, "
                f"{other}.ftl {sorted(theirs)}"
            )
            raise ValueError(message)

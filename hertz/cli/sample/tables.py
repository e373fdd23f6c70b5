"""The tables of the sample: members.toml for profiles, bios.toml for self-introductions.

Here the files are validated; `sample.py` compares their codes with the policy.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Self, TypeVar

from pydantic import Field, model_validator

from hertz.core.errors import PolicyError
from hertz.core.strict import Strict

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Shares = Annotated[dict[str, Positive], Field(min_length=1)]
Texts = Annotated[tuple[str, ...], Field(min_length=1)]
ENDING = re.compile(r"<([^<|>]*)\|([^<|>]*)\|([^<|>]*)>")
_T = TypeVar("_T", bound=Strict)


class Domain(Strict):
    """An email domain: relative numbers of users, and of users in each of its age groups."""

    share: Positive
    ages: Shares


class Archetype(Strict):
    """A way to live, which joins answers of several fields."""

    share: Positive
    women: Positive  # factor on the share among women; men get its inverse
    young: Positive  # factor among people in their twenties; the others get its inverse
    letters: tuple[Share, Share, Share, Share]  # chances of E, N, T and J in the MBTI type
    likes: dict[str, Texts]  # liked codes by field


class BioKinds(Strict):
    """Relative numbers of self-introductions that name the user's codes, name others, or miss."""

    fitting: Positive
    unrelated: Positive
    none: Positive


class CodeWeights(Strict):
    """How the weight of a code grows: by archetypes that like it, or as it is popular or rare."""

    main: Positive
    second: Positive
    popular: Positive
    rare: Positive


class Frequency(Strict):
    """Codes that many users and that few users name, whatever their archetype."""

    popular: Texts
    rare: Texts


class Members(Strict):
    """members.toml: how common each answer is, and the archetypes."""

    unknown_mbti: Share
    blocking: Share
    lone_pets: Texts
    genders: Shares
    domains: Annotated[dict[str, Domain], Field(min_length=1)]
    religion: Shares
    smoking: dict[str, Shares]
    drinking: Shares
    list_lengths: dict[str, Annotated[tuple[Positive, ...], Field(min_length=1)]]
    bios: BioKinds
    code_weights: CodeWeights
    frequency: Frequency
    archetypes: Annotated[dict[str, Archetype], Field(min_length=1)]

    @model_validator(mode="after")
    def _rows_agree(self) -> Self:
        if list(self.smoking) != list(self.genders):
            message = f"[smoking] has rows for {list(self.smoking)}, not {list(self.genders)}"
            raise ValueError(message)
        if len({tuple(domain.ages) for domain in self.domains.values()}) > 1:
            message = "[domains]: every `ages` must name the same age groups in the same order"
            raise ValueError(message)
        return self

    @property
    def ages(self) -> tuple[str, ...]:
        """The age groups, youngest first."""
        return tuple(next(iter(self.domains.values())).ages)


class Bios(Strict):
    """bios.toml: sentences by topic, and what goes before, between and after them."""

    openers: Texts  # greetings before the first sentence
    links: Texts  # words that may begin a further sentence
    marks: Annotated[dict[str, Texts], Field(min_length=3, max_length=3)]  # final marks by tone
    weights: dict[str, Annotated[int, Field(gt=0)]]  # relative number of draws of a topic
    labels: dict[str, dict[str, str]]  # by field and code: labels that differ in a sentence
    sentences: dict[str, Texts]  # by topic, or by `field:code`, with three endings each

    @model_validator(mode="after")
    def _sentences_are_well_formed(self) -> Self:
        for topic, lines in self.sentences.items():
            for line in lines:
                if re.search(r"[<|>]|\{(?!a\}|b\})", ENDING.sub("", line)):
                    message = (
                        f"[sentences] {topic}: {line!r}: write endings as <polite|formal|casual> "
                        "and labels as {a} and {b}"
                    )
                    raise ValueError(message)
        topics = {topic.split(":")[0] for topic in self.sentences}
        if missing := set(self.weights) - topics:
            message = f"[weights] names topics without sentences: {sorted(missing)}"
            raise ValueError(message)
        return self


@cache
def members() -> Members:
    """Returns the tables of members.toml; a file of another form is a PolicyError."""
    return _load("members.toml", Members)


@cache
def bios() -> Bios:
    """Returns the tables of bios.toml; a file of another form is a PolicyError."""
    return _load("bios.toml", Bios)


def _load(name: str, table: type[_T]) -> _T:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    try:
        return table.model_validate(tomllib.loads(text))
    except ValueError as error:
        message = f"hertz/cli/sample/{name}: {error}"
        raise PolicyError(message) from error

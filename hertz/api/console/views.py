"""What the console's pages show of the lists: the API's own answers, in words and bars.

In: a `View`, the arguments of a page and its language. Out: frozen values for the templates. Every
list and record comes from `lists.reads.matches` and `lists.why.why`, so whoever they hide is
hidden here, and an error is the same error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from hertz.api.console.bars import Axis, Piece, color, stack
from hertz.api.errors import NOT_FOUND_MATCH, ApiError
from hertz.api.lists import reads
from hertz.api.lists.reads import Page, View
from hertz.api.lists.why import why
from hertz.core.interface_texts.catalogue import Language, text
from hertz.policy.model import Policy

PAGE = 20  # matches at a time

_FORMULAS = {
    "arithmetic": "({f} + {b}) ÷ 2",
    "geometric": "√({f} × {b})",
    "harmonic": "2 × {f} × {b} ÷ ({f} + {b})",
    "minimum": "min({f}, {b})",
}


class Named(NamedTuple):
    """A name of the policy and what people call it."""

    name: str
    label: str


class LegendEntry(NamedTuple):
    """A term, its color and its weight."""

    label: str
    color: str
    weight: float


class Reason(NamedTuple):
    """What a text rests on: kind and field in words, whose wish it is, and the values."""

    kind: str
    sides: str
    values: str


@dataclass(frozen=True)
class Told:
    """An explanation as shown."""

    title: str
    paragraphs: list[str]
    language: str
    origin: str
    reasons: list[Reason]


@dataclass(frozen=True)
class Entry:
    """One match of a list."""

    other: int
    rank: int
    mutual: float
    forward: float
    backward: float
    there: list[Piece]
    back: list[Piece]
    told: Told | None


@dataclass(frozen=True)
class Lists:
    """One page of one user's list."""

    user: int
    category: Named
    categories: list[Named]
    pending: bool
    legend: list[LegendEntry]
    entries: list[Entry]
    cursor: str | None
    next_cursor: str | None
    snapshot: str


class TermRow(NamedTuple):
    """One term of a record, both ways."""

    label: str
    fields: str
    color: str
    weight: float
    forward: float
    backward: float
    limit: Piece
    there: Piece
    back: Piece


@dataclass(frozen=True)
class Record:
    """Why two users were matched."""

    user: int
    other: int
    category: Named
    categories: list[Named]
    mutual: float
    forward: float
    backward: float
    combined: str
    formula: str
    rank: int | None
    other_rank: int | None
    rows: list[TermRow]
    told: Told | None
    run: str
    created: str
    policy: str
    policy_hash: str
    embedding_model: str
    language_model: str | None


def lists(
    view: View, user: int, category: str | None, cursor: str | None, language: Language
) -> Lists:
    """One page of a user's list.

    Raises:
        ApiError: As `hertz.api.lists.reads.matches` does.
        RequestValidationError: The same.
    """
    policy, reader = view.served.manifest.policy, view.served.reader
    asked = Page(category, PAGE, _told_in(reader.languages, language), cursor)
    found = _body(reads.matches(view, user, asked))
    words = _Words(policy, language)
    name = found["category"]
    return Lists(
        user=user,
        category=words.category(name),
        categories=[words.category(each) for each in reader.categories],
        pending=found["status"] == "pending",
        legend=words.legend(name),
        entries=words.entries(name, user, found["matches"]),
        cursor=cursor,
        next_cursor=found["nextCursor"],
        snapshot=found["snapshot"],
    )


def record(view: View, user: int, other: int, category: str | None, language: Language) -> Record:
    """Why two users were matched, in the category named or the first in which they are.

    Raises:
        ApiError: As `hertz.api.lists.why.why` does.
        RequestValidationError: The same.
    """
    reader = view.served.reader
    told_in = _told_in(reader.languages, language)
    found = _body(why(view, user, other, category, told_in))
    words = _Words(view.served.manifest.policy, language)
    matched = [name for name in reader.categories if _matched(view, user, other, name)]
    return words.record(found, [words.category(name) for name in matched])


def _matched(view: View, user: int, other: int, category: str) -> bool:
    try:
        why(view, user, other, category, None)
    except ApiError as error:
        if error.code == NOT_FOUND_MATCH:
            return False
        raise
    return True


def label_of(labels: Mapping[str, str], name: str, language: str) -> str:
    """A label in a language, or in the first there is; the name where it has none."""
    return labels.get(language) or next(iter(labels.values()), name)


def _told_in(languages: tuple[str, ...], language: str) -> str:
    return language if language in languages else languages[0]


def _body(answer: Any) -> dict[str, Any]:  # noqa: ANN401  a starlette Response
    found: dict[str, Any] = orjson.loads(answer.body)
    return found


class _Words:
    """A policy's names and numbers in one language."""

    def __init__(self, policy: Policy, language: Language) -> None:
        self._policy = policy
        self._language = language

    def category(self, name: str) -> Named:
        label = self._policy.categories[name].label
        return Named(name, label_of(label, name, self._language))

    def legend(self, category: str) -> list[LegendEntry]:
        weights = self._policy.categories[category].weights
        return [
            LegendEntry(self._term(name), color(place), weight)
            for place, (name, weight) in enumerate(weights.items())
        ]

    def entries(self, category: str, user: int, matches: list[dict[str, Any]]) -> list[Entry]:
        weights = self._policy.categories[category].weights
        labels = {name: self._term(name) for name in weights}
        whole = sum(weights.values())
        return [
            Entry(
                other=found["userId"],
                rank=found["rank"],
                mutual=found["mutual"],
                forward=found["forward"],
                backward=found["backward"],
                there=stack(found["breakdown"]["forward"], labels, whole),
                back=stack(found["breakdown"]["backward"], labels, whole),
                told=self.told(found["explanation"], user, found["userId"]),
            )
            for found in matches
        ]

    def record(self, found: dict[str, Any], categories: list[Named]) -> Record:
        score, user, other = found["score"], found["userId"], found["otherUserId"]
        forward, backward = score["forward"], score["backward"]
        formula = _FORMULAS[score["combine"]]
        return Record(
            user=user,
            other=other,
            category=self.category(found["category"]["name"]),
            categories=categories,
            mutual=score["mutual"],
            forward=forward,
            backward=backward,
            combined=text(
                "console_how_combined",
                self._language,
                how=score["combined"][self._language],
            ),
            formula=formula.format(f=f"{forward:.4f}", b=f"{backward:.4f}"),
            rank=found["rank"]["onUsersList"],
            other_rank=found["rank"]["onOthersList"],
            rows=self._rows(found["terms"]),
            told=self.told(found["explanation"], user, other),
            run=found["runId"],
            created=found["createdAt"],
            policy=found["policy"]["name"],
            policy_hash=found["policy"]["hash"],
            embedding_model=found["embeddingModel"],
            language_model=found["languageModel"],
        )

    def told(self, found: dict[str, Any] | None, user: int, other: int) -> Told | None:
        if found is None:
            return None
        sides = (min(user, other), max(user, other))
        return Told(
            title=found["title"],
            paragraphs=[part for part in found["content"].split("\n\n") if part.strip()],
            language=found["language"],
            origin=text(f"console_origin_{found['origin']}", self._language),
            reasons=[self._reason(reason, sides) for reason in found["reasons"]],
        )

    def _rows(self, terms: list[dict[str, Any]]) -> list[TermRow]:
        weights, forward, backward = (
            {term["term"]: term[key] for term in terms} for key in ("weight", "forward", "backward")
        )
        axis = Axis.over(weights, forward, backward)
        return [
            TermRow(
                label=self._term(name),
                fields=", ".join(self._field(field["name"]) for field in term["fields"]),
                color=color(place),
                weight=weights[name],
                forward=forward[name],
                backward=backward[name],
                limit=axis.bar("", weights[name], "limit"),
                there=axis.bar("", forward[name], color(place)),
                back=axis.bar("", backward[name], color(place)),
            )
            for place, (name, term) in enumerate((term["term"], term) for term in terms)
        ]

    def _reason(self, found: dict[str, Any], sides: tuple[int, int]) -> Reason:
        fields, kind = found["fields"], found["kind"]
        values = [self._value(fields[-1], value) for value in found["values"]]
        if kind in ("near", "pairing"):  # the first is a's own, the second b's
            values = [f"{side}: {value}" for side, value in zip(sides, values, strict=True)]
        arrows = {"a_to_b": f"{sides[0]} → {sides[1]}", "b_to_a": f"{sides[1]} → {sides[0]}"}
        words = text(f"console_reason_{kind}", self._language, field=self._field(fields[0]))
        return Reason(words, arrows.get(found["direction"], ""), ", ".join(values))

    def _term(self, name: str) -> str:
        return label_of(self._policy.terms[name].label, name, self._language)

    def _field(self, name: str) -> str:
        return label_of(self._policy.fields[name].label, name, self._language)

    def _value(self, field: str, code: str) -> str:
        labels = (self._policy.vocabulary(field) or {}).get(code, {})
        return label_of(labels, code, self._language)

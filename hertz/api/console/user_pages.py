"""Collects what the console shows of a user's lists and of a match, from the API's own answers.

Every list and record comes from `lists.reads.matches` and `lists.why.why`, so the console hides
the same users and fails with the same errors as the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from hertz.api.console.bars import Axis, Piece, color, stack
from hertz.api.errors import NOT_FOUND_MATCH, ApiError
from hertz.api.lists import reads
from hertz.api.lists.reads import PageRequest, View
from hertz.api.lists.why import why
from hertz.core.interface_texts.catalogue import Language, text
from hertz.policy.model import Policy

MATCHES_SHOWN = 20  # on a page

_FORMULAS = {
    "arithmetic": "({f:.4f} + {b:.4f}) ÷ 2",
    "geometric": "√({f:.4f} × {b:.4f})",
    "harmonic": "2 × {f:.4f} × {b:.4f} ÷ ({f:.4f} + {b:.4f})",
    "minimum": "min({f:.4f}, {b:.4f})",
}

JsonObject = dict[str, Any]


class Labelled(NamedTuple):
    """A name in the policy and its label in the language of the page."""

    name: str
    label: str


class LegendEntry(NamedTuple):
    """A term with its color and weight."""

    label: str
    color: str
    weight: float


class Reason(NamedTuple):
    """A fact that an explanation states.

    Attributes:
        kind: Kind of the fact and its field, in words.
        sides: Both ids with an arrow, if the fact is one user's wish; empty otherwise.
        values: The values, in words.
    """

    kind: str
    sides: str
    values: str


class Explanation(NamedTuple):
    """An explanation as shown, with the facts that it states."""

    title: str
    paragraphs: list[str]
    language: str
    origin: str
    reasons: list[Reason]


@dataclass(frozen=True)
class Match:
    """One match of a list as shown.

    Attributes:
        answer: The match as the API answers it, a `MatchEntry`.
        forward: Bar of the forward score, term by term.
        backward: Bar of the backward score, term by term.
    """

    answer: JsonObject
    forward: list[Piece]
    backward: list[Piece]
    explanation: Explanation | None


@dataclass(frozen=True)
class ListPage:
    """One page of a user's list.

    Attributes:
        answer: The page as the API answers it, a `MatchesAnswer`.
        categories: All categories of the policy.
        cursor: Cursor of the page; None for the first page.
    """

    answer: JsonObject
    category: Labelled
    categories: list[Labelled]
    legend: list[LegendEntry]
    matches: list[Match]
    cursor: str | None


class TermRow(NamedTuple):
    """One term of a match's record.

    Attributes:
        answer: The term as the API answers it, a `TermContribution`.
        fields: Names of the profile fields that it reads; empty if it reads the embedding.
        color: Class of the style sheet.
        limit: Bar of the weight, which is the greatest contribution.
        forward: Bar of the contribution to the user's score of the other.
        backward: Bar of the contribution to the other's score of the user.
    """

    answer: JsonObject
    label: str
    fields: str
    color: str
    limit: Piece
    forward: Piece
    backward: Piece


@dataclass(frozen=True)
class MatchRecord:
    """Why two users were matched, as shown.

    Attributes:
        answer: The record as the API answers it, a `WhyAnswer`.
        categories: All categories in which the two are matched.
        combined: How the mutual score is combined, in words.
        formula: The same as a formula with both scores filled in.
    """

    answer: JsonObject
    category: Labelled
    categories: list[Labelled]
    combined: str
    formula: str
    rows: list[TermRow]
    explanation: Explanation | None


def list_page(
    view: View, user: int, category: str | None, cursor: str | None, language: Language
) -> ListPage:
    """Returns one page of a user's list.

    Raises:
        ApiError: As `hertz.api.lists.reads.matches` does.
        RequestValidationError: As `hertz.api.lists.reads.matches` does.
    """
    requested = PageRequest(category, MATCHES_SHOWN, _explanation_language(view, language), cursor)
    answer: JsonObject = orjson.loads(reads.matches(view, user, requested).body)
    words = _PolicyWords(view.served.manifest.policy, language)
    return ListPage(
        answer=answer,
        category=words.category(answer["category"]),
        categories=[words.category(name) for name in view.served.reader.categories],
        legend=words.legend(answer["category"]),
        matches=words.matches(answer),
        cursor=cursor,
    )


def match_record(
    view: View, user: int, other: int, category: str | None, language: Language
) -> MatchRecord:
    """Returns the record of a match, in one category or the first in which the two are matched.

    Raises:
        ApiError: As `hertz.api.lists.why.why` does.
        RequestValidationError: As `hertz.api.lists.why.why` does.
    """
    explained_in = _explanation_language(view, language)
    answer: JsonObject = orjson.loads(why(view, user, other, category, explained_in).body)
    words = _PolicyWords(view.served.manifest.policy, language)
    score = answer["score"]
    formula = _FORMULAS[score["combine"]]
    categories = view.served.reader.categories
    return MatchRecord(
        answer=answer,
        category=words.category(answer["category"]["name"]),
        categories=[
            words.category(name) for name in categories if _are_matched(view, user, other, name)
        ],
        combined=text("console_how_combined", language, how=score["combined"][language]),
        formula=formula.format(f=score["forward"], b=score["backward"]),
        rows=words.rows(answer["terms"]),
        explanation=words.explanation(answer["explanation"], user, other),
    )


def _are_matched(view: View, user: int, other: int, category: str) -> bool:
    """Returns whether two users are matched in a category."""
    try:
        why(view, user, other, category, None)
    except ApiError as error:
        if error.code == NOT_FOUND_MATCH:
            return False
        raise
    return True


def _explanation_language(view: View, language: str) -> str:
    """Returns the language of the page if there are explanations in it, otherwise their first."""
    languages = view.served.reader.languages
    return language if language in languages else languages[0]


class _PolicyWords:
    """Turns the API's answers into the labels of a policy and the texts of one language."""

    def __init__(self, policy: Policy, language: Language) -> None:
        self._policy = policy
        self._language = language

    def category(self, name: str) -> Labelled:
        """Returns a category with its label."""
        return Labelled(name, self._label(self._policy.categories[name].label, name))

    def legend(self, category: str) -> list[LegendEntry]:
        """Returns the terms of a category."""
        weights = self._policy.categories[category].weights
        return [
            LegendEntry(self._term(name), color(position), weight)
            for position, (name, weight) in enumerate(weights.items())
        ]

    def matches(self, answer: JsonObject) -> list[Match]:
        """Returns the matches of a page as shown."""
        weights = self._policy.categories[answer["category"]].weights
        labels = {name: self._term(name) for name in weights}
        whole = sum(weights.values())
        return [
            Match(
                answer=match,
                forward=stack(match["breakdown"]["forward"], labels, whole),
                backward=stack(match["breakdown"]["backward"], labels, whole),
                explanation=self.explanation(
                    match["explanation"], answer["userId"], match["userId"]
                ),
            )
            for match in answer["matches"]
        ]

    def explanation(self, found: JsonObject | None, user: int, other: int) -> Explanation | None:
        """Returns the explanation of a match as shown; None without one."""
        if found is None:
            return None
        sides = (min(user, other), max(user, other))
        return Explanation(
            title=found["title"],
            paragraphs=[part for part in found["content"].split("\n\n") if part.strip()],
            language=found["language"],
            origin=text(f"console_origin_{found['origin']}", self._language),
            reasons=[self._reason(reason, sides) for reason in found["reasons"]],
        )

    def rows(self, terms: list[JsonObject]) -> list[TermRow]:
        """Returns the terms of a record, with bars on one axis."""
        weights, forward, backward = (
            {term["term"]: term[key] for term in terms} for key in ("weight", "forward", "backward")
        )
        axis = Axis.over(weights, forward, backward)
        return [
            TermRow(
                answer=term,
                label=self._term(term["term"]),
                fields=", ".join(self._field(field["name"]) for field in term["fields"]),
                color=color(position),
                limit=axis.bar("", term["weight"], "limit"),
                forward=axis.bar("", term["forward"], color(position)),
                backward=axis.bar("", term["backward"], color(position)),
            )
            for position, term in enumerate(terms)
        ]

    def _reason(self, found: JsonObject, sides: tuple[int, int]) -> Reason:
        """Returns a fact as shown; `sides` are both ids, the smaller one first."""
        fields = found["fields"]
        vocabulary = self._policy.vocabulary(fields[-1]) or {}
        values = [self._label(vocabulary.get(code, {}), code) for code in found["values"]]
        if found["kind"] in ("near", "pairing"):  # the first value belongs to the smaller id
            values = [f"{side}: {value}" for side, value in zip(sides, values, strict=True)]
        arrows = {"a_to_b": f"{sides[0]} → {sides[1]}", "b_to_a": f"{sides[1]} → {sides[0]}"}
        field = self._field(fields[0])
        words = text(f"console_reason_{found['kind']}", self._language, field=field)
        return Reason(words, arrows.get(found["direction"], ""), ", ".join(values))

    def _term(self, name: str) -> str:
        """Returns the label of a term."""
        return self._label(self._policy.terms[name].label, name)

    def _field(self, name: str) -> str:
        """Returns the label of a profile field."""
        return self._label(self._policy.fields[name].label, name)

    def _label(self, labels: Mapping[str, str], name: str) -> str:
        """Returns the label in the page's language, else the first one, else the name."""
        return labels.get(self._language) or next(iter(labels.values()), name)

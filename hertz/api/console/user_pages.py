"""Collects what the console shows of a user's lists and of a match, from the API's own answers.

In: a `View`, the arguments of a page and its language. Out: frozen values for the templates. Every
list and record comes from `lists.reads.matches` and `lists.why.why`, so the console hides the same
users and fails with the same errors as the API.
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
    "arithmetic": "({f} + {b}) ÷ 2",
    "geometric": "√({f} × {b})",
    "harmonic": "2 × {f} × {b} ÷ ({f} + {b})",
    "minimum": "min({f}, {b})",
}


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


@dataclass(frozen=True)
class Explanation:
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
        other: Id of the matched user.
        rank: Rank on the list.
        mutual: Mutual score.
        forward: The user's score of the other.
        backward: The other's score of the user.
        there: Bar of the forward score, term by term.
        back: Bar of the backward score, term by term.
        explanation: Explanation; None if the run wrote none.
    """

    other: int
    rank: int
    mutual: float
    forward: float
    backward: float
    there: list[Piece]
    back: list[Piece]
    explanation: Explanation | None


@dataclass(frozen=True)
class ListPage:
    """One page of a user's list.

    Attributes:
        user: Owner of the list.
        category: Category of the list.
        categories: All categories of the policy.
        pending: Whether the user registered after the snapshot was made.
        legend: Terms of the category.
        matches: Matches on the page, best first.
        cursor: Cursor of the page; None for the first page.
        next_cursor: Cursor of the next page; None on the last page.
        snapshot: Run id of the snapshot.
    """

    user: int
    category: Labelled
    categories: list[Labelled]
    pending: bool
    legend: list[LegendEntry]
    matches: list[Match]
    cursor: str | None
    next_cursor: str | None
    snapshot: str


class TermRow(NamedTuple):
    """One term of a match's record.

    Attributes:
        label: Name of the term for people.
        fields: Names of the profile fields that it reads; empty if it reads the embedding.
        color: Class of the style sheet.
        weight: Weight of the term.
        forward: Contribution to the user's score of the other.
        backward: Contribution to the other's score of the user.
        limit: Bar of the weight, which is the greatest contribution.
        there: Bar of the forward contribution.
        back: Bar of the backward contribution.
    """

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
class MatchRecord:
    """Why two users were matched, as shown.

    Attributes:
        combined: How the mutual score is combined, in words.
        formula: The same as a formula with both scores filled in.
        rank: Rank of the other on the user's list; None if not on it.
        other_rank: Rank of the user on the other's list; None if not on it.
    """

    user: int
    other: int
    category: Labelled
    categories: list[Labelled]
    mutual: float
    forward: float
    backward: float
    combined: str
    formula: str
    rank: int | None
    other_rank: int | None
    rows: list[TermRow]
    explanation: Explanation | None
    run: str
    created: str
    policy: str
    policy_hash: str
    embedding_model: str
    language_model: str | None


def list_page(
    view: View, user: int, category: str | None, cursor: str | None, language: Language
) -> ListPage:
    """Returns one page of a user's list.

    Raises:
        ApiError: As `hertz.api.lists.reads.matches` does.
        RequestValidationError: As `hertz.api.lists.reads.matches` does.
    """
    reader = view.served.reader
    explained_in = _explanation_language(reader.languages, language)
    requested = PageRequest(category, MATCHES_SHOWN, explained_in, cursor)
    answer = _body(reads.matches(view, user, requested))
    words = _PolicyWords(view.served.manifest.policy, language)
    name = answer["category"]
    return ListPage(
        user=user,
        category=words.category(name),
        categories=[words.category(each) for each in reader.categories],
        pending=answer["status"] == "pending",
        legend=words.legend(name),
        matches=words.matches(name, user, answer["matches"]),
        cursor=cursor,
        next_cursor=answer["nextCursor"],
        snapshot=answer["snapshot"],
    )


def match_record(
    view: View, user: int, other: int, category: str | None, language: Language
) -> MatchRecord:
    """Returns the record of a match, in one category or the first in which the two are matched.

    Raises:
        ApiError: As `hertz.api.lists.why.why` does.
        RequestValidationError: As `hertz.api.lists.why.why` does.
    """
    reader = view.served.reader
    explained_in = _explanation_language(reader.languages, language)
    answer = _body(why(view, user, other, category, explained_in))
    words = _PolicyWords(view.served.manifest.policy, language)
    matched = [name for name in reader.categories if _are_matched(view, user, other, name)]
    return words.record(answer, [words.category(name) for name in matched])


def _are_matched(view: View, user: int, other: int, category: str) -> bool:
    """Returns whether two users are matched in a category."""
    try:
        why(view, user, other, category, None)
    except ApiError as error:
        if error.code == NOT_FOUND_MATCH:
            return False
        raise
    return True


def label_of(labels: Mapping[str, str], name: str, language: str) -> str:
    """Returns a label in a language, or in the first there is; the name if there is no label."""
    return labels.get(language) or next(iter(labels.values()), name)


def _explanation_language(languages: tuple[str, ...], language: str) -> str:
    """Returns the language of the page if there are explanations in it, otherwise their first."""
    return language if language in languages else languages[0]


def _body(answer: Any) -> dict[str, Any]:  # noqa: ANN401  a starlette Response
    """Returns the JSON object of an answer."""
    body: dict[str, Any] = orjson.loads(answer.body)
    return body


class _PolicyWords:
    """Turns the API's answers into the labels of a policy and the texts of one language."""

    def __init__(self, policy: Policy, language: Language) -> None:
        self._policy = policy
        self._language = language

    def category(self, name: str) -> Labelled:
        """Returns a category with its label."""
        label = self._policy.categories[name].label
        return Labelled(name, label_of(label, name, self._language))

    def legend(self, category: str) -> list[LegendEntry]:
        """Returns the terms of a category."""
        weights = self._policy.categories[category].weights
        return [
            LegendEntry(self._term(name), color(position), weight)
            for position, (name, weight) in enumerate(weights.items())
        ]

    def matches(self, category: str, user: int, matches: list[dict[str, Any]]) -> list[Match]:
        """Returns the matches of a list as shown."""
        weights = self._policy.categories[category].weights
        labels = {name: self._term(name) for name in weights}
        whole = sum(weights.values())
        return [
            Match(
                other=match["userId"],
                rank=match["rank"],
                mutual=match["mutual"],
                forward=match["forward"],
                backward=match["backward"],
                there=stack(match["breakdown"]["forward"], labels, whole),
                back=stack(match["breakdown"]["backward"], labels, whole),
                explanation=self._explanation(match["explanation"], user, match["userId"]),
            )
            for match in matches
        ]

    def record(self, answer: dict[str, Any], categories: list[Labelled]) -> MatchRecord:
        """Returns the record of a match as shown."""
        score = answer["score"]
        forward = score["forward"]
        backward = score["backward"]
        formula = _FORMULAS[score["combine"]]
        how = score["combined"][self._language]
        return MatchRecord(
            user=answer["userId"],
            other=answer["otherUserId"],
            category=self.category(answer["category"]["name"]),
            categories=categories,
            mutual=score["mutual"],
            forward=forward,
            backward=backward,
            combined=text("console_how_combined", self._language, how=how),
            formula=formula.format(f=f"{forward:.4f}", b=f"{backward:.4f}"),
            rank=answer["rank"]["onUsersList"],
            other_rank=answer["rank"]["onOthersList"],
            rows=self._rows(answer["terms"]),
            explanation=self._explanation(
                answer["explanation"], answer["userId"], answer["otherUserId"]
            ),
            run=answer["runId"],
            created=answer["createdAt"],
            policy=answer["policy"]["name"],
            policy_hash=answer["policy"]["hash"],
            embedding_model=answer["embeddingModel"],
            language_model=answer["languageModel"],
        )

    def _explanation(
        self, found: dict[str, Any] | None, user: int, other: int
    ) -> Explanation | None:
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

    def _rows(self, terms: list[dict[str, Any]]) -> list[TermRow]:
        """Returns the terms of a record, with bars on one axis."""
        weights, forward, backward = (
            {term["term"]: term[key] for term in terms} for key in ("weight", "forward", "backward")
        )
        axis = Axis.over(weights, forward, backward)
        return [
            TermRow(
                label=self._term(name),
                fields=", ".join(self._field(field["name"]) for field in term["fields"]),
                color=color(position),
                weight=weights[name],
                forward=forward[name],
                backward=backward[name],
                limit=axis.bar("", weights[name], "limit"),
                there=axis.bar("", forward[name], color(position)),
                back=axis.bar("", backward[name], color(position)),
            )
            for position, (name, term) in enumerate((term["term"], term) for term in terms)
        ]

    def _reason(self, found: dict[str, Any], sides: tuple[int, int]) -> Reason:
        """Returns a fact as shown; `sides` are both ids, the smaller one first."""
        fields = found["fields"]
        kind = found["kind"]
        values = [self._value(fields[-1], value) for value in found["values"]]
        if kind in ("near", "pairing"):  # the first value belongs to the smaller id
            values = [f"{side}: {value}" for side, value in zip(sides, values, strict=True)]
        arrows = {"a_to_b": f"{sides[0]} → {sides[1]}", "b_to_a": f"{sides[1]} → {sides[0]}"}
        field = self._field(fields[0])
        words = text(f"console_reason_{kind}", self._language, field=field)
        return Reason(words, arrows.get(found["direction"], ""), ", ".join(values))

    def _term(self, name: str) -> str:
        """Returns the label of a term."""
        return label_of(self._policy.terms[name].label, name, self._language)

    def _field(self, name: str) -> str:
        """Returns the label of a profile field."""
        return label_of(self._policy.fields[name].label, name, self._language)

    def _value(self, field: str, code: str) -> str:
        """Returns the label of a code."""
        labels = (self._policy.vocabulary(field) or {}).get(code, {})
        return label_of(labels, code, self._language)

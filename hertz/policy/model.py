"""Defines the policy: fields of a profile, eligibility, terms and categories of the score, gate.

In: the parsed `[policy]` part of hertz.toml. Out: a `Policy` whose keys are each valid;
`hertz.policy.checks` finds what does not fit together.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import Field

from hertz.core.strict import Strict

Labels = dict[str, str]
Vocabulary = dict[str, Labels]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class FieldRule(Strict):
    """Defines one field of a profile: its kind, its accepted values and its labels."""

    kind: Literal["code", "ordered", "set", "number", "text", "ids"]
    label: Labels = Field({}, description="The field's name for people, by language")
    source: str | None = Field(None, description="Column in the source, when it has another name")
    required: bool = True
    values: Vocabulary | str | None = Field(
        None, description="Accepted codes and their labels, or a vocabulary's name; none: any code"
    )
    hidden: tuple[str, ...] = Field((), description="Accepted codes that count as missing")
    separator: str | None = Field(None, min_length=1, description="Splits texts into a set's items")
    drop: str | None = Field(None, description="Regular expression removed from every value")
    minimum: float | None = None
    maximum: float | None = None
    max_length: int = Field(2000, ge=1, description="Longest accepted text, in characters")


class Table(Strict):
    """Defines a directional matrix over a field's codes, in rows or by the codes' letters.

    With letters, the value of a and b is `letters_share` x (weights of equal letters / sum of
    weights) + `pairs_share` x [b in pairs[a]].
    """

    rows: dict[str, dict[str, Share]] = Field({})
    default: Share = Field(0.0, description="For code pairs that `rows` leaves out")
    letters: tuple[NonNegative, ...] = ()
    letters_share: Share = 0.0
    pairs: dict[str, tuple[str, ...]] = Field({})
    pairs_share: Share = 0.0

    def value(self, a: str, b: str) -> float:
        """Returns the value of code `a` looking at code `b`."""
        if not self.letters:
            return self.rows.get(a, {}).get(b, self.default)
        equal = sum(w for w, x, y in zip(self.letters, a, b, strict=True) if x == y)
        paired = float(b in self.pairs.get(a, ()))
        return self.letters_share * equal / sum(self.letters) + self.pairs_share * paired


class Term(Strict):
    """Defines one weighted rule of the score.

    Its value for one side looking at the other is from 0 to 1; for `cosine` from -1 to 1.
    """

    kind: Literal["cosine", "equal", "table", "ordinal", "number", "overlap"]
    label: Labels = Field({})
    field: str | None = None
    table: str | None = None
    steps: tuple[Share, ...] = Field((), description="ordinal: value at distance 0, 1, ...; else 0")
    full: float = Field(0.0, ge=0, description="number: distance up to which the value is 1")
    zero: float = Field(0.0, ge=0, description="number: distance from which the value is 0")
    mine: str | None = Field(None, description="overlap: the wishes of the side that looks")
    theirs: str | None = Field(None, description="overlap: the traits of the side looked at")
    missing: float = Field(0.0, ge=0, le=1, description="Value where either side's is missing")

    @property
    def fields(self) -> tuple[str, ...]:
        """The profile fields that the term reads."""
        return tuple(name for name in (self.field, self.mine, self.theirs) if name)


class Accepts(Strict):
    """Requires both ways that the other's code of `of` is in one's set `wish`; empty: any code."""

    wish: str
    of: str


class Within(Strict):
    """Requires that the two numbers of a field differ by at most `distance`."""

    field: str
    distance: float = Field(ge=0)


class Eligibility(Strict):
    """Defines who may meet at all, in both directions; nobody ever meets themselves."""

    same: tuple[str, ...] = ()
    different: tuple[str, ...] = ()
    within: tuple[Within, ...] = ()
    accepts: tuple[Accepts, ...] = ()
    blocked: tuple[str, ...] = Field((), description="Fields of user ids that a user has blocked")

    def __add__(self, other: Eligibility) -> Eligibility:
        """Returns the rules of both."""
        names = type(self).model_fields
        return Eligibility(**{n: getattr(self, n) + getattr(other, n) for n in names})


class Category(Strict):
    """Defines one kind of match: weights, eligibility of its own, and the explanations' voice."""

    label: Labels = Field({})
    weights: dict[str, NonNegative]
    eligibility: Eligibility = Eligibility()
    voice: Literal["neutral", "friend", "couple"] = "neutral"


class Embed(Strict):
    """Defines what is embedded: the profile text and the mean of fields, each with a weight."""

    language: str
    templates: dict[str, tuple[str, ...]] = Field(
        description="Clauses of the profile text by language; one with a missing field is left out"
    )
    profile_weight: float = Field(ge=0)
    fields_weight: float = Field(ge=0)
    fields: dict[str, Annotated[float, Field(gt=0)]] = Field({})


class Gate(Strict):
    """Limits of a run's quality figures; a run outside them is held, not published.

    They do not change any match, so `Policy.digest` leaves them out.
    """

    coverage: Share = Field(0.5, description="Smallest share of users with a match in any category")
    category_coverage: dict[str, Share] = Field({}, description="The same for single categories")
    users_lost: Share = Field(0.3, description="Largest share of the published users that is gone")
    churn: Share = Field(0.8, description="Largest share of k by which lists may change on average")
    score_shift: NonNegative = Field(0.1, description="Largest shift of a category's scores")
    quarantined: Share = Field(0.3, description="Largest share of the source's rows in quarantine")
    grounded: Share = Field(0.2, description="Smallest share of model texts that pass the checks")
    smallest: int = Field(100, ge=0, description="Shares among fewer users are not checked")
    smallest_candidates: int = Field(20, ge=1, description="The same for model texts")


class Policy(Strict):
    """Defines everything that decides who matches whom, and the gate."""

    name: str
    languages: tuple[str, ...] = Field(min_length=1)
    id_field: str = "userId"
    id_minimum: int = 1
    k: int = Field(ge=1, le=1000, description="Matches kept for a user and category")
    combine: Literal["arithmetic", "geometric", "harmonic", "minimum"] = "arithmetic"
    vocabularies: dict[str, Vocabulary] = Field({})
    fields: dict[str, FieldRule]
    embed: Embed
    tables: dict[str, Table] = Field({})
    terms: dict[str, Term]
    eligibility: Eligibility = Eligibility()
    categories: dict[str, Category] = Field(min_length=1)
    gate: Gate = Gate()

    @property
    def digest(self) -> str:
        """Sha256, in hex, of the policy without its gate, in a canonical form."""
        whole = self.model_dump(mode="json", exclude={"gate"})
        canonical = json.dumps(whole, ensure_ascii=False, sort_keys=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def vocabulary(self, field: str) -> Vocabulary | None:
        """Returns a field's accepted codes with their labels, in order; None: any text."""
        values = self.fields[field].values
        return self.vocabularies[values] if isinstance(values, str) else values

    def label(self, field: str, code: str, language: str) -> str:
        """Returns a code's label in a language; the code itself if it has none."""
        return (self.vocabulary(field) or {}).get(code, {}).get(language, code)

    def field_label(self, field: str, language: str) -> str:
        """Returns the name of a field for people, in a language."""
        return self.fields[field].label.get(language, field)

    def shown_codes(self, field: str) -> tuple[str, ...]:
        """Returns a field's accepted codes without the hidden ones, in order."""
        hidden = self.fields[field].hidden
        return tuple(code for code in self.vocabulary(field) or {} if code not in hidden)

    def term_value(self, name: str, a: str, b: str) -> float:
        """Returns the value of an `equal`, `table` or `ordinal` term for code a looking at b."""
        term = self.terms[name]
        if term.kind == "equal":
            return float(a == b)
        if term.kind == "table":
            return self.tables[str(term.table)].value(a, b)
        codes = self.shown_codes(str(term.field))
        distance = abs(codes.index(a) - codes.index(b))
        return term.steps[distance] if distance < len(term.steps) else 0.0

    def eligibility_of(self, category: str) -> Eligibility:
        """Returns the rules for everyone and those of the category, together."""
        return self.eligibility + self.categories[category].eligibility

    @property
    def columns(self) -> dict[str, str]:
        """The source's column of each field."""
        return {name: rule.source or name for name, rule in self.fields.items()}

    @property
    def required_fields(self) -> list[str]:
        """The fields that every profile must have."""
        return [name for name, rule in self.fields.items() if rule.required]

    @property
    def id_list_fields(self) -> tuple[str, ...]:
        """The fields that hold lists of user ids."""
        return tuple(name for name, rule in self.fields.items() if rule.kind == "ids")

    @property
    def code_fields(self) -> tuple[str, ...]:
        """The fields that hold one code, ordered or not."""
        return tuple(n for n, rule in self.fields.items() if rule.kind in ("code", "ordered"))

    @property
    def block_fields(self) -> tuple[str, ...]:
        """The fields of blocked user ids, each once."""
        named = (n for c in self.categories for n in self.eligibility_of(c).blocked)
        return tuple(dict.fromkeys(named))

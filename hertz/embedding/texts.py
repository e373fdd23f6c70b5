"""Which texts a policy embeds, and how a user's vector is put together from their vectors.

In: validated profiles. Out: the profile text of each user, the value texts of each embedded field,
and `(n_users, dim)` unit vectors:

    vector = unit(profile_weight * unit(profile text) + fields_weight * unit(mean of field vectors))

A field's vector is the mean over its values' vectors, so a closed vocabulary is encoded once ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import polars as pl

from hertz.policy.model import Policy

Lookup = Callable[[list[str]], np.ndarray]  # texts -> (n, dim) float32


def profile_texts(policy: Policy, profiles: pl.DataFrame) -> list[str]:
    """The profile text of each user in the embedding language; "" where nothing is told."""
    clauses = policy.embed.templates[policy.embed.language]
    names = {name for clause in clauses for name in re.findall(r"{(\w+)}", clause)}
    shown = profiles.select(_shown(policy, name).alias(name) for name in sorted(names))
    filled = [_fill(clause) for clause in clauses]
    return (
        shown.select(pl.concat_str(filled, separator=" ", ignore_nulls=True)).to_series().to_list()
    )


def field_texts(policy: Policy, profiles: pl.DataFrame, field: str) -> pl.DataFrame:
    """One row a told value of a field: `row` (UInt32, position in profiles) and `text`."""
    language = policy.embed.language
    values = profiles.select(pl.col(field).alias("text")).with_row_index("row")
    if policy.fields[field].kind == "set":
        values = values.explode("text")
    values = values.drop_nulls("text").with_columns(pl.col("text").cast(pl.String))
    return values.with_columns(_labels(policy, field, language, pl.col("text")))


def all_texts(policy: Policy, profiles: pl.DataFrame) -> list[str]:
    """Every distinct text the vectors of these users need, sorted."""
    texts = set(profile_texts(policy, profiles))
    for field in policy.embed.fields:
        texts.update(field_texts(policy, profiles, field)["text"].unique())
    return sorted(texts - {""})


def user_vectors(policy: Policy, profiles: pl.DataFrame, lookup: Lookup) -> np.ndarray:
    """Unit vectors `(n_users, dim)` float32; a user who tells nothing gets a zero vector.

    Each row depends on that user's own texts alone, bit for bit.
    """
    embed = policy.embed
    texts = profile_texts(policy, profiles)
    told = np.array([text != "" for text in texts])
    whole = lookup([text for text in texts if text])
    profile = np.zeros((len(texts), whole.shape[1]))
    profile[told] = whole
    fields = sum(
        (
            weight * _field_vectors(policy, profiles, field, lookup)
            for field, weight in embed.fields.items()
        ),
        start=np.zeros_like(profile),
    )
    total = embed.profile_weight * unit(profile) + embed.fields_weight * unit(fields)
    return unit(total).astype(np.float32)


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1 in float64; zero rows stay zero."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))[:, None]
    return np.divide(rows, lengths, out=np.zeros(rows.shape), where=lengths > 0)


def _field_vectors(
    policy: Policy, profiles: pl.DataFrame, field: str, lookup: Lookup
) -> np.ndarray:
    """Mean over each user's values of a field, `(n_users, dim)` float64; zero where not told."""
    values = field_texts(policy, profiles, field)
    distinct = values["text"].unique().sort()
    vectors = lookup(distinct.to_list()).astype(np.float64)
    means = np.zeros((len(profiles), vectors.shape[1]))
    if len(values):
        rows = values["row"].to_numpy()
        codes = distinct.search_sorted(values["text"]).to_numpy()
        told, starts, counts = np.unique(rows, return_index=True, return_counts=True)
        means[told] = np.add.reduceat(vectors[codes], starts, axis=0) / counts[:, None]
    return means


def _shown(policy: Policy, name: str) -> pl.Expr:
    """A field as people read it: labels, a set's items joined by commas; null where not told."""
    kind, language = policy.fields[name].kind, policy.embed.language
    column = pl.col(name)
    if kind == "set":
        labels = column.list.eval(_labels(policy, name, language, pl.element()))
        return pl.when(column.list.len() > 0).then(labels.list.join(", "))
    if kind == "number":
        return (
            pl.when(column == column.round())
            .then(column.cast(pl.Int64).cast(pl.String))
            .otherwise(column.cast(pl.String))
        )
    return _labels(policy, name, language, column)


def _labels(policy: Policy, field: str, language: str, column: pl.Expr) -> pl.Expr:
    codes = policy.vocabulary(field) or {}
    if not codes:
        return column
    return column.replace({code: policy.label(field, code, language) for code in codes})


def _fill(clause: str) -> pl.Expr:
    """A clause with its fields filled in; null when one of them is not told."""
    names = re.findall(r"{(\w+)}", clause)
    return pl.format(re.sub(r"{\w+}", "{}", clause), *(pl.col(name) for name in names))

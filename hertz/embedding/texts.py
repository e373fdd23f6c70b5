"""Makes the texts that a policy embeds, and a user's vector from the vectors of these texts.

In: validated profiles. Out: the profile text of each user, the texts of each embedded field's
values, and `(n_users, dim)` unit vectors:

    vector = unit(profile_weight * unit(profile text) + fields_weight * unit(mean of field vectors))

A field's vector is the mean over its values' vectors, so each code is encoded once, not per user.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import polars as pl

from hertz.policy.model import Policy

Lookup = Callable[[list[str]], np.ndarray]  # texts -> (n, dim) float32


def profile_texts(policy: Policy, profiles: pl.DataFrame) -> list[str]:
    """Returns each user's profile text in the embedding language; "" if all values are missing."""
    clauses = policy.embed.templates[policy.embed.language]
    names = {name for clause in clauses for name in re.findall(r"{(\w+)}", clause)}
    shown = profiles.select(_shown(policy, name).alias(name) for name in sorted(names))
    filled = pl.concat_str([_fill(c) for c in clauses], separator=" ", ignore_nulls=True)
    return shown.select(filled).to_series().to_list()


def field_texts(policy: Policy, profiles: pl.DataFrame, field: str) -> pl.DataFrame:
    """Returns one row for each value that a user has in a field.

    Returns:
        A frame with the columns `row` (UInt32, position in profiles) and `text` (String).
    """
    values = profiles.select(pl.col(field).alias("text")).with_row_index("row")
    if policy.fields[field].kind == "set":
        values = values.explode("text")
    values = values.drop_nulls("text").with_columns(pl.col("text").cast(pl.String))
    return values.with_columns(_labels(policy, field, pl.col("text")))


def all_texts(policy: Policy, profiles: pl.DataFrame) -> list[str]:
    """Returns every distinct text that the vectors of these users need, sorted."""
    texts = set(profile_texts(policy, profiles))
    for field in policy.embed.fields:
        texts.update(field_texts(policy, profiles, field)["text"].unique())
    return sorted(texts - {""})


def user_vectors(policy: Policy, profiles: pl.DataFrame, lookup: Lookup) -> np.ndarray:
    """Computes the users' vectors from the vectors of their texts.

    Each row depends on that user's own texts alone, bit for bit.

    Returns:
        `(n_users, dim)` float32, unit rows; zeros for a user without any embedded value.
    """
    embed = policy.embed
    texts = profile_texts(policy, profiles)
    present = np.array([text != "" for text in texts])
    whole = lookup([text for text in texts if text])
    profile = np.zeros((len(texts), whole.shape[1]))
    profile[present] = whole
    fields = np.zeros_like(profile)
    for field, weight in embed.fields.items():
        fields += weight * _field_vectors(policy, profiles, field, lookup)
    total = embed.profile_weight * unit(profile) + embed.fields_weight * unit(fields)
    return unit(total).astype(np.float32)


def unit(rows: np.ndarray) -> np.ndarray:
    """Scales rows to length 1 in float64; rows of zeros stay zeros."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))[:, None]
    return np.divide(rows, lengths, out=np.zeros(rows.shape), where=lengths > 0)


def _field_vectors(
    policy: Policy, profiles: pl.DataFrame, field: str, lookup: Lookup
) -> np.ndarray:
    """Returns the mean vector of each user's values, `(n_users, dim)` float64; zeros if missing."""
    values = field_texts(policy, profiles, field)
    distinct = values["text"].unique().sort()
    vectors = lookup(distinct.to_list()).astype(np.float64)
    means = np.zeros((len(profiles), vectors.shape[1]))
    if len(values):
        rows = values["row"].to_numpy()
        codes = distinct.search_sorted(values["text"]).to_numpy()
        users, starts, counts = np.unique(rows, return_index=True, return_counts=True)
        means[users] = np.add.reduceat(vectors[codes], starts, axis=0) / counts[:, None]
    return means


def _shown(policy: Policy, name: str) -> pl.Expr:
    """Writes a field for people: labels, a set's joined by commas; null where it is missing."""
    kind = policy.fields[name].kind
    column = pl.col(name)
    if kind == "set":
        labels = column.list.eval(_labels(policy, name, pl.element()))
        return pl.when(column.list.len() > 0).then(labels.list.join(", "))
    if kind == "number":
        whole = pl.when(column == column.round()).then(column.cast(pl.Int64).cast(pl.String))
        return whole.otherwise(column.cast(pl.String))
    return _labels(policy, name, column)


def _labels(policy: Policy, field: str, column: pl.Expr) -> pl.Expr:
    """Replaces codes by their labels in the embedding language."""
    codes = policy.vocabulary(field)
    if not codes:
        return column
    language = policy.embed.language
    return column.replace({code: policy.label(field, code, language) for code in codes})


def _fill(clause: str) -> pl.Expr:
    """Fills the fields of a clause in; null where one of them is missing."""
    names = re.findall(r"{(\w+)}", clause)
    return pl.format(re.sub(r"{\w+}", "{}", clause), *(pl.col(name) for name in names))

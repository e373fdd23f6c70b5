"""Compiled loops that hash rows of numbers, for the fingerprints of users."""

from __future__ import annotations

import numpy as np

from hertz.matching.kernels.compiled import kernel

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio


@kernel
def hash_rows(words: np.ndarray, hashes: np.ndarray) -> None:
    """Mixes each row's words, `(n, m)` uint64, each with its column, into its hash, `(n,)`."""
    for row in range(len(words)):
        total = hashes[row]
        for column in range(words.shape[1]):
            total += _mixed(words[row, column] ^ (np.uint64(column + 1) * GOLDEN))
        hashes[row] = _mixed(total)


@kernel
def _mixed(word: np.uint64) -> np.uint64:
    """The finalizer of Steele, Lea and Flood, Fast splittable pseudorandom generators, 2014."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@kernel
def sum_member_values(member: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Returns the sum, modulo 2^64, of the uint64 values of each row's members: `(n,)` uint64."""
    sums = np.zeros(len(member), dtype=np.uint64)
    for row in range(len(member)):
        for item in range(len(values)):
            sums[row] += values[item] * np.uint64(member[row, item])
    return sums

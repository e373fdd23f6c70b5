from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from hertz.storage.snapshot.compression import MIN_SAMPLES, Codec, train_dictionary

TEXTS = [f'{{"title": "두 사람", "content": "{n} things they share"}}'.encode() for n in range(400)]


@pytest.mark.parametrize("samples", [[], TEXTS[: MIN_SAMPLES - 1], [b"x"] * 200, TEXTS])
def test_restores_any_text_whatever_the_samples(samples: list[bytes]) -> None:
    codec = Codec(train_dictionary(samples))
    texts = [b"", b"something else", *TEXTS]
    assert [codec.restore(packed) for packed in codec.compress(texts)] == texts
    assert codec.compress([]) == []


def test_the_same_samples_give_the_same_bytes() -> None:
    first, second = (Codec(train_dictionary(TEXTS)) for _ in range(2))
    assert first.compress(TEXTS) == second.compress(TEXTS)
    assert first.compress(TEXTS[:1]) == second.compress(TEXTS)[:1]


def test_a_dictionary_saves_most_of_a_short_text() -> None:
    plain, with_dictionary = Codec(b""), Codec(train_dictionary(TEXTS))
    sizes = [sum(map(len, codec.compress(TEXTS))) for codec in (plain, with_dictionary)]
    assert sizes[1] < sizes[0] / 2


def test_threads_may_share_a_codec() -> None:
    codec = Codec(train_dictionary(TEXTS))
    packed = codec.compress(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(codec.restore, packed * 20)) == TEXTS * 20

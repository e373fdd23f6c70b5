"""The encoder against encoding one text at a time, and what happens when a model is damaged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hertz.core.errors import ModelError
from hertz.embedding.encoder import EmbeddingSettings, Encoder
from hertz.storage.models.embedding import find_embedding_model

TEXTS = [
    "20대 남자, MBTI는 ENFP. 관심사는 영화, 요리. 취미는 음악.",
    "등산",
    "주말마다 산에 올라가요.",
    "I love hiking and cooking with friends on weekends.",
    "",
    "등산",
    "40대 여자, MBTI는 ISTJ. 자기계발은 독서, 재테크. 반려동물은 고양이. 조용한 카페를 좋아해요.",
]
WORDS = ["[PAD]", "[UNK]", "about:", "tea", "rice", "song", "walk"]


def bundled_in(dtype: str, **changed: object) -> Encoder:
    settings = EmbeddingSettings.model_validate({"batch_size": 2, "dtype": dtype, **changed})
    return Encoder(settings, find_embedding_model(settings))


@pytest.fixture(scope="module")
def bundled() -> Encoder:
    return bundled_in("auto")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT of a few thousand weights that knows five words."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(vocab_size=len(WORDS), intermediate_size=32, **size)
    words = {word: i for i, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    folder = tmp_path_factory.mktemp("tiny")
    BertModel(config).save_pretrained(folder / "bert")
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=64
    ).save_pretrained(folder / "bert")
    modules = [Transformer(str(folder / "bert")), Pooling(16, "mean")]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder / "model"))
    return folder / "model"


def tiny_encoder(folder: Path, **settings: object) -> Encoder:
    values = {"model": str(folder), "device": "cpu", "dtype": "float32", **settings}
    chosen = EmbeddingSettings.model_validate(values)
    return Encoder(chosen, find_embedding_model(chosen))


@pytest.mark.parametrize(("dtype", "apart"), [("float32", 1e-6), ("bfloat16", 5e-3)])
def test_a_list_gives_what_each_text_gives_alone(dtype: str, apart: float) -> None:
    """The vectors agree within the precision of either dtype."""
    encoder = bundled_in(dtype)
    together = encoder.encode(TEXTS)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])

    assert together.dtype == np.float32
    assert together.shape == (len(TEXTS), encoder.dim) == (len(TEXTS), 384)
    np.testing.assert_allclose(together, alone, atol=apart)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)


def test_the_same_list_gives_the_same_bits_for_any_number_of_threads(bundled: Encoder) -> None:
    import torch

    before, results = torch.get_num_threads(), []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        results.append(bundled.encode(TEXTS))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)

    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_a_repeated_text_is_computed_once(bundled: Encoder) -> None:
    seen: list[tuple[int, int]] = []
    vectors = bundled.encode([*TEXTS, *TEXTS], lambda done, total: seen.append((done, total)))

    assert seen == [(2, 6), (4, 6), (6, 6)]
    np.testing.assert_array_equal(vectors[: len(TEXTS)], vectors[len(TEXTS) :])


def test_no_texts_give_no_rows(bundled: Encoder) -> None:
    assert bundled.encode([]).shape == (0, 384)


def test_likeness_crosses_wording_and_language(bundled: Encoder) -> None:
    hiking, climbing, english, cat = bundled.encode(
        ["등산", "주말마다 산에 올라가요", "I go hiking on weekends", "고양이 두 마리를 키워요"]
    )
    assert hiking @ climbing > hiking @ cat + 0.1
    assert climbing @ english > climbing @ cat + 0.1


def test_centring_spreads_the_cosines(bundled: Encoder) -> None:
    settings = EmbeddingSettings(center=False)
    plain = Encoder(settings, find_embedding_model(settings))
    profiles = [TEXTS[0], TEXTS[2], TEXTS[6]]
    raw, centered = plain.encode(profiles), bundled.encode(profiles)

    assert np.ptp(centered @ centered.T) > 2 * np.ptp(raw @ raw.T)


def test_bfloat16_vectors_are_of_unit_length(tiny: Path) -> None:
    texts = ["tea rice", "song"]
    half = tiny_encoder(tiny, center=False, dtype="bfloat16").encode(texts)
    full = tiny_encoder(tiny, center=False).encode(texts)

    np.testing.assert_allclose(np.linalg.norm(half, axis=1), 1, atol=1e-6)
    assert 0.99 < (half * full).sum(axis=1).min() < 0.9999999


def test_a_vector_of_zeros_stays_zero(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"rice": 0, "void": 1, "[UNK]": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    weights = np.array([[3, 4], [0, 0], [1, 0]], dtype=np.float32)
    words = StaticEmbedding(tokenizer, embedding_weights=weights)
    SentenceTransformer(modules=[words], device="cpu").save(str(tmp_path))

    vectors = tiny_encoder(tmp_path, center=False).encode(["void", "rice"])
    np.testing.assert_allclose(vectors, np.array([[0, 0], [0.6, 0.8]]), atol=1e-7)
    assert not tiny_encoder(tmp_path).encode(["void"]).any()


def test_identity_follows_everything_that_changes_a_vector(tiny: Path) -> None:
    changes: list[dict[str, object]] = [
        {},
        {"prompt": "about: "},
        {"truncate_dim": 8},
        {"max_seq_length": 8},
        {"dtype": "bfloat16"},
        {"center": False},
    ]
    identities = {tiny_encoder(tiny, **change).identity for change in changes}

    assert len(identities) == len(changes)
    assert tiny_encoder(tiny, batch_size=3).identity in identities
    assert json.loads(tiny_encoder(tiny).identity)["model"] == str(tiny)


def test_identity_follows_the_weights_in_a_folder(tiny: Path, tmp_path: Path) -> None:
    for file in (path for path in tiny.rglob("*") if path.is_file()):
        copy = tmp_path / file.relative_to(tiny)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    before = tiny_encoder(tmp_path).identity
    weights = bytearray((tmp_path / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (tmp_path / "model.safetensors").write_bytes(weights)

    assert tiny_encoder(tmp_path).identity != before


def test_the_prompt_is_put_before_each_text(tiny: Path) -> None:
    prompted = tiny_encoder(tiny, prompt="about: ", center=False).encode(["tea"])
    spelled_out = tiny_encoder(tiny, center=False).encode(["about: tea"])

    np.testing.assert_array_equal(prompted, spelled_out)


def test_truncated_vectors_are_of_unit_length(tiny: Path) -> None:
    whole = tiny_encoder(tiny, center=False).encode(["tea song"])
    short = tiny_encoder(tiny, center=False, truncate_dim=4)

    assert short.dim == 4
    expected = whole[:, :4] / np.linalg.norm(whole[:, :4])
    np.testing.assert_allclose(short.encode(["tea song"]), expected, atol=1e-6)


def test_texts_that_are_cut_are_counted(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    encoder = tiny_encoder(tiny, max_seq_length=8, center=False)
    vectors = encoder.encode(["walk " * 8 + "tea", "walk " * 8, "tea"])

    np.testing.assert_array_equal(vectors[0], vectors[1])
    assert "1 texts are longer than 8 tokens" in caplog.text
    assert "walk" not in caplog.text


def test_a_model_that_answers_nan_is_an_error(tiny: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(tiny), device="cpu", local_files_only=True)
    next(model.parameters()).data.fill_(float("nan"))
    model.save(str(tmp_path))

    with pytest.raises(ModelError, match="NaN or infinity in float32"):
        tiny_encoder(tmp_path).encode(["tea"])


def test_too_many_dimensions_are_an_error(tiny: Path) -> None:
    with pytest.raises(ModelError, match=r"truncate_dim = 99: .* has only 16"):
        tiny_encoder(tiny, truncate_dim=99).encode(["tea"])


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        tiny_encoder(tmp_path).encode(["tea"])


def test_damaged_weights_are_an_error(tiny: Path, tmp_path: Path) -> None:
    for file in ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"):
        (tmp_path / file).write_bytes((tiny / file).read_bytes()[:2000])
    with pytest.raises(ModelError, match="cannot be loaded"):
        tiny_encoder(tmp_path).encode(["tea"])


def test_a_gpu_that_is_not_there_is_an_error() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ModelError, match=r'embedding\.device = "cuda", but torch sees no GPU'):
        bundled_in("float32", device="cuda")


def test_making_an_encoder_does_not_import_the_heavy_libraries() -> None:
    code = (
        "import sys; from hertz.embedding.encoder import Encoder, EmbeddingSettings as S\n"
        "from hertz.storage.models.embedding import find_embedding_model\n"
        "assert 'torch' not in sys.modules\n"
        "print(Encoder(S(), find_embedding_model(S())).identity)\n"
        "assert 'sentence_transformers' not in sys.modules and 'transformers' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=90)
    assert run.returncode == 0, run.stderr

"""Writes a language model with random weights, small enough for tests, that vLLM loads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hertz.explanations.prompts.wordings import load_wordings
from hertz.explanations.voices.phrases import LANGUAGES

SPECIAL = ("<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_tiny_model(folder: Path, texts: Sequence[str] = ()) -> Path:
    """Writes a Qwen2 of two layers whose tokenizer knows `texts`, or else the prompts' wordings."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    tokenizer = _tokenizer(texts or _wordings())
    config = Qwen2Config(
        vocab_size=2048,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=16_384,
        bos_token_id=0,
        eos_token_id=1,
        tie_word_embeddings=True,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _wordings() -> list[str]:
    slots = [slot for language in LANGUAGES for slot in load_wordings(language).values()]
    return [text for slot in slots for text in slot]


def _tokenizer(texts: Sequence[str]):  # type: ignore[no-untyped-def]  # noqa: ANN202  transformers has no types
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=2048,
        special_tokens=list(SPECIAL),
        initial_alphabet=alphabet,
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token=SPECIAL[1], pad_token=SPECIAL[1]
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer

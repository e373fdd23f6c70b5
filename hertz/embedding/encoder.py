"""Encodes texts as unit vectors with any sentence-transformers model, each distinct text once.

In: a list of texts. Out: `(n, dim)` float32, one unit row a text, in the order of the list.

The vector of a text depends on `Encoder.identity` and, but for the last bits, on nothing else: a
text encoded alone and in a batch differs by at most 2e-7 a component in float32 and 3e-3 in
bfloat16 (measured), because a matrix product's shape decides in which order it is summed. The same
list gives the same bits on the same machine, whatever the number of threads.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from threading import Lock
from typing import Any, Literal

import numpy as np
from pydantic import Field
from safetensors import SafetensorError

from hertz.core.compute import Device, chosen_device, fast_dtype, single_threaded, slices
from hertz.core.errors import ModelError
from hertz.core.strict import Strict
from hertz.embedding.texts import unit

# torch, transformers and sentence-transformers are imported where they are first needed: they take
# about ten seconds, and `hertz --help` or a run that encodes nothing can do without.

logger = logging.getLogger(__name__)

# Sentences that anybody might write, half Korean, half English; changing one changes every vector.
GENERIC_PROFILES = tuple(
    files("hertz.embedding").joinpath("generic_profiles.txt").read_text("utf-8").splitlines()
)

TOKENIZED_AT_ONCE = 1024  # texts; bounds the memory of their tokens
LOAD_ERRORS = (OSError, ValueError, RuntimeError, ImportError, KeyError, TypeError, SafetensorError)


class EmbeddingSettings(Strict):
    """Chooses the model that turns texts into vectors, and how it runs."""

    model: str = Field("bundled", description='"bundled", a Hugging Face id, or a folder')
    revision: str | None = Field(None, description="Branch, tag or commit of a Hugging Face id")
    device: Device = "auto"
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto: bfloat16 where the hardware computes in it, else float32"
    )
    prompt: str | None = Field(None, description="Put before texts; unset: the model's default")
    truncate_dim: int | None = Field(None, ge=1, description="Keep the first n dimensions")
    max_seq_length: int | None = Field(None, ge=8, description="Tokens of a text that are read")
    batch_size: int = Field(16, ge=1)
    local_files_only: bool = Field(False, description="Never ask the Hugging Face hub")
    center: bool = Field(
        True, description="Subtract the mean vector of generic profiles, which spreads the cosines"
    )


@dataclass(frozen=True)
class EmbeddingModel:
    """Identifies the model that an encoder loads.

    Attributes:
        source: A folder, or a Hugging Face id.
        version: Name of the weights: it differs wherever the weights do.
        revision: Commit of a Hugging Face id; None for a folder.
        offline: Whether the model loads without the Hugging Face hub.
    """

    source: str
    version: str
    revision: str | None = None
    offline: bool = True


class Encoder:
    """Turns texts into unit vectors with one embedding model, which the first text loads.

    Args:
        settings: How the model runs.
        model: The model, as `hertz.storage.models.embedding` finds it.

    Raises:
        ModelError: If the device is not there.
    """

    identity: str
    """JSON that changes whenever a vector would: the key under which vectors are stored."""

    def __init__(self, settings: EmbeddingSettings, model: EmbeddingModel) -> None:
        self._settings = settings
        self._source = model
        self._device = chosen_device(settings.device, "embedding.device")
        self._dtype = fast_dtype(self._device) if settings.dtype == "auto" else settings.dtype
        self._tokenizing = Lock()
        self.identity = _identity(settings, model.version, self._dtype)

    @property
    def dim(self) -> int:
        """Number of dimensions of a vector; loads the model."""
        return int(self._model.get_embedding_dimension())

    def encode(
        self, texts: list[str], progress: Callable[[int, int], None] | None = None
    ) -> np.ndarray:
        """Encodes texts: each distinct one once, in batches of similar token counts.

        Args:
            texts: Any texts; the same text may occur more than once.
            progress: Called with (distinct texts done, distinct texts) after each batch.

        Returns:
            `(len(texts), dim)` float32, unit rows; a vector of zeros stays zero.

        Raises:
            ModelError: If the model cannot be loaded, or a vector has NaN or infinity.
        """
        center = self._center
        order = self._by_length(set(texts))
        vectors = np.zeros((len(order), len(center)), dtype=np.float32)
        done = 0
        for batch in self._unit_vectors(order):
            nonzero = batch.any(axis=1, keepdims=True)
            vectors[done : done + len(batch)] = unit(batch - nonzero * center)
            done += len(batch)
            if progress:
                progress(done, len(order))
        rows = {text: row for row, text in enumerate(order)}
        return vectors[[rows[text] for text in texts]]

    @cached_property
    def _model(self) -> Any:  # noqa: ANN401 - a SentenceTransformer, imported on use
        """The loaded model, a SentenceTransformer."""
        source = self._source.source
        try:
            model = self._load()
        except LOAD_ERRORS as error:
            raise cannot_load(self._settings, f"loading {source}", error) from error
        wanted = self._settings.truncate_dim
        dim = model.get_embedding_dimension()
        if wanted and wanted > dim:
            message = f"embedding.truncate_dim = {wanted}: {source} has only {dim} dimensions"
            raise ModelError(message)
        return model

    def _load(self) -> Any:  # noqa: ANN401
        """Loads the model with the prompt, precision and lengths of the settings."""
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # Hertz shows its own
        logging.getLogger("sentence_transformers.base.model").addFilter(_is_news)
        settings = self._settings
        prompts = {} if settings.prompt is None else {"hertz": settings.prompt}
        model = SentenceTransformer(
            self._source.source,
            revision=self._source.revision,
            device=self._device,
            local_files_only=self._source.offline,
            trust_remote_code=False,
            model_kwargs={"dtype": getattr(torch, self._dtype)},
            truncate_dim=settings.truncate_dim,
            prompts=prompts,
            default_prompt_name=next(iter(prompts), None),
        )
        if settings.max_seq_length:
            model.max_seq_length = settings.max_seq_length
        return model.eval()

    @cached_property
    def _center(self) -> np.ndarray:
        """Mean of the generic profiles' unit vectors, `(dim,)` float32; zeros without centering."""
        if not self._settings.center:
            return np.zeros(self.dim, dtype=np.float32)
        return np.concatenate(list(self._unit_vectors(list(GENERIC_PROFILES)))).mean(axis=0)

    def _by_length(self, texts: set[str]) -> list[str]:
        """Sorts texts by token count, then by text: a batch of equal lengths has no padding."""
        ordered = sorted(texts)
        parts = slices(len(ordered), TOKENIZED_AT_ONCE)
        counts = [count for part in parts for count in self._token_counts(ordered[part])]
        limit = self._model.max_seq_length or float("inf")
        cut = sum(count > limit for count in counts)
        if cut:
            logger.warning(
                "%d texts are longer than %s tokens: their ends are not read", cut, limit
            )
        return [ordered[row] for row in np.argsort(counts, kind="stable")]

    def _token_counts(self, texts: list[str]) -> list[int]:
        """Counts the tokens of each text, its prompt and special tokens included."""
        tokenizer = self._model.tokenizer
        prompted = [(self._prompt or "") + text for text in texts]
        if hasattr(tokenizer, "encode_batch"):  # models of static word vectors have a bare one
            return [len(encoded) for encoded in tokenizer.encode_batch(prompted)]
        return [len(ids) for ids in tokenizer(prompted, verbose=False)["input_ids"]]

    @property
    def _prompt(self) -> str | None:
        """The text put before each text: the setting's, or the model's default."""
        return self._model.prompts.get(self._model.default_prompt_name)

    def _unit_vectors(self, texts: list[str]) -> Iterator[np.ndarray]:
        """Yields the unit vectors of each batch in turn, before centering; one batch a core."""
        import torch

        _ = self._model  # loaded before the threads start
        threads = torch.get_num_threads() if self._device == "cpu" else 1
        batches = [texts[part] for part in slices(len(texts), self._settings.batch_size)]
        with single_threaded(threads) as pool:
            yield from pool.map(self._forward, batches)

    def _forward(self, texts: list[str]) -> np.ndarray:
        """Encodes one batch: `(len(texts), dim)` float32, unit rows."""
        import torch
        from sentence_transformers.util import batch_to_device

        with self._tokenizing:  # a fast tokenizer may not be used by two threads at once
            features = self._model.preprocess(texts, prompt=self._prompt)
        with torch.inference_mode():
            output = self._model(batch_to_device(features, self._device))["sentence_embedding"]
        # A bfloat16 vector is not of unit length, even where the model normalizes.
        vectors = output[:, : self._settings.truncate_dim].float().cpu().numpy()
        if not np.isfinite(vectors).all():
            message = (
                f"embedding model {self._source.source} gave NaN or infinity in {self._dtype}; "
                'set embedding.dtype = "float32"'
            )
            raise ModelError(message)
        return unit(vectors).astype(np.float32)


def _identity(settings: EmbeddingSettings, version: str, dtype: str) -> str:
    """Returns JSON of everything that a vector depends on, besides its text."""
    generic = hashlib.sha256("\n".join(GENERIC_PROFILES).encode()).hexdigest()[:16]
    return json.dumps(
        {
            "model": settings.model,
            "version": version,
            "prompt": settings.prompt,
            "truncate_dim": settings.truncate_dim,
            "max_seq_length": settings.max_seq_length,
            "dtype": dtype,
            "centered_on": generic if settings.center else None,
        },
        ensure_ascii=False,
    )


def cannot_load(settings: EmbeddingSettings, tried: str, error: Exception) -> ModelError:
    """Returns the error for a model that cannot be loaded: what was tried, and why it failed."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return ModelError(
        f"embedding.model = {settings.model!r} cannot be loaded (tried {tried}: {reason}); "
        'accepted: "bundled", a folder with a sentence-transformers model, or a Hugging Face id '
        "that this machine can reach or has in its cache"
    )


def _is_news(record: logging.LogRecord) -> bool:
    """Drops the reminder that a model has a default prompt, which is intended."""
    return "Default prompt name" not in record.getMessage()

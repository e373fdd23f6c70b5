"""Texts to unit vectors with any sentence-transformers model, each distinct text computed once.

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
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError

from hertz.core.compute import Device, chosen_device, fast_dtype, single_threaded
from hertz.core.errors import ModelError
from hertz.embedding.generic_profiles import GENERIC_PROFILES
from hertz.embedding.texts import unit

# torch, transformers and sentence-transformers are imported where they are first needed: they take
# about ten seconds, and `hertz --help` or a night that encodes nothing can do without.

logger = logging.getLogger(__name__)

HUB_TIMEOUT_S = 8
LOADING_ERRORS = (
    OSError,
    ValueError,
    RuntimeError,
    ImportError,
    KeyError,
    TypeError,
    SafetensorError,
)


class EmbeddingSettings(BaseModel):
    """Which model turns texts into vectors, and how it runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field("bundled", description='"bundled", a Hugging Face id, or a folder')
    revision: str | None = Field(None, description="Branch, tag or commit of a Hugging Face id")
    device: Device = "auto"
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto: bfloat16 where the hardware computes in it, else float32"
    )
    prompt: str | None = Field(None, description="Before each text; not set: the model's default")
    truncate_dim: int | None = Field(None, ge=1, description="Keep the first n dimensions")
    max_seq_length: int | None = Field(None, ge=8, description="Tokens read of a text")
    batch_size: int = Field(16, ge=1)
    local_files_only: bool = Field(False, description="Never ask the Hugging Face hub")
    center: bool = Field(
        True, description="Subtract the mean vector of generic profiles, which spreads the cosines"
    )


class Encoder:
    """One embedding model; its files are read at the first text, not before.

    Args:
        settings: The model and how it runs.
        path: What sentence-transformers is to load: a folder, or a Hugging Face id.

    Raises:
        ModelError: If the model or the device is not there.
    """

    identity: str
    """JSON that changes whenever a vector would: the key under which vectors are stored."""

    def __init__(self, settings: EmbeddingSettings, path: Path | str) -> None:
        self._settings = settings
        self._path = str(path)
        self._version, self._offline = _version(settings, self._path)
        self._device = chosen_device(settings.device, "embedding.device")
        self._dtype = fast_dtype(self._device) if settings.dtype == "auto" else settings.dtype
        self._tokenizing = Lock()
        self.identity = _identity(settings, self._version, self._dtype)

    @property
    def dim(self) -> int:
        """Length of a vector; loads the model."""
        return int(self._model.get_embedding_dimension())

    def encode(
        self, texts: list[str], progress: Callable[[int, int], None] | None = None
    ) -> np.ndarray:
        """Encode texts, each distinct one once, sorted by token count into batches.

        Args:
            texts: Any texts, repeated ones included.
            progress: Called with (distinct texts done, distinct texts) after each batch.

        Returns:
            `(len(texts), dim)` float32, unit rows; a vector of zeros stays zero.

        Raises:
            ModelError: If the model cannot be loaded, or answers with NaN or infinity.
        """
        center = self._center
        order = self._by_length(set(texts))
        vectors = np.zeros((len(order), len(center)), dtype=np.float32)
        done = 0
        for batch in self._unit_vectors(order):
            told = batch.any(axis=1, keepdims=True)
            vectors[done : done + len(batch)] = unit(batch - told * center)
            done += len(batch)
            if progress:
                progress(done, len(order))
        rows = {text: row for row, text in enumerate(order)}
        return vectors[[rows[text] for text in texts]]

    @cached_property
    def _model(self) -> Any:  # noqa: ANN401 - a SentenceTransformer, imported on use
        try:
            model = self._load()
        except LOADING_ERRORS as error:
            raise _not_loaded(self._settings, f"loading {self._path}", error) from error
        wanted, dim = self._settings.truncate_dim, model.get_embedding_dimension()
        if wanted and wanted > dim:
            message = f"embedding.truncate_dim = {wanted}: {self._path} has only {dim} dimensions"
            raise ModelError(message)
        return model

    def _load(self) -> Any:  # noqa: ANN401
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # Hertz shows its own
        logging.getLogger("sentence_transformers.base.model").addFilter(_worth_reading)
        settings = self._settings
        prompts = {} if settings.prompt is None else {"hertz": settings.prompt}
        model = SentenceTransformer(
            self._path,
            revision=None if Path(self._path).is_dir() else self._version,
            device=self._device,
            local_files_only=self._offline,
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
        """Mean of the generic profiles' unit vectors, `(dim,)` float32; zeros if not wanted."""
        if not self._settings.center:
            return np.zeros(self.dim, dtype=np.float32)
        return np.concatenate(list(self._unit_vectors(list(GENERIC_PROFILES)))).mean(axis=0)

    def _by_length(self, texts: set[str]) -> list[str]:
        """Texts by token count, then by text: a batch of equal lengths has no padding."""
        ordered = sorted(texts)
        counts = [count for part in _slices(ordered, 1024) for count in self._token_counts(part)]
        limit = self._model.max_seq_length or float("inf")
        cut = sum(count > limit for count in counts)
        if cut:
            logger.warning(
                "%d texts are longer than %s tokens: their ends are not read", cut, limit
            )
        return [ordered[row] for row in np.argsort(counts, kind="stable")]

    def _token_counts(self, texts: list[str]) -> list[int]:
        tokenizer = self._model.tokenizer
        prompted = [(self._prompt or "") + text for text in texts]
        if hasattr(tokenizer, "encode_batch"):  # models of static word vectors have a bare one
            return [len(encoded) for encoded in tokenizer.encode_batch(prompted)]
        return [len(ids) for ids in tokenizer(prompted, verbose=False)["input_ids"]]

    @property
    def _prompt(self) -> str | None:
        prompt: str | None = self._model.prompts.get(self._model.default_prompt_name)
        return prompt

    def _unit_vectors(self, texts: list[str]) -> Iterator[np.ndarray]:
        """Unit vectors of each batch in turn, not centred: a batch a core."""
        import torch

        _ = self._model  # loaded before the threads start
        threads = torch.get_num_threads() if self._device == "cpu" else 1
        with single_threaded(threads) as pool:
            yield from pool.map(self._forward, _slices(texts, self._settings.batch_size))

    def _forward(self, texts: list[str]) -> np.ndarray:
        import torch
        from sentence_transformers.util import batch_to_device

        with self._tokenizing:  # a fast tokenizer may not be used by two threads at once
            features = self._model.preprocess(texts, prompt=self._prompt)
        with torch.inference_mode():
            output = self._model(batch_to_device(features, self._device))["sentence_embedding"]
        # A bfloat16 vector is not of unit length, whatever the model normalised.
        vectors = output[:, : self._settings.truncate_dim].float().cpu().numpy()
        if not np.isfinite(vectors).all():
            message = (
                f"embedding model {self._path} gave NaN or infinity in {self._dtype}; "
                'set embedding.dtype = "float32"'
            )
            raise ModelError(message)
        return unit(vectors).astype(np.float32)


def _version(settings: EmbeddingSettings, path: str) -> tuple[str, bool]:
    """(which weights these are, whether they load from this machine alone)."""
    if settings.model == "bundled":
        return Path(path).name, True
    if Path(path).is_dir():
        return _digest(Path(path)), True
    return _commit(settings)


def _digest(folder: Path) -> str:
    """First 16 hex digits of the sha256 of a model folder's file names and contents."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(str(file.relative_to(folder)).encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:16]


def _commit(settings: EmbeddingSettings) -> tuple[str, bool]:
    """(commit of a Hugging Face id, whether the hub is out of reach).

    The library's own look-ups have no time limit: a hub that does not answer would hang the night.
    """
    import httpx2  # what huggingface_hub speaks HTTP with
    from huggingface_hub import HfApi, resolve_revision
    from huggingface_hub.errors import RevisionResolutionError

    model, revision = settings.model, settings.revision
    problem: Exception = ModelError("embedding.local_files_only is set, the hub was not asked")
    if not settings.local_files_only:
        try:
            return str(
                HfApi().model_info(model, revision=revision, timeout=HUB_TIMEOUT_S).sha
            ), False
        except (OSError, ValueError, httpx2.TransportError) as error:
            problem = error
    try:
        commit = resolve_revision(model, revision=revision, local_files_only=True)
    except (RevisionResolutionError, ValueError) as error:
        raise _not_loaded(
            settings, "a folder, the Hugging Face hub and its cache", problem
        ) from error
    if not settings.local_files_only:
        logger.warning("%s: the hub gives no answer, the cached %s is used", model, commit)
    return str(commit), True


def _identity(settings: EmbeddingSettings, version: str, dtype: str) -> str:
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


def _not_loaded(settings: EmbeddingSettings, tried: str, error: Exception) -> ModelError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return ModelError(
        f"embedding.model = {settings.model!r} cannot be loaded (tried {tried}: {reason}); "
        'accepted: "bundled", a folder with a sentence-transformers model, or a Hugging Face id '
        "that this machine can reach or has in its cache"
    )


def _worth_reading(record: logging.LogRecord) -> bool:
    """Drops the nightly reminder that a model has a default prompt: it is meant to."""
    return "Default prompt name" not in record.getMessage()


def _slices(items: list[str], size: int) -> list[list[str]]:
    return [items[start : start + size] for start in range(0, len(items), size)]

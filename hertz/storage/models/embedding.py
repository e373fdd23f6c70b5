"""Finds the configured embedding model, and says which weights exactly it has.

In: `EmbeddingSettings`. Out: an `EmbeddingModel` for `hertz.embedding.encoder.Encoder`, or a clear
error. No weights are loaded or downloaded here; a model folder is read once for its checksum.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from hertz.core.errors import ModelError
from hertz.embedding.encoder import EmbeddingModel, EmbeddingSettings, cannot_load
from hertz.storage.files import checksums
from hertz.storage.models.bundled import E5_SMALL, converted_folder

logger = logging.getLogger(__name__)

HUB_TIMEOUT_S = 8


def find_embedding_model(settings: EmbeddingSettings) -> EmbeddingModel:
    """Returns where the configured model is, and its version.

    The version is the folder's name for the bundled model, the commit for a Hugging Face id, and
    the checksum of all files for any other folder.

    Raises:
        ModelError: If the model is not here, and the Hugging Face hub does not know it.
    """
    if settings.model == "bundled":
        folder = converted_folder(E5_SMALL)
        return EmbeddingModel(str(folder), folder.name)
    folder = Path(settings.model)
    if folder.is_dir():
        return EmbeddingModel(settings.model, _digest(folder))
    return _hub_model(settings)


def _digest(folder: Path) -> str:
    """Returns 16 hex digits of a sha256 over the names and contents of a folder's files."""
    digest = hashlib.sha256()
    for name, checksum in checksums(folder):
        digest.update(name.encode() + bytes.fromhex(checksum))
    return digest.hexdigest()[:16]


def _hub_model(settings: EmbeddingSettings) -> EmbeddingModel:
    """Pins a Hugging Face id to a commit: the hub's if it answers, else the cached one."""
    if settings.local_files_only:
        problem = ModelError("embedding.local_files_only is set, the hub was not asked")
        commit = _cached_commit(settings, problem)
        return EmbeddingModel(settings.model, commit, revision=commit)
    found = _hub_commit(settings)
    if isinstance(found, str):
        return EmbeddingModel(settings.model, found, revision=found, offline=False)
    commit = _cached_commit(settings, found)
    logger.warning("%s: the hub gives no answer, the cached %s is used", settings.model, commit)
    return EmbeddingModel(settings.model, commit, revision=commit)


def _hub_commit(settings: EmbeddingSettings) -> str | Exception:
    """Returns the commit that the hub names, or why it names none.

    The library's other look-ups have no time limit: a run would hang if the hub does not answer.
    """
    import httpx2  # what huggingface_hub speaks HTTP with; seconds to import, as the next
    from huggingface_hub import HfApi

    try:
        info = HfApi().model_info(settings.model, revision=settings.revision, timeout=HUB_TIMEOUT_S)
        return str(info.sha)
    except (OSError, ValueError, httpx2.TransportError) as error:
        return error


def _cached_commit(settings: EmbeddingSettings, problem: Exception) -> str:
    """Returns the commit in this machine's cache; `problem` says why the hub named none."""
    from huggingface_hub import resolve_revision  # seconds to import
    from huggingface_hub.errors import RevisionResolutionError

    name = settings.model
    try:
        return str(resolve_revision(name, revision=settings.revision, local_files_only=True))
    except (RevisionResolutionError, ValueError) as error:
        tried = "a folder, the Hugging Face hub and its cache"
        raise cannot_load(settings, tried, problem) from error

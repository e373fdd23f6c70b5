"""Second stage: the texts of all users, each distinct one encoded once ever."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hertz.embedding.encoder import Encoder
from hertz.embedding.texts import Lookup, all_texts
from hertz.stages.run import Run, Step
from hertz.storage.embeddings import EmbeddingStore, text_hash
from hertz.storage.files import read_frame
from hertz.storage.models.bundled import EMBEDDING_MODEL
from hertz.storage.models.embedding import find_embedding_model
from hertz.storage.settings import Settings

CHUNK = 2048  # texts encoded before they are stored: what a killed run can lose


def embed(run: Run) -> None:
    """Encode the texts of users.parquet that the store does not have, and store their vectors.

    Raises:
        ModelError: If the model cannot be loaded.
        StorageError: If the store cannot be written.
    """
    profiles = read_frame(run.folder / "users.parquet")
    with run.stage("embed") as figures:
        encoder, policy = open_encoder(run.settings), run.settings.policy
        store = EmbeddingStore(run.settings.home, encoder.identity)
        texts = {text_hash(encoder.identity, t): t for t in all_texts(policy, profiles)}
        missing = store.missing(list(texts))
        _encode(run, encoder, store, {key: texts[key] for key in missing})
        chosen = run.settings.embedding.model
        figures["model"] = EMBEDDING_MODEL if chosen == "bundled" else chosen
        figures["model_identity"] = json.loads(encoder.identity)
        figures["texts"] = len(texts)
        figures["encoded"] = len(missing)


def open_encoder(settings: Settings) -> Encoder:
    """The configured embedding model; nothing is loaded before its first text."""
    return Encoder(settings.embedding, find_embedding_model(settings.embedding))


def stored_vectors(home: Path, model_identity: dict[str, Any]) -> Lookup:
    """Looks texts up in the store of a model, in the order given: `(n, dim)` float32.

    Args:
        home: The home.
        model_identity: As the stage's figures give it.
    """
    identity = json.dumps(model_identity, ensure_ascii=False)
    store = EmbeddingStore(home, identity)

    def lookup(texts: list[str]) -> np.ndarray:
        return store.get([text_hash(identity, text) for text in texts])

    return lookup


def _encode(run: Run, encoder: Encoder, store: EmbeddingStore, texts: dict[str, str]) -> None:
    # The longest first: chunks of like lengths have little padding, and the bar tells no lie later.
    keys = sorted(texts, key=lambda key: (-len(texts[key]), texts[key]))
    step = run.step("encoding texts")
    for start in range(0, len(keys), CHUNK):
        part = keys[start : start + CHUNK]
        shown = partial(_step_from, step, start, len(keys))
        store.add(part, encoder.encode([texts[key] for key in part], shown))


def _step_from(step: Step, start: int, total: int, done: int, _: int) -> None:
    step(start + done, total)

"""Second stage: encodes the profile texts; a text that has a stored vector is not encoded again."""

from __future__ import annotations

import json
from functools import partial

from hertz.embedding.encoder import Encoder
from hertz.embedding.texts import all_texts
from hertz.stages.run import Run, Step, Stopwatch
from hertz.storage.embeddings import EmbeddingStore, text_hash
from hertz.storage.files import read_frame
from hertz.storage.models.bundled import EMBEDDING_MODEL
from hertz.storage.models.embedding import find_embedding_model
from hertz.storage.settings import Settings
from hertz.storage.snapshot.stage_results import EmbedResult

CHUNK = 2048  # texts encoded before they are stored: at most these are lost by a kill


def embed(run: Run) -> EmbedResult:
    """Encodes the texts of users.parquet that have no stored vector, and stores their vectors.

    Raises:
        ModelError: If the model cannot be loaded.
        StorageError: If the store cannot be written.
    """
    profiles = read_frame(run.folder / "users.parquet")
    watch = Stopwatch()
    encoder = open_encoder(run.settings)
    store = EmbeddingStore(run.settings.home, encoder.identity)
    texts = {text_hash(encoder.identity, t): t for t in all_texts(run.settings.policy, profiles)}
    missing = store.missing(list(texts))
    _encode(run, encoder, store, {key: texts[key] for key in missing})
    chosen = run.settings.embedding.model
    return run.record(
        EmbedResult(
            seconds=watch.seconds,
            model=EMBEDDING_MODEL if chosen == "bundled" else chosen,
            model_identity=json.loads(encoder.identity),
            texts=len(texts),
            encoded=len(missing),
        )
    )


def open_encoder(settings: Settings) -> Encoder:
    """Returns the configured embedding model, which is loaded when it gets its first text."""
    return Encoder(settings.embedding, find_embedding_model(settings.embedding))


def _encode(run: Run, encoder: Encoder, store: EmbeddingStore, texts: dict[str, str]) -> None:
    """Encodes texts chunk by chunk and stores each chunk's vectors."""
    # The longest first: texts of similar lengths have little padding; the progress never slows.
    keys = sorted(texts, key=lambda key: (-len(texts[key]), texts[key]))
    step = run.step("encoding texts")
    for start in range(0, len(keys), CHUNK):
        part = keys[start : start + CHUNK]
        shown = partial(_step_from, step, start, len(keys))
        store.add(part, encoder.encode([texts[key] for key in part], shown))


def _step_from(step: Step, start: int, total: int, done: int, _: int) -> None:
    step(start + done, total)

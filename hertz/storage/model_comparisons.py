"""Keeps comparisons of language models: a folder each in <home>/model_comparisons/."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from hertz.storage.files import timestamped_path, write_frame, write_text, writing

FOLDER = "model_comparisons"
TABLE, TEXTS, MARKDOWN, PLOT = "models.parquet", "reports.parquet", "table.md", "plot.png"


def new_comparison_folder(home: Path) -> Path:
    """Makes an empty folder for a comparison, whose name sorts by time.

    Raises:
        StorageError: If the home cannot be written.
    """
    folder = timestamped_path(home / FOLDER)
    with writing(folder):
        folder.mkdir(parents=True)
    return folder


def save_comparison(folder: Path, table: pl.DataFrame, texts: pl.DataFrame, markdown: str) -> None:
    """Saves the results of a comparison so far, and replaces those saved before.

    `table` has a row of figures for each model, also as `markdown`; `texts`, a row for each text.

    Raises:
        StorageError: If the folder cannot be written.
    """
    with writing(folder):
        write_frame(table, folder / TABLE)
        write_frame(texts, folder / TEXTS)
        write_text(folder / MARKDOWN, markdown)

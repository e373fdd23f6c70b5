"""Whole nights of a few sample users, with the real embedding model and the template voice."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from hertz.cli.sample.sample import make_sample
from hertz.policy.model import Policy
from hertz.storage.settings import Settings, load_settings

ROOT = Path(__file__).parent.parent


def write_sample(path: Path, policy: Policy, users: int = 40, seed: int = 3) -> Path:
    """Writes a Parquet source with sample profiles."""
    make_sample(users, seed, policy).write_parquet(path)
    return path


def write_policy(path: Path, language_model: str = "") -> Path:
    """Writes hertz.toml with another language model; "" for the template voice alone."""
    text = (ROOT / "hertz.toml").read_text(encoding="utf-8")
    head, rest = text.split("[explanations]", 1)
    rest = rest.replace('model = "bundled"', f'model = "{language_model}"', 1)
    path.write_text(f"{head}[explanations]{rest}", encoding="utf-8")
    return path


def settings_for(folder: Path, source: Path, language_model: str = "") -> Settings:
    """Returns settings with a home in `folder` that reads `source`."""
    policy = write_policy(folder / "hertz.toml", language_model)
    return load_settings(policy, folder / "home", str(source))


def changed(source: Path, target: Path, **columns: pl.Expr) -> Path:
    """Writes a copy of a Parquet source with some columns changed."""
    pl.read_parquet(source).with_columns(**columns).write_parquet(target)
    return target

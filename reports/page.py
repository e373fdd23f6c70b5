"""The report as one HTML page that needs no other file."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Any

RUNS_SHOWN = 14


def render(manifest: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> str:
    """The page of a run, against the last runs (the run itself is the last of them)."""
    return f"<!doctype html><pre>{escape(json.dumps(manifest['quality'], indent=1))}</pre>"


def rows_of(page: str, user: int) -> int:
    """How many rows of a page tell of a user."""
    return page.count(f'<tr data-user="{user}">')


def without_rows_of(page: str, users: Collection[int]) -> str:
    """A page without the rows that tell of some users; nothing else in it names anybody."""
    for user in users:
        page = re.sub(rf'<tr data-user="{user}">.*?</tr>\n?', "", page, flags=re.DOTALL)
    return page

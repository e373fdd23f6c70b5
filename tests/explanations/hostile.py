"""Bios that try to steer a model, and what an obedient model would write: `hostile.jsonl`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

PATH = Path(__file__).parent / "hostile.jsonl"


@dataclass(frozen=True)
class Hostile:
    """A bio, and the sentence or the whole answer that an obedient model would write."""

    kind: str
    language: str
    bio: str
    leads_to: str
    answer: str | None


def read_hostile() -> list[Hostile]:
    """Returns all of them; `times` repeats a bio, `answer_times` an answer."""
    rows = [json.loads(line) for line in PATH.read_text(encoding="utf-8").splitlines()]
    return [
        Hostile(
            row["kind"],
            row["language"],
            row["bio"] * row.get("times", 1),
            row.get("leads_to", ""),
            row["answer"] * row.get("answer_times", 1) if "answer" in row else None,
        )
        for row in rows
    ]

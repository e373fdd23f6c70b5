"""The markers that tests/conftest.py adds by file."""

from __future__ import annotations

from tests.conftest import MARKERS


def test_every_marked_file_exists() -> None:
    assert [str(path) for path in MARKERS if not path.exists()] == []

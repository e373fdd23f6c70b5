"""The result of one check of `hertz doctor`."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Finding(NamedTuple):
    """The result of one check; after a fault a night cannot be published or served."""

    verdict: Literal["ok", "warning", "fault"]
    found: str
    fix: str = ""  # what to do about it

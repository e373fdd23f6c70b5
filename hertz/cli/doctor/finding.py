"""The result of one check of `hertz doctor`."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Finding(NamedTuple):
    """The result of one check.

    Attributes:
        verdict: "fault" if a night cannot be published or served because of it.
        found: State in words.
        fix: What to do about it; empty if there is nothing to do.
    """

    verdict: Literal["ok", "warning", "fault"]
    found: str
    fix: str = ""

"""How the server logs: an error by its type and place, never by its message or its trace.

A message may quote a profile; where it happened is enough to find it.
"""

from __future__ import annotations

from types import TracebackType

from uvicorn.logging import DefaultFormatter

from stages.logs import place_of

_Error = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class PlainFormatter(DefaultFormatter):
    """Uvicorn's formatter with one line an exception."""

    def formatException(self, ei: _Error) -> str:
        """The error's type, and file and line of the innermost call."""
        return place_of(ei)

"""Keeps the sessions of the console: a browser cannot send X-API-Key, so it gets a cookie.

The cookie is a random token, of which only the digest is kept, in memory: a restart signs everyone
out. A session also ends after some time without use, at its greatest age, and with its key.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from typing import NamedTuple

from hertz.api.middleware.rate_limit import RateLimit
from hertz.api.middleware.security import Keys

IDLE_SECONDS = 30 * 60
MAX_AGE_SECONDS = 8 * 60 * 60
_MAX_SESSIONS = 1000  # one more ends the session that was unused for longest
_ATTEMPTS_PER_SECOND = 0.2
_ATTEMPTS_BURST = 20


class _Session(NamedTuple):
    """An open session: digest of its key, and when it began and was last used."""

    key: bytes
    begun: float
    used: float


class Sessions:
    """The open sessions of one server.

    Attributes:
        needed: Whether browsers have to sign in, which is so if an API key is configured.
        attempts: Limit of the attempts to sign in, by address.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._open: dict[bytes, _Session] = {}
        self._changing = threading.Lock()
        self.attempts = RateLimit(_ATTEMPTS_PER_SECOND, _ATTEMPTS_BURST)
        self.needed = keys.configured

    def begin(self, key: str, now: float) -> str | None:
        """Begins a session and returns its token; None if the key is not accepted."""
        key_digest = self._keys.digest(key.encode())
        if key_digest is None:
            return None
        token = secrets.token_urlsafe(32)
        with self._changing:
            if len(self._open) >= _MAX_SESSIONS:
                del self._open[min(self._open, key=lambda digest: self._open[digest].used)]
            self._open[_digest(token)] = _Session(key_digest, now, now)
        return token

    def holds(self, token: str, now: float) -> bool:
        """Returns whether a token belongs to an open session, and notes that it was used."""
        digest = _digest(token)
        with self._changing:
            found = self._open.pop(digest, None)
            if found is None or not self._is_open(found, now):
                return False
            self._open[digest] = found._replace(used=now)
        return True

    def end(self, token: str) -> None:
        """Ends a session."""
        with self._changing:
            self._open.pop(_digest(token), None)

    def _is_open(self, session: _Session, now: float) -> bool:
        """Returns whether a session has not expired and its key is still accepted."""
        old = now - session.used > IDLE_SECONDS or now - session.begun > MAX_AGE_SECONDS
        return not old and self._keys.holds(session.key)


def _digest(token: str) -> bytes:
    """Returns the digest under which a session is kept."""
    return hashlib.sha256(token.encode()).digest()

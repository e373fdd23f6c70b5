"""Who is signed in to the console: a browser cannot send X-API-Key, so it gets a cookie for one.

In: the accepted keys, and a key that someone typed. Out: a random token for the cookie; it says
nothing of the key, and is kept here as a digest only, in memory: a restart signs everyone out. A
session ends when it is left alone, when it is old, when it is signed out, and as soon as its key is
no longer accepted.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from typing import NamedTuple

from hertz.api.middleware.guard import RateLimit
from hertz.api.middleware.security import Keys

IDLE_SECONDS = 30 * 60
LONGEST_SECONDS = 8 * 60 * 60
_MOST = 1000  # sessions at a time; the longest unused makes room
_GUESSES_A_SECOND, _GUESSES_AT_ONCE = 0.2, 20


class _Session(NamedTuple):
    key: bytes
    begun: float
    used: float


class Sessions:
    """The open sessions of one server.

    Attributes:
        needed: Whether anyone has to sign in: not where no key is configured.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._open: dict[bytes, _Session] = {}
        self._changing = threading.Lock()
        self._guesses = RateLimit(_GUESSES_A_SECOND, _GUESSES_AT_ONCE)
        self.needed = keys.configured

    def wait(self, address: str, now: float) -> float:
        """Take one attempt to sign in; 0.0, or the seconds until this address has another."""
        return self._guesses.wait(address, now)

    def begin(self, key: str, now: float) -> str | None:
        """A token for whoever has this key; None where it is not accepted."""
        digest = self._keys.digest(key.encode())
        if digest is None:
            return None
        token = secrets.token_urlsafe(32)
        with self._changing:
            if len(self._open) >= _MOST:
                del self._open[min(self._open, key=lambda name: self._open[name].used)]
            self._open[_name(token)] = _Session(digest, now, now)
        return token

    def holds(self, token: str, now: float) -> bool:
        """Whether the token is of an open session, which is then kept for another while."""
        name = _name(token)
        with self._changing:
            found = self._open.pop(name, None)
            if found is None or not self._lasts(found, now):
                return False
            self._open[name] = found._replace(used=now)
        return True

    def end(self, token: str) -> None:
        """Sign out."""
        with self._changing:
            self._open.pop(_name(token), None)

    def _lasts(self, session: _Session, now: float) -> bool:
        old = now - session.used > IDLE_SECONDS or now - session.begun > LONGEST_SECONDS
        return not old and self._keys.holds(session.key)


def _name(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

"""Accepts API keys, several at once, from the environment or a file.

They are in HERTZ_API_KEYS (separated by commas), HERTZ_API_KEYS_FILE or [api] keys_file (one key a
line, lines with # are comments). The file is read again when it changes, so that a key can be
replaced without a restart. Only digests are kept.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import os
import time
from collections.abc import Iterable
from pathlib import Path

from hertz.core.errors import PolicyError
from hertz.storage.files import stamp

logger = logging.getLogger(__name__)

MIN_LENGTH = 16
_CHECK_SECONDS = 0.5


class Keys:
    """The accepted API keys; without any, everyone on this machine may call.

    Attributes:
        configured: Whether there are keys or a file of keys.
    """

    def __init__(self, keys: Iterable[str] = (), file: Path | None = None) -> None:
        """Reads the keys, and those in a file, which is read again whenever it changes.

        Raises:
            PolicyError: A key is too short, or the file cannot be read or has none.
        """
        self._given = _digests(keys, "HERTZ_API_KEYS")
        self._file = file
        self._stamp: list[int] = []
        self._checked = 0.0
        self._accepted = self._given
        if file is not None:
            self._accepted = self._given | _read(file)
            self._stamp = stamp(file)
        self.configured = file is not None or bool(self._given)

    def caller(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
        """Returns the digest of the accepted key in `X-API-Key` or `Authorization: Bearer`."""
        for name, value in headers:
            if name == b"x-api-key":
                return self.digest(value)
            if name == b"authorization" and value[:7].lower() == b"bearer ":
                return self.digest(value[7:].strip())
        return None

    def digest(self, key: bytes) -> bytes | None:
        """Returns the digest of an accepted key; None for any other key."""
        digest = hashlib.sha256(key).digest()
        return digest if self.holds(digest) else None

    def holds(self, digest: bytes) -> bool:
        """Returns whether the key of a digest is accepted now.

        Every accepted digest is compared, each in constant time, so that the time says nothing.
        """
        self._follow_file()
        return any([hmac.compare_digest(digest, known) for known in self._accepted])

    def _follow_file(self) -> None:
        """Reads the file again if it changed; if it cannot be read, the keys stay as they are."""
        if self._file is None or time.monotonic() < self._checked + _CHECK_SECONDS:
            return
        self._checked = time.monotonic()
        try:
            now = stamp(self._file)
            if now == self._stamp:
                return
            self._accepted = self._given | _read(self._file)
        except (OSError, PolicyError) as error:
            logger.warning("the API keys stay as they were: %s", error)
            return
        self._stamp = now
        logger.info("API keys read again: %d accepted", len(self._accepted))


def keys_from_environment(keys_file: Path | None) -> Keys:
    """Returns the keys of the environment and of its file, or else the settings' file, of keys.

    Raises:
        PolicyError: A key is too short, or the file cannot be read or has none.
    """
    named = os.environ.get("HERTZ_API_KEYS_FILE")
    given = os.environ.get("HERTZ_API_KEYS", "").split(",")
    return Keys((key.strip() for key in given if key.strip()), Path(named) if named else keys_file)


def check_address(host: str, keys: Keys) -> None:
    """Refuses to serve other machines without keys.

    Raises:
        PolicyError: The address is not loopback and no key is configured.
    """
    if not keys.configured and not _is_loopback(host):
        message = (
            f"api.host = {host!r}: without API keys only this machine may call (127.0.0.1); set "
            "HERTZ_API_KEYS, or name a file of keys in HERTZ_API_KEYS_FILE or [api] keys_file"
        )
        raise PolicyError(message)


def _is_loopback(host: str) -> bool:
    """Returns whether an address or name is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read(file: Path) -> frozenset[bytes]:
    """Returns the digests of the keys in a file."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"{file}: the API keys cannot be read ({type(error).__name__}); one key a line"
        raise PolicyError(message) from error
    found = _digests((s for s in map(str.strip, lines) if s and not s.startswith("#")), str(file))
    if not found:
        message = f"{file}: holds no API key; write one a line, {MIN_LENGTH} characters or more"
        raise PolicyError(message)
    return found


def _digests(keys: Iterable[str], source: str) -> frozenset[bytes]:
    """Returns the digests of keys, each of which must be long enough."""
    found = list(keys)
    for position, key in enumerate(found, start=1):
        if len(key) < MIN_LENGTH:
            message = (
                f"{source}: key {position} has {len(key)} characters, expected {MIN_LENGTH} or "
                "more; make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
            raise PolicyError(message)
    return frozenset(hashlib.sha256(key.encode()).digest() for key in found)

"""Makes tombstones: keyed hashes by which the ids of forgotten users are recognized.

A tombstone is an HMAC-SHA256 with the home's random key (erasure.key, readable by its owner only).
Without the key it reveals nothing; with it, one can check whether a given id was forgotten.
"""

from __future__ import annotations

import hmac
import os
from contextlib import suppress
from pathlib import Path

from hertz.core.errors import StorageError
from hertz.storage.files import sync

KEY_FILE = "erasure.key"
KEY_BYTES = 32


class Tombstones:
    """Makes the tombstones of a home.

    Args:
        fresh: Whether a missing key may be made, because no tombstone was made with an earlier one.

    Raises:
        StorageError: If the key is lost, damaged, or cannot be written.
    """

    def __init__(self, home: Path, fresh: bool) -> None:
        path = home / KEY_FILE
        try:
            if fresh and not path.exists():
                _make_key(path)
            self._key = path.read_bytes()
        except OSError as error:
            message = (
                f"{path}: cannot be used ({error.strerror}); restore it from a backup; without it"
                " forgotten users cannot be recognized"
            )
            raise StorageError(message) from error
        if len(self._key) != KEY_BYTES:
            message = f"{path}: has {len(self._key)} bytes, expected {KEY_BYTES}; restore it"
            raise StorageError(message)

    def of(self, user_id: int) -> bytes:
        """Returns the tombstone of an id, 32 bytes."""
        return hmac.digest(self._key, b"user %d" % user_id, "sha256")


def _make_key(path: Path) -> None:
    """Makes the key; of two processes that do so at once, the first one's key stays."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(os.urandom(KEY_BYTES))
        file.flush()
        os.fsync(descriptor)
    try:
        with suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        temporary.unlink()
    sync(path.parent)

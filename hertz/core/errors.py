"""Every error Hertz raises on purpose. The message gives the value, what was expected, and the fix.

HertzError
├── PolicyError      hertz.toml does not say something sensible (shown at start)
├── SourceError      the profiles cannot be read at all (a bad row is quarantined instead)
├── ModelError       an embedding or language model cannot be loaded
├── GateError        a run's figures are outside the policy's limits: it is kept aside
├── GenerationError  the language model's engine died and did not come back
└── StorageError     the home cannot be read or written
    ├── SnapshotError    a snapshot is missing, incomplete or corrupted
    ├── LockedError      another run holds the home
    └── IntakeFullError  the disk took no more of what was sent to the intake
"""

from __future__ import annotations


class HertzError(Exception):
    """Base of all expected failures: the command line prints it without a traceback."""


class PolicyError(HertzError):
    """The policy is wrong: names the key, the value and what is accepted."""


class SourceError(HertzError):
    """The profile source cannot be read: names the file and the fix."""


class ModelError(HertzError):
    """A model cannot be loaded: names the model, what was tried and the fix."""


class GenerationError(HertzError):
    """The language model's engine failed in the middle of a run."""


class GateError(HertzError):
    """A run is not published: its figures are outside the policy's floors and ceilings."""


class StorageError(HertzError):
    """The home directory cannot be read or written."""


class SnapshotError(StorageError):
    """A snapshot is missing, incomplete or does not match its checksums."""


class LockedError(StorageError):
    """Another run holds the home."""


class IntakeFullError(StorageError):
    """The disk is full: what was sent to the intake was not taken, none of it."""

"""The errors that Hertz raises. A message gives the value, what is accepted, and the fix.

HertzError
├── PolicyError      hertz.toml is not valid (found at the start)
├── SourceError      the profiles cannot be read at all (a single bad row is quarantined)
├── ModelError       an embedding or language model cannot be loaded
├── GateError        a run's figures are outside the gate's limits: the run is held
├── GenerationError  the language model's engine failed and could not be restarted
└── StorageError     the home cannot be read or written
    ├── SnapshotError    a snapshot is missing, incomplete or corrupted
    ├── LockedError      another run holds the home
    └── IntakeFullError  the disk has no room for what was sent to the intake
"""

from __future__ import annotations


class HertzError(Exception):
    """The base of all expected failures, which the command line prints without a traceback."""


class PolicyError(HertzError):
    """The policy is not valid; the message names the key, the value and what is accepted."""


class SourceError(HertzError):
    """The source cannot be read; the message names the file and the fix."""


class ModelError(HertzError):
    """A model cannot be loaded; the message names the model, what was tried and the fix."""


class GenerationError(HertzError):
    """The language model's engine failed during a run."""


class GateError(HertzError):
    """A run is held, not published: its figures are outside the gate's limits."""


class StorageError(HertzError):
    """The home cannot be read or written."""


class SnapshotError(StorageError):
    """A snapshot is missing, incomplete or does not match its checksums."""


class LockedError(StorageError):
    """Another run has locked the home."""


class IntakeFullError(StorageError):
    """The disk is full; nothing of what was sent to the intake was stored."""

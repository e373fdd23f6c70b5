"""Defines the errors of Hertz. A message gives the value, what is accepted, and the fix."""

from __future__ import annotations


class HertzError(Exception):
    """The base of all expected failures, which the command line prints without a traceback."""


class PolicyError(HertzError):
    """`hertz.toml` is not valid; the message names the key, the value and what is accepted."""


class SourceError(HertzError):
    """The source cannot be read at all; the message names the file and the fix."""


class ModelError(HertzError):
    """A model cannot be loaded; the message names the model, what was tried and the fix."""


class GenerationError(HertzError):
    """The language model's engine failed during a run and could not be restarted."""


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

"""Errors a user can act on.

Each message is one line with four facts: what was received, where, what was expected, and what
to do. The class decides the exit status of the command that meets it; anything that is not an
:class:`AlertlibError` is a bug and exits 70.
"""

from __future__ import annotations


class AlertlibError(Exception):
    """Base of every error that is the input's or the machine's doing, not a bug."""

    exit_status = 70


class ConfigError(AlertlibError):
    """Usage or configuration: an option, a key or a value that cannot be accepted."""

    exit_status = 2


class DetectorError(ConfigError):
    """A detector's own code that raises, or answers what is no answer, at a bar."""


class DataError(AlertlibError):
    """Bars or labels that are missing, unreadable or too few."""

    exit_status = 3


class StorageError(AlertlibError):
    """A database or disk that cannot be read or written."""

    exit_status = 4


class BusyError(AlertlibError):
    """Another process already holds the same store, database or port."""

    exit_status = 5


class AuditError(AlertlibError):
    """A detector that failed its audits (:func:`alertlib.check`)."""

    exit_status = 1


class AlertlibWarning(UserWarning):
    """Something a user should know that changes no result, one line as well."""

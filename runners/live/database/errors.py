"""SQLite's and the system's complaints as one line that says what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile

from alertlib.errors import StorageError

_REASONS = (
    ("SQLITE_FULL", "the disk is full", "free space and start again"),
    ("SQLITE_READONLY", "the database is read-only", "make file and folder writable"),
    ("SQLITE_BUSY", "another program holds the database locked", "close it and start again"),
    ("SQLITE_LOCKED", "another program holds the database locked", "close it and start again"),
    ("SQLITE_CORRUPT", "the database is damaged", "keep the file and restore a backup"),
    ("SQLITE_NOTADB", "this is not a database", "give the path of an alert database"),
    ("SQLITE_CANTOPEN", "the database cannot be opened", "check the path and its permissions"),
    ("SQLITE_PERM", "access denied", "check the permissions of file and folder"),
    ("SQLITE_CONSTRAINT", "the database refuses the change", "run runners.audit verify"),
    ("SQLITE_NOLFS", "the file is too large", "free space and start again"),
    ("SQLITE_IOERR", "the disk fails", "check disk and file system, then start again"),
)
READ_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged database raises; the second when SQLite quotes it in its message."""

_TOO_LARGE = (errno.EFBIG, errno.ENOSPC, *([errno.EDQUOT] if hasattr(errno, "EDQUOT") else ()))
_PROBE_BYTES = 1 << 20


def storage_error(path: str, doing: str, error: Exception) -> StorageError:
    """Return the error to raise for ``error`` met while ``doing`` something to ``path``."""
    if isinstance(error, StorageError):
        return error
    if isinstance(error, UnicodeDecodeError):
        return StorageError(
            f"{path}: the database is damaged ({doing}: not UTF-8); keep the file and restore a "
            "backup"
        )
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", None) or ""
        if name.startswith("SQLITE_IOERR") and _is_full(os.path.dirname(path)):
            return StorageError(f"{path}: the disk is full ({doing}: {error} [{name}]); free space")
        for prefix, reason, advice in _REASONS:
            if name.startswith(prefix):
                return StorageError(f"{path}: {reason} ({doing}: {error} [{name}]); {advice}")
        return StorageError(f"{path}: {doing} failed: {error} [{name or type(error).__name__}]")
    if isinstance(error, OSError):
        full = error.errno in _TOO_LARGE
        reason = "the disk is full" if full else (error.strerror or str(error))
        advice = "free space" if full else "check the path and its permissions"
        return StorageError(f"{path}: {reason} ({doing}); {advice}")
    return StorageError(f"{path}: {doing} failed: {type(error).__name__}: {error}; this is a bug")


def _is_full(folder: str) -> bool:
    """Whether ``folder`` takes no new bytes: SQLite calls a full disk an I/O error where it meets
    it outside of a write, and a spent quota anywhere."""
    try:
        with tempfile.TemporaryFile(dir=folder or ".") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno in _TOO_LARGE
    return False

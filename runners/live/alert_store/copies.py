"""A copy of the database made while it is in use, and a copy put in its place."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from alertlib.errors import ConfigError, StorageError
from alertlib.market.clock import utc_stamp
from runners.live.alert_store.opening import make_folder, open_database, sync_folder
from runners.live.audit_log.log import AuditLog, open_log
from runners.live.audit_log.pruning import TamperedError
from runners.live.audit_log.verify import Report, verify
from runners.live.database import lock
from runners.live.database.errors import READ_ERRORS, storage_error
from runners.live.database.mark import MarkFile, mark_path
from runners.live.database.place import require_file
from runners.live.database.schema import newer_version

_OF_WRITING = (
    "SQLITE_FULL",
    "SQLITE_READONLY",
    "SQLITE_IOERR_WRITE",
    "SQLITE_IOERR_FSYNC",
    "SQLITE_IOERR_TRUNCATE",
)

_WANTED = "a copy that runners.audit backup has made"


class Restored(NamedTuple):
    """What a restore has put in place, and what it has moved away."""

    report: Report
    epoch: str
    kept: str | None


def backup(log: AuditLog, target: str) -> Report:
    """Copy the database of ``log``, as of one moment, to a new file with its mark, both 0600.

    A daemon goes on writing meanwhile. The copy was read through and verified; it starts under
    a new epoch wherever it is put.

    Raises
    ------
    ConfigError
        There is a file already.
    TamperedError
        The copy does not verify; there is none then.
    StorageError
        It cannot be written, or the log not be read.
    """
    for path in (target, mark_path(target)):
        if os.path.lexists(path):
            raise ConfigError(f"{path}: exists already, expected a new name for the copy")
    with _staged(target) as staged:
        _copy(log, staged, target)
        report = _verified(staged, target, None)
        _write_mark(staged, target, report)
        os.replace(staged, target)
        sync_folder(os.path.dirname(os.path.abspath(target)))
    return report


def restore(source: str, path: str, *, now: float, anchor: tuple[int, str] | None) -> Restored:
    """Put a copy of ``source`` in the place of the database at ``path``, under a new epoch.

    What was there is kept beside it under another name.

    Parameters
    ----------
    source, path : str
    now : float
        Unix seconds.
    anchor : (int, str), optional
        Number and hash of an event that the copy has to contain.

    Raises
    ------
    BusyError
        A daemon runs on ``path``.
    TamperedError
        ``source`` does not verify; nothing was changed.
    DataError, StorageError
        It is missing, not a database of ours or of a newer version; ``path`` cannot be written.
    """
    real = os.path.realpath(path)
    if real == os.path.realpath(source):
        raise ConfigError(f"{source}: is the database itself, expected a backup of it")
    lock.refuse_if_held_here(real)
    require_file(real)
    try:
        make_folder(os.path.dirname(real))
    except OSError as error:
        raise storage_error(real, "creating its folder", error) from error
    _require_free(real)
    with _staged(real) as staged, open_log(source, _WANTED) as log:
        if (newer := newer_version(log.connection)) is not None:
            raise StorageError(f"{source}: {newer}; install that version")
        _copy(log, staged, real)
        report = _verified(staged, source, anchor)
        kept = _put_in_place(staged, real, now)
        sync_folder(os.path.dirname(real))
    opened = open_database(real, create=False, now=now, restored=source)
    try:
        epoch = opened.writer.execute("SELECT epoch FROM meta").fetchone()[0]
    finally:
        opened.close(whole=True)
    return Restored(report, str(epoch), kept)


@contextmanager
def _staged(target: str) -> Iterator[str]:
    """Give the name of a new, empty file beside ``target``, which is gone at the end."""
    staged = f"{target}.new"
    try:
        with suppress(FileNotFoundError):
            os.unlink(staged)  # of a copy that was interrupted
        os.close(os.open(staged, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        yield staged
    except OSError as error:
        raise storage_error(target, "writing", error) from error
    finally:
        for name in (staged, f"{staged}-journal", f"{staged}-wal", f"{staged}-shm"):
            with suppress(OSError):
                os.unlink(name)


def _copy(log: AuditLog, staged: str, target: str) -> None:
    uri = f"{Path(os.path.abspath(staged)).as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as copy:
            log.connection.backup(copy)
            # One file, readable where nothing can be written beside it.
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()
    except READ_ERRORS as error:
        is_targets = (getattr(error, "sqlite_errorname", None) or "").startswith(_OF_WRITING)
        raise storage_error(target if is_targets else log.path, "copying", error) from error
    descriptor = os.open(staged, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _verified(staged: str, subject: str, anchor: tuple[int, str] | None) -> Report:
    with open_log(staged) as copy:
        report = verify(copy, anchor)
    if not report.intact:
        raise TamperedError(
            f"{subject}: the copy does not verify ({report.findings[0]}); nothing was changed; "
            "run python -m runners.audit verify"
        )
    return report


def _write_mark(staged: str, target: str, report: Report) -> None:
    with closing(sqlite3.connect(staged)) as copy:
        (epoch,) = copy.execute("SELECT epoch FROM meta").fetchone()
    mark = MarkFile(target, epoch, os.stat(staged))
    try:
        mark.note(report.head, report.head_hash)
        mark.copy()
    finally:
        mark.close()


def _require_free(path: str) -> None:
    """Raise BusyError if a daemon runs on ``path``."""
    if not os.path.exists(path):
        return
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError as error:
        raise storage_error(path, "opening", error) from error
    try:
        lock.acquire(descriptor, path)
    finally:
        lock.release(descriptor)


def _put_in_place(staged: str, path: str, now: float) -> str | None:
    """Rename ``staged`` to ``path`` and what is there to another name, which is returned.

    A kill at any moment leaves something under the name that a start takes or refuses, never
    nothing, from which it would begin anew.
    """
    _require_free(path)
    kept = f"{path}.before-{utc_stamp(now).replace(':', '')}"
    existed = os.path.exists(path)
    if existed:
        try:
            os.link(path, kept)
        except OSError:  # a file system without links
            os.rename(path, kept)
    # Its WAL must never be left for another database. Its mark refuses both until all is done.
    _rename_if_there(f"{path}-wal", f"{kept}-wal")
    _rename_if_there(f"{path}-shm", f"{kept}-shm")
    os.replace(staged, path)
    _rename_if_there(mark_path(path), mark_path(kept))
    return kept if existed else None


def _rename_if_there(name: str, other: str) -> None:
    with suppress(FileNotFoundError):
        os.rename(name, other)

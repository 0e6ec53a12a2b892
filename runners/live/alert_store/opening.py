"""Opening the database: folder, file, lock, and what can be checked at a start in no time."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from alertlib.errors import BusyError, DataError, StorageError
from alertlib.market.clock import utc_stamp
from runners.live.audit_log.tail import check_tail
from runners.live.database import lock, schema
from runners.live.database.creation import Creation
from runners.live.database.epoch import new_epoch, renew, why_renew
from runners.live.database.errors import READ_ERRORS, storage_error
from runners.live.database.mark import NO_LINKS, MarkFile, mark_path, read_mark
from runners.live.database.migrations import migrate, pending
from runners.live.database.place import require_file

_MAGIC = b"SQLite format 3\0"
_PROBE_MS = 1_500
_PROBE_BYTES = 1 << 20

# SQLite folds the WAL in at this size, inside a COMMIT; the writer does it earlier, in a quiet
# moment, when it can.
_FORCED_FOLD_PAGES = 2_000

_log = logging.getLogger("alertas.store")


class Opened(NamedTuple):
    """An open database: its real path, the locked descriptor, two connections, the mark.

    And what was created for it, should it have to go again.
    """

    path: str
    descriptor: int
    writer: sqlite3.Connection
    reader: sqlite3.Connection
    mark: MarkFile
    creation: Creation

    def close(self, *, whole: bool, undo: bool = False) -> None:
        """Close everything and unlock; SQLite first, for the lock is on its file.

        Parameters
        ----------
        whole : bool
            Whether everything was written, so that the file can be told from a copy of it.
        undo : bool
            Whether to remove what this opening has created.
        """
        self.reader.close()
        self.writer.close()
        with suppress(OSError):
            if whole:
                os.fsync(self.descriptor)  # or a power cut could take the time back
                self.mark.shut(os.fstat(self.descriptor))
        self.mark.close()
        _unlock(self.descriptor, self.creation if undo else None)


def open_database(path: str, *, create: bool, now: float, restored: str | None = None) -> Opened:
    """Lock, open and check the database at ``path``; see :meth:`Store.open`.

    With ``restored``, what it was restored from, it takes a new epoch whatever its mark says.
    """
    real = os.path.realpath(path)
    lock.refuse_if_held_here(real)
    require_file(real)
    creation = Creation(real)
    try:
        descriptor, is_new = _open_file(real, create)
    except BaseException:
        creation.undo()
        raise
    try:
        lock.acquire(descriptor, real)
        creation.claim(descriptor, created=is_new)
        try:
            _require_sqlite(real, descriptor)
            return _connect(real, descriptor, now, restored, creation, may_be_empty=is_new)
        except (*READ_ERRORS, OSError) as error:
            raise storage_error(real, "opening", error) from error
    except BaseException as error:
        _unlock(descriptor, None if isinstance(error, BusyError) else creation)
        raise


def _unlock(descriptor: int, undone: Creation | None) -> None:
    """Let go of the file, and remove what was created for it, nobody else having it meanwhile."""
    if undone is not None and os.name != "nt":
        undone.undo()
    lock.release(descriptor)
    if undone is not None and os.name == "nt":
        undone.undo()  # there what is open cannot be removed, by nobody


def _open_file(path: str, create: bool) -> tuple[int, bool]:
    """Open the file, creating it if need be; return also whether it was created."""
    if not create and not os.path.exists(path):
        raise DataError(f"{path}: no database here; give the path of an existing one with --db")
    flags = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    folder = os.path.dirname(path)
    try:
        touched = [folder, *make_folder(folder)]
        if os.path.exists(path):
            return os.open(path, flags), False
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:  # another start, at the same moment
            return os.open(path, flags), False
        for place in touched:
            sync_folder(place)  # the names, too, have to survive a power cut
    except OSError as error:
        raise storage_error(path, "opening", error) from error
    return descriptor, True


def make_folder(folder: str) -> list[str]:
    """Create ``folder``, for its owner alone; return the folders that have a new name in them."""
    if os.path.isdir(folder):
        return []
    parent = os.path.dirname(folder)
    touched = make_folder(parent)
    os.mkdir(folder, 0o700)
    return [*touched, parent]


def sync_folder(folder: str) -> None:
    """Wait until the disk has the names in ``folder``."""
    if os.name == "nt":
        return  # NTFS journals names; a folder cannot be opened to be synced
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_sqlite(path: str, descriptor: int) -> None:
    # Through the locked descriptor: another open() and close() of the file would be able to
    # drop SQLite's locks later.
    os.lseek(descriptor, 0, os.SEEK_SET)
    magic = os.read(descriptor, len(_MAGIC))
    if magic not in (b"", _MAGIC):
        raise StorageError(
            f"{path}: not an SQLite database (it begins with {magic!r}); give another --db"
        )


def _connect(
    path: str,
    descriptor: int,
    now: float,
    restored: str | None,
    creation: Creation,
    *,
    may_be_empty: bool,
) -> Opened:
    uri = Path(path).as_uri()
    reader = _connection(f"{uri}?mode=ro", cache_kib=256)
    try:
        reader.execute("PRAGMA query_only = ON")
        mark = read_mark(path)
        empty = _is_empty(reader, path)
        if not empty:
            # Before anything is open for writing: closing it would fold a cut WAL in, for good.
            check_tail(reader, path, mark)
        elif mark is not None and not may_be_empty:
            raise StorageError(
                f"{path}: the file is empty, but {mark.seq} events were acknowledged; restore a "
                f"backup, or remove {mark_path(path)} to begin anew"
            )
        reason = restored and f"restored from {restored}"
        if reason is None and not empty:
            reason = why_renew(mark, _epoch(reader), os.fstat(descriptor))
        writer = _connection(f"{uri}?mode=rw", cache_kib=2_000)
        try:
            _prepare_writer(writer, path, now, reason, created=empty)
            mark_file = _noted(path, writer, os.fstat(descriptor))
        except BaseException:
            writer.close()
            raise
    except BaseException:
        reader.close()
        raise
    return Opened(path, descriptor, writer, reader, mark_file, creation)


def _epoch(connection: sqlite3.Connection) -> str:
    return str(connection.execute("SELECT epoch FROM meta").fetchone()[0])


def _noted(path: str, connection: sqlite3.Connection, status: os.stat_result) -> MarkFile:
    row = connection.execute("SELECT epoch, audit_seq, audit_hash FROM meta").fetchone()
    mark = MarkFile(path, row[0], status)
    mark.note(row[1], row[2])
    return mark


def look(path: str) -> str:
    """Say what a start would find in the database at ``path``, changing nothing.

    Raises
    ------
    StorageError
        A start would refuse it.
    """
    real = os.path.realpath(path)
    uri = Path(real).as_uri()
    try:
        status = os.stat(real)
        mark = read_mark(real)
        # SQLite takes a file of a few bytes, whatever they are, for an empty database, and one
        # that may not be written for one to read.
        with open(real, "r+b") as file:
            _require_sqlite(real, file.fileno())
        with closing(_connection(f"{uri}?mode=ro", cache_kib=256)) as connection:
            if _is_empty(connection, real):
                return "empty, will be filled"
            check_tail(connection, real, mark)
            found = [f"{connection.execute('SELECT alert_seq FROM meta').fetchone()[0]} messages"]
            steps = pending(connection)
            reason = why_renew(mark, _epoch(connection), status)
        with closing(_connection(f"{uri}?mode=rw", cache_kib=256)) as connection:
            _require_lockable(connection)
    except (*READ_ERRORS, OSError) as error:
        raise storage_error(real, "opening", error) from error
    if steps:
        found.append(f"will be migrated: {', '.join(steps)}")
    if reason is not None:
        found.append(f"will take a new epoch: {reason}")
    return "; ".join(found)


def _is_empty(connection: sqlite3.Connection, path: str) -> bool:
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return True
    if connection.execute("PRAGMA application_id").fetchone()[0] != schema.APPLICATION_ID:
        raise StorageError(f"{path}: a database of another program; give another --db")
    return False


def _connection(uri: str, cache_kib: int) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_PROBE_MS / 1_000
    )
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    return connection


def _prepare_writer(
    writer: sqlite3.Connection, path: str, now: float, reason: str | None, *, created: bool
) -> None:
    mode = writer.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StorageError(
            f"{path}: write-ahead log refused (journal mode {mode!r}); the database must be on a "
            "local disk"
        )
    writer.execute("PRAGMA synchronous = FULL")
    writer.execute(f"PRAGMA wal_autocheckpoint = {_FORCED_FOLD_PAGES}")
    if created:
        schema.create(writer, new_epoch(), utc_stamp(now))
    else:
        _require_lockable(writer)
        _bring_up_to_date(writer, path, now, reason)
    if created or reason is not None:
        # A name that a cut WAL could take back would be worth nothing.
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    schema.guard_writer(writer)


def _require_lockable(connection: sqlite3.Connection) -> None:
    # Find out now, not at the first alert, that nothing can be written.
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")


def _bring_up_to_date(
    writer: sqlite3.Connection, path: str, now: float, reason: str | None
) -> None:
    for name in migrate(writer, now):
        _log.info("database migrated", extra={"db": path, "migration": name})
    if reason is not None:
        renew(writer, reason, now)
        _log.info("database takes a new epoch", extra={"db": path, "reason": reason})


def can_write(path: str) -> bool:
    """Whether the folder of a database takes new bytes. Never touches the database itself."""
    probe = f"{path}.probe"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | NO_LINKS | getattr(os, "O_BINARY", 0)
    try:
        with suppress(FileNotFoundError):
            os.unlink(probe)  # of a process that was killed; a link goes, what it names stays
        with open(os.open(probe, flags, 0o600), "wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.unlink(probe)
    except OSError:
        with suppress(OSError):
            os.unlink(probe)
        return False
    return os.access(path, os.W_OK)

"""Opening the database: folder, file, lock, and what can be checked at a start in no time."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from alertlib.errors import DataError, StorageError
from alertlib.market.clock import utc_stamp
from runners.live.audit_log.tail import check_tail
from runners.live.database import lock, schema
from runners.live.database.errors import READ_ERRORS, storage_error
from runners.live.database.mark import MarkFile, mark_path, read_mark

_MAGIC = b"SQLite format 3\0"
_PROBE_MS = 1_500
_PROBE_BYTES = 1 << 20

# SQLite folds the WAL in at this size, inside a COMMIT; the writer does it earlier, in a quiet
# moment, when it can.
_FORCED_FOLD_PAGES = 2_000


class Opened(NamedTuple):
    """An open database: its real path, the locked descriptor, two connections, the mark."""

    path: str
    descriptor: int
    writer: sqlite3.Connection
    reader: sqlite3.Connection
    mark: MarkFile

    def close(self) -> None:
        """Close everything and unlock; SQLite first, for the lock is on its file."""
        self.reader.close()
        self.writer.close()
        self.mark.close()
        lock.release(self.descriptor)


def open_database(path: str, *, create: bool, now: float) -> Opened:
    """Lock, open and check the database at ``path``; see :meth:`Store.open`."""
    real = os.path.realpath(path)
    lock.refuse_if_held_here(real)
    existed = os.path.exists(real)
    descriptor = _open_file(real, create)
    try:
        lock.acquire(descriptor, real)
        try:
            _require_sqlite(real, descriptor)
            return _connect(real, descriptor, now, may_be_empty=not existed)
        except (*READ_ERRORS, OSError) as error:
            raise storage_error(real, "opening", error) from error
    except BaseException:
        lock.release(descriptor)
        raise


def _open_file(path: str, create: bool) -> int:
    if not create and not os.path.exists(path):
        raise DataError(f"{path}: no database here; give the path of an existing one with --db")
    flags = os.O_RDWR | (os.O_CREAT if create else 0)
    flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    folder = os.path.dirname(path)
    try:
        touched = [folder, *_make_folder(folder)]
        existed = os.path.exists(path)
        descriptor = os.open(path, flags, 0o600)
        if not existed:
            for place in touched:
                _sync_folder(place)  # the names, too, have to survive a power cut
    except OSError as error:
        raise storage_error(path, "opening", error) from error
    return descriptor


def _make_folder(folder: str) -> list[str]:
    """Create ``folder``, for its owner alone; return the folders that have a new name in them."""
    if os.path.isdir(folder):
        return []
    parent = os.path.dirname(folder)
    touched = _make_folder(parent)
    os.mkdir(folder, 0o700)
    return [*touched, parent]


def _sync_folder(folder: str) -> None:
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


def _connect(path: str, descriptor: int, now: float, *, may_be_empty: bool) -> Opened:
    uri = Path(path).as_uri()
    reader = _connection(f"{uri}?mode=ro", cache_kib=256)
    try:
        reader.execute("PRAGMA query_only = ON")
        empty = _is_empty(reader, path)
        mark = read_mark(path)
        if not empty:
            # Before anything is open for writing: closing it would fold a cut WAL in, for good.
            check_tail(reader, path, mark)
        elif mark is not None and not may_be_empty:
            raise StorageError(
                f"{path}: the file is empty, but {mark.seq} events were acknowledged; restore a "
                f"backup, or remove {mark_path(path)} to begin anew"
            )
        writer = _connection(f"{uri}?mode=rw", cache_kib=2_000)
        try:
            _prepare_writer(writer, path, now if empty else None)
            mark_file = _noted(path, writer)
        except BaseException:
            writer.close()
            raise
    except BaseException:
        reader.close()
        raise
    return Opened(path, descriptor, writer, reader, mark_file)


def _noted(path: str, connection: sqlite3.Connection) -> MarkFile:
    row = connection.execute("SELECT epoch, audit_seq, audit_hash FROM meta").fetchone()
    mark = MarkFile(path, row[0])
    mark.note(row[1], row[2])
    return mark


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


def _prepare_writer(writer: sqlite3.Connection, path: str, created: float | None) -> None:
    mode = writer.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StorageError(
            f"{path}: write-ahead log refused (journal mode {mode!r}); the database must be on a "
            "local disk"
        )
    writer.execute("PRAGMA synchronous = FULL")
    writer.execute(f"PRAGMA wal_autocheckpoint = {_FORCED_FOLD_PAGES}")
    if created is not None:
        schema.create(writer, secrets.token_hex(8), utc_stamp(created))
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    else:
        # Find out now, not at the first alert, that nothing can be written.
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("ROLLBACK")
    schema.guard_writer(writer)


def can_write(path: str) -> bool:
    """Whether the folder of a database takes new bytes. Never touches the database itself."""
    probe = f"{path}.probe"
    try:
        with open(probe, "wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.unlink(probe)
    except OSError:
        with suppress(OSError):
            os.unlink(probe)
        return False
    return os.access(path, os.W_OK)

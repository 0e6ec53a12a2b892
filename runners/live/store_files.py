"""Opening the database: folder, file, lock, and what can be checked at a start in no time."""

from __future__ import annotations

import os
import secrets
import sqlite3
from pathlib import Path
from typing import NamedTuple

from alertlib.errors import DataError, StorageError
from runners.live import lock, schema
from runners.live.audit_tail import check_tail
from runners.live.audit_wal import require_intact_wal
from runners.live.chain import timestamp
from runners.live.store_errors import storage_error
from runners.live.store_writer import FORCED_FOLD_PAGES

_MAGIC = b"SQLite format 3\0"
_PROBE_MS = 1_500


class Opened(NamedTuple):
    """An open database: its real path, the locked descriptor, and two connections."""

    path: str
    descriptor: int
    writer: sqlite3.Connection
    reader: sqlite3.Connection


def open_database(path: str, *, create: bool, now: float) -> Opened:
    """Lock, open and check the database at ``path``; see :meth:`Store.open`."""
    real = os.path.realpath(path)
    lock.refuse_if_held_here(real)
    descriptor = _open_file(real, create)
    try:
        lock.acquire(descriptor, real)
        try:
            _require_sqlite(real, descriptor)
            require_intact_wal(real)
            return _connect(real, descriptor, now)
        except (sqlite3.Error, OSError) as error:
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


def _connect(path: str, descriptor: int, now: float) -> Opened:
    uri = Path(path).as_uri()
    writer = _connection(f"{uri}?mode=rw", cache_kib=2_000)
    try:
        _prepare_writer(writer, path, now)
        reader = _connection(f"{uri}?mode=ro", cache_kib=256)
        try:
            reader.execute("PRAGMA query_only = ON")
            check_tail(reader, path)
        except BaseException:
            reader.close()
            raise
    except BaseException:
        writer.close()
        raise
    return Opened(path, descriptor, writer, reader)


def _connection(uri: str, cache_kib: int) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_PROBE_MS / 1_000
    )
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    return connection


def _prepare_writer(writer: sqlite3.Connection, path: str, now: float) -> None:
    ours = writer.execute("PRAGMA application_id").fetchone()[0] == schema.APPLICATION_ID
    empty = not writer.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not ours and not empty:
        raise StorageError(f"{path}: a database of another program; give another --db")
    mode = writer.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StorageError(
            f"{path}: write-ahead log refused (journal mode {mode!r}); the database must be on a "
            "local disk"
        )
    writer.execute("PRAGMA synchronous = FULL")
    writer.execute(f"PRAGMA wal_autocheckpoint = {FORCED_FOLD_PAGES}")
    if empty:
        schema.create(writer, secrets.token_hex(8), timestamp(now))
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    else:
        # Find out now, not at the first alert, that nothing can be written.
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("ROLLBACK")
    schema.guard_writer(writer)

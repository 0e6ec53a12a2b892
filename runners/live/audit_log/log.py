"""Reading an audit log that may be in use, left by a killed daemon, or on a read-only disk.

Nothing here writes to the database, nor keeps its daemon from writing. Not for use inside the
daemon's own process: closing the file once more there would drop SQLite's locks on it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from alertlib.errors import DataError, StorageError
from runners.live.database import schema
from runners.live.database.chain import GENESIS, Record
from runners.live.database.errors import READ_ERRORS, storage_error
from runners.live.database.mark import Mark, read_mark
from runners.live.database.place import require_file

_CHUNK = 2_000
_LARGEST = 2**63 - 1  # of SQLite's integers
_SELECT = f"SELECT {', '.join(Record._fields)} FROM audit"
_MAGIC = b"SQLite format 3\0"


class Meta(NamedTuple):
    """What the database says of itself."""

    epoch: str
    created: str
    alert_seq: int
    audit_seq: int
    audit_hash: str
    pruned_seq: int
    legal_hold: int


class AuditLog:
    """A read-only view of the log at ``path``."""

    def __init__(
        self,
        path: str,
        connection: sqlite3.Connection,
        mark: Mark | None,
        folder: str | None = None,
    ) -> None:
        self.path = path
        self.connection = connection
        self._mark = mark
        self._folder = folder

    def meta(self) -> Meta | None:
        """Return the head the writer noted; None if its row is gone."""
        row = self.connection.execute(
            "SELECT epoch, created, alert_seq, audit_seq, audit_hash, pruned_seq, legal_hold "
            "FROM meta"
        ).fetchone()
        if row is None:
            return None
        if [type(value) for value in row] != [str, str, int, int, str, int, int]:
            raise sqlite3.DatabaseError("the head the writer noted is unreadable")
        return Meta(*row)

    def mark(self) -> tuple[int, str] | None:
        """Return number and hash of an event acknowledged before the log was opened.

        None if none was noted, or for another database of the same name.
        """
        meta = self.meta()
        if self._mark is None or meta is None or self._mark.epoch != meta.epoch:
            return None
        return self._mark.seq, self._mark.hash

    def contains(self, seq: int, digest: str) -> bool:
        """Return whether event ``seq`` is there with this hash, or leads to the first one."""
        if (seq, digest) == (0, GENESIS):
            return True
        if seq >= _LARGEST:
            return False
        row = self.connection.execute(
            "SELECT 1 FROM audit WHERE (seq = ? AND hash = ?) OR (seq = ? AND prev = ?)",
            (seq, digest, seq + 1, digest),
        ).fetchone()
        return row is not None

    def last(self) -> Record | None:
        """Return the newest event; None if the log is empty."""
        row = self.connection.execute(f"{_SELECT} ORDER BY seq DESC LIMIT 1").fetchone()
        return None if row is None else _record(row)

    def records(self, after: int = 0) -> Iterator[Record]:
        """Yield events in order of ``seq``; of one moment only within :meth:`snapshot`."""
        while True:
            rows = self.connection.execute(
                f"{_SELECT} WHERE seq > ? ORDER BY seq LIMIT ?", (after, _CHUNK)
            ).fetchall()
            for row in rows:
                yield _record(row)
            if len(rows) < _CHUNK:
                return
            after = rows[-1][0]

    def tombstones(self) -> list[Record]:
        """Return every ``prune`` event still in the log."""
        rows = self.connection.execute(f"{_SELECT} WHERE kind = 'prune' ORDER BY seq")
        return [_record(row) for row in rows]

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Within it, every read sees the same state."""
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            # A damaged file can end the transaction by itself, and a close does.
            with contextlib.suppress(sqlite3.ProgrammingError):
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        self.connection.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> AuditLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _record(row: tuple[Any, ...]) -> Record:
    if type(row[0]) is not int:
        raise sqlite3.DatabaseError(f"an event has {row[0]!r} for a number")
    # What is no text takes a form that no hash fits.
    return Record(row[0], *(v if type(v) is str else f"\0{v!r}" for v in row[1:]))


def open_log(path: str, wanted: str = "the daemon's with --db") -> AuditLog:
    """Open the log at ``path`` for reading; an error asks for ``wanted`` instead.

    Raises
    ------
    DataError
        No such file.
    StorageError
        Not readable, not a database, or not one of ours.
    """
    real = os.path.realpath(path)
    _require_sqlite(real, path, wanted)
    mark = read_mark(real)  # before the first look at the log, which only grows
    try:
        log = _connect(real, path, mark)
        try:
            _require_ours(log, wanted)
        except BaseException:
            log.close()
            raise
    except READ_ERRORS as error:
        raise storage_error(path, "opening", error) from error
    return log


def _require_sqlite(real: str, path: str, wanted: str) -> None:
    if not os.path.exists(real):
        raise DataError(f"{path}: no database here; give the path of {wanted}")
    require_file(path, wanted)
    try:
        with open(real, "rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise storage_error(path, "opening", error) from error
    if magic != _MAGIC:
        what = "an empty file" if not magic else f"it begins with {magic!r}"
        raise StorageError(f"{path}: not an SQLite database ({what}); give {wanted}")


def _connect(real: str, path: str, mark: Mark | None) -> AuditLog:
    uri = Path(real).as_uri()
    log = AuditLog(path, _open(f"{uri}?mode=ro"), mark)
    try:
        log.connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        log.close()
        if os.access(os.path.dirname(real), os.W_OK):
            raise
        return _connect_in_read_only_folder(real, path, mark)
    return log


def _connect_in_read_only_folder(real: str, path: str, mark: Mark | None) -> AuditLog:
    # The index of a WAL has to be built beside it, and here it cannot be. Opening the database
    # as immutable would ignore the WAL, and with it the newest events.
    wal = f"{real}-wal"
    if not os.path.exists(wal) or not os.path.getsize(wal):
        return AuditLog(path, _open(f"{Path(real).as_uri()}?immutable=1"), mark)
    folder = tempfile.mkdtemp(prefix="audit-")
    copy = os.path.join(folder, "copy.db")
    shutil.copyfile(real, copy)
    shutil.copyfile(wal, f"{copy}-wal")
    return AuditLog(path, _open(f"{Path(copy).as_uri()}?mode=ro"), mark, folder)


def _open(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5.0)
    # A damaged file can hold text that is not UTF-8; it must not pass for another text.
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    return connection


def _require_ours(log: AuditLog, wanted: str) -> None:
    identity = log.connection.execute("PRAGMA application_id").fetchone()[0]
    names = {row[0] for row in log.connection.execute("SELECT name FROM sqlite_master")}
    if identity != schema.APPLICATION_ID and "audit" not in names:
        raise StorageError(f"{log.path}: a database of another program; give {wanted}")

"""Removing what is past retention, so that the chain still verifies.

First a tombstone: a ``prune`` event at the end of the chain, naming the last event to go and its
hash. Then the events, in short transactions that a running daemon hardly notices. The next event
kept continues the hash in the tombstone. An interruption leaves a log that verifies, and the next
pruning finishes.
"""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alertlib.errors import AlertlibError, ConfigError
from alertlib.market.clock import utc_stamp
from runners.live.audit_log.log import AuditLog
from runners.live.audit_log.verify import verify
from runners.live.database import schema
from runners.live.database.chain import Record, canonical_json, event_hash
from runners.live.database.errors import storage_error

_CHUNK = 200
_WAIT_SECONDS = 10.0
_PAUSE_SECONDS = 0.03


class TamperedError(AlertlibError):
    """The log does not verify, so nothing may be removed from it."""

    exit_status = 1


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a pruning removed, or would: ``count`` events up to number ``through``."""

    count: int
    through: int


def years_before(now: float, years: float) -> float:
    """Return the Unix time ``years`` before ``now``; 29 February becomes 28."""
    whole, rest = divmod(years, 1.0)
    moment = datetime.fromtimestamp(now, UTC)
    day = 28 if (moment.month, moment.day) == (2, 29) else moment.day
    return moment.replace(year=moment.year - int(whole), day=day).timestamp() - rest * 31_556_952.0


def prune(
    log: AuditLog, *, now: float, before: float, actor: str = "audit", dry_run: bool = False
) -> Pruned:
    """Remove the events older than ``before`` that stand at the beginning of the log.

    Parameters
    ----------
    log : AuditLog
        The log, for reading; a daemon may be writing to it.
    now, before : float
        Unix seconds.
    actor : str
        Who the tombstone names.
    dry_run : bool
        Only say what would go.

    Raises
    ------
    ConfigError
        ``before`` is within the last five years, or the database is under legal hold.
    TamperedError
        The log does not verify: it is evidence now.
    StorageError
        It cannot be written.
    """
    if utc_stamp(before) > _floor(log):
        raise ConfigError(
            f"{log.path}: pruning before {utc_stamp(before)} would remove events younger than "
            f"{schema.FLOOR_YEARS} years; choose an earlier time"
        )
    meta = log.meta()
    if meta is not None and meta.legal_hold:
        raise ConfigError(
            f"{log.path}: the database is under legal hold; nothing is removed until the daemon "
            "has started once with audit.legal_hold: false"
        )
    report = verify(log)
    if not report.intact:
        raise TamperedError(
            f"{log.path}: the log does not verify ({report.findings[0]}); nothing was removed"
        )
    last = _last_before(log, utc_stamp(before))
    done = (
        Pruned(0, report.first - 1)
        if last is None
        else Pruned(last.seq - report.first + 1, last.seq)
    )
    if not dry_run:
        _prune(log, report.first, last, now, actor)
    return done


def _floor(log: AuditLog) -> str:
    # By the clock the guards go by, so that no tombstone is written that they will not follow.
    row = log.connection.execute(
        f"SELECT strftime('%Y-%m-%dT%H:%M:%S', 'now', '-{schema.FLOOR_YEARS} years')"
    ).fetchone()
    return str(row[0])


def _last_before(log: AuditLog, limit: str) -> Record | None:
    last = None
    for record in log.records():
        if record.ts >= limit:
            break
        last = record
    return last


def _prune(log: AuditLog, first: int, last: Record | None, now: float, actor: str) -> None:
    uri = f"{Path(os.path.realpath(log.path)).as_uri()}?mode=rw"
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_WAIT_SECONDS)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            if last is not None:
                _bury(connection, first, last, now, actor)
            # Without a new tombstone, what an interrupted pruning has left.
            while _remove_some(connection):
                time.sleep(_PAUSE_SECONDS)  # a daemon's turn
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise storage_error(log.path, "pruning", error) from error


def _bury(connection: sqlite3.Connection, first: int, last: Record, now: float, actor: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    seq, prev = connection.execute("SELECT audit_seq, audit_hash FROM meta").fetchone()
    data: dict[str, Any] = {
        "count": last.seq - first + 1,
        "first": first,
        "hash": last.hash,
        "last_ts": last.ts,
        "through": last.seq,
    }
    text, ts = canonical_json(data), utc_stamp(now)
    digest = event_hash(prev, seq + 1, ts, "prune", actor, text)
    connection.execute(
        "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)",
        (seq + 1, ts, "prune", actor, text, prev, digest),
    )
    connection.execute(
        "UPDATE meta SET audit_seq = ?, audit_hash = ?, pruned_seq = ?",
        (seq + 1, digest, last.seq),
    )
    connection.execute("COMMIT")


def _remove_some(connection: sqlite3.Connection) -> bool:
    """Remove the oldest events behind a tombstone; false when none is left."""
    connection.execute("BEGIN IMMEDIATE")
    through = connection.execute("SELECT pruned_seq FROM meta").fetchone()[0]
    upto = connection.execute(
        "SELECT max(seq) FROM (SELECT seq FROM audit WHERE seq <= ? ORDER BY seq LIMIT ?)",
        (through, _CHUNK),
    ).fetchone()[0]
    if upto is not None:
        # Both numbers grow together, so as many alerts as events are enough to look at.
        last_alert = connection.execute(
            "SELECT max(seq) FROM (SELECT * FROM alerts ORDER BY seq LIMIT ?) WHERE audit_seq <= ?",
            (_CHUNK, upto),
        ).fetchone()[0]
        connection.execute("DELETE FROM audit WHERE seq <= ?", (upto,))
        connection.execute("DELETE FROM alerts WHERE seq <= ?", (last_alert or 0,))
    connection.execute("COMMIT")
    return upto is not None

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
from runners.live.database.appending import append_event
from runners.live.database.chain import Record
from runners.live.database.errors import storage_error
from runners.live.database.mark import note_shut, read_mark

_CHUNK = 200
_CLOCK_DAYS = 31
_FORM = "'%Y-%m-%dT%H:%M:%S'"
_WAIT_SECONDS = 10.0
_PAUSE_SECONDS = 0.03


class TamperedError(AlertlibError):
    """The log does not verify, so nothing may be removed from it."""

    exit_status = 1


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a pruning removed, or would: ``count`` events before ``limit`` up to ``through``."""

    count: int
    through: int
    limit: str


def years_before(now: float, years: float) -> float:
    """Return the Unix time ``years`` before ``now``; 29 February becomes 28."""
    whole, rest = divmod(years, 1.0)
    moment = datetime.fromtimestamp(now, UTC)
    day = 28 if (moment.month, moment.day) == (2, 29) else moment.day
    return moment.replace(year=moment.year - int(whole), day=day).timestamp() - rest * 31_556_952.0


def prune(
    log: AuditLog, *, now: float, before: str, actor: str = "audit", dry_run: bool = False
) -> Pruned:
    """Remove the events older than ``before`` that stand at the beginning of the log.

    Parameters
    ----------
    log : AuditLog
        The log, for reading; a daemon may be writing to it.
    now : float
        Unix seconds.
    before : str
        A time as the log writes it.
    actor : str
        Who the tombstone names.
    dry_run : bool
        Only say what would go.

    Raises
    ------
    ConfigError
        ``before`` is within the last five years, the database is under legal hold, or ``now`` is
        far from the newest event: by a clock that runs ahead everything would be old.
    TamperedError
        The log does not verify: it is evidence now.
    StorageError
        It cannot be written.
    """
    limit = _limit(log, before)
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
    _require_sound_clock(log, now)
    last = _last_before(log, limit)
    done = (
        Pruned(0, report.first - 1, limit)
        if last is None
        else Pruned(last.seq - report.first + 1, last.seq, limit)
    )
    if not dry_run:
        _prune(log, report.first, last, now, actor)
    return done


def _limit(log: AuditLog, before: str) -> str:
    """Return the time before which events go, of ``before`` and the floor the earlier."""
    # By the clock the guards go by, so that no tombstone is written that they will not follow.
    floor, slack = log.connection.execute(
        f"SELECT strftime({_FORM}, 'now', :years), strftime({_FORM}, 'now', :years, '+2 days')",
        {"years": f"-{schema.FLOOR_YEARS} years"},
    ).fetchone()
    if before > slack:
        raise ConfigError(
            f"{log.path}: pruning before {before} would remove events younger than "
            f"{schema.FLOOR_YEARS} years; choose an earlier time"
        )
    # Just that age was asked for: the two differ by leap days and by what was asked meanwhile.
    return min(before, str(floor))


def _require_sound_clock(log: AuditLog, now: float) -> None:
    """Refuse to go by a clock that is far from the newest event's."""
    newest = log.last()
    if newest is None:
        return
    earliest = utc_stamp(now - _CLOCK_DAYS * 86_400.0)
    if not earliest <= newest.ts <= utc_stamp(now + 86_400.0):
        raise ConfigError(
            f"{log.path}: the newest event is of {newest.ts}, this machine's clock says "
            f"{utc_stamp(now)}, expected at most {_CLOCK_DAYS} days between them; set the clock, "
            "or start the daemon once, and prune then"
        )


def _last_before(log: AuditLog, limit: str) -> Record | None:
    last = None
    for record in log.records():
        if record.ts >= limit:
            break
        last = record
    return last


def _prune(log: AuditLog, first: int, last: Record | None, now: float, actor: str) -> None:
    path = os.path.realpath(log.path)
    uri = f"{Path(path).as_uri()}?mode=rw"
    mark = read_mark(path)
    # While a daemon runs the mark is its own; else it has to follow what is changed here.
    is_shut = mark is not None and mark.state == "shut" and mark.is_of(os.stat(path))
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_WAIT_SECONDS)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            if last is not None:
                _bury(connection, first, last, now, actor)
            # Without a new tombstone, what an interrupted pruning has left.
            while _remove_some(connection):
                time.sleep(_PAUSE_SECONDS)  # a daemon's turn
            head = connection.execute("SELECT audit_seq, audit_hash FROM meta").fetchone()
        finally:
            connection.close()
        if mark is not None and is_shut:
            note_shut(path, mark._replace(seq=head[0], hash=head[1]))
    except (sqlite3.Error, OSError) as error:
        raise storage_error(log.path, "pruning", error) from error


def _bury(connection: sqlite3.Connection, first: int, last: Record, now: float, actor: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    pruned = connection.execute("SELECT pruned_seq FROM meta").fetchone()[0]
    if pruned < last.seq:  # or another pruning has come first
        first = max(first, pruned + 1)
        data: dict[str, Any] = {
            "count": last.seq - first + 1,
            "first": first,
            "hash": last.hash,
            "last_ts": last.ts,
            "through": last.seq,
        }
        append_event(connection, "prune", actor, data, now)
        connection.execute("UPDATE meta SET pruned_seq = ?", (last.seq,))
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

"""What can be checked at a start in no time: schema, noted head, the last events."""

from __future__ import annotations

import sqlite3

from alertlib.errors import StorageError
from runners.live.audit_log.log import AuditLog
from runners.live.audit_log.verify import Follower
from runners.live.database import schema
from runners.live.database.chain import GENESIS
from runners.live.database.mark import Mark, mark_path

_TAIL = 1_000


def check_tail(connection: sqlite3.Connection, path: str, mark: Mark | None) -> None:
    """Check at a start what can be checked in no time: schema, noted head, the last events.

    Raises
    ------
    StorageError
        They do not agree, or are of a newer version of this program.
    """
    log = AuditLog(path, connection, mark)
    if (newer := schema.newer_version(connection)) is not None:
        raise StorageError(f"{path}: {newer}; install that version, or restore an older backup")
    findings = (
        schema.differences(connection) or _small_table_findings(connection) or tail_findings(log)
    )
    if findings:
        raise StorageError(
            f"{path}: the database is damaged or was tampered with ({findings[0]}); keep the file, "
            "run python -m runners.audit verify, and restore a backup"
        )


def _small_table_findings(connection: sqlite3.Connection) -> list[str]:
    found = []
    for table in ("meta", "cursors", "state", "outbox"):
        lines = [row[0] for row in connection.execute(f"PRAGMA quick_check({table})")]
        found += [] if lines == ["ok"] else lines[:1]
    return found


def tail_findings(log: AuditLog) -> list[str]:
    """Return what is wrong with the head and the last thousand events; empty if nothing is."""
    meta, last = log.meta(), log.last()
    if meta is None:
        return ["the head the writer noted is missing"]
    head = (0, GENESIS) if last is None else (last.seq, last.hash)
    if (meta.audit_seq, meta.audit_hash) != head:
        return [f"the log ends at event {head[0]}, the writer had noted {meta.audit_seq}"]
    row = log.connection.execute("SELECT max(seq), audit_seq FROM alerts").fetchone()
    if row[0] is not None and (row[0] != meta.alert_seq or type(row[1]) is not int):
        return [f"alerts end at number {row[0]}, the writer had noted {meta.alert_seq}"]
    mark = log.mark()
    if mark is not None and not log.contains(*mark):
        return [
            f"event {mark[0]} was acknowledged and is not there; the log ends at event {head[0]}: "
            "a WAL was cut or lost, or an older copy put back by hand (put it back with python -m "
            f"runners.audit restore, or remove {mark_path(log.path)})"
        ]
    records = log.records(after=max(meta.audit_seq - _TAIL, 0))
    previous = next(records, None)
    if previous is None:
        return []
    follower = Follower({previous.seq - 1: previous.prev})
    problems = (follower.problem(record) for record in (previous, *records))
    return [problem for problem in problems if problem is not None][:1]

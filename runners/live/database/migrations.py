"""Changes of the schema since the first, in order: what makes an older database one of today.

Each is a function of a connection, applied in one transaction with its new version number and its
event in the audit log, so that a kill leaves the database before it or after it. A new database
takes the same steps. Never edit one that was released; append another.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from runners.live.database.appending import append_event

Migration = Callable[[sqlite3.Connection], None]


def epoch_ends_with_a_restore(connection: sqlite3.Connection) -> None:
    """A database that was put back takes a new name; the event before must say which."""
    connection.execute("DROP TRIGGER meta_update")
    connection.execute(
        """CREATE TRIGGER meta_update BEFORE UPDATE ON meta
WHEN NEW.created IS NOT OLD.created
  OR NEW.alert_seq < OLD.alert_seq OR NEW.audit_seq < OLD.audit_seq
  OR (NEW.epoch IS NOT OLD.epoch AND NEW.epoch IS NOT (SELECT json_extract(data, '$.epoch')
    FROM audit WHERE seq = (SELECT max(seq) FROM audit) AND kind = 'restore'))
BEGIN SELECT raise(ABORT, 'an epoch ends with a restore only, and numbers only grow'); END"""
    )


def actions_are_found_by_place_and_by_alert(connection: sqlite3.Connection) -> None:
    """Whoever is sent an alert is told what was done about it, however long ago that was."""
    connection.execute("CREATE INDEX actions ON audit (kind) WHERE kind = 'operator_action'")
    # Of an event that somebody damaged, `verify` tells; the others are found all the same.
    connection.execute(
        """CREATE INDEX actions_by_alert ON audit (json_extract(data, '$.id'))
WHERE kind = 'operator_action' AND json_valid(data)"""
    )


MIGRATIONS: tuple[Migration, ...] = (
    epoch_ends_with_a_restore,
    actions_are_found_by_place_and_by_alert,
)
VERSION = 1 + len(MIGRATIONS)
"""Of the schema; 1 is the one without any migration."""


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of the schema a database says it has."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def pending(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the migrations a database has not had yet, in order."""
    return [step.__name__ for step in MIGRATIONS[version_of(connection) - 1 :]]


def apply(connection: sqlite3.Connection, upto: int) -> None:
    """Apply to a database of version 1 what makes it one of version ``upto``; no events."""
    for step in MIGRATIONS[: upto - 1]:
        step(connection)
    connection.execute(f"PRAGMA user_version = {upto}")


def migrate(connection: sqlite3.Connection, now: float) -> list[str]:
    """Bring a database up to :data:`VERSION`; return the names of the steps that took."""
    names = pending(connection)
    for version, step in enumerate(MIGRATIONS, start=1):
        if version < version_of(connection):
            continue
        connection.execute("BEGIN IMMEDIATE")
        step(connection)
        connection.execute(f"PRAGMA user_version = {version + 1}")
        data = {"from": version, "name": step.__name__, "to": version + 1}
        append_event(connection, "migration", "live", data, now)
        connection.execute("COMMIT")
    return names

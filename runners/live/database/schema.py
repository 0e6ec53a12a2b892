"""The database's tables and guards, and the check that they are still the ones written here.

``audit`` is append-only: the guards refuse UPDATE, DELETE, and INSERT OR REPLACE (which fires
no DELETE trigger; the continuity check before the insert stops it). They stop accidents, not
somebody who owns the file; for that there are the hash chain and an anchor kept elsewhere.

An alert's text is stored once, in its audit event; ``alerts`` maps the gap-free message number
to that event and ``alert_ids`` keeps every id for ever, so that none is numbered twice.
"""

from __future__ import annotations

import sqlite3

from runners.live.database import migrations
from runners.live.database.migrations import VERSION, version_of

APPLICATION_ID = 0x616C7274  # "alrt"
FLOOR_YEARS = 5
"""Younger events are never deleted, whatever a command asks."""

# Of version 1; what has changed since is in the migrations.
_STATEMENTS = (
    """CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  ts TEXT NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  data TEXT NOT NULL,
  prev TEXT NOT NULL,
  hash TEXT NOT NULL
)""",
    """CREATE TABLE alerts (
  seq INTEGER PRIMARY KEY,
  audit_seq INTEGER NOT NULL
)""",
    """CREATE TABLE alert_ids (
  id TEXT PRIMARY KEY,
  seq INTEGER NOT NULL
) WITHOUT ROWID""",
    """CREATE TABLE cursors (
  symbol TEXT NOT NULL,
  timeframe TEXT NOT NULL,
  bar_time TEXT NOT NULL,
  snapshot BLOB NOT NULL,
  PRIMARY KEY (symbol, timeframe)
) WITHOUT ROWID""",
    """CREATE TABLE state (
  key TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID""",
    """CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,
  recipient TEXT NOT NULL,
  message_id TEXT NOT NULL,
  due REAL NOT NULL,
  expires REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  digest TEXT,
  UNIQUE (seq, recipient)
)""",
    "CREATE INDEX outbox_due ON outbox (due, id)",
    # One row: what the next commit continues from.
    """CREATE TABLE meta (
  key INTEGER PRIMARY KEY CHECK (key = 1),
  epoch TEXT NOT NULL,
  created TEXT NOT NULL,
  alert_seq INTEGER NOT NULL,
  audit_seq INTEGER NOT NULL,
  audit_hash TEXT NOT NULL,
  pruned_seq INTEGER NOT NULL,
  legal_hold INTEGER NOT NULL
)""",
    """CREATE TRIGGER audit_insert BEFORE INSERT ON audit
WHEN NEW.seq IS NOT coalesce((SELECT max(seq) FROM audit), 0) + 1
  OR NEW.prev IS NOT coalesce((SELECT hash FROM audit ORDER BY seq DESC LIMIT 1),
    '0000000000000000000000000000000000000000000000000000000000000000')
BEGIN SELECT raise(ABORT, 'audit is append-only: the event does not continue the chain'); END""",
    """CREATE TRIGGER audit_update BEFORE UPDATE ON audit
BEGIN SELECT raise(ABORT, 'audit is append-only: no event can be changed'); END""",
    f"""CREATE TRIGGER audit_delete BEFORE DELETE ON audit
WHEN OLD.seq > (SELECT pruned_seq FROM meta) OR (SELECT legal_hold FROM meta)
  OR OLD.ts > strftime('%Y-%m-%dT%H:%M:%S', 'now', '-{FLOOR_YEARS} years')
BEGIN SELECT raise(ABORT, 'audit is append-only: no event can be removed'); END""",
    """CREATE TRIGGER alerts_insert BEFORE INSERT ON alerts
WHEN NEW.seq IS NOT (SELECT alert_seq FROM meta) + 1
  AND NEW.seq IS NOT (SELECT max(seq) FROM alerts) + 1
BEGIN SELECT raise(ABORT, 'alerts are numbered without gaps'); END""",
    """CREATE TRIGGER alerts_update BEFORE UPDATE ON alerts
BEGIN SELECT raise(ABORT, 'alerts are append-only'); END""",
    """CREATE TRIGGER alerts_delete BEFORE DELETE ON alerts
WHEN OLD.audit_seq > (SELECT pruned_seq FROM meta)
BEGIN SELECT raise(ABORT, 'alerts are append-only'); END""",
    """CREATE TRIGGER alert_ids_insert BEFORE INSERT ON alert_ids
WHEN EXISTS (SELECT 1 FROM alert_ids WHERE id = NEW.id)
BEGIN SELECT raise(ABORT, 'an alert id is never given a second number'); END""",
    """CREATE TRIGGER alert_ids_update BEFORE UPDATE ON alert_ids
BEGIN SELECT raise(ABORT, 'alert ids are append-only'); END""",
    """CREATE TRIGGER alert_ids_delete BEFORE DELETE ON alert_ids
BEGIN SELECT raise(ABORT, 'alert ids are append-only'); END""",
    """CREATE TRIGGER meta_insert BEFORE INSERT ON meta
WHEN EXISTS (SELECT 1 FROM meta)
BEGIN SELECT raise(ABORT, 'meta has one row'); END""",
    """CREATE TRIGGER meta_delete BEFORE DELETE ON meta
BEGIN SELECT raise(ABORT, 'meta has one row'); END""",
    """CREATE TRIGGER meta_update BEFORE UPDATE ON meta
WHEN NEW.epoch IS NOT OLD.epoch OR NEW.created IS NOT OLD.created
  OR NEW.alert_seq < OLD.alert_seq OR NEW.audit_seq < OLD.audit_seq
BEGIN SELECT raise(ABORT, 'an epoch is for ever and numbers only grow'); END""",
    # Events go only behind a tombstone: the last event must be the one that says so.
    """CREATE TRIGGER meta_prune BEFORE UPDATE OF pruned_seq ON meta
WHEN NEW.pruned_seq IS NOT OLD.pruned_seq AND (NEW.pruned_seq < OLD.pruned_seq OR NEW.pruned_seq
  IS NOT (SELECT json_extract(data, '$.through') FROM audit
    WHERE seq = (SELECT max(seq) FROM audit) AND kind = 'prune'))
BEGIN SELECT raise(ABORT, 'pruning needs its tombstone first'); END""",
)

_DENIED_ON_WRITER = frozenset(
    {
        sqlite3.SQLITE_ALTER_TABLE,
        sqlite3.SQLITE_ATTACH,
        sqlite3.SQLITE_CREATE_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_DROP_INDEX,
        sqlite3.SQLITE_DROP_TABLE,
        sqlite3.SQLITE_DROP_TRIGGER,
    }
)
_APPEND_ONLY = frozenset({"audit", "alerts", "alert_ids", "sqlite_master"})


def create(connection: sqlite3.Connection, epoch: str, created: str) -> None:
    """Write tables, guards and the first ``meta`` row into an empty database, atomically."""
    connection.execute("BEGIN IMMEDIATE")
    _create_objects(connection, VERSION)
    connection.execute(
        "INSERT INTO meta VALUES (1, ?, ?, 0, 0, ?, 0, 0)", (epoch, created, "0" * 64)
    )
    connection.execute("COMMIT")


def _create_objects(connection: sqlite3.Connection, version: int) -> None:
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for statement in _STATEMENTS:
        connection.execute(statement)
    migrations.apply(connection, version)


def newer_version(connection: sqlite3.Connection) -> str | None:
    """Return what to say of a database this program is too old for; None if it is not."""
    version = version_of(connection)
    if version <= VERSION:
        return None
    return (
        f"user_version is {version}: made by a newer version of this program, which knows schema "
        f"{VERSION} at most"
    )


def differences(connection: sqlite3.Connection) -> list[str]:
    """Return what is missing, added or altered in the schema, one line each; empty if intact.

    An older schema is held against itself: what it lacks is not missing yet.
    """
    identity = connection.execute("PRAGMA application_id").fetchone()[0]
    found = []
    if identity != APPLICATION_ID:
        found.append(f"application_id is {identity}, expected {APPLICATION_ID}")
    if (newer := newer_version(connection)) is not None:
        return [*found, newer]
    version = version_of(connection)
    if version < 1:
        return [*found, f"user_version is {version}, expected 1 to {VERSION}"]
    return found + _object_differences(connection, version)


def _object_differences(connection: sqlite3.Connection, version: int) -> list[str]:
    found = []
    wanted, actual = expected_objects(version), _objects(connection)
    for (type_, name), sql in wanted.items():
        if (type_, name) not in actual:
            found.append(f"{type_} `{name}` is missing")
        elif actual[type_, name] != sql:
            found.append(f"{type_} `{name}` was altered")
    # ANALYZE adds tables of its own; they change no answer.
    found += [
        f"{type_} `{name}` was added"
        for type_, name in actual
        if (type_, name) not in wanted and not name.startswith("sqlite_stat")
    ]
    return found


def expected_objects(version: int = VERSION) -> dict[tuple[str, str], str | None]:
    """Return ``{(type, name): sql}`` of a database of this version of the schema."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    try:
        _create_objects(memory, version)
        return _objects(memory)
    finally:
        memory.close()


def guard_writer(connection: sqlite3.Connection) -> None:
    """Refuse, on the writer's own connection, what its code never has a reason to do."""
    connection.set_authorizer(_authorize)


def _authorize(
    action: int, first: str | None, _second: str | None, _database: str | None, _trigger: str | None
) -> int:
    if action in _DENIED_ON_WRITER:
        return sqlite3.SQLITE_DENY
    if action in (sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE) and first in _APPEND_ONLY:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA and first == "writable_schema":
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _objects(connection: sqlite3.Connection) -> dict[tuple[str, str], str | None]:
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    return {(type_, name): sql for type_, name, sql in rows}

"""The database's own name, and when it takes another.

Message numbers mean something only together with the epoch. A copy that is put back goes on from
an older number, so its next messages take numbers that clients know for others; under a new epoch
they ask anew and are sent what is retained.
"""

from __future__ import annotations

import os
import secrets
import sqlite3

from runners.live.database.appending import append_event
from runners.live.database.mark import Mark


def new_epoch() -> str:
    """Return a random name."""
    return secrets.token_hex(8)


def why_renew(mark: Mark | None, epoch: str, status: os.stat_result) -> str | None:
    """Return why a database has to be taken for a copy that was put back; None if it is not.

    Parameters
    ----------
    mark : Mark or None
        What stands beside it.
    epoch : str
        The database's.
    status : os.stat_result
        Of its file, before it is opened for writing.
    """
    if mark is None:
        return "no mark beside it"
    if mark.epoch != epoch:
        return "the mark beside it is another database's"
    if not mark.is_of(status):
        return "a copy, not the file that was closed last"
    return None


def renew(connection: sqlite3.Connection, reason: str, now: float) -> None:
    """Give the database a new epoch, with its ``restore`` event, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    previous, seq = connection.execute("SELECT epoch, alert_seq FROM meta").fetchone()
    epoch = new_epoch()
    data = {"epoch": epoch, "last_alert": seq, "previous": previous, "reason": reason}
    append_event(connection, "restore", "live", data, now)
    connection.execute("UPDATE meta SET epoch = ?", (epoch,))
    connection.execute("COMMIT")

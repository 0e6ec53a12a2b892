"""One event appended by hand, within a transaction of the caller's: prunings, migrations, restores.

What the running store writes goes through its own writer, many events at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from alertlib.market.clock import utc_stamp
from runners.live.database.chain import canonical_json, event_hash


def append_event(
    connection: sqlite3.Connection, kind: str, actor: str, data: Mapping[str, Any], now: float
) -> None:
    """Append one event and note it as the head; ``now`` in Unix seconds."""
    last, prev = connection.execute("SELECT audit_seq, audit_hash FROM meta").fetchone()
    seq, ts, text = last + 1, utc_stamp(now), canonical_json(dict(data))
    digest = event_hash(prev, seq, ts, kind, actor, text)
    connection.execute(
        "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)", (seq, ts, kind, actor, text, prev, digest)
    )
    connection.execute("UPDATE meta SET audit_seq = ?, audit_hash = ?", (seq, digest))

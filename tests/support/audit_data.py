"""A filled audit log, the command run on it, and a second opinion on its hashes."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from runners._main import run
from runners.audit import main
from runners.live.alert_store.records import Batch, Event, Message
from runners.live.alert_store.store import Store
from runners.live.database import schema
from tests.support.store_data import alert_id, batch

ROOT = Path(__file__).parents[2]


class Answer(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.split("\n")[:-1]]


def ask(*arguments: str) -> Answer:
    """Run the command in this process; not while a store is open in it."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n")
    err = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(main, arguments)
        out.flush()
    buffer = out.buffer
    assert isinstance(buffer, io.BytesIO)
    return Answer(status, buffer.getvalue().decode(), err.getvalue())


def ask_apart(*arguments: str) -> Answer:
    """Run the command as its user does."""
    done = subprocess.run(
        [sys.executable, "-m", "runners.audit", *arguments], cwd=ROOT, capture_output=True
    )
    return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())


def fill(path: str, clock: float = 1_785_240_000.0) -> None:
    now = [clock]
    with Store.open(path, clock=lambda: now[0]) as store:
        store.append("start", "live", {"pid": 1}).result()
        store.append("client_connected", "ana", {"address": "127.0.0.1"}).result()
        for number in range(1, 11):
            now[0] += 60.0
            store.commit(batch(number, mail=number == 1)).result()
        correction = Message({"id": alert_id(1), "price": 1.0}, type="correction", key="1/1")
        suppressed = Event("suppressed", "policy", {"pattern": "engulfing_bullish"})
        store.commit(Batch(messages=(correction,), events=(suppressed,))).result()
        store.append("bar_revised", "live", {"bar_time": "2026-07-28T10:05:00-03:00"}).result()
        store.outbox.delivered(store.outbox.due(1.0, 1)).result()
        store.action("ana", alert_id(3), "executed", "preço \u2028 bom \x1b[31m").result()
        now[0] += 3_600.0
        store.ack("ana", 10, [(1, 10)])
        store.close(stop={"reason": "SIGTERM"})


@cache
def _filled_content() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "alerts.db"
        fill(str(path))
        return path.read_bytes()


def filled_log(folder: Path) -> str:
    """Write a filled log into ``folder`` and return its path."""
    path = folder / "alerts.db"
    path.write_bytes(_filled_content())
    return str(path)


@contextlib.contextmanager
def sql(path: str) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def rechain(connection: sqlite3.Connection, start: int) -> None:
    """Recompute hashes from event ``start`` on, as a forger who knows the format would."""
    rows = connection.execute("SELECT * FROM audit WHERE seq >= ? ORDER BY seq", (start,))
    prev = connection.execute("SELECT hash FROM audit WHERE seq = ?", (start - 1,)).fetchone()[0]
    for seq, ts, kind, actor, data, _, _ in rows.fetchall():
        text = independent_hash(prev, seq, ts, kind, actor, json.loads(data))
        connection.execute("UPDATE audit SET prev = ?, hash = ? WHERE seq = ?", (prev, text, seq))
        prev = text
    connection.execute("UPDATE meta SET audit_hash = ?", (prev,))


def independent_hash(prev: str, seq: int, ts: str, kind: str, actor: str, data: Any) -> str:
    """Hash as the documentation describes it, with nothing of the code under test."""
    event = {"seq": seq, "ts": ts, "kind": kind, "actor": actor, "data": data}
    canonical = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256((prev + canonical).encode("utf-8")).hexdigest()


def disarm(connection: sqlite3.Connection) -> None:
    """Drop every guard."""
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        connection.execute(f"DROP TRIGGER {name}")


def rearm(connection: sqlite3.Connection) -> None:
    """Put every guard back as it was."""
    for (kind, _), statement in schema.expected_objects().items():
        if kind == "trigger":
            assert statement is not None
            connection.execute(statement)

"""Alerts and batches for the tests of store and audit log."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

from runners.live.alert_store.records import Batch, Cursor, Mail, Message
from runners.live.audit_log.log import open_log
from runners.live.audit_log.verify import verify

ROOT = Path(__file__).parents[2]
RECIPIENTS = ("mesa@corretora.example", "risco@corretora.example")


def alert_id(number: int) -> str:
    """Return the id of the ``number``-th alert, the same in every process."""
    return hashlib.sha256(f"alert {number}".encode()).hexdigest()


def payload(number: int, **changes: Any) -> dict[str, Any]:
    """Return the JSON object of the ``number``-th alert."""
    return {
        "id": alert_id(number),
        "symbol": "WIN$N",
        "timeframe": "M5",
        "pattern": "volatilidade_extrema",
        "direction": 1,
        "severity": "CRITICO",
        "confidence": 0.71,
        "price": 126505.0,
        "entry_min": 126400.0,
        "entry_max": 126600.0,
        "stop": 126300.0,
        "target": 126800.0,
        "risk_reward": 1.5,
        "bar_time": "2026-07-28T10:05:00-03:00",
        "detected_at": "2026-07-28T13:10:00.123456Z",
        "text": "Volatilidade extrema de alta em WIN$N M5: preço 126.505",
        **changes,
    }


def mailed(number: int, due: float = 0.0, expires: float = 1e10) -> tuple[Mail, ...]:
    """Return one mail per recipient for the ``number``-th alert."""
    return tuple(
        Mail(recipient, f"<{number}.{place}@alertas.example>", due, expires)
        for place, recipient in enumerate(RECIPIENTS)
    )


def cursor(number: int) -> Cursor:
    """Return a cursor that names the ``number``-th bar."""
    return Cursor("WIN$N", "M5", f"bar {number}", b"snapshot %d" % number)


def batch(*numbers: int, mail: bool = False) -> Batch:
    """Return a batch with these alerts and the cursor of the last of them."""
    return Batch(
        cursors=(cursor(numbers[-1]),),
        messages=tuple(
            Message(payload(number), mail=mailed(number) if mail else ()) for number in numbers
        ),
    )


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in an interpreter of its own, from the project's folder."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def must_verify(path: str, anchor: tuple[int, str] | None = None) -> None:
    """Fail unless the audit log is intact and contains ``anchor``."""
    with open_log(path) as log:
        report = verify(log, anchor)
    assert report.findings == []

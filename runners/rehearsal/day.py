"""The recorded day that is replayed, and the alerts that the backtest finds in it."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from alertlib.bars import Bars
from alertlib.bars.store.entries import Provenance
from alertlib.bars.store.writer import write_bars
from alertlib.config import Config
from alertlib.errors import DataError
from runners.rehearsal.audience import RECIPIENTS

SESSIONS = 2
"""The day, and the one before it to warm up."""
PLAY_SECONDS = 25.0
LEAST_ALERTS = 8
TEXTS = ("id", "pattern", "severity")
NUMBERS = ("direction", "confidence", "price", "entry_min", "entry_max", "stop", "target",
           "risk_reward")  # fmt: skip


class Day(NamedTuple):
    """Bars of a day in a store of their own.

    Attributes
    ----------
    store : path
    symbol, timeframe : str
    last : date, as text
    bars : int
    synthetic : bool
    speed : float
        At which the replay takes :data:`PLAY_SECONDS`.
    """

    store: Path
    symbol: str
    timeframe: str
    last: str
    bars: int
    synthetic: bool
    speed: float


def cut_day(bars: Bars, home: Path, at: datetime) -> Day:
    """Write the last session of ``bars``, and the one before it, into a store.

    Parameters
    ----------
    bars : Bars
    home : path
        In which the store is made.
    at : datetime
        For its manifest.
    """
    days = bars.frame["time"].dt.date().unique().sort()
    part = bars.between(days[-SESSIONS:][0], days[-1])
    store = home / "bars"
    provenance = Provenance(Path(bars.source).name, at, synthetic=part.synthetic)
    write_bars(store, part.symbol, part.timeframe, part.frame, provenance)
    speed = len(part) * part.minutes * 60 / PLAY_SECONDS
    last = days[-1].isoformat()
    return Day(store, part.symbol, part.timeframe, last, len(part), part.synthetic, speed)


def settings(
    config: Config, day: Day, port: int, smtp_port: int, webhook_port: int
) -> dict[str, Any]:
    """Return the configuration under trial, its channels led to this machine."""
    kept = config.to_dict()
    listed = [one for one in kept["data"]["symbols"] if one["symbol"] == day.symbol]
    delivery: dict[str, Any] = {
        "websocket": {"url": f"ws://127.0.0.1:{port}"},
        "email": {
            "enabled": True, "smtp_host": "127.0.0.1", "smtp_port": smtp_port,
            "security": "none", "recipients": list(RECIPIENTS), "digest_above": 1_000,
            "language": kept["delivery"]["email"]["language"],
        },
        "webhook": [
            {"name": "rehearsal", "url": f"http://127.0.0.1:{webhook_port}/alerts",
             "secret_env": "REHEARSAL_WEBHOOK_SECRET"},
        ],
    }  # fmt: skip
    return {
        "data": {"symbol": day.symbol, "timeframe": day.timeframe, "symbols": listed},
        "detection": kept["detection"],
        "policy": kept["policy"],
        "trade": kept["trade"],
        "delivery": delivery,
    }


def write_settings(path: Path, values: dict[str, Any]) -> str:
    """Write a configuration (JSON is YAML) and return its path."""
    path.write_text(json.dumps(values, ensure_ascii=False, indent=1), encoding="utf-8")
    return str(path)


def read_expected(path: Path) -> list[dict[str, Any]]:
    """Return the alerts of the backtest's table, in the order of their delivery.

    Raises
    ------
    DataError
        They are too few to rehearse with.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            {name: row[name] for name in TEXTS}
            | {name: float(row[name]) if row[name] else None for name in NUMBERS}
            for row in csv.DictReader(file)
        ]
    if len(rows) < LEAST_ALERTS:
        raise DataError(
            f"the day to replay: got {len(rows)} alerts, expected at least {LEAST_ALERTS} to kill "
            "and restore between; give another day with --bars F"
        )
    return rows


def fields(alert: dict[str, Any]) -> dict[str, Any]:
    """Return what of a delivered alert the table has as well."""
    numbers = {name: None if alert[name] is None else float(alert[name]) for name in NUMBERS}
    return {name: alert[name] for name in TEXTS} | numbers

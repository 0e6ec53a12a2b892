"""Alerts of a file field by field, as the live side would deliver them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from alertlib._typing import Ints, Narrow
from alertlib.bars.series import Series
from alertlib.detection.alert import alert_id
from alertlib.detection.ruleset import Rules
from alertlib.kernels.alerting import SEVERITIES
from alertlib.scoring.batch import AlertColumns


def alert_values(series: Series, rules: Rules, alerts: AlertColumns) -> dict[str, list[Any]]:
    """Return alerts as the live side would deliver them, one list per field.

    Parameters
    ----------
    series : Series
    rules : Rules
    alerts : AlertColumns
    """
    instrument = series.instrument
    length = timedelta(minutes=instrument.minutes)
    directions = alerts.direction.tolist()
    bar_time = datetimes(series.minute[alerts.bar])
    patterns = [
        rules.detectors[lead].pattern(direction)
        for lead, direction in zip(alerts.lead.tolist(), directions, strict=True)
    ]
    ids = [
        alert_id(
            instrument.symbol,
            instrument.timeframe,
            pattern,
            direction,
            at.isoformat(timespec="minutes"),
        )
        for pattern, direction, at in zip(patterns, directions, bar_time, strict=True)
    ]
    close = series.close[alerts.bar]
    return {
        "id": ids,
        "time": [at + length for at in bar_time],
        "bar_time": bar_time,
        "pattern": patterns,
        "direction": directions,
        "severity": [SEVERITIES[rank] for rank in alerts.severity.tolist()],
        "confidence": (alerts.confidence / 100).tolist(),
        "price": series.price(close).tolist(),
        "entry_min": series.price(alerts.entry_min).tolist(),
        "entry_max": series.price(alerts.entry_max).tolist(),
        "stop": series.price(alerts.stop).tolist(),
        "target": series.price(alerts.target).tolist(),
        "risk_reward": (np.abs(alerts.target - close) / np.abs(close - alerts.stop)).tolist(),
        "agreeing": [
            tuple(d.pattern(direction) for i, d in enumerate(rules.detectors) if mask >> i & 1)
            for mask, direction in zip(alerts.agreeing.tolist(), directions, strict=True)
        ],
    }


def datetimes(minute: Ints | Narrow) -> list[datetime]:
    """Return minutes since 1970-01-01 as naive times."""
    start = datetime(1970, 1, 1)
    return [start + timedelta(minutes=m) for m in minute.tolist()]

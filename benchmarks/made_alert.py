"""The alert that the benchmarks store, send and mail: some 490 bytes, as real ones have."""

from __future__ import annotations

from typing import Any


def made_alert(number: int, **changes: object) -> dict[str, Any]:
    """Return the ``number``-th alert, with ``changes`` to its fields."""
    return {
        "id": f"{number:064x}",
        "symbol": "WIN$N",
        "timeframe": "M5",
        "pattern": "break_resistencia",
        "direction": 1,
        "severity": "ALTO",
        "confidence": 0.71,
        "price": 126505.0,
        "entry_min": 126400.0,
        "entry_max": 126600.0,
        "stop": 126300.0,
        "target": 126800.0,
        "risk_reward": 1.5,
        "bar_time": "2026-07-28T10:05:00-03:00",
        "detected_at": "2026-07-28T13:10:00.123456Z",
        "text": "Rompimento de resistência em WIN$N M5: preço 126.505, alvo 126.800",
        **changes,
    }

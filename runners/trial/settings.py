"""Configurations that daemons are tried with."""

from __future__ import annotations

from typing import Any

TOKEN = "b" * 43
SYMBOLS = tuple(f"TRIAL{number:02d}" for number in range(1, 21))


def every_bar(*, symbols: tuple[str, ...] = (), smtp_port: int | None = None) -> dict[str, Any]:
    """Return settings with an alert at every bar and nothing that holds one back.

    Parameters
    ----------
    symbols : tuple of str
        To follow; the default's one when left out.
    smtp_port : int, optional
        Of a local mail server; no mail without it.
    """
    crowd = {"max_connections": 2_000, "max_connections_per_token": 2_000}
    delivery: dict[str, Any] = {"websocket": crowd}
    if smtp_port is not None:
        delivery["email"] = {
            "enabled": True, "smtp_host": "127.0.0.1", "smtp_port": smtp_port, "security": "none",
            "recipients": ["a@localhost"],
        }  # fmt: skip
    listed = [{"symbol": name, "tick": 5.0, "point_value": 0.2} for name in symbols]
    return {
        "data": {"symbols": listed},
        "detection": {"enabled": ["runners.trial.every_bar:every"]},
        "policy": {
            "cooldown_bars": 0, "rate_limit_per_minute": 0,
            "window_start": "00:00", "window_end": "23:59",
        },
        "delivery": delivery,
    }  # fmt: skip

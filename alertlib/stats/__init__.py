"""Intervals that know alerts cluster by session, and what chance alone would score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertlib._faces import lazy

if TYPE_CHECKING:
    from alertlib.stats.intervals import (
        Interval,
        clustered_interval,
        p_value,
        session_weights,
        wilson,
    )
    from alertlib.stats.nulls import NullRates, Schedule, null_rates
    from alertlib.stats.surrogates import coin_flips, mirror

_HOMES = {
    "Interval": "intervals",
    "NullRates": "nulls",
    "Schedule": "nulls",
    "clustered_interval": "intervals",
    "coin_flips": "surrogates",
    "mirror": "surrogates",
    "null_rates": "nulls",
    "p_value": "intervals",
    "session_weights": "intervals",
    "wilson": "intervals",
}

__all__ = [
    "Interval",
    "NullRates",
    "Schedule",
    "clustered_interval",
    "coin_flips",
    "mirror",
    "null_rates",
    "p_value",
    "session_weights",
    "wilson",
]

__getattr__, __dir__ = lazy(__name__, _HOMES)

"""Readings of detectors as a table, as text, and by how far each was from its limit."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from alertlib.kernels.reading import Reading, of_side
from alertlib.study.record import Seen
from alertlib.study.verdicts import direction_text
from alertlib.texts.formats import MAX_DECIMALS, number, tick_decimals

SCHEMA = pl.Schema(
    {
        "detector": pl.String(),
        "signal": pl.Int64(),
        "side": pl.Int64(),
        "reading": pl.String(),
        "value": pl.Float64(),
        "limit": pl.Float64(),
        "met": pl.Boolean(),
        "away": pl.Float64(),
        "unit": pl.String(),
        "note": pl.String(),
    }
)


def away(reading: Reading) -> float:
    """Return how far a reading is from its limit; 0 where that is met or there is none."""
    return 0.0 if reading.met or reading.limit is None else abs(reading.limit - reading.value)


def shortfall(readings: Sequence[Reading], side: int, atr: float) -> tuple[int, float]:
    """Return how far a detector was from a signal: limits not met, and by how much in all.

    Parameters
    ----------
    readings : sequence of Reading
    side : int
    atr : float
        In points: distances count in average true ranges, all else in parts of its limit.
    """
    short = [r for r in of_side(readings, side) if r.limit is not None and not r.met]

    def relative(reading: Reading) -> float:
        scale = atr if reading.unit else abs(reading.limit or 0.0)
        return away(reading) / (scale if scale > 0 else 1.0)

    return len(short), sum(map(relative, short))


def reading_frame(seen: Sequence[Seen]) -> pl.DataFrame:
    """Return what detectors saw, one row a reading, or one without where there is none."""
    rows: list[tuple[object, ...]] = []
    for one in seen:
        start = (one.detector.name, one.signal)
        for r in one.readings:
            compared = r.limit is not None
            rows.append(
                (*start, r.side, r.name, float(r.value), _float(r.limit),
                 r.met if compared else None, away(r) if compared else None,
                 "points" if r.unit else "", one.note)
            )  # fmt: skip
        if not one.readings:
            rows.append((*start, *[None] * 6, "", one.note))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def seen_text(seen: Seen, side: int, tick: float) -> str:
    """Return what one detector saw in a line: why it signalled, or what kept it from ``side``."""
    asked = seen.signal or side
    said = f"signals {direction_text(seen.signal)}" if seen.signal else "no signal"
    told = [r for r in of_side(seen.readings, asked) if seen.signal or r.limit is None or not r.met]
    parts = [reading_text(r, tick) for r in told]
    head = f"{seen.detector.name}: {said}"
    if seen.note:
        parts.append(seen.note)
    return f"{head}; {', '.join(parts)}" if parts else head


def reading_text(reading: Reading, tick: float) -> str:
    """Return a reading in words: ``z 1.53 (needs 2, 0.47 away)``."""
    decimals = max(2, tick_decimals(tick)) if reading.unit else 2
    value, limit = reading.value, reading.limit
    if limit is None:
        return f"{reading.name} {_shown(value, decimals)}"
    # As many decimals as tell a value from the limit it has not met.
    while not reading.met and decimals < MAX_DECIMALS and round(abs(limit - value), decimals) == 0:
        decimals += 1
    needs = f"{reading.name} {_shown(value, decimals)} (needs {_shown(limit, decimals)}"
    return f"{needs})" if reading.met else f"{needs}, {_shown(away(reading), decimals)} away)"


def _shown(value: float, decimals: int) -> str:
    return number(round(value, decimals), language="en")


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)

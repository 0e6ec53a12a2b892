"""The bars around one of them, and where the market went from there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from alertlib.bars.schema import PRICES
from alertlib.scoring.scored import Scored

# Bars shown before and after the one that is explained.
BEFORE, AFTER = 12, 36


def bars_around(scored: Scored, first: int, last: int, marks: Mapping[int, str]) -> pl.DataFrame:
    """Return the bars from ``BEFORE`` bars before ``first`` to ``AFTER`` bars after ``last``.

    Parameters
    ----------
    scored : Scored
    first, last : int
        Bars; what lies further away is of other sessions, too.
    marks : mapping of int to str
        What happened at some bars.

    Returns
    -------
    DataFrame
        ``offset`` (bars from ``first``), ``time open high low close atr`` (points, as traded),
        ``mark``.
    """
    detected = scored.detected
    series = detected.series
    bars = np.arange(max(first - BEFORE, 0), min(last + AFTER + 1, len(series)))
    prices = {name: series.price(getattr(series, name)[bars]) for name in PRICES}
    return pl.DataFrame(
        {
            "offset": bars - first,
            "time": series.times(bars),
            **prices,
            "atr": pl.Series(series.price(detected.atr[bars])).fill_nan(None),
            "mark": pl.Series([marks.get(bar, "") for bar in bars.tolist()], dtype=pl.String),
        }
    )


def aftermath(scored: Scored, bar: int, direction: int, risk: float) -> dict[str, Any] | None:
    """Return how far the market went for and against an alert within the trade's horizon.

    Counted from the next open, without costs, over at most ``trade.horizon_bars`` bars of the
    session: what there was to be had, whatever stop and target made of it.

    Parameters
    ----------
    scored : Scored
    bar, direction : int
    risk : float
        Distance from price to stop, in points.

    Returns
    -------
    dict or None
        ``bars open``; ``best worst`` (points, signed by direction), ``best_time worst_time``,
        ``best_atr worst_atr``, ``best_r worst_r``. None where no bar follows in the session.
    """
    detected = scored.detected
    series = detected.series
    last = min(int(series.last[series.session[bar]]), bar + scored.settings.trade.horizon_bars)
    if bar + 1 > last:
        return None
    bars = slice(bar + 1, last + 1)
    opened = int(series.open[bar + 1])
    up, down = series.high[bars] - opened, series.low[bars] - opened
    gained, lost = (up, down) if direction > 0 else (-down, -up)
    atr = series.price(float(detected.atr[bar]))
    found: dict[str, Any] = {"bars": last - bar, "open": series.price(opened)}
    for name, values, at in (
        ("best", gained, int(np.argmax(gained))), ("worst", lost, int(np.argmin(lost))),
    ):  # fmt: skip
        points = series.price(int(values[at]))
        found |= {
            name: points,
            f"{name}_time": series.times([bar + 1 + at])[0],
            f"{name}_atr": points / atr if atr > 0 else None,
            f"{name}_r": points / risk if risk > 0 else None,
        }
    return found

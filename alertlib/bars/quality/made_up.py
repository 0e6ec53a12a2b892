"""Bars that no trade made, and steps between bars that no trader made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alertlib.bars.quality.coverage import Coverage
from alertlib.bars.quality.findings import Finding, finding
from alertlib.market.calendar import roll_days
from alertlib.market.clock import date_of
from alertlib.market.instruments import Instrument

Flags = NDArray[np.bool_]

# A step of a switch is told from a move by its size: against prices, against the file's own steps
# between bars that follow each other, and against what the bars around it span. In recorded files
# no move passed all three but those out of a halt.
_LEAST_STEP = 0.0005
_STEPS = 10.0
_USUAL = 0.99
_AROUND = 3
_SPANS = 2.0

# Sessions next to a scheduled roll: here a step need not stand out from the bars around it as far.
_SPANS_AT_ROLL = 1.0
_NEAR_ROLL = timedelta(days=4)

# Quiet minutes do repeat: three trades at the same two prices.
_FEW_TRADES = 10

# Without any volume the number of such bars has to tell. In recorded files up to 0.4 % stay at the
# last close (minutes of a share, locks of March 2020), and up to 2.7 % have the prices of the bar
# before (minutes of a share that moves by a tick or two). Quieter markets have more.
_TOO_COMMON = 0.1


def filled(frame: pl.DataFrame, coverage: Coverage) -> Iterator[Finding]:
    """Report bars inside sessions that repeat the bar before: filled in, or of a stale feed.

    Either one price, that of the last close, without a trade (volume 0, or missing where the
    series has it); or a bar with trades that is its predecessor in all prices and volumes. In a
    series without volumes either kind counts where it is too common for a market.
    """
    place = _follows(coverage) & coverage.inside
    known = [name for name in ("real_volume", "tick_volume") if _is_known(frame[name])]
    if known:
        made = (_flat(frame) & _untraded(frame, known) | _copies(frame)) & place
        what = "without a trade of its own"
    else:
        made = (_flat(frame) | _same(frame)) & place
        made &= int(made.sum()) > _TOO_COMMON * made.size
        what = "and no volume says that anybody traded"
    at = np.flatnonzero(made)
    if not at.size:
        return
    sessions = np.unique(coverage.session[at])
    first = frame["time"][int(at[0])]
    bars = "1 bar inside its session repeats" if at.size == 1 else (
        f"{at.size:,} bars inside {_number(sessions.size, 'session')} repeat"
    )  # fmt: skip
    message = (
        f"{bars} the bar before {what}, the first at {first:%Y-%m-%d %H:%M}: "
        "filled in, or a feed that stood still; export the bars as they were traded, holes and all"
    )
    yield Finding("filled", "warning", first, None, int(at.size), message)


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count > 1)}"


def _flat(frame: pl.DataFrame) -> Flags:
    """Whether each bar has one price, that of the last close."""
    close = frame["close"].to_numpy()
    before = np.concatenate([[np.nan], close[:-1]])
    flags: Flags = (frame["high"].to_numpy() == frame["low"].to_numpy()) & (close == before)
    return flags


def _untraded(frame: pl.DataFrame, known: list[str]) -> Flags:
    """Whether each bar has no contracts; where they are not known, no trades."""
    volume = pl.coalesce(known).fill_null(0)
    flags: Flags = frame.select(volume == 0).to_series().to_numpy()
    return flags


def _same(frame: pl.DataFrame) -> Flags:
    """Whether each bar has the four prices of the one before, and more than one of them."""
    flags = frame["high"].to_numpy() > frame["low"].to_numpy()
    for name in ("open", "high", "low", "close"):
        prices = frame[name].to_numpy()
        flags[1:] &= prices[1:] == prices[:-1]
    flags[:1] = False
    return flags


def _is_known(volume: pl.Series) -> bool:
    """Whether a volume is one: neither mostly missing nor zero throughout."""
    return 2 * volume.null_count() < volume.len() and bool((volume > 0).any())


def _copies(frame: pl.DataFrame) -> Flags:
    close = frame["close"].to_numpy()
    at = np.flatnonzero(close[1:] == close[:-1]) + 1
    # Column by column, of the few bars that are left: whole columns would be moved for each.
    for name in ("open", "high", "low", "tick_volume", "real_volume"):
        same = frame[name].gather(at).eq_missing(frame[name].gather(at - 1))
        at = at[same.to_numpy()]
    traded = pl.any_horizontal(
        (pl.col(n) > _FEW_TRADES).fill_null(False) for n in ("tick_volume", "real_volume")
    )
    kept = frame[at].select(traded & (pl.col("high") > pl.col("low"))).to_series().to_numpy()
    flags = np.zeros(frame.height, dtype=np.bool_)
    flags[at[kept]] = True
    return flags


def _follows(coverage: Coverage) -> Flags:
    """Whether each bar has another before it in its session."""
    follows = np.zeros(len(coverage.session), dtype=np.bool_)
    np.equal(coverage.session[1:], coverage.session[:-1], out=follows[1:])
    return follows


def switches(frame: pl.DataFrame, coverage: Coverage, instrument: Instrument) -> Iterator[Finding]:
    """Report steps inside sessions as the change from one contract to the next makes them."""
    if instrument.family == "B3 cash equity" or frame.height < 2:
        return
    opens, closes = frame["open"].to_numpy(), frame["close"].to_numpy()
    step = np.zeros(len(opens))
    np.divide(opens[1:], closes[:-1], out=step[1:])
    step[1:] -= 1
    np.abs(step, out=step)
    joined = _follows(coverage) & coverage.inside
    joined[1:] &= (np.diff(coverage.minute) == coverage.length) & coverage.inside[:-1]
    if not joined.any():
        return
    high, low = frame["high"].to_numpy(), frame["low"].to_numpy()
    least = max(_LEAST_STEP, _STEPS * float(np.quantile(step[joined], _USUAL)))
    for at in np.flatnonzero(joined & (step > least)).tolist():
        if high[at - 1] <= low[at - 1]:
            continue  # out of a halt or a lock prices do jump
        near = slice(max(at - _AROUND, 0), at + _AROUND)
        day = date_of(int(coverage.day[coverage.session[at]]))
        rolls = roll_days(instrument.symbol, day - _NEAR_ROLL, day + _NEAR_ROLL)
        times = _SPANS_AT_ROLL if rolls else _SPANS
        if step[at] <= times * float(((high[near] - low[near]) / closes[near]).max()):
            continue
        time: datetime = frame["time"][at]
        message = (
            f"opens {opens[at] / closes[at - 1] - 1:+.2%} from the close of the bar before, more "
            "than the bars around it span: another contract from here on? A series should change "
            "between sessions: export one that does, or join contracts with runners.fetch --roll"
        )
        yield finding("mid_session_roll", "warning", time, 1, message)

"""The timeframe of a series, read off its own times."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alertlib.bars.quality.findings import Finding, finding
from alertlib.config.types import Timeframe, minutes
from alertlib.errors import DataError

MICROSECONDS_PER_SECOND = 1_000_000
MICROSECONDS_PER_MINUTE = 60_000_000

# Bars looked at at once, so that what it takes does not grow with the file.
BLOCK = 65_536

_KNOWN = get_args(Timeframe)[1]


def timeframe_name(length: int) -> str:
    """Return MetaTrader's name of a bar of ``length`` minutes: ``M5``, ``H1``, ``D1``."""
    for letter, unit in (("D", 1_440), ("H", 60)):
        if length % unit == 0:
            return f"{letter}{length // unit}"
    return f"M{length}"


def declared_timeframe(label: str | None) -> str | None:
    """Read a timeframe as files spell it: ``M5``, ``PERIOD_M5`` or minutes; None if unknown."""
    found = re.fullmatch(r"(?:PERIOD_)?([MHD][1-9]\d*)|([1-9]\d{0,4})", label or "")
    if found is None:
        return None
    return found[1] or timeframe_name(int(found[2]))


def check_known(timeframe: str | None) -> None:
    """Refuse a timeframe that MetaTrader 5 does not have."""
    if timeframe is not None and timeframe not in _KNOWN:
        raise DataError(
            f"timeframe: got {timeframe!r}; expected {_KNOWN}; state the timeframe of the bars"
        )


def infer_minutes(times: NDArray[np.int64], declared: str | None, where: str) -> int:
    """Return the commonest step between bars in minutes (the shortest of equally common ones).

    Parameters
    ----------
    times : array of int, shape (n,)
        Open times in microseconds, sorted and unique.
    declared : str or None
        What the caller says it is; used only where one bar alone says nothing.
    where : str
        Name of the source, for messages.
    """
    if times.size < 2:
        if declared is None:
            raise DataError(
                f"{where}: one usable bar; expected two or more to tell the timeframe; "
                "state the timeframe"
            )
        return minutes(declared)
    step = _most_common(np.diff(times[i : i + BLOCK + 1]) for i in range(0, times.size - 1, BLOCK))
    if step % MICROSECONDS_PER_MINUTE:
        raise DataError(
            f"{where}: bars are {step / MICROSECONDS_PER_SECOND:g} s apart; expected whole "
            "minutes; export bars of one minute or more"
        )
    return step // MICROSECONDS_PER_MINUTE


def check_timeframe(times: pl.Series, length: int, declared: str | None) -> tuple[Finding, ...]:
    """Compare the bars' length with the declared one, and each bar with the common grid."""
    findings = []
    name = timeframe_name(length)
    if declared is not None and minutes(declared) != length:
        findings.append(
            finding(
                "timeframe",
                "error",
                times[0],
                times.len(),
                f"declared {declared}, but bars are {length} minutes apart ({name}); "
                f"kept as {name}",
            )
        )
    if name not in _KNOWN:
        message = f"bars are {length} minutes apart; expected {_KNOWN}"
        # Its bars need not divide a day, so there is no grid to be off.
        return (*findings, finding("timeframe", "error", times[0], times.len(), message))
    physical = times.to_physical().to_numpy()
    usual, on_grid = usual_phase(physical, length)
    late = usual % MICROSECONDS_PER_MINUTE
    # Up to a second before the next bar they are times of closes, and told as such.
    if late and length * MICROSECONDS_PER_MINUTE - usual > MICROSECONDS_PER_SECOND:
        first = times[int(on_grid.argmax())]
        message = (
            f"bars open {late / MICROSECONDS_PER_SECOND:g} s after a minute, the first at "
            f"{first:%Y-%m-%d %H:%M:%S}; expected whole minutes"
        )
        findings.append(finding("timeframe", "error", first, int(on_grid.sum()), message))
    stray = np.flatnonzero(~on_grid)
    if stray.size:
        first = times[int(stray[0])]
        findings.append(
            finding(
                "timeframe",
                "error",
                first,
                int(stray.size),
                f"{stray.size:,} of {times.len():,} bars open off the {name} grid, "
                f"the first at {first:%Y-%m-%d %H:%M:%S}",
            )
        )
    return tuple(findings)


def usual_phase(times: NDArray[np.int64], length: int) -> tuple[int, NDArray[np.bool_]]:
    """Return where within a bar most times lie, in microseconds, and which times do.

    Parameters
    ----------
    times : int64
        Microseconds since 1970-01-01.
    length : int
        Minutes of a bar.
    """
    unit = length * MICROSECONDS_PER_MINUTE
    parts = [times[i : i + BLOCK] for i in range(0, times.size, BLOCK)]
    usual = _most_common(part % unit for part in parts)
    return usual, np.concatenate([part % unit == usual for part in parts])


def _most_common(parts: Iterable[NDArray[np.int64]]) -> int:
    """Return the most common value of all parts, of equally common ones the least.

    `np.unique` would do, but imports numpy.ma: 9 ms of a command that takes 600.
    """
    counts: Counter[int] = Counter()
    for values in parts:
        ordered = np.sort(values)
        starts = np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))
        sizes = np.diff(starts, append=ordered.size)
        counts.update(dict(zip(ordered[starts].tolist(), sizes.tolist(), strict=True)))
    return min(counts, key=lambda value: (-counts[value], value))

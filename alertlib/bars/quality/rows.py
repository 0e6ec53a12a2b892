"""Judging rows one by one: what is kept, what is quarantined, and in which order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alertlib.bars.quality.findings import QUARANTINE_SCHEMA, Finding, Severity, finding
from alertlib.bars.schema import PRICES, VOLUMES

YEARS = 1990, 2100
"""First and last year a bar can be of."""

OUTSIDE_YEARS = f"time outside {YEARS[0]}-{YEARS[1]}"

# Up to here a price in millionths is an exact integer in a double; no instrument trades higher.
_HIGHEST = 1e9

# Rows judged at once: what that takes stays in the cache, and does not grow with the file.
BLOCK = 65_536

# A price ten times its neighbours on both sides is a slip of the decimal point; real moves of
# that size do not come back within a bar.
_SPIKE = 10.0


def _any_price(test: str) -> pl.Expr:
    return pl.any_horizontal(getattr(pl.col(name), test)() for name in PRICES)


_RULES: tuple[tuple[str, pl.Expr], ...] = (
    ("no time", pl.col("time").is_null()),
    (OUTSIDE_YEARS, ~pl.col("time").dt.year().is_between(*YEARS)),
    ("price missing", _any_price("is_null") | _any_price("is_nan")),
    ("price infinite", _any_price("is_infinite")),
    ("price zero or negative", pl.any_horizontal(pl.col(name) <= 0 for name in PRICES)),
    (
        f"price above {_HIGHEST:,.0f}",
        pl.any_horizontal(pl.col(name) > _HIGHEST for name in PRICES),
    ),
    (
        "high below open, low or close",
        pl.col("high") < pl.max_horizontal("open", "low", "close"),
    ),
    ("low above open or close", pl.col("low") > pl.min_horizontal("open", "close")),
)


_OF_TIME = ("no time", OUTSIDE_YEARS)


@dataclass(frozen=True, eq=False, slots=True)
class Screened:
    """Rows that can be used, those that cannot, and what to say about them."""

    frame: pl.DataFrame
    quarantined: pl.DataFrame
    findings: tuple[Finding, ...]


def screen(table: pl.DataFrame, row_word: str, unread: pl.DataFrame | None = None) -> Screened:
    """Split a table into sorted, unique, plausible bars and quarantined rows.

    Parameters
    ----------
    table : polars.DataFrame
        ``row``, the bar columns (any of them null), ``reason`` (null where readable).
    row_word : str
        What a row is called in messages: ``"line"`` or ``"row"``.
    unread : polars.DataFrame, optional
        ``row``, ``reason`` and ``value`` of the volumes that could not be read.

    Returns
    -------
    Screened
        ``frame`` keeps ``row``. A row with a sound time and sound prices is a bar: a volume that
        cannot be one is null in it, and counted in a warning. Of identical duplicates one is
        kept; of conflicting ones the first of the source is kept and the others are
        quarantined. Nothing is repaired.
    """
    good, bad = _judge(table)
    good, volumes = _volumes(good, unread, row_word)
    good, findings = _in_order(good, row_word)
    good, conflicting, repeated = _unique(good, row_word)
    spiked = _spikes(good)
    parts = [bad, conflicting]
    if spiked.any():
        parts.append(
            _quarantine(
                good.filter(pl.Series(spiked)), "price ten times (or a tenth of) both neighbours"
            )
        )
        good = good.filter(pl.Series(~spiked))
    bad_rows = _by_reason(pl.concat([parts[0], *parts[2:]]), row_word, "error", "quarantined")
    quarantined = pl.concat(parts).sort("row")
    return Screened(good, quarantined, (*bad_rows, *volumes, *repeated, *findings))


def _judge(table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    broken = pl.any_horizontal(pl.col("reason").is_not_null(), *(rule for _, rule in _RULES))
    is_bad = pl.concat(
        part.select(broken.fill_null(True)).to_series() for part in table.iter_slices(BLOCK)
    )
    if not is_bad.any():
        return table.drop("reason", "value"), pl.DataFrame(schema=QUARANTINE_SCHEMA)
    first_reason = pl.coalesce(
        "reason", *(pl.when(rule).then(pl.lit(text)) for text, rule in _RULES)
    )
    stood_there = pl.when(pl.col("reason").is_in(_OF_TIME)).then(_time_text()).otherwise(_as_text())
    bad = table.filter(is_bad).with_columns(reason=first_reason)
    bad = bad.select("row", "time", "reason", pl.coalesce("value", stood_there).alias("value"))
    return table.filter(~is_bad).drop("reason", "value"), bad


def _as_text() -> pl.Expr:
    """What stood in a row, for messages: its four prices."""
    prices = [pl.col(name).cast(pl.String).fill_null("nothing") for name in PRICES]
    return pl.concat_str(prices, separator=" ")


def _time_text() -> pl.Expr:
    return pl.col("time").dt.strftime("%Y-%m-%d %H:%M:%S").fill_null("nothing")


def _volumes(
    good: pl.DataFrame, unread: pl.DataFrame | None, row_word: str
) -> tuple[pl.DataFrame, list[Finding]]:
    """Make negative volumes null, and report them with those that could not be read."""
    lost = [] if unread is None else [unread]
    for name in VOLUMES:
        negative = (good[name] < 0).fill_null(False)
        if negative.any():
            lost.append(
                good.filter(negative).select(
                    "row", reason=pl.lit(f"negative {name}"), value=pl.col(name).cast(pl.String)
                )
            )
            good = good.with_columns(pl.when(~pl.Series(negative)).then(pl.col(name)).alias(name))
    if not any(part.height for part in lost):
        return good, []
    kept = pl.concat(lost).join(good.select("row", "time"), on="row")
    outcome = "read as not known, the bar is kept"
    return good, _by_reason(kept, row_word, "warning", outcome)


def _by_reason(
    rows: pl.DataFrame, row_word: str, severity: Severity, outcome: str
) -> list[Finding]:
    """Make one finding of each reason, with the first row it is true of."""
    grouped = (
        rows.sort("row")
        .group_by("reason", maintain_order=True)
        .agg(pl.col("row", "time", "value").first(), pl.len().alias("count"))
    )
    findings = []
    for reason, row, time, value, count in grouped.iter_rows():
        place = f"{row_word} {row}" + (f" ({time:%Y-%m-%d %H:%M})" if time else "")
        which = f"at {place}" if count == 1 else f"in {count:,} rows, the first at {place}"
        message = f"{reason} {which}: got {value}; {outcome}"
        findings.append(finding("bad_row", severity, time, count, message))
    return findings


def _quarantine(rows: pl.DataFrame, reason: str) -> pl.DataFrame:
    return rows.select("row", "time", pl.lit(reason).alias("reason"), _as_text().alias("value"))


def _in_order(good: pl.DataFrame, row_word: str) -> tuple[pl.DataFrame, list[Finding]]:
    """Sort by time. Newest first is a layout; rows out of a file's own order are a finding."""
    times = good["time"].to_physical().to_numpy()
    if not (times[1:] < times[:-1]).any():
        return good, []
    steps = np.diff(times)
    newest_first = (steps < 0).sum() > (steps > 0).sum()
    in_file = -times if newest_first else times
    displaced = np.flatnonzero(in_file < np.maximum.accumulate(in_file))
    findings = []
    if displaced.size:
        row, time = good[int(displaced[0])].select("row", "time").row(0)
        findings.append(
            finding(
                "bad_row",
                "warning",
                time,
                int(displaced.size),
                f"{displaced.size:,} rows out of order, the first at {row_word} {row} "
                f"({time:%Y-%m-%d %H:%M}); sorted by time",
            )
        )
    return good.sort("time", maintain_order=True), findings


def _unique(good: pl.DataFrame, row_word: str) -> tuple[pl.DataFrame, pl.DataFrame, list[Finding]]:
    times = good["time"].to_physical().to_numpy()
    repeats = np.concatenate([[False], times[1:] == times[:-1]]) if times.size else times > 0
    nothing = pl.DataFrame(schema=QUARANTINE_SCHEMA)
    if not repeats.any():
        return good, nothing, []
    index = np.arange(times.size)
    first = np.maximum.accumulate(np.where(repeats, 0, index))
    later, kept = good[index[repeats]], good[first[repeats]]
    same = pl.select(
        pl.all_horizontal(
            later[name].eq_missing(kept[name]) for name in good.columns if name != "row"
        )
    ).to_series()
    findings = []
    conflicts = later.filter(~same)
    outcomes: tuple[tuple[pl.DataFrame, Severity, str], ...] = (
        (conflicts, "error", "conflicts with an earlier row of the same time; first kept"),
        (later.filter(same), "warning", "repeats an earlier row; one kept"),
    )
    for rows, severity, text in outcomes:
        if rows.height:
            row, time = rows.select("row", "time").row(0)
            message = (
                f"{row_word} {row} ({time:%Y-%m-%d %H:%M}) {text}"
                if rows.height == 1
                else f"{rows.height:,} rows, the first {row_word} {row} ({time:%Y-%m-%d %H:%M}): "
                f"each {text}"
            )
            findings.append(finding("duplicate", severity, time, rows.height, message))
    quarantined = _quarantine(conflicts, "conflicts with an earlier row of the same time")
    return good.filter(pl.Series(~repeats)), quarantined, findings


def _spikes(good: pl.DataFrame) -> NDArray[np.bool_]:
    """Return which bars stand apart from their neighbours on both sides by ten times."""
    if good.height < 3:
        return np.zeros(good.height, dtype=np.bool_)
    high, low = good["high"].to_numpy(), good["low"].to_numpy()
    spiked = np.zeros(good.height, dtype=np.bool_)
    for start in range(0, good.height, BLOCK):
        at = np.arange(start, min(start + BLOCK, good.height))
        near, far = _neighbours(at, good.height)
        above = (high[at] > _SPIKE * high[near]) & (high[at] > _SPIKE * high[far])
        below = (low[at] * _SPIKE < low[near]) & (low[at] * _SPIKE < low[far])
        spiked[at] = above | below
    return spiked


def _neighbours(at: NDArray[np.intp], length: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the two nearest of each bar: one on each side, or the next two at an end."""
    near, far = at - 1, at + 1
    near[at == 0], far[at == length - 1] = 2, length - 3
    return near, far

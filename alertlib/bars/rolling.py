"""Single contracts joined to one unadjusted series, each in its turn by the exchange's calendar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from alertlib.bars.bars import Bars
from alertlib.bars.opening import from_frame
from alertlib.bars.quality.findings import Finding
from alertlib.bars.schema import BAR_SCHEMA
from alertlib.config.schema import SymbolSpec
from alertlib.errors import DataError
from alertlib.market.calendar import is_trading_day
from alertlib.market.futures import Rolling, adjustment, front_contract, parse_contract
from alertlib.market.instruments import find_family


def join_contracts(
    parts: Sequence[Bars], symbol: str | None = None, symbols: Sequence[SymbolSpec] = ()
) -> Bars:
    """Join contracts to a continuous series: of each session the bars of the one in force.

    Nothing is adjusted, and nothing stands in for a contract that is missing.

    Parameters
    ----------
    parts : sequence of Bars
        Of single contracts (``WINJ26``) of one family, at one timeframe, in any order; a contract
        may come in several parts.
    symbol : str, optional
        Of the series; ``WIN$N`` or ``WDO$N`` when left out.
    symbols : sequence of SymbolSpec
        The configuration's ``data.symbols``.

    Returns
    -------
    Bars
        Its findings list sessions of which other contracts have bars and the one in force has
        none, and those of its parts that are errors.

    Raises
    ------
    DataError
        Bars of something else than such contracts, or none of a contract while it was in force.
    """
    family = _family(parts, symbol)
    symbol = symbol or f"{family}$N"
    taken = [_in_force(bars, family) for bars in parts]
    source = ", ".join(dict.fromkeys(bars.source for bars in parts))
    frame = pl.concat(taken).sort("time", maintain_order=True)
    if frame.is_empty():
        day = parts[0].frame["time"][0].date()
        raise DataError(
            f"{source}: no bar of a contract while it was in force; expected bars of "
            f"{front_contract(family, day)} on {day}; add its file"
        )
    joined = from_frame(
        frame, symbol=symbol, timeframe=parts[0].timeframe, source=source, symbols=symbols,
        synthetic=any(bars.synthetic for bars in parts),
    )  # fmt: skip
    layout = ", ".join(f"{bars.symbol} ({rows.height:,} bars)"
                       for bars, rows in zip(parts, taken, strict=True))  # fmt: skip
    quality = replace(
        joined.quality,
        quarantined=pl.concat([bars.quality.quarantined for bars in (*parts, joined)]),
        rows_read=sum(bars.quality.rows_read for bars in parts),
        layout=f"joined of {layout}",
    )
    return replace(joined, quality=quality.with_findings(_told(parts, frame, family)))


def _family(parts: Sequence[Bars], symbol: str | None) -> Rolling:
    families = {parse_contract(bars.symbol): bars for bars in parts}
    if None in families:
        bars = families[None]
        raise DataError(
            f"{bars.source}: holds {bars.symbol}; expected single contracts of WIN or WDO, such as "
            "WINJ26, whose rolls are known; leave it out, or import it without --roll"
        )
    timeframes = sorted({bars.timeframe for bars in parts})
    if len(families) > 1 or len(timeframes) > 1:
        held = ", ".join(sorted({f"{bars.symbol} {bars.timeframe}" for bars in parts}))
        raise DataError(
            f"{parts[0].source}: got {held}; expected contracts of one family at one timeframe; "
            "join them one by one"
        )
    (family,) = families
    assert family is not None
    known = find_family(symbol) if symbol else None
    if symbol and (known is None or known.name != family or adjustment(symbol) != "none"):
        raise DataError(
            f"{parts[0].source}: contracts of {family} joined as {symbol}; expected an unadjusted "
            f"continuous series; state --symbol '{family}$N'"
        )
    return family


def _days(frame: pl.DataFrame) -> list[date]:
    return frame["time"].dt.date().unique().sort().to_list()


def _in_force(bars: Bars, family: Rolling) -> pl.DataFrame:
    """Return the bars of sessions on which their contract was the one in force."""
    own = [day for day in _days(bars.frame) if front_contract(family, day) == bars.symbol]
    return bars.frame.select(BAR_SCHEMA.names()).filter(pl.col("time").dt.date().is_in(own))


def _told(parts: Sequence[Bars], frame: pl.DataFrame, family: Rolling) -> Iterator[Finding]:
    for bars in parts:
        # What is wrong with single rows; the rest shows in what they are joined to.
        yield from bars.quality.of_kind("bad_row") + bars.quality.of_kind("duplicate")
    missing: dict[str, list[date]] = {}
    for day in sorted({day for bars in parts for day in _days(bars.frame)} - set(_days(frame))):
        if is_trading_day(day):
            missing.setdefault(front_contract(family, day), []).append(day)
    for contract, days in missing.items():
        message = (
            f"{len(days)} sessions from {days[0]} to {days[-1]} are those of {contract}, of which "
            "there are no bars: left out; add its file"
        )
        yield Finding("gap", "warning", None, days[0], len(days), message)

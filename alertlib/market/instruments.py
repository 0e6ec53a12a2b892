"""What is known of each instrument: tick, value of a point, fees and hours, by symbol family."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from alertlib.config.schema import SymbolSpec
from alertlib.config.types import minute_of_day, minutes
from alertlib.errors import ConfigError
from alertlib.market.calendar import is_trading_day
from alertlib.market.clock import date_of
from alertlib.market.sessions import (
    NO_SESSION,
    B3BitcoinHours,
    B3CashHours,
    B3FuturesHours,
    DatedHours,
    FixedHours,
    Hours,
    SessionTable,
)
from alertlib.market.ticks import Grid, tick_grid


class Fee(NamedTuple):
    """Round-trip cost per contract, in points, from ``since`` on."""

    since: date
    points: float


class Family(NamedTuple):
    """Instruments that trade alike.

    ``None`` and no fees stand for what is not known: R$ are then not stated, and fees count as
    zero with a warning. Symbols of no family have their hours read off the file.
    """

    name: str
    matches: str
    tick: float
    point_value: float | None
    fees: tuple[Fee, ...]
    sessions: SessionTable


# A future's symbol is its root followed by a continuous-series mark ($N, $, $D, @, FUT) or by
# the letter of its month and the year.
_FUTURE = r"(\$\w*|@\w*|FUT|[FGHJKMNQUVXZ]\d{1,2})?"

# Shares, units, funds and receipts end in these numbers, fractional lots in an F after them. A
# letter of a month before two digits is a contract of another root (DOLF27, CCMU26) unless they
# are 11 or those of a receipt.
_SHARE = (
    r"(?!(DOL|IND)[FGHJKMNQUVXZ]\d)[A-Z][A-Z0-9][A-Z]"
    r"([A-Z][1-9]|[A-EILO-PR-TWY][1-9]\d|[A-Z](11|3[1-9]))F?(\.SA)?"
)

FAMILIES = (
    # R$ 0.256 a side with the day-trade discount is 2.56 points of R$ 0.20 there and back.
    Family("WIN", "WIN" + _FUTURE, 5.0, 0.20, (Fee(date.min, 2.56),), B3FuturesHours()),
    Family("WDO", "WDO" + _FUTURE, 0.5, 10.0, (), B3FuturesHours(later=5)),
    Family("BIT", "BIT" + _FUTURE, 20.0, None, (), B3BitcoinHours()),
    Family("B3 cash equity", _SHARE, 0.01, 1.0, (), B3CashHours()),
)


@dataclass(frozen=True, slots=True)
class Instrument:
    """One symbol at one timeframe, with everything the numbers depend on.

    Attributes
    ----------
    symbol : str
    timeframe : str
        ``M5`` and the like.
    minutes : int
        Length of a bar.
    family : str or None
        Name of the symbol's family; None if unknown.
    grid : Grid or None
        Integer scale of its prices; None until it has been read off a file.
    point_value : float or None
        R$ per point and contract; None if unknown.
    fees : tuple of Fee
        Round-trip fees in points, dated; empty if unknown.
    sessions : SessionTable or None
        Hours; None until they have been read off a file.
    """

    symbol: str
    timeframe: str
    minutes: int
    family: str | None
    grid: Grid | None
    point_value: float | None
    fees: tuple[Fee, ...]
    sessions: SessionTable | None

    def fee_points(self, day: date) -> float:
        """Return the round-trip fee in points in force on ``day``; 0 where none is known."""
        known = [fee.points for fee in self.fees if fee.since <= day]
        return known[-1] if known else 0.0

    def hours(self, day: int) -> Hours:
        """Return the hours of ``day`` (days since 1970-01-01); none where its market is closed.

        All families trade at B3 and keep its calendar, whatever hours are stated for a symbol. An
        instrument of no family has a session every day that has bars.
        """
        assert self.sessions is not None
        if self.has_calendar and not is_trading_day(date_of(day)):
            return NO_SESSION
        return self.sessions.hours(day)

    @property
    def has_calendar(self) -> bool:
        """Whether its trading days are known."""
        return self.family is not None


def hours_of_families() -> dict[str, Any]:
    """Return the session table of each family by its rule: a part of the scoring spec."""
    return {family.name: family.sessions.rule() for family in FAMILIES}


def find_family(symbol: str) -> Family | None:
    """Return the family ``symbol`` belongs to, or None."""
    for family in FAMILIES:
        if re.fullmatch(family.matches, symbol):
            return family
    return None


def find_instrument(symbol: str, timeframe: str, symbols: Sequence[SymbolSpec] = ()) -> Instrument:
    """Return what is known of ``symbol`` at ``timeframe``.

    Parameters
    ----------
    symbol, timeframe : str
    symbols : sequence of SymbolSpec
        The configuration's ``data.symbols``; what an entry states beats the family's table.
    """
    family = find_family(symbol)
    instrument = Instrument(
        symbol=symbol,
        timeframe=timeframe,
        minutes=minutes(timeframe),
        family=family.name if family else None,
        grid=tick_grid(family.tick) if family else None,
        point_value=family.point_value if family else None,
        fees=family.fees if family else (),
        sessions=family.sessions if family else None,
    )
    for spec in symbols:
        if spec.symbol == symbol:
            return _apply(spec, instrument)
    return instrument


def _apply(spec: SymbolSpec, known: Instrument) -> Instrument:
    sessions = known.sessions
    if spec.session_open is not None and spec.session_close is not None:
        sessions = FixedHours(minute_of_day(spec.session_open), minute_of_day(spec.session_close))
    elif spec.session_open is not None or spec.session_close is not None:
        raise ConfigError(
            f"data.symbols: {spec.symbol}: session_open and session_close go together; "
            f"got {spec.session_open} and {spec.session_close}; state both or neither"
        )
    if spec.hours:
        dated = [
            (date.fromisoformat(one.since), minute_of_day(one.open), minute_of_day(one.close))
            for one in spec.hours
        ]
        stated = tuple((since, Hours(*times)) for since, *times in sorted(dated))
        sessions = DatedHours(sessions, stated)
    return replace(
        known,
        grid=known.grid if spec.tick is None else tick_grid(spec.tick),
        point_value=known.point_value if spec.point_value is None else spec.point_value,
        fees=_fees(spec, known.fees),
        sessions=sessions,
    )


def _fees(spec: SymbolSpec, known: tuple[Fee, ...]) -> tuple[Fee, ...]:
    """Return the fees stated, upon the family's where only dated ones are."""
    if spec.fees_points is not None:
        known = (Fee(date.min, spec.fees_points),)
    stated = sorted(Fee(date.fromisoformat(one.since), one.points) for one in spec.fees)
    before = [fee for fee in known if not stated or fee.since < stated[0].since]
    return (*before, *stated)

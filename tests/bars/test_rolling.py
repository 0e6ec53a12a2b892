"""Contracts joined by the calendar: each in its turn, nothing adjusted, nothing made up."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.bars.bars import Bars
from alertlib.bars.examination import examine
from alertlib.bars.opening import from_frame
from alertlib.bars.rolling import join_contracts
from alertlib.errors import DataError
from tests.support.synthetic import frame, walk

clock = pl.col("time")
CARRY = {"WINJ21": 0.0, "WINM21": 1_200.0, "WINQ21": 2_500.0}


def contract(symbol: str, sessions: int = 12, first: date = date(2021, 4, 5)) -> Bars:
    """The same walk for every contract, apart by its carry: 14 April is a roll."""
    made = frame(walk(5, sessions, first=first))
    carry = CARRY.get(symbol, 0.0)
    prices = made.with_columns(pl.col("open", "high", "low", "close") + carry)
    return from_frame(prices, symbol=symbol, source=f"{symbol}.csv")


def test_each_session_is_that_of_the_contract_in_force() -> None:
    near, far = contract("WINJ21"), contract("WINM21")

    bars = join_contracts([far, near])

    expiry = datetime(2021, 4, 14)
    expected = pl.concat([near.frame.filter(clock < expiry), far.frame.filter(clock >= expiry)])
    assert bars.frame.equals(expected)
    assert (bars.symbol, bars.timeframe, bars.source) == ("WIN$N", "M5", "WINM21.csv, WINJ21.csv")
    assert bars.quality.clean
    assert [one.kind for one in examine(bars).findings] == ["roll"]


def test_the_dollar_rolls_on_the_last_session_of_the_month() -> None:
    rows = [
        walk(5, 10, first=date(2021, 4, 26), bars=108, tick=0.5, price=10_000 + carry)
        for carry in (0, 80)
    ]
    names = ("WDOK21", "WDOM21")
    parts = [from_frame(frame(made), symbol=n) for n, made in zip(names, rows, strict=True)]

    bars = join_contracts(parts, "WDO$N")

    june = bars.frame.filter(clock >= datetime(2021, 4, 30))
    assert june.equals(parts[1].frame.filter(clock >= datetime(2021, 4, 30)))
    assert len(bars) == len(parts[0])


@given(st.integers(1, 3), st.integers(0, 10**6))
def test_any_pieces_of_the_contracts_make_the_same_series(pieces: int, seed: int) -> None:
    whole = [contract("WINJ21", 6, date(2021, 4, 12)), contract("WINM21", 6, date(2021, 4, 12))]
    parts = [
        from_frame(part, symbol=bars.symbol, timeframe="M5")
        for bars in whole
        for n in range(pieces)
        if (part := bars.frame.filter(pl.int_range(pl.len()) * pieces // pl.len() == n)).height
    ]
    order = sorted(range(len(parts)), key=lambda n: hash((seed, n)))

    assert join_contracts([parts[n] for n in order]).sha256 == join_contracts(whole).sha256


def test_sessions_of_a_contract_without_bars_are_told_and_left_out() -> None:
    bars = join_contracts([contract("WINJ21"), contract("WINQ21")])

    assert bars.frame["time"][-1].date() == date(2021, 4, 13)
    (found,) = bars.quality.findings
    assert (found.kind, found.severity, found.count, found.date) == (
        "gap", "warning", 5, date(2021, 4, 14),
    )  # fmt: skip
    assert found.message == (
        "5 sessions from 2021-04-14 to 2021-04-20 are those of WINM21, of which there are no "
        "bars: left out; add its file"
    )


def test_contracts_that_disagree_with_themselves_are_quarantined() -> None:
    one = contract("WINJ21", 2)
    other = from_frame(
        one.frame.with_columns(pl.col("open", "high", "low", "close") + 5.0), symbol="WINJ21"
    )
    bars = join_contracts([one, other])

    assert not bars.quality.clean
    assert bars.quality.quarantined.height == len(one)
    assert bars.frame.equals(one.frame)


REFUSED = {
    "WIN\\$N; expected single contracts of WIN or WDO": (["WINJ21", "WIN$N"], None),
    "WINK21; expected single contracts": (["WINK21"], None),  # WIN has even months
    "BITJ21; expected single contracts": (["BITJ21"], None),
    "got WDOK21 M5, WINJ21 M5; expected contracts of one family": (["WINJ21", "WDOK21"], None),
    r"joined as WIN\$; expected an unadjusted continuous series": (["WINJ21"], "WIN$"),
    r"joined as WDO\$N; expected an unadjusted": (["WINJ21"], "WDO$N"),
    "joined as WINM21; expected an unadjusted": (["WINJ21"], "WINM21"),
    "while it was in force; expected bars of WINJ21 on 2021-04-05": (["WINQ21"], None),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_joined_is_refused(message: str) -> None:
    names, symbol = REFUSED[message]

    with pytest.raises(DataError, match=message):
        join_contracts([contract(name, 2) for name in names], symbol)


def test_contracts_of_two_timeframes_are_refused() -> None:
    longer = from_frame(frame(walk(5, 2, minutes=15, bars=36)), symbol="WINM21")

    with pytest.raises(DataError, match="got WINJ21 M5, WINM21 M15; expected"):
        join_contracts([contract("WINJ21", 2), longer])

"""The table of families."""

from __future__ import annotations

from datetime import date

import pytest

from alertlib.config.schema import FeeSince, HoursSince, SymbolSpec
from alertlib.market.clock import day_number
from alertlib.market.instruments import (
    FAMILIES,
    Fee,
    find_family,
    find_instrument,
    hours_of_families,
)
from alertlib.market.sessions import NO_SESSION
from alertlib.scorecard import canonical_hash


def test_the_hours_of_every_family_can_be_hashed() -> None:
    """Golden: whoever changes hours changes the scoring spec, and has to mean it."""
    hours = hours_of_families()

    assert list(hours) == [family.name for family in FAMILIES]
    assert hours == {
        "WIN": {
            "kind": "b3_futures", "open": 540, "ash_wednesday_open": 780, "close": 1_105,
            "us_daylight_saving_close": 1_075, "us_daylight_saving_until": "2023-11-05",
        },
        "WDO": {
            "kind": "b3_futures", "open": 540, "ash_wednesday_open": 780, "close": 1_110,
            "us_daylight_saving_close": 1_080, "us_daylight_saving_until": "2023-11-05",
        },
        "BIT": {
            "kind": "b3_bitcoin", "before": hours["WDO"], "ash_wednesday_open": 780,
            "since": {"2026-03-09": [480, 1_110], "2026-04-20": [480, 1_200]},
        },
        "B3 cash equity": {
            "kind": "b3_cash", "open": 600, "ash_wednesday_open": 780, "close": 1_080,
            "us_daylight_saving_close": 1_020,
        },
    }  # fmt: skip
    assert canonical_hash(hours) == canonical_hash(hours_of_families())


@pytest.mark.parametrize("root", ["WIN", "WDO", "BIT"])
@pytest.mark.parametrize("letter", "FGHJKMNQUVXZ")
def test_contracts_belong_to_their_families(root: str, letter: str) -> None:
    found = find_family(f"{root}{letter}26")

    assert found is not None
    assert found.name == root


@pytest.mark.parametrize(
    ("symbol", "share"),
    [
        ("PETR4", True), ("PETR4F", True), ("PETR4.SA", True), ("B3SA3", True), ("TAEE11", True),
        ("KLBN11", True), ("BOVA11F", True), ("AAPL34", True), ("NFLX34", True), ("XPML11", True),
        # contracts of roots that have no family here are no shares
        ("DOLF27", False), ("INDM26", False), ("DI1F27", False), ("CCMU26", False),
        ("BGIK25", False), ("ICFZ25", False), ("WSPM25", False),
        ("SPX500", False), ("NAS100", False), ("PETRA32", False), ("XAUUSD", False),
    ],
)  # fmt: skip
def test_shares_are_told_from_contracts_and_indices(symbol: str, share: bool) -> None:
    found = find_family(symbol)

    assert (found is not None and found.name == "B3 cash equity") == share


def hours(spec: SymbolSpec, day: date) -> tuple[int, int]:
    return find_instrument(spec.symbol, "M5", (spec,)).hours(day_number(day))


def test_stated_hours_hold_from_their_day_on() -> None:
    spec = SymbolSpec(
        "BIT$N",
        hours=(
            HoursSince("2026-03-09", "09:00", "18:30"),
            HoursSince("2026-04-20", "08:00", "20:00"),
        ),
    )

    assert hours(spec, date(2026, 3, 6)) == (540, 1_110)  # the family's
    assert hours(spec, date(2026, 4, 1)) == (540, 1_110)  # as a broker's bars had them
    assert hours(spec, date(2026, 4, 20)) == (480, 1_200)
    assert hours(spec, date(2027, 2, 10)) == (780, 1_200)  # Ash Wednesday
    assert hours(spec, date(2026, 4, 21)) == NO_SESSION
    later = find_instrument("BIT$N", "M5", (spec,)).sessions
    assert later is not None
    assert later.known_since == date(2020, 3, 9)


def test_stated_hours_make_an_older_table() -> None:
    spec = SymbolSpec("WIN$N", hours=(HoursSince("2014-01-02", "09:00", "17:30"),
                                      HoursSince("2020-03-09", "09:00", "17:55")))  # fmt: skip
    table = find_instrument("WIN$N", "M30", (spec,)).sessions

    assert table is not None
    assert table.known_since == date(2014, 1, 2)
    assert hours(spec, date(2014, 1, 7)) == (540, 1_050)


def test_stated_hours_without_a_family_stand_for_earlier_days_too() -> None:
    plain = SymbolSpec("XYZ", hours=(HoursSince("2026-01-05", "10:00", "16:00"),))
    both = SymbolSpec("XYZ", session_open="09:00", session_close="15:00", hours=plain.hours)

    assert hours(plain, date(2025, 6, 2)) == hours(plain, date(2026, 6, 2)) == (600, 960)
    assert hours(both, date(2025, 6, 2)) == (540, 900)
    assert hours(both, date(2026, 2, 18)) == (600, 960)  # no Ash Wednesday elsewhere


def test_stated_fees_hold_from_their_day_on() -> None:
    dated = (FeeSince("2026-01-05", 3.0), FeeSince("2026-02-02", 2.0))
    family = find_instrument("WIN$N", "M5", (SymbolSpec("WIN$N", fees=dated),))
    stated = find_instrument("WIN$N", "M5", (SymbolSpec("WIN$N", fees_points=1.0, fees=dated),))

    days = (date(2025, 12, 30), date(2026, 1, 5), date(2026, 2, 1), date(2026, 2, 2))
    assert [family.fee_points(day) for day in days] == [2.56, 3.0, 3.0, 2.0]
    assert [stated.fee_points(day) for day in days] == [1.0, 3.0, 3.0, 2.0]
    assert find_instrument("XYZ", "M5", (SymbolSpec("XYZ", fees=dated),)).fees == (
        Fee(date(2026, 1, 5), 3.0), Fee(date(2026, 2, 2), 2.0),
    )  # fmt: skip

"""Parts of a series: the same bars on the same grid, and what was found among them."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import alertlib as al
from alertlib.bars.opening import from_frame
from alertlib.errors import ConfigError, DataError
from tests.support.synthetic import bars_of, frame, walk

BARS = bars_of(walk(3, 5), "WIN$N", "M5")
DAYS = BARS.frame["time"].dt.date().unique().sort().to_list()
PLACES = st.none() | st.integers(-len(BARS) - 5, len(BARS) + 5)


@given(start=PLACES, stop=PLACES)
def test_a_slice_is_that_of_a_list(start: int | None, stop: int | None) -> None:
    rows = list(range(len(BARS)))[start:stop]
    if not rows:
        with pytest.raises(DataError, match="holds no bar"):
            BARS[start:stop]
        return
    part = BARS[start:stop]
    assert_frame_equal(part.frame, BARS.frame[rows[0] : rows[-1] + 1])
    assert part.instrument == BARS.instrument
    assert repr(part).startswith("<Bars WIN$N M5")


@given(first=st.sampled_from(DAYS), last=st.sampled_from(DAYS))
def test_both_dates_are_included(first: date, last: date) -> None:
    if first > last:
        with pytest.raises(ConfigError, match="the first not after the last"):
            BARS.between(first, last)
        return
    part = BARS.between(first.isoformat(), last)
    assert part.frame["time"].dt.date().unique().sort().to_list() == [
        day for day in DAYS if first <= day <= last
    ]


def test_the_parts_make_the_whole() -> None:
    parts = [BARS.between(day, day).frame for day in DAYS]
    assert_frame_equal(pl.concat(parts), BARS.frame)
    assert BARS[:].sha256 == BARS.sha256
    assert BARS[: len(BARS) // 2].sha256 != BARS.sha256


def test_prices_stay_on_the_grid_of_the_whole() -> None:
    """A few bars alone may look as if their tick were larger."""
    bars = from_frame(frame(walk(3, 5, tick=0.25, price=4_000)), symbol="XYZ", timeframe="M5")
    assert bars[:1].instrument.grid == bars.instrument.grid


def test_a_part_of_the_sample_is_synthetic() -> None:
    bars = al.read_bars(al.sample_path())
    assert not bars.declared_synthetic or bars.synthetic
    assert bars[:100].synthetic
    assert "SYNTHETIC" in repr(bars.between("2025-02-01", "2025-02-28"))


def test_findings_stay_with_the_part_they_may_concern() -> None:
    rows = frame(walk(3, 5))
    at = rows["time"][150]
    broken = pl.when(pl.col("time") == at).then(pl.lit(0.0)).otherwise(pl.col("low"))
    bars = from_frame(rows.with_columns(low=broken), symbol="WIN$N", timeframe="M5")
    day = at.date()
    assert not bars.between(day, day).quality.clean
    assert bars.between(day, day).quality.quarantined.height == 1
    for other in (d for d in DAYS if d != day):
        part = bars.between(other, other)
        assert part.quality.clean
        assert part.quality.quarantined.is_empty()
    assert bars[:].quality.findings == bars.quality.findings


@pytest.mark.parametrize("places", [3, -1, "a", None, slice(None, None, 2), (1, 2), slice("a")])
def test_what_is_no_slice_is_one_line(places: object) -> None:
    with pytest.raises(DataError, match=r"^bars\[\.\.\.\]: got .*; expected .*bars\[:1000\]"):
        BARS[places]  # type: ignore[index]


def test_bars_are_not_walked_through() -> None:
    with pytest.raises(DataError, match=r"single rows are in bars\.frame"):
        list(BARS)  # type: ignore[call-overload]


@pytest.mark.parametrize("pair", [("x", "y"), (None, "2021-04-05"), (3, 4), ("2021-04-31",) * 2])
def test_what_is_no_date_is_one_line(pair: tuple[object, object]) -> None:
    with pytest.raises(ConfigError, match=r"^between: got .* and .*; expected a first and a last"):
        BARS.between(*pair)  # type: ignore[arg-type]


def test_no_bar_between_two_dates_is_told_with_those_there_are() -> None:
    with pytest.raises(DataError, match=rf"no bar from .*within {DAYS[0]} to {DAYS[-1]}"):
        BARS.between("1999-01-01", datetime(1999, 1, 2))

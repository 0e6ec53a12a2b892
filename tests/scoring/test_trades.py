"""Fills worked by hand, and random trades against a slow plain loop."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertlib.bars.series import Series
from alertlib.config.schema import Trade
from alertlib.kernels.first_touch import STOP, TARGET, first_touch, last_bar
from alertlib.market.clock import date_of
from alertlib.market.instruments import Fee
from alertlib.scoring.engine import COMPILED, INTERPRETED, Engine
from alertlib.scoring.trade_walk import last_bars
from alertlib.scoring.trades import EXIT_REASONS, Trades, session_fees, simulate
from tests import naive, naive_score
from tests.naive import NaiveAlert, Rules
from tests.support.steps import mirrored, rough_walk
from tests.support.synthetic import Row, series_of, session, walk

# Prices are small: all of these bars would be the same 100,000 points higher. Tick 5, so one tick
# of slippage is 5 points; the round trip costs 2.56 points.
FLAT = (100.0, 105.0, 95.0, 100.0)
FEES = 2.56


def trade(
    rows: list[Row],
    stop: float,
    target: float,
    *,
    direction: int = 1,
    bar: int = 0,
    settings: Trade | None = None,
    symbol: str = "TST",
) -> Trades:
    """One trade on an alert at ``bar``, levels in points."""
    series = series_of(rows, symbol, "M5")
    return simulate(
        series,
        np.array([bar]),
        np.array([direction]),
        np.array([stop / 5]),
        np.array([target / 5]),
        settings or Trade(),
    )


def outcome(trades: Trades) -> dict[str, Any]:
    """The one trade in points, rounded as prices are."""
    assert trades.filled.tolist() == [True]
    return {
        "entry": 5 * float(trades.entry_price[0]),
        "exit": 5 * float(trades.exit_price[0]),
        "bar": int(trades.exit[0]),
        "reason": EXIT_REASONS[int(trades.reason[0])],
        "points": round(float(trades.points[0]), 6),
        "ambiguous": bool(trades.ambiguous[0]),
    }


# The alert's bar comes first. Each case: the bars after it, what is expected of a long with stop 80
# and target 120, entered at the next open plus 5.
LONG_CASES = {
    "the target is filled at its price once exceeded by a tick": (
        # Entry 105. Bar 2 reaches 125 = 120 + 5. 120 - 105 - 2.56.
        [FLAT, (100, 125, 100, 110)],
        {"entry": 105, "exit": 120, "bar": 2, "reason": "target", "points": 12.44},
    ),
    "a touch of the target is no fill": (
        # Bar 2 reaches 120 exactly, bar 3 exceeds it.
        [FLAT, (100, 120, 100, 110), (110, 125, 110, 110)],
        {"entry": 105, "exit": 120, "bar": 3, "reason": "target", "points": 12.44},
    ),
    "the target is never filled better, not even when the bar opens beyond it": (
        [FLAT, (150, 155, 145, 150)],
        {"entry": 105, "exit": 120, "bar": 2, "reason": "target", "points": 12.44},
    ),
    "the stop is hit at its price and slips a tick": (
        # Low 80 <= 80: filled at 80 - 5. 75 - 105 - 2.56.
        [FLAT, (100, 105, 80, 90)],
        {"entry": 105, "exit": 75, "bar": 2, "reason": "stop", "points": -32.56},
    ),
    "a bar that opens beyond the stop fills at its open": (
        # Opens at 60 < 80: 60 - 5. 55 - 105 - 2.56.
        [FLAT, (60, 65, 50, 60)],
        {"entry": 105, "exit": 55, "bar": 2, "reason": "stop", "points": -52.56},
    ),
    "a bar that opens at the stop fills there": (
        [FLAT, (80, 90, 75, 85)],
        {"entry": 105, "exit": 75, "bar": 2, "reason": "stop", "points": -32.56},
    ),
    "both levels in one bar are a stop, and ambiguous": (
        [FLAT, (100, 130, 75, 100)],
        {"entry": 105, "exit": 75, "bar": 2, "reason": "stop", "points": -32.56,
         "ambiguous": True},
    ),
    "a stop beside a mere touch of the target is not ambiguous": (
        [FLAT, (100, 120, 75, 100)],
        {"entry": 105, "exit": 75, "bar": 2, "reason": "stop", "points": -32.56},
    ),
    "the entry bar itself can stop": (
        # Opens at 100, entry 105, falls to 80 within the bar.
        [(100, 105, 80, 90), FLAT],
        {"entry": 105, "exit": 75, "bar": 1, "reason": "stop", "points": -32.56},
    ),
    "an entry bar that opens beyond the stop fills at its open both ways": (
        # Opens at 70: bought at 75, sold at 65.
        [(70, 90, 65, 80), FLAT],
        {"entry": 75, "exit": 65, "bar": 1, "reason": "stop", "points": -12.56},
    ),
    "the entry bar itself can reach the target": (
        [(100, 125, 100, 120), FLAT],
        {"entry": 105, "exit": 120, "bar": 1, "reason": "target", "points": 12.44},
    ),
    "an entry that opens beyond the target is that target's, with a loss": (
        # Opens at 150: bought at 155, sold at the target's 120. 120 - 155 - 2.56.
        [(150, 155, 145, 150), FLAT],
        {"entry": 155, "exit": 120, "bar": 1, "reason": "target", "points": -37.56},
    ),
    "the session's last bar ends it at the close": (
        # Close 115 - 5 = 110. 110 - 105 - 2.56.
        [FLAT, FLAT, (100, 115, 100, 115)],
        {"entry": 105, "exit": 110, "bar": 3, "reason": "session", "points": 2.44},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LONG_CASES)
def test_a_long_by_hand(case: str) -> None:
    bars, expected = LONG_CASES[case]
    rows = session([FLAT, *bars])

    found = outcome(trade(rows, 80.0, 120.0))

    assert found == {"ambiguous": False} | expected


@pytest.mark.parametrize("case", LONG_CASES)
def test_a_short_is_the_long_upside_down(case: str) -> None:
    """Mirrored about 100: stop 120, target 80, entry five points below the open."""
    bars, expected = LONG_CASES[case]
    rows = mirrored(session([FLAT, *bars]), about=200.0)

    found = outcome(trade(rows, 120.0, 80.0, direction=-1))

    upright = {"ambiguous": False} | expected
    upright["entry"], upright["exit"] = 200 - upright["entry"], 200 - upright["exit"]
    assert found == upright


def test_touch_is_enough_where_the_settings_say_so() -> None:
    rows = session([FLAT, FLAT, (100, 120, 100, 110), FLAT])

    found = outcome(trade(rows, 80.0, 120.0, settings=Trade(touch=True)))

    assert (found["reason"], found["bar"], found["exit"]) == ("target", 2, 120)


def test_an_alert_on_the_sessions_last_bar_cannot_be_filled() -> None:
    rows = session([FLAT] * 3, date(2021, 4, 5)) + session([FLAT] * 3, date(2021, 4, 6))
    series = series_of(rows, "TST")

    bars = np.arange(6)
    trades = simulate(series, bars, np.ones(6, int), np.full(6, 16.0), np.full(6, 24.0), Trade())

    assert trades.filled.tolist() == [True, True, False, True, True, False]


def test_it_is_not_filled_at_the_close_of_the_signal() -> None:
    """The alert's bar closes at 100; the next opens at 110, and that is the price."""
    rows = session([FLAT, (110, 115, 105, 110), FLAT])

    assert outcome(trade(rows, 80.0, 150.0))["entry"] == 115


def test_slippage_of_none_or_several_ticks() -> None:
    rows = session([FLAT, FLAT, (100, 105, 80, 90)])

    for ticks in (0, 3):
        found = outcome(trade(rows, 80.0, 120.0, settings=Trade(slippage_ticks=ticks)))
        slip = 5 * ticks
        assert (found["entry"], found["exit"]) == (100 + slip, 80 - slip)


def test_time_ends_it_after_twenty_four_bars() -> None:
    """Alert at bar 0: the last of its 24 bars is bar 24. The small session has only 20 bars, so the
    index future's hours are used; it would close at 17:55.
    """
    rows = session([FLAT] * 40)

    found = outcome(trade(rows, 80.0, 120.0, symbol="WIN$N"))

    # 100 - 5 - 105 - 2.56.
    assert found == {
        "entry": 105, "exit": 95, "bar": 24, "reason": "time", "points": -12.56,
        "ambiguous": False,
    }  # fmt: skip


def test_time_ends_it_after_150_minutes_across_a_hole() -> None:
    """Entry at 09:05, so 150 minutes are over at 11:35.

    Bars 09:00 .. 10:00, then nothing until 11:25: its bar closes at 11:30. The next would close
    at 11:35, which is not after: 11:30 is still held and is the last; 11:35 would close at 11:40.
    """
    rows = session([FLAT] * 13)
    rows += session([FLAT] * 6, opening=datetime(2021, 4, 5, 11, 25).time())

    found = outcome(trade(rows, 80.0, 120.0, symbol="WIN$N"))

    assert rows[14][0] == datetime(2021, 4, 5, 11, 30)
    assert (found["bar"], found["reason"]) == (14, "time")


def test_a_hole_right_after_the_entry_leaves_the_entry_bar_alone() -> None:
    """The next bar closes three hours later: out at the close of the entry bar."""
    rows = session([FLAT] * 2)
    rows += session([(200, 205, 195, 200)] * 3, opening=datetime(2021, 4, 5, 12, 0).time())

    found = outcome(trade(rows, 80.0, 120.0, symbol="WIN$N"))

    assert (found["bar"], found["reason"], found["exit"]) == (1, "time", 95)


def test_half_hour_bars_are_held_for_150_minutes_not_for_twelve_hours() -> None:
    rows = session([FLAT] * 18, minutes=30)
    series = series_of(rows)

    trades = simulate(
        series, np.array([0]), np.array([1]), np.array([16.0]), np.array([24.0]), Trade()
    )

    # Entry at 09:30, bars close at 10:00 .. 12:00: five of them.
    assert EXIT_REASONS[int(trades.reason[0])] == "time"
    assert int(trades.exit[0]) == 5


@pytest.mark.parametrize("length", [24, 25, 26])
def test_time_comes_before_the_end_of_the_session(length: int) -> None:
    """With 25 bars the 24th after the alert is the session's last: time, not session."""
    found = outcome(trade(session([FLAT] * length), 80.0, 120.0, symbol="WIN$N"))

    assert found["reason"] == ("session" if length == 24 else "time")


def test_the_horizon_counts_bars_and_minutes_as_set() -> None:
    rows = session([FLAT] * 20)

    assert outcome(trade(rows, 80.0, 120.0, settings=Trade(horizon_bars=1)))["bar"] == 1
    assert outcome(trade(rows, 80.0, 120.0, settings=Trade(horizon_bars=7)))["bar"] == 7
    assert outcome(trade(rows, 80.0, 120.0, settings=Trade(horizon_minutes=5)))["bar"] == 1
    assert outcome(trade(rows, 80.0, 120.0, settings=Trade(horizon_minutes=19)))["bar"] == 3
    assert outcome(trade(rows, 80.0, 120.0, settings=Trade(horizon_minutes=20)))["bar"] == 4
    assert outcome(trade(rows, 80.0, 120.0, settings=Trade(horizon_minutes=1)))["bar"] == 1


def test_a_result_of_zero_is_a_loss() -> None:
    """Without fees and slippage a trade closed where it was opened: zero points."""
    rows = session([FLAT] * 3)

    trades = trade(rows, 80.0, 120.0, settings=Trade(slippage_ticks=0, fees_points=0.0))

    assert trades.points.tolist() == [0.0]
    assert (trades.points > 0).tolist() == [False]


def test_excursions_are_measured_from_the_entry_price() -> None:
    """Entry 105; highest high 115, lowest low 90 up to the exit: +10 and -15."""
    rows = session([FLAT, FLAT, (100, 115, 90, 100), (100, 110, 95, 100)])

    trades = trade(rows, 80.0, 120.0)

    assert (trades.best.tolist(), trades.worst.tolist()) == ([10.0], [-15.0])


def test_the_optimistic_bound_takes_the_target_where_the_bar_leaves_it_open() -> None:
    both = trade(session([FLAT, FLAT, (100, 130, 75, 100)]), 80.0, 120.0)
    stop = trade(session([FLAT, FLAT, (100, 105, 75, 100)]), 80.0, 120.0)

    assert both.optimistic.tolist() == pytest.approx([120 - 105 - FEES])
    assert stop.optimistic.tolist() == stop.points.tolist()


# --- fees ---------------------------------------------------------------------------------


def dated(series: Series) -> Series:
    fees = (Fee(date.min, 2.0), Fee(date(2021, 4, 6), 4.0))
    return replace(series, instrument=replace(series.instrument, fees=fees))


def test_fees_are_those_in_force_on_the_day_unless_stated() -> None:
    rows = session([FLAT] * 3, date(2021, 4, 5)) + session([FLAT] * 3, date(2021, 4, 6))
    series = dated(series_of(rows, "TST"))

    assert session_fees(series, Trade()).tolist() == [2.0, 4.0]
    assert session_fees(series, Trade(fees_points=1.5)).tolist() == [1.5, 1.5]
    trades = simulate(
        series, np.array([0, 3]), np.array([1, 1]), np.full(2, 16.0), np.full(2, 24.0), Trade()
    )
    # Both out at the last close: 95 - 105, less the fees of their day.
    assert trades.points.tolist() == [-12.0, -14.0]


@given(st.lists(st.integers(-3, 6), max_size=4), st.integers(0, 10**6))
def test_fees_of_a_session_are_those_of_its_date(since: list[int], seed: int) -> None:
    series = series_of(rough_walk(seed, sessions=4, bars=3))
    first = date_of(int(series.days[0]))
    fees = tuple(Fee(first + timedelta(days=n), 1.0 + i) for i, n in enumerate(since))
    series = replace(series, instrument=replace(series.instrument, fees=fees))

    expected = [series.instrument.fee_points(date_of(day)) for day in series.days.tolist()]

    assert session_fees(series, Trade()).tolist() == expected


def test_no_trade_at_all_is_no_mistake(engine: Engine) -> None:
    none = np.zeros(0, dtype=np.int64)
    series = series_of(session([FLAT] * 3), "TST")

    assert len(simulate(series, none, none, none * 1.0, none * 1.0, Trade(), engine)) == 0


def test_unknown_fees_count_as_nothing() -> None:
    series = series_of(session([FLAT] * 3), "XYZ")

    assert session_fees(series, Trade()).tolist() == [0.0]


# --- the two engines ----------------------------------------------------------------------


def both_engines(
    series: Series, bar: Any, direction: Any, stop: Any, target: Any, rule: Trade
) -> Trades:
    """The trades, the same to the bit from either engine."""
    trades, again = (
        simulate(series, bar, direction, stop, target, rule, engine)
        for engine in (INTERPRETED, COMPILED)
    )
    for field in fields(trades):
        one, other = getattr(trades, field.name), getattr(again, field.name)
        assert one.dtype == other.dtype, field.name
        assert one.tobytes() == other.tobytes(), field.name
    return trades


@settings(max_examples=60)
@given(
    st.integers(0, 10**6),
    st.sampled_from(("WIN$N", "TST")),
    st.sampled_from((1.0, 0.98765)),
    st.builds(
        Trade,
        slippage_ticks=st.integers(0, 3),
        touch=st.booleans(),
        horizon_bars=st.one_of(st.integers(1, 8), st.integers(1, 10_000)),
        horizon_minutes=st.one_of(st.integers(1, 60), st.integers(1, 100_000)),
        fees_points=st.none() | st.floats(0.0, 10.0),
    ),
    st.integers(0, 300),
)
def test_engines_agree_to_the_bit(
    seed: int, symbol: str, adjusted: float, rule: Trade, alerts: int
) -> None:
    """Alerts in any order and more than once, of the last bars too, some levels of no sense.

    Prices times 0.98765 lie off the tick; levels lie where chance has them.
    """
    rows = [
        (t, *(round(price * adjusted, 2) for price in prices))
        for t, *prices in rough_walk(seed, sessions=3)
    ]
    series = series_of(rows, symbol, "M5")
    series = replace(
        series, instrument=replace(series.instrument, fees=dated(series).instrument.fees)
    )
    random = np.random.default_rng(seed)
    bar = random.integers(0, len(series), alerts)
    bar[: len(series.last)] = series.last[: len(bar)]
    direction = random.choice([-1, 1], alerts)
    scale = 20.0 * (series.high - series.low).mean()
    stop, target = (
        series.close[bar] + way * direction * np.abs(random.normal(0.0, scale, alerts))
        for way in (-1, 1)
    )
    whole = random.random(alerts) < 0.5
    stop[whole], target[whole] = np.round(stop[whole]), np.round(target[whole])
    for levels in (stop, target):
        odd = random.random(alerts) < 0.05
        levels[odd] = random.choice([np.nan, np.inf, -np.inf, 0.0], int(odd.sum()))

    trades = both_engines(series, bar, direction, stop, target, rule)

    assert len(trades) == alerts
    assert not trades.filled[np.isin(bar, series.last)].any()


def test_columns_of_other_types_and_steps_are_taken_as_they_are() -> None:
    series = series_of(walk(5, sessions=2))
    bar = np.arange(0, 100, 2)
    direction = np.where(bar % 3 == 0, 1, -1)
    close = series.close[bar]
    stop, target = close - 3 * direction, close + 3 * direction
    expected = both_engines(series, bar, direction, stop * 1.0, target * 1.0, Trade())

    for found in (
        both_engines(
            series, bar.astype(np.int32), direction.astype(np.int8), stop, target, Trade()
        ),
        both_engines(
            series, np.repeat(bar, 2)[::2], np.repeat(direction, 2)[::2], stop, target, Trade()
        ),
    ):
        for field in fields(found):
            assert np.array_equal(getattr(found, field.name), getattr(expected, field.name))


@pytest.mark.parametrize("bar", [-1, 3])
def test_an_alert_of_a_bar_there_is_not_is_a_mistake(bar: int, engine: Engine) -> None:
    series = series_of(session([FLAT] * 3), "TST")
    level = np.array([16.0, 16.0])

    with pytest.raises(IndexError, match=rf"alert at bar {bar}: expected one of the 3 bars"):
        simulate(series, np.array([1, bar]), np.array([1, 1]), level, level, Trade(), engine)


def test_columns_of_unequal_length_are_a_mistake(engine: Engine) -> None:
    series = series_of(session([FLAT] * 3), "TST")
    one, two = np.array([1]), np.array([16.0, 16.0])

    with pytest.raises(ValueError, match="got 1 bars, 1 directions, 2 stops and 2 targets"):
        simulate(series, one, one, two, two, Trade(), engine)


# --- the kernel ---------------------------------------------------------------------------


@given(st.lists(st.integers(1, 30), min_size=1, max_size=40), st.data())
def test_the_last_bar_is_the_last_that_opens_in_time(apart: list[int], data: st.DataObject) -> None:
    minute = np.cumsum(apart).tolist()
    entry = data.draw(st.integers(0, len(minute) - 1))
    end = data.draw(st.integers(entry, len(minute) - 1))
    limit = data.draw(st.sampled_from(minute)) + data.draw(st.integers(-1, 1))

    expected = max([at for at in range(entry, end + 1) if minute[at] <= limit], default=entry)

    assert last_bar(minute, entry, end, limit) == expected


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 300))
def test_the_last_bar_is_what_numpy_finds(seed: int, bars: int, minutes: int) -> None:
    series = series_of(rough_walk(seed, sessions=3), timeframe="M5")
    bar = np.arange(len(series))
    last = series.last[series.session]
    entry, end = np.minimum(bar + 1, last), np.minimum(bar + bars, last)
    rule = Trade(horizon_bars=bars, horizon_minutes=minutes)

    found, _ = last_bars(series, bar, entry, last, rule)

    minute = series.minute.tolist()
    assert found.tolist() == [
        last_bar(minute, e, f, minute[e] + minutes - 5)
        for e, f in zip(entry.tolist(), end.tolist(), strict=True)
    ]


PRICE = st.integers(-20, 20)


@given(
    st.lists(st.tuples(PRICE, PRICE, PRICE, PRICE), min_size=1, max_size=20),
    st.integers(-25, 25),
    st.integers(-25, 25),
    st.sampled_from((0.0, 0.5, 1.0)),
    st.sampled_from((0.0, 1.0)),
)
def test_the_first_touch_is_that_of_a_slow_search(
    bars: list[tuple[int, int, int, int]], stop: int, target: int, slip: float, margin: float
) -> None:
    """Of a long; and a short is the long upside down."""
    open_, close = [b[0] for b in bars], [b[3] for b in bars]
    high, low = [max(b) for b in bars], [min(b) for b in bars]
    stops = [at for at in range(len(bars)) if low[at] <= stop]
    targets = [at for at in range(len(bars)) if high[at] >= target + margin]
    end = min([*stops, *targets, len(bars) - 1])
    reason, fill = -1, close[end] - slip
    if end in stops:
        reason, fill = STOP, min(stop, open_[end]) - slip
    elif end in targets:
        reason, fill = TARGET, float(target)
    seen = max(high[: end + 1]), min(low[: end + 1])
    expected = (end, reason, fill, end in stops and end in targets, *seen)

    levels = (float(stop), float(target), slip, margin)
    long = first_touch(open_, high, low, close, 0, len(bars) - 1, 1, *levels)
    o, h, lo, c = ([-price for price in column] for column in (open_, low, high, close))
    short = first_touch(o, h, lo, c, 0, len(bars) - 1, -1, *levels)

    assert long == short == expected


# --- against a slow loop ------------------------------------------------------------------


@settings(max_examples=12)  # some 200 trades each
@given(
    st.integers(0, 10**6),
    st.sampled_from((0, 1, 3)),
    st.booleans(),
    st.integers(1, 30),
    st.sampled_from((5, 23, 60, 150)),
    st.integers(1, 12),
)
def test_random_trades_equal_a_slow_loop(
    seed: int, wider: int, touch: bool, bars: int, minutes: int, distance: int
) -> None:
    """Every bar of a rough walk, both ways; the loop knows one tick of slippage only."""
    rows = rough_walk(seed, sessions=2)
    series = series_of(rows, timeframe="M5")
    rule = Trade(
        slippage_ticks=1, touch=touch, horizon_bars=bars, horizon_minutes=minutes, fees_points=FEES
    )
    at = np.repeat(np.arange(len(series)), 2)
    ways = np.tile([1, -1], len(series))
    close = series.close[at]
    stop, target = close - ways * distance, close + ways * (distance + wider)

    trades = both_engines(series, at, ways, stop.astype(float), target.astype(float), rule)

    plain, _ = naive.in_units(rows)
    rules = Rules(
        minutes=5, touch=touch, horizon_bars=bars, horizon_minutes=minutes,
    )  # fmt: skip
    for i in range(len(at)):
        t = int(at[i])
        assert bool(trades.filled[i]) == naive_score.fillable(t, plain)
        if not trades.filled[i]:
            continue
        alert = NaiveAlert(
            t,
            int(ways[i]),
            "",
            [],
            0,
            "",
            plain[t].close,
            0,
            0,
            5 * int(stop[i]),
            5 * int(target[i]),
        )
        twin = naive_score.simulate(alert, plain, rules)
        found = (
            int(trades.exit[i]), EXIT_REASONS[int(trades.reason[i])], bool(trades.ambiguous[i]),
            5 * float(trades.exit_price[i]), 5 * float(trades.entry_price[i]),
        )  # fmt: skip
        assert found == (
            twin["exit_bar"], twin["exit_reason"], twin["ambiguous"], twin["exit_price"],
            twin["entry_price"],
        )  # fmt: skip
        assert float(trades.points[i]) == pytest.approx(float(twin["net"]), abs=1e-9)
        gain = ways[i] * (twin["best"] - twin["entry_price"])
        loss = ways[i] * (twin["worst"] - twin["entry_price"])
        assert (float(trades.best[i]), float(trades.worst[i])) == (gain, loss)


def test_no_alerts_make_no_trades() -> None:
    empty = np.zeros(0, dtype=np.int64)
    trades = simulate(
        series_of(walk(1, sessions=1)), empty, empty, empty * 1.0, empty * 1.0, Trade()
    )

    assert len(trades) == 0
    assert len(trades.only(empty)) == 0


def test_a_trade_is_over_before_the_day_is() -> None:
    """No exit lies in another session than its entry, whatever the horizon."""
    series = series_of(walk(3, sessions=3))
    at = np.arange(len(series))
    far = np.full(len(at), 1.0)
    settings = Trade(horizon_bars=500, horizon_minutes=5_000)

    trades = simulate(series, at, np.ones(len(at), int), far, far * 1e9, settings)

    filled = trades.filled
    assert (series.session[trades.exit[filled]] == series.session[at[filled]]).all()
    assert set(trades.reason[filled].tolist()) == {EXIT_REASONS.index("session")}

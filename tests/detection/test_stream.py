"""The live core: what the batch says, one bar at a time; and what it refuses."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from pickle import dumps, loads
from types import SimpleNamespace
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.backtesting.backtester import backtest
from alertlib.backtesting.run import Run
from alertlib.bars.opening import from_frame
from alertlib.bars.series import make_series
from alertlib.config import Config
from alertlib.config.schema import SymbolSpec
from alertlib.detection.bar import Bar, read_bar
from alertlib.detection.detectors import detector
from alertlib.detection.ruleset import MAX_DETECTORS, make_rules
from alertlib.detection.stream import Decision, Stream
from alertlib.errors import ConfigError, DataError
from alertlib.market.ticks import tick_grid
from tests.support.steps import rough_walk
from tests.support.synthetic import SMALL, Row, bars_of, frame, shared_rows, walk

EVERYONE = (
    "volatility", "engulfing", "rsi_divergence", "breakout", "directional_change",
    "tests.support.user_detectors:follow",
)  # fmt: skip
MOST = ("volatility", "engulfing", "breakout")


def stream_of(config: Config | None = None, symbol: str = "WIN$N") -> Stream:
    chosen = config or Config()
    return Stream(chosen.set("data.symbols", (SMALL,)), symbol=symbol, timeframe="M5")


def decisions(stream: Stream, rows: Iterable[Row]) -> list[Decision]:
    return [stream.decide(Bar(*row)) for row in rows]


def batch(rows: list[Row], config: Config, symbol: str = "WIN$N") -> Run:
    bars = bars_of(rows, symbol, "M5")
    return backtest(bars, config, audits="none", chance=False, engine="interpreted")


def assert_same(made: list[Decision], run: Run) -> None:
    """Every field of every alert, and every suppression with its reason."""
    expected = run.alerts.to_dicts()
    alerts = [alert for decision in made for alert in decision.alerts]
    assert len(alerts) == len(expected)
    for alert, row in zip(alerts, expected, strict=True):
        fields = alert.to_dict() | {"agreeing": list(alert.agreeing)}
        del fields["symbol"], fields["timeframe"]
        assert fields == {name: row[name] for name in fields}
    held = [
        (s.alert.id, s.alert.bar_time, s.alert.direction, s.reason)
        for decision in made
        for s in decision.suppressed
    ]
    assert held == run.suppressed.select("id", "bar_time", "direction", "reason").rows()


# --- one bar at a time equals the batch ---------------------------------------------------


def test_bar_by_bar_equals_the_batch_field_by_field() -> None:
    config = Config().set("detection.enabled", EVERYONE)
    rows = walk(41, sessions=12, missing=0.03)

    run = batch(rows, config)

    assert run.alerts.height > 60
    assert run.suppressed.height > 60
    assert_same(decisions(stream_of(config), rows), run)


@given(st.integers(0, 10**6), st.sampled_from(("WIN$N", "TST")))
def test_bar_by_bar_equals_the_batch_on_rough_bars(seed: int, symbol: str) -> None:
    rows = rough_walk(seed)
    config = Config().set("detection.enabled", MOST)

    assert_same(decisions(stream_of(config, symbol), rows), batch(rows, config, symbol))


def test_replaying_a_recorded_day_gives_the_alerts_of_its_backtest() -> None:
    rows = shared_rows("winfut_m5_2021-08_2022-01")
    day = rows[-1][0].date()
    run = backtest(bars_of(rows, "WINFUT"), audits="none", chance=False)

    stream = Stream(Config(), symbol="WINFUT", timeframe="M5")
    decisions(stream, [r for r in rows if r[0].date() < day])
    made = decisions(stream, [r for r in rows if r[0].date() == day])

    live = [alert.id for decision in made for alert in decision.alerts]
    assert len(live) > 5
    assert live == [r["id"] for r in run.alerts.to_dicts() if r["bar_time"].date() == day]


def test_the_forming_bar_is_never_seen_by_a_detector() -> None:
    """A bar still in the making is not given to the stream; a later, final one is refused."""
    rows = walk(3, sessions=1)
    stream = stream_of()
    decisions(stream, rows[:50])
    before = stream.snapshot()
    time, open_, high, low, _ = rows[49]

    with pytest.raises(DataError, match=r"at 2021-04-05 13:05:00 is not after the last one"):
        stream.on_bar(Bar(time, open_, high, low, low))

    assert stream.snapshot() == before


# --- saved and restored -------------------------------------------------------------------


@pytest.mark.parametrize("cut", [0, 1, 13, 14, 107, 108, 150, 213, 320])
def test_state_survives_being_written_to_json_at_any_bar(cut: int) -> None:
    config = Config().set("detection.enabled", EVERYONE).set("detection.rsi_divergence.window", 9)
    rows = walk(43, sessions=3)
    whole = decisions(stream_of(config), rows)
    first = stream_of(config)
    decisions(first, rows[:cut])

    second = stream_of(config)
    second.restore(json.loads(json.dumps(first.snapshot())))

    assert second.bars == first.bars == cut
    assert decisions(second, rows[cut:]) == whole[cut:]
    assert second.snapshot() == decisions_snapshot(config, rows)


def decisions_snapshot(config: Config, rows: list[Row]) -> dict[str, Any]:
    stream = stream_of(config)
    decisions(stream, rows)
    return stream.snapshot()


@pytest.mark.parametrize("twin_of", [copy.copy, copy.deepcopy, lambda s: loads(dumps(s))])
@given(cut=st.integers(0, 400))
def test_a_copy_goes_on_by_itself(twin_of: Any, cut: int) -> None:
    """With a user's own detector among those that run."""
    rows = rough_walk(17, sessions=4)
    stream = stream_of(Config().set("detection.enabled", EVERYONE))
    decisions(stream, rows[:cut])
    twin = twin_of(stream)
    before = stream.snapshot()

    ahead = decisions(twin, rows[cut:])
    assert stream.snapshot() == before
    assert decisions(stream, rows[cut:]) == ahead
    assert stream.snapshot() == twin.snapshot()


def test_restoring_does_not_tie_two_streams_together() -> None:
    rows = walk(44, sessions=2)
    first, second = stream_of(), stream_of()
    decisions(first, rows[:120])
    snapshot = first.snapshot()
    second.restore(snapshot)
    decisions(first, rows[120:])

    assert second.snapshot() == snapshot


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("detection.volatility.window", 21),
        ("detection.enabled", MOST),
        ("policy.cooldown_bars", 7),
        ("policy.min_severity", "ALTO"),
        ("trade.atr_window", 20),  # found missing from the fingerprint
    ],
)
def test_a_snapshot_of_other_rules_is_refused(setting: str, value: Any) -> None:
    snapshot = stream_of().snapshot()

    with pytest.raises(DataError, match=r"snapshot of WIN\$N M5 was taken under another config"):
        stream_of(Config().set(setting, value)).restore(snapshot)


def test_a_snapshot_of_another_symbol_is_refused() -> None:
    with pytest.raises(DataError, match="snapshot of TST M5 was taken under another"):
        stream_of(symbol="TST").restore(stream_of().snapshot())


# --- what a bar may look like -------------------------------------------------------------

GOOD: Row = (datetime(2021, 4, 5, 9, 0), 120_000.0, 120_100.0, 119_950.0, 120_050.0)
NAMES = ("time", "open", "high", "low", "close")


def test_a_mapping_and_any_object_with_the_fields_will_do() -> None:
    rows = walk(45, sessions=2)
    snapshots = []
    for make in (
        lambda row: Bar(*row),
        lambda row: dict(zip(NAMES, row, strict=True)),
        lambda row: SimpleNamespace(**dict(zip(NAMES, row, strict=True))),
    ):
        stream = stream_of()
        for row in rows:
            stream.on_bar(make(row))
        snapshots.append(stream.snapshot())

    assert snapshots[0] == snapshots[1] == snapshots[2]


@pytest.mark.parametrize(
    "zoned",
    [
        datetime(2021, 4, 5, 9, 0, tzinfo=ZoneInfo("America/Sao_Paulo")),
        datetime(2021, 4, 5, 12, 0, tzinfo=UTC),
        datetime(2021, 4, 5, 8, 0, tzinfo=timezone(timedelta(hours=-4))),
    ],
)
def test_a_zoned_time_is_turned_into_the_exchanges_wall_clock(zoned: datetime) -> None:
    naive, aware = stream_of(), stream_of()
    naive.on_bar(Bar(*GOOD))
    aware.on_bar(Bar(zoned, *GOOD[1:]))

    assert aware.snapshot() == naive.snapshot()


class Nothing(NamedTuple):
    seen: int = 0


def test_volume_reaches_the_step_from_whichever_column_there_is() -> None:
    seen = []

    @detector("hearsay", patterns=("a", "b"), state=Nothing())
    def hearsay(state: Any, ring: Any, bar: Any, params: Any) -> Any:
        seen.append(bar.volume)
        return 0, state

    stream = stream_of(Config().set("detection.enabled", (hearsay.name,)))
    for n, volumes in enumerate([(7, 9), (None, 9), (0, 9), (None, None)]):
        stream.on_bar(Bar(GOOD[0] + timedelta(minutes=5 * n), *GOOD[1:], *volumes))

    assert seen == [7, 9, 0, 0]


def test_a_bar_outside_the_session_is_passed_over() -> None:
    stream = stream_of()
    before = GOOD[0].replace(hour=8, minute=55)
    after = GOOD[0].replace(hour=17, minute=55)

    assert stream.on_bar(Bar(before, *GOOD[1:])) == []
    assert stream.on_bar(Bar(*GOOD)) == []
    assert stream.on_bar(Bar(after, *GOOD[1:])) == []
    assert stream.bars == 1


BAD_BARS = {
    "no time": ({"time": None}, r"got time None; expected a datetime"),
    "text for time": ({"time": "2021-04-05"}, r"got time '2021-04-05'; expected a datetime"),
    "nan": ({"close": float("nan")}, r"got open, high, low, close \(.*nan\); expected multiples"),
    "infinity": ({"high": float("inf")}, r"inf.*expected multiples of 5"),
    "text": ({"open": "120000"}, r"'120000'.*expected four numbers"),
    "missing": ({"low": None}, r"None.*expected four numbers"),
    "zero": ({"low": 0.0}, r"with 0 < low <= open, close <= high"),
    "negative": ({"low": -5.0}, r"with 0 < low <= open, close <= high"),
    "high below low": ({"high": 119_900.0}, r"with 0 < low <= open, close <= high"),
    "close above high": ({"close": 120_105.0}, r"with 0 < low <= open, close <= high"),
    "open below low": ({"open": 119_945.0}, r"with 0 < low <= open, close <= high"),
    "off the grid": ({"close": 120_052.0}, r"got .*120052\.0\); expected multiples of 5"),
    "a hundredth off": ({"close": 120_050.01}, r"expected multiples of 5"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_BARS)
def test_what_is_not_a_bar_is_refused_and_changes_nothing(case: str) -> None:
    change, message = BAD_BARS[case]
    rows = walk(46, sessions=1)
    stream = stream_of()
    decisions(stream, rows[:30])
    before = stream.snapshot()
    later = dict(zip(NAMES, GOOD, strict=True)) | {"time": rows[30][0]} | change

    with pytest.raises(DataError, match=message):
        stream.on_bar(later)

    assert stream.snapshot() == before
    assert decisions(stream, rows[30:]) == decisions(stream_of(), rows)[30:]


def test_a_price_a_rounding_away_from_the_grid_is_that_price() -> None:
    exact, rounded = stream_of(), stream_of()
    exact.on_bar(Bar(*GOOD))
    rounded.on_bar(Bar(GOOD[0], *(price * (1 + 1e-12) for price in GOOD[1:])))

    assert rounded.snapshot() == exact.snapshot()


@pytest.mark.parametrize("minutes", [0, -5])
def test_bars_come_once_and_in_order(minutes: int) -> None:
    stream = stream_of()
    stream.on_bar(Bar(GOOD[0] + timedelta(hours=1), *GOOD[1:]))

    with pytest.raises(DataError, match=r"is not after the last one \(2021-04-05 10:00:00\)"):
        stream.on_bar(Bar(GOOD[0] + timedelta(hours=1, minutes=minutes), *GOOD[1:]))


# --- what a stream has to know ------------------------------------------------------------


def test_an_unknown_symbol_needs_its_tick_and_hours_stated() -> None:
    with pytest.raises(ConfigError, match=r"data\.symbols: tick of 'XYZ' is not known; add"):
        Stream(Config(), symbol="XYZ", timeframe="M5")
    ticked = Config().set("data.symbols", (SymbolSpec("XYZ", tick=0.01),))
    with pytest.raises(ConfigError, match=r"session_open and session_close of 'XYZ' is not"):
        Stream(ticked, symbol="XYZ", timeframe="M5")
    stated = Config().set("data.symbols", (SMALL,))
    assert Stream(stated, symbol="TST", timeframe="M5").instrument.minutes == 5


def test_a_function_of_the_whole_frame_cannot_be_streamed() -> None:
    config = Config().set("detection.enabled", ("tests.support.user_detectors:peek",))

    with pytest.raises(ConfigError, match="'peek' is a function of a whole frame and cannot be"):
        stream_of(config)


def test_it_says_what_it_is() -> None:
    stream = stream_of()
    stream.on_bar(Bar(*GOOD))

    assert repr(stream) == (
        "Stream(WIN$N M5, 1 bars, volatility, breakout, engulfing, rsi_divergence)"
    )


# --- long bars ------------------------------------------------------------------------------


def aggregated(rows: list[Row], minutes: int) -> list[Row]:
    """Bars of whole multiples of ``minutes`` since midnight, as a terminal makes them."""
    made: dict[datetime, Row] = {}
    for time, opened, high, low, close in rows:
        start = time.replace(hour=0, minute=0) + timedelta(
            minutes=(60 * time.hour + time.minute) // minutes * minutes
        )
        _, first, top, bottom, _ = made.get(start, (start, opened, high, low, close))
        made[start] = (start, first, max(top, high), min(bottom, low), close)
    return list(made.values())


@pytest.mark.parametrize(("timeframe", "minutes"), [("H2", 120), ("H4", 240), ("D1", 1_440)])
def test_long_bars_that_hold_the_open_belong_to_their_session(timeframe: str, minutes: int) -> None:
    """On the clock the first opens at 08:00 (or midnight), before the session does."""
    rows = aggregated(walk(4, sessions=60, size=30.0), minutes)
    config = Config().update({"policy.window_start": "00:00", "policy.window_end": "23:59"})
    bars = bars_of(rows, timeframe=timeframe)
    stream = Stream(config, symbol="WIN$N", timeframe=timeframe)

    made = decisions(stream, rows)

    assert rows[0][0].hour == (0 if timeframe == "D1" else 8)
    assert stream.bars == len(rows)
    run = backtest(bars, config, audits="none", chance=False, engine="interpreted")
    assert run.alerts.height > 5
    assert_same(made, run)
    series = make_series(bars)
    assert (series.removed, len(series)) == (0, len(rows))
    assert (series.last - series.first + 1).tolist() == series.expected.tolist()


def test_bars_of_a_holiday_and_a_weekend_are_passed_over() -> None:
    rows = walk(4, sessions=3)
    shifted = [(time + timedelta(days=4), *prices) for time, *prices in rows]  # Friday to Sunday
    stream = stream_of()

    made = decisions(stream, shifted)

    assert stream.bars == 107
    assert all(decision == Decision((), ()) for decision in made[107:])
    assert stream.on_bar(Bar(datetime(2021, 4, 21, 10), 120_000, 120_000, 120_000, 120_000)) == []
    assert stream.bars == 107


# --- at the edge --------------------------------------------------------------------------

OPEN = datetime(2021, 4, 5, 9, 0)


@pytest.mark.parametrize(
    ("timeframe", "clock", "fits"),
    [
        ("M5", "09:00", True), ("M5", "09:05", True), ("M5", "09:03", False),
        ("M5", "08:03", False), ("M15", "09:05", False), ("M15", "09:15", True),
        ("H1", "09:30", False), ("H1", "10:00", True),
        # From midnight, as MetaTrader cuts them, or from the session's open.
        ("H2", "10:00", True), ("H2", "11:00", True), ("H2", "10:30", False),
        ("H4", "12:00", True), ("H4", "13:00", True), ("H4", "11:00", False),
        ("D1", "00:00", True), ("D1", "09:00", True), ("D1", "12:00", False),
    ],
)  # fmt: skip
def test_a_bar_opens_on_its_timeframe(timeframe: str, clock: str, fits: bool) -> None:
    """Bars of M1 in a stream of M5 made alerts of a market that never was."""
    stream = Stream(Config(), symbol="WIN$N", timeframe=timeframe)
    bar = Bar(datetime.fromisoformat(f"2021-04-05 {clock}"), 24_000, 24_100, 23_950, 24_050)
    if fits:
        assert stream.on_bar(bar) == []
        return
    with pytest.raises(DataError, match=rf"at 2021-04-05 {clock}:00 does not open on {timeframe};"):
        stream.on_bar(bar)
    assert stream.bars == 0


@pytest.mark.parametrize(
    "later", [{"seconds": 59}, {"minutes": 4, "seconds": 59}, {"microseconds": 1}]
)
def test_a_bar_opens_on_a_whole_minute(later: dict[str, int]) -> None:
    with pytest.raises(DataError, match=r"got time 2021-04-05 09:.*; expected the open of a bar"):
        stream_of().on_bar(Bar(OPEN + timedelta(**later), 24_000, 24_100, 23_950, 24_050))


class Missing:
    """As pandas.NA: nothing can be asked of it."""

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")

    def __eq__(self, other: object) -> Any:
        return self

    __hash__ = None  # type: ignore[assignment]


NO_VOLUME = [None, float("nan"), float("inf"), np.float64("nan"), Missing(), "many", 1.5, -3, 2**63]


class LoudParams(NamedTuple):
    above: int = 105


class LoudState(NamedTuple):
    last: int = 0


@detector("loud", patterns=("loud_up", "loud_down"), params=LoudParams(), state=LoudState(),
          ring=1, warmup=0)  # fmt: skip
def loud(state: LoudState, ring: Any, bar: Any, params: Any) -> tuple[int, LoudState]:
    louder = bar.volume > params.above and bar.volume != state.last
    return (1 if bar.real_volume > 5 else -1) if louder else 0, LoudState(bar.volume)


@pytest.mark.parametrize("missing", NO_VOLUME, ids=lambda value: type(value).__name__)
def test_a_volume_that_is_none_is_not_known(missing: Any) -> None:
    """NaN, pandas' missing, compares with nothing: 31 alerts in the stream, 45 in the batch."""
    rows = walk(17, sessions=8)
    ticks = [None if n % 3 else 100 + n % 20 for n in range(len(rows))]
    contracts = [None if n % 2 else 7 + n % 11 for n in range(len(rows))]
    table = frame(rows).with_columns(
        pl.Series("tick_volume", ticks, dtype=pl.Int64),
        pl.Series("real_volume", contracts, dtype=pl.Int64),
    )
    config = Config().update({"detection.enabled": ("loud",), "data.symbols": (SMALL,)})
    bars = from_frame(table, symbol="WIN$N", timeframe="M5")
    run = backtest(bars, config, audits="none", chance=False)

    def given(value: int | None) -> Any:
        return missing if value is None else value

    stream = stream_of(config)
    made = [
        stream.decide(Bar(*row, given(t), given(c)))
        for row, t, c in zip(rows, ticks, contracts, strict=True)
    ]

    assert run.alerts.height > 20
    assert_same(made, run)


@pytest.mark.parametrize("number", [np.int64, np.int32, np.float64, float, Decimal])
def test_a_whole_volume_of_any_type_is_an_integer(number: Any) -> None:
    *_, volume, contracts = read_bar(
        Bar(OPEN, 24_000, 24_100, 23_950, 24_050, number(12), number(3)), tick_grid(5.0), "A", -1
    )
    assert (volume, contracts) == (12, 3)
    assert type(volume) is type(contracts) is int


class NumpyState(NamedTuple):
    sum: int = 0
    mean: float = 0.0


@detector("of_numpy", patterns=("of_numpy_up", "of_numpy_down"), params=LoudParams(),
          state=NumpyState(), ring=2, warmup=0)  # fmt: skip
def of_numpy(state: NumpyState, ring: Any, bar: Any, params: Any) -> tuple[int, NumpyState]:
    ring[0] = np.int64(bar.close)
    return 0, NumpyState(np.int64(state.sum + bar.close), np.float64(bar.close))


def test_numbers_of_numpy_in_a_state_go_into_a_snapshot() -> None:
    """json has no np.int64: a daemon could not store what such a step had come to."""
    rules = replace(make_rules(Config(), tick_grid(5.0)), detectors=(of_numpy,))
    make = partial(Stream, Config(), symbol="WIN$N", timeframe="M5", rules=rules)
    rows = walk(5, sessions=2)
    whole, half = make(), make()
    for row in rows[:50]:
        whole.on_bar(Bar(*row))
        half.on_bar(Bar(*row))

    again = make()
    again.restore(json.loads(json.dumps(half.snapshot())))
    for row in rows[50:]:
        assert again.decide(Bar(*row)) == whole.decide(Bar(*row))
    assert again.snapshot() == whole.snapshot()


def test_as_many_detectors_as_the_compiled_merge_has_bits_for() -> None:
    """The 64th is shifted out of an integer of 64 bits, and agreed with nobody."""
    many = tuple(replace(of_numpy, name=f"n{i}", patterns=(f"n{i}",) * 2) for i in range(63))
    assert len(make_rules(Config(), tick_grid(5.0), many[:MAX_DETECTORS]).detectors) == 62
    with pytest.raises(ConfigError, match="got 63 detectors, expected at most 62"):
        make_rules(Config(), tick_grid(5.0), many)

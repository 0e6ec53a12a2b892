"""What detectors are given in batch, and what becomes of what they answer."""

from __future__ import annotations

from dataclasses import astuple
from datetime import date
from math import floor
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

import alertlib as al
from alertlib.bars.opening import from_frame
from alertlib.bars.schema import PRICES
from alertlib.bars.series import make_series
from alertlib.config import Config
from alertlib.detection.bar import Bar
from alertlib.detection.builtin import engulfing, volatility
from alertlib.detection.detectors import Detector, detector, frame_detector
from alertlib.detection.stream import Stream
from alertlib.kernels.bar import TickBar
from alertlib.scoring.engine import COMPILED, INTERPRETED, CompiledEngine, Engine
from alertlib.scoring.refits import Refit
from alertlib.scoring.signals import detect, signals_of
from alertlib.scoring.step_bars import StepBars
from alertlib.scoring.true_ranges import true_ranges
from tests.support.detected import detected_on
from tests.support.synthetic import bars_of, frame, series_of, walk


class Count(NamedTuple):
    seen: int = 0


def test_a_step_is_given_the_same_bar_live_and_in_batch() -> None:
    seen: list[TickBar] = []

    @detector("witness", patterns=("a", "b"), state=Count())
    def witness(state: Count, ring: Any, bar: TickBar, params: Any) -> tuple[int, Count]:
        seen.append(bar)
        return 0, state

    rows = walk(2, sessions=3, bars=40)
    table = frame(rows).with_columns(real_volume=pl.int_range(len(rows)), tick_volume=pl.lit(7))
    bars = from_frame(table, symbol="WIN$N", timeframe="M5")
    config = Config().set("detection.enabled", ("witness",))
    detected_on(make_series(bars), config)
    batch = seen[:]
    seen.clear()
    stream = Stream(config, symbol="WIN$N", timeframe="M5")
    for time, *prices, real, ticks in table.iter_rows():
        stream.on_bar(Bar(time, *prices, ticks, real))

    assert [repr(b) for b in seen] == [repr(b) for b in batch]  # NaN equals itself in words
    first = [b for b in batch if b.place == 0]
    assert [b.gap != 0 for b in first] == [False, True, True]
    assert all(b.gap == 0 for b in batch if b.place)
    assert [b.weekday for b in first] == [row[0].weekday() for row in rows[::40]]
    assert [b.real_volume for b in batch] == list(range(len(rows)))
    assert {b.volume for b in batch} == {7}
    assert [b.atr == b.atr for b in batch] == [False] * 13 + [True] * (len(rows) - 13)


def test_columns_are_those_made_of_whole_series() -> None:
    series = series_of(walk(5, sessions=3, bars=40), timeframe="M5")
    atr = np.linspace(1.0, 2.0, len(series))
    gaps = series.gaps
    at_once = {
        **{name: getattr(series, name) - gaps for name in PRICES},
        "volume": series.volume, "place": series.place, "minute": series.minute % 1_440,
        "gap": np.diff(gaps, prepend=0), "day": series.day, "weekday": (series.day + 3) % 7,
        "real_volume": series.real_volume, "atr": atr,
    }  # fmt: skip

    bars = StepBars(series, atr)

    for name in TickBar._fields:
        assert bars.columns[name].tolist() == at_once[name].tolist(), name
        assert bars.columns[name].dtype == (np.float64 if name == "atr" else np.int64), name


def test_a_gap_is_what_the_joined_series_leaves_out() -> None:
    """Raw first open less raw last close, in ticks."""
    rows = walk(5, sessions=2, bars=40)

    series = series_of(rows, timeframe="M5")

    gap = (rows[40][1] - rows[39][4]) / 5
    assert np.diff(series.gaps, prepend=0)[40] == gap


def test_a_frame_detector_is_given_joined_and_traded_prices_by_name() -> None:
    seen: list[pl.DataFrame] = []

    @frame_detector("nosy", patterns=("a", "b"))
    def nosy(frame: pl.DataFrame) -> Any:
        seen.append(frame)
        return np.zeros(frame.height, dtype=int)

    rows = walk(2, sessions=2)
    late = [(rows[0][0].replace(hour=20), *rows[0][1:])]
    detect(series_of(rows[:107] + late + rows[107:]), (nosy,))

    (given,) = seen
    raw = ["raw_open", "raw_high", "raw_low", "raw_close"]
    assert given.columns == ["time", *TickBar._fields, *raw, "session"]
    assert given.select("time", *raw).rows() == rows
    gap = rows[107][1] - rows[106][4]
    assert given["close"].to_list() == [r[4] - (gap if i >= 107 else 0) for i, r in enumerate(rows)]
    assert given["session"].to_list() == [0] * 107 + [1] * 107


def test_a_step_is_given_the_range_of_fourteen_bars_where_none_is_stated(engine: Engine) -> None:
    @detector("wide", patterns=("w", "w"), state=Count())
    def wide(state: Count, ring: Any, bar: TickBar, params: Any) -> tuple[int, Count]:
        return (1 if bar.high - bar.low > bar.atr else 0), state

    series = series_of(walk(5, sessions=3), timeframe="M5")
    stated = [detect(series, (wide,), engine, true_ranges(series, n)).sign for n in (13, 14, 15)]

    found = detect(series, (wide,), engine).sign

    assert [np.array_equal(found, sign) for sign in stated] == [False, True, False]


# --- probabilities ------------------------------------------------------------------------


def steps_by_ten(state: Count, ring: Any, bar: TickBar, params: Any) -> tuple[int, float, Count]:
    return (1 if state.seen % 10 == 0 else 0), 0.5 + state.seen % 40 / 100.0, Count(state.seen + 1)


def test_the_probability_is_the_confidence_and_decides_severity(engine: Engine) -> None:
    made = detector("tens", patterns=("t", "t"), state=Count(), probability=True)(steps_by_ten)
    config = Config().set("detection.enabled", ("tens",)).set("policy.cooldown_bars", 0)

    found = detected_on(series_of(walk(4, sessions=3), timeframe="M5"), config, engine).delivered

    shown = 0.5 + found.bar % 40 / 100.0
    assert made.probability
    assert found.probability.tolist() == shown.tolist()
    assert found.confidence.tolist() == [floor(100 * p) for p in shown.tolist()]
    assert set(zip(found.confidence.tolist(), found.severity.tolist(), strict=True)) == {
        (50, 0), (60, 0), (70, 1), (80, 2),
    }  # fmt: skip


class Least(NamedTuple):
    probability: float = 0.0


def test_what_learned_states_its_probabilities_for_the_bars_it_answers_for(engine: Engine) -> None:
    """Counted from where each refit begins; before the first and after the last, nothing."""

    def step(state: Count, ring: Any, bar: TickBar, params: Least) -> tuple[int, float, Count]:
        return 1, params.probability + state.seen % 40 / 100.0, Count(state.seen + 1)

    made = detector(
        "counts", patterns=("t", "t"), state=Count(), params=Least(), probability=True,
        fit=lambda *frames: Least(),
    )(step)  # fmt: skip
    series = series_of(walk(4, sessions=3), timeframe="M5")
    day = date(2021, 4, 5)
    refits = (
        Refit(start=110, stop=214, begin=50, params=Least(0.25), first=day, last=day),
        Refit(start=214, stop=300, begin=203, params=Least(0.5), first=day, last=day),
    )

    found = detect(series, (made,), engine, refits={"counts": refits})

    signs, stated = [0] * len(series), [0.0] * len(series)
    for start, stop, begin, params, _, _ in map(astuple, refits):
        for bar in range(start, stop):
            signs[bar], stated[bar] = 1, params[0] + (bar - begin) % 40 / 100.0
    assert found.sign[:, 0].tolist() == signs
    assert found.probability[0].tolist() == stated


def test_a_step_with_a_probability_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    made = detector("tens", patterns=("t", "t"), state=Count(), probability=True)(steps_by_ten)
    series = series_of(walk(4, sessions=3), timeframe="M5")
    plain = detect(series, (made,), INTERPRETED)
    monkeypatch.setattr(CompiledEngine, "failures", lambda self: ())  # nothing to fall back for

    compiled = detect(series, (made,), COMPILED)

    assert np.array_equal(plain.sign, compiled.sign)
    assert np.array_equal(plain.probability[0], compiled.probability[0])


def test_agreement_adds_to_a_stated_probability_live_as_in_batch() -> None:
    config = Config().set(
        "detection.enabled",
        ("volatility", "engulfing", "rsi_divergence", "breakout", "directional_change"),
    )
    run = al.backtest(bars_of(walk(8, sessions=20)), config, chance=False)

    led = run.alerts.filter(pl.col("pattern").str.starts_with("mudanca"))
    assert run.audits is not None
    assert run.audits.clean  # every field of every alert, confidence included
    assert led.height > 0
    alone, joined = led.filter(agreed := pl.col("agreeing").list.len() == 0), led.filter(~agreed)
    assert alone["confidence"].is_between(0.82, 0.95).all()
    assert alone["confidence"].n_unique() > 1
    assert (joined["confidence"] >= 0.92).all()
    assert (led["severity"] == "CRITICO").all()


# --- where 64 bits end ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "largest", "compiled"),
    [
        # Twice the window times the largest price has to stay below 3e9: its square is below 2^63.
        (volatility, 74_999_999, True),
        (volatility, 75_000_000, False),
        (engulfing, 1_499_999_999, True),  # keeps no window, and is asked as if it kept one bar
        (engulfing, 1_500_000_000, False),
    ],
)
def test_prices_are_compiled_as_far_as_64_bits_hold_them(
    one: Detector, largest: int, compiled: bool
) -> None:
    built: list[Any] = []

    class Recording(CompiledEngine):
        def build(self, factory: Any, *functions: Any) -> Any:
            built.append(factory)
            return INTERPRETED.build(factory, *functions)

    series = series_of(walk(4, sessions=1), timeframe="M5")
    bars = StepBars(series, np.zeros(len(series)))
    vars(bars)["largest"] = largest  # as bars of such prices would say

    signals_of(one, bars, Recording())

    assert bool(built) == compiled

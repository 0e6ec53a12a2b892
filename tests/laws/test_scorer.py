"""The package against the naive scorer: real files, made-up walks, odd settings."""

from __future__ import annotations

import random
from datetime import datetime, time
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alertlib.backtesting.backtester import backtest
from alertlib.backtesting.run import Run
from alertlib.config import Config
from alertlib.scoring.engine import INTERPRETED, Engine
from tests.naive import Rules
from tests.support.agreement import differences
from tests.support.synthetic import SMALL, SMALL_HOURS, Row, bars_of, shared_rows, walk

QUICK_FILES = {
    "win_n_m5_2020-11_2021-03": ("WIN$N", "WIN"),
    "winfut_m5_2021-08_2022-01": ("WINFUT", "WIN"),
    "winfut_adj_m5_2023-06_2023-07": ("WINFUT", "WIN"),
    "win_n_m30_2020-10_2022-01": ("WIN$N", "WIN"),
    "wdo_adj_m15_2026-05_2026-06": ("WDO$N", "WDO"),
    "dji_m5_2021-11_2022-01": ("DJI", ""),
}
SLOW_FILES = {
    "win_n_m15_2020-01_2021-03": ("WIN$N", "WIN"),
    "win_n_m1_2020-11_2021-03": ("WIN$N", "WIN"),
    "wdo_n_m15_2020-10_2023-12": ("WDO$N", "WDO"),
    "bit_n_m5_2024-04_2025-03": ("BIT$N", "BIT"),
    "petr4_m1_2020-08_2020-12": ("PETR4", "B3 cash equity"),
    "es_m5_2026-02_2026-04": ("ES", ""),
    "eurusd_m1_2021-03": ("EURUSD", ""),
}


def run_of(
    rows: list[Row],
    symbol: str,
    config: Config,
    engine: Engine = INTERPRETED,
    timeframe: str | None = None,
) -> Run:
    bars = bars_of(rows, symbol, timeframe)
    return backtest(bars, config, audits="none", chance=False, engine=engine.name)


@pytest.mark.parametrize(
    "name",
    [*QUICK_FILES, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW_FILES)],
)
def test_every_figure_and_row_of_a_recorded_file_agrees(name: str) -> None:
    rows = shared_rows(name)
    symbol, family = (QUICK_FILES | SLOW_FILES)[name]

    run = run_of(rows, symbol, Config())

    assert differences(rows, run, Rules(family=family)) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_walk_of_whole_sessions_agrees(seed: int, engine: Engine) -> None:
    rows = walk(seed, sessions=14, missing=0.02)

    run = run_of(rows, "WIN$N", Config(), engine)

    assert run.scorecard.counts["trades"] > 50  # the comparison has something to compare
    assert {d["name"] for d in run.scorecard.per_detector if d["alerts"]} == {
        "volatility", "engulfing", "rsi_divergence", "breakout",
    }  # fmt: skip
    assert differences(rows, run, Rules()) == []


# Each setting with its name in the rules of the naive scorer.
SETTINGS = {
    "scoring.k": ("k", st.sampled_from((1.0, 2.0, 3.0))),
    "scoring.min_move_left": ("min_move_left", st.sampled_from((0.0, 0.25, 0.5, 1.0))),
    "scoring.sessions": ("last_sessions", st.integers(1, 6)),
    "scoring.warmup_bars": ("warmup_bars", st.sampled_from((0, 15, 20, 55))),
    "trade.stop_atr": ("stop_atr", st.sampled_from((0.1, 0.5, 1.5, 3.0))),
    "trade.target_atr": ("target_atr", st.sampled_from((0.1, 0.5, 1.5, 3.0))),
    "trade.entry_band_atr": ("entry_atr", st.sampled_from((0.0, 0.25, 1.0))),
    "trade.horizon_bars": ("horizon_bars", st.integers(1, 26)),
    "trade.horizon_minutes": ("horizon_minutes", st.sampled_from((5, 12, 30, 60, 150))),
    "trade.touch": ("touch", st.booleans()),
    "policy.cooldown_bars": ("cooldown_bars", st.integers(0, 8)),
    "policy.min_severity": ("min_severity", st.sampled_from(("MEDIO", "ALTO", "CRITICO"))),
}
MOST_DETECTORS = ("volatility", "engulfing", "breakout")  # short sessions never warm the fourth


@st.composite
def small_cases(draw: st.DrawFn) -> tuple[list[Row], dict[str, Any]]:
    """Rows of the small instrument, full of ties and holes, perhaps cut short, and settings."""
    rows = walk(
        draw(st.integers(0, 10**6)),
        sessions=draw(st.integers(1, 8)),
        bars=draw(st.sampled_from((15, 16, 20, 22))),
        size=draw(st.sampled_from((0.0, 0.6, 2.0, 8.0))),
        missing=draw(st.sampled_from((0.0, 0.0, 0.1, 0.3))),
    )
    rows = rows[: len(rows) - draw(st.integers(0, 12))]
    chosen = draw(
        st.fixed_dictionaries({}, optional={name: s for name, (_, s) in SETTINGS.items()})
    )
    return rows, chosen


@settings(max_examples=100)
@given(small_cases(), st.sampled_from((SMALL.symbol, "XYZ")))
def test_random_bars_and_settings_agree(
    case: tuple[list[Row], dict[str, Any]], symbol: str
) -> None:
    """Hours as stated for the one symbol, as the file itself has them for the other."""
    rows, chosen = case
    assume(rows)
    config = Config().set("detection.enabled", MOST_DETECTORS).set("scoring.warmup_bars", 20)
    hours = SMALL_HOURS if symbol == SMALL.symbol else None
    rules = Rules(family="", hours=hours, warmup_bars=20, detectors=MOST_DETECTORS)
    for name, value in chosen.items():
        config = config.set(name, value)
        setattr(rules, SETTINGS[name][0], value)

    run = run_of(rows, symbol, config, timeframe="M5")

    assert differences(rows, run, rules) == []


def test_hours_of_a_file_are_its_modal_first_and_its_modal_last_bar() -> None:
    """Each by itself: the close of the dates with the modal open was taken once."""
    morning, evening = ((9, 0), (10, 0)), ((9, 5), (10, 10))
    dates = [morning, morning, morning, (morning[0], evening[1]), evening, evening, evening]
    rows = [
        (datetime(2021, 4, 5 + number, hour, minute), *(float(100 + minute + number),) * 4)
        for number, ((_, first), (_, last)) in enumerate(dates)
        for hour, minute in [(9, m) for m in range(first, 60, 5)]
        + [(10, m) for m in range(0, last + 5, 5)]
    ]
    config = Config().set("detection.enabled", MOST_DETECTORS).set("scoring.warmup_bars", 20)
    rules = Rules(family="", hours=None, warmup_bars=20, detectors=MOST_DETECTORS)
    run = run_of(rows, "XYZ", config, timeframe="M5")
    assert differences(rows, run, rules) == []
    assert run.bars.frame.height == len(rows)


@pytest.mark.parametrize(("enough", "sessions"), [(1, 60), (70, None), (9_999, 79)])
def test_without_a_number_of_sessions_they_reach_back_to_enough_moves(
    enough: int, sessions: int | None
) -> None:
    rows = walk(15, sessions=80, bars=20)
    config = Config().update(
        {"detection.enabled": MOST_DETECTORS, "scoring.warmup_bars": 20, "scoring.k": 4.0,
         "gate.min_opportunities": enough}
    )  # fmt: skip

    run = run_of(rows, SMALL.symbol, config, timeframe="M5")

    scored = run.scorecard.data["sessions"]
    assert scored == sessions if sessions else 60 < scored < 79
    rules = Rules(family="", hours=SMALL_HOURS, warmup_bars=20, detectors=MOST_DETECTORS, k=4.0,
                  enough_moves=enough)  # fmt: skip
    assert differences(rows, run, rules) == []


def test_breakout_of_closes_agrees() -> None:
    rows = walk(11, sessions=8)
    config = Config().set("detection.breakout.levels", "closes").set("scoring.warmup_bars", 100)

    run = run_of(rows, "WIN$N", config)

    assert differences(rows, run, Rules(warmup_bars=100, breakout_levels="closes")) == []


def test_manual_labels_agree() -> None:
    rows = walk(12, sessions=8)
    config = Config().set("scoring.warmup_bars", 100)
    legs = [
        (rows[i][0], rows[i + length][0], direction)
        for i, length, direction in [
            (430, 12, 1), (432, 20, 1), (450, 5, -1), (540, 30, -1), (700, 1, 1), (20, 9, 1),
        ]
    ]  # fmt: skip
    labels = pl.DataFrame(legs, schema=["time_start", "time_end", "direction"], orient="row")

    run = backtest(
        bars_of(rows), config, labels=labels, audits="none", chance=False, engine="interpreted"
    )

    assert run.scorecard.counts["opportunities"] == 5  # the sixth lies in the warm-up
    unlike = differences(rows, run, Rules(warmup_bars=100), legs)
    # The table over k speaks of directional changes whatever the labels.
    assert unlike == []


def test_prices_off_the_grid_agree() -> None:
    rows = [
        (time, *(round(price * 1.0356, 2) for price in prices))
        for time, *prices in walk(13, sessions=9)
    ]

    run = run_of(rows, "WIN$N", Config())

    assert run.scorecard.data["quality"]["on_grid"] is False
    assert differences(rows, run, Rules()) == []


def test_one_minute_bars_of_a_share_agree() -> None:
    rows = walk(
        14, sessions=5, bars=370, minutes=1, tick=0.01, price=2_800, size=2.0, missing=0.05,
        opens=time(10, 0),
    )  # fmt: skip

    run = run_of(rows, "PETR4", Config())

    assert run.alerts.height > 20
    assert differences(rows, run, Rules(family="B3 cash equity")) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_many_walks_of_every_family_and_timeframe_agree(seed: int) -> None:
    rng = random.Random(seed)
    symbol, family, tick, price = rng.choice(
        [
            ("WIN$N", "WIN", 5.0, 24_000),
            ("WDO$N", "WDO", 0.5, 11_000),
            ("BIT$N", "BIT", 20.0, 15_000),
            ("PETR4", "B3 cash equity", 0.01, 2_800),
            ("XYZ", "", 0.25, 16_000),
        ]
    )
    minutes, bars, sessions = rng.choice([(1, 300, 7), (5, 107, 12), (5, 107, 16), (15, 36, 30)])
    rows = walk(
        seed, sessions, bars=bars, minutes=minutes, tick=tick, price=price,
        size=rng.choice([1.0, 3.0, 8.0]), missing=rng.choice([0.0, 0.02, 0.1]),
    )  # fmt: skip
    rows = rows[: len(rows) - rng.choice([0, 0, 10, 60])]
    warmup = rng.choice([100, 600])

    run = run_of(rows, symbol, Config().set("scoring.warmup_bars", warmup))

    assert run.alerts.height > 20
    assert differences(rows, run, Rules(family=family, warmup_bars=warmup)) == []

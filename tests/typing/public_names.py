"""What a user's type checker is told of the public names: checked by mypy, never run.

A line that mypy is to refuse has its complaint beside it; one it no longer refuses is an error.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NamedTuple, assert_type

import polars as pl

import alertlib as al


class Params(NamedTuple):
    n: int = 20


class State(NamedTuple):
    seen: int = 0


@al.detector("seen", patterns=("seen_up", "seen_down"), params=Params(), state=State())
def seen(state: State, ring: Any, bar: al.TickBar, p: Params) -> tuple[int, State]:
    return 0, State(state.seen + bar.close % p.n)


def of_a_run() -> None:
    bars = assert_type(al.read_bars(al.sample_path()), al.Bars)
    assert_type(bars[:100], al.Bars)
    config = assert_type(al.load_config().set("detection.volatility.window", 30), al.Config)
    assert_type(config.detection.volatility.threshold_sigma, float)
    run = assert_type(al.backtest(bars, config, detectors=[seen]), al.Run)
    assert_type(run.alerts, pl.DataFrame)
    assert_type(run.scorecard, al.Scorecard)
    assert_type(run.scorecard.verdict, Literal["PASS", "FAIL", "INSUFFICIENT", "UNTESTED"])
    assert_type(al.check(seen, bars), al.AuditReport)
    al.backtest(config)  # type: ignore[arg-type]
    al.backtest(bars, config, detectors=seen)  # type: ignore[arg-type]


def of_a_search(bars: al.Bars, config: al.Config) -> None:
    found = assert_type(al.sweep(bars, config, {"volatility.window": [10, 20]}), al.Sweep)
    assert_type(found.frame, pl.DataFrame)
    walk = assert_type(al.walk_forward(bars, config, found, train=30, test=10), al.Walk)
    assert_type(walk.proven, bool)


def of_a_stream(config: al.Config) -> None:
    stream = al.Stream(config, symbol="WIN$N", timeframe="M5")
    bar = al.Bar(datetime(2026, 1, 5, 9), 160_000, 160_100, 159_950, 160_050)
    for alert in stream.on_bar(bar):
        assert_type(alert, al.Alert)
        assert_type(alert.price, float)


assert_type(seen, al.Detector)

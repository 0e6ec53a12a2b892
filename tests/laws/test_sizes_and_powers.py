"""What the gate does to noise, and to an edge that is known because it was planted.

On coin-flip bars a test at 0.05 may reject about one file in twenty; a planted edge has to be
found. Recorded files lend their sessions, sizes of bars and clusters of volatility.
"""

from __future__ import annotations

import numpy as np
import pytest

from alertlib.backtesting.backtester import backtest
from alertlib.bars.series import make_series
from alertlib.config import Config
from tests.support.simulated import Seen, coin_flip_file, planted_edge, seen_by_gate
from tests.support.synthetic import bars_of, shared_rows

FILES = ("win_n_m5_2020-11_2021-03", "winfut_m5_2021-08_2022-01")
SETS = {
    "directional_change": ("directional_change",),
    "classic": ("volatility", "engulfing", "rsi_divergence", "breakout"),
}
BY_COINS = ("more_than_geometry", "win_rate_by_coins", "expectancy_chance")

each_file = pytest.mark.parametrize("name", FILES)


def config_of(detectors: str) -> Config:
    return Config().set("detection.enabled", SETS[detectors]).set("scoring.sessions", 60)


def rejected(found: list[Seen], rail: str) -> float:
    """Return the share of files in which a test would pass."""
    return float(np.mean([seen.p_values.get(rail, 1.0) < 0.05 for seen in found]))


@pytest.mark.slow
@pytest.mark.parametrize("detectors", SETS)
@each_file
def test_noise_is_rejected_as_seldom_as_stated(name: str, detectors: str) -> None:
    """200 coin-flip files. Placement is another matter: it passes on noise nearly always."""
    config, rng = config_of(detectors), np.random.default_rng(8)
    series = make_series(bars_of(shared_rows(name)))

    found = [seen_by_gate(coin_flip_file(series, rng), config, f"{name} {i}") for i in range(200)]

    for rail in BY_COINS:
        assert rejected(found, rail) <= 0.09, rail
    assert np.mean([seen.by_placement < 0.05 for seen in found]) <= 0.09
    assert rejected(found, "win_rate_chance") <= 0.08
    assert rejected(found, "placement_capture") >= 0.95
    # The three limits alone, at a target as far as the stop.
    met = [s.rates[0] >= 0.85 and s.rates[1] <= 0.10 and s.rates[2] >= 0.60 for s in found]
    assert np.mean(met) <= 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    ("favour", "win_rate", "power"), [(0.5, 0.49, 0.0), (0.58, 0.64, 0.3), (0.66, 0.77, 0.8)]
)
@each_file
def test_a_planted_edge_is_found(name: str, favour: float, win_rate: float, power: float) -> None:
    """40 files whose coin favours each alert's side for the 24 bars after it."""
    config, rng = config_of("directional_change"), np.random.default_rng(8)
    series = make_series(bars_of(shared_rows(name)))

    found = [
        seen_by_gate(planted_edge(series, config, favour, rng), config, f"{name} {favour} {i}")
        for i in range(40)
    ]

    assert np.mean([seen.rates[2] for seen in found]) == pytest.approx(win_rate, abs=0.03)
    assert rejected(found, "more_than_geometry") >= power
    if favour > 0.5:
        assert rejected(found, "win_rate_by_coins") == 1.0
        assert rejected(found, "expectancy_chance") >= 0.95
    else:
        assert rejected(found, "win_rate_by_coins") <= 0.15


def test_a_lucky_geometry_is_refused() -> None:
    """Stop 2, target 1 on a file where it wins seven times in ten and earns."""
    config = config_of("directional_change").set("trade.stop_atr", 2.0).set("trade.target_atr", 1.0)
    card = backtest(bars_of(shared_rows(FILES[0])), config, audits="none").scorecard

    wins = card.criterion("win_rate")
    assert wins.value is not None
    assert wins.value > 0.65
    assert card.trade["expectancy_points"] is not None
    assert card.trade["expectancy_points"] > 0
    assert not wins.passed
    assert wins.reason == "geometry"
    assert card.verdict == "FAIL"
    assert any("does not count: the target is nearer than the stop" in r for r in card.reasons)

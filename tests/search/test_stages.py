"""Every count of a combination is the backtest's of the same settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alertlib as al
from alertlib.bars.series import make_series
from alertlib.config import Config
from alertlib.detection.ruleset import setup_params
from alertlib.kernels.alerting import setup_levels
from alertlib.scoring.counting import MATCH_FIELDS, Outcomes
from alertlib.scoring.counting_loops import LOST, UNFILLED, WON
from alertlib.scoring.engine import COMPILED, INTERPRETED, Engine
from alertlib.scoring.trades import simulate
from alertlib.search.grid.axes import make_axes
from alertlib.search.stages import Stages, lay_ground
from tests.support.steps import rough_walk
from tests.support.synthetic import Row, bars_of, shared_rows, walk
from tests.support.user_detectors import MetronomeState, metronome

ALL = ["volatility", "engulfing", "rsi_divergence", "breakout", "directional_change"]
# Bars of a whole session of WIN; of 60 not one session would be scored.
FULL = 107
SMALL: dict[str, Any] = {"sessions": 30, "warmup_bars": 30}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "detection.volatility.window": st.integers(2, 40),
    "detection.volatility.threshold_sigma": st.floats(0.5, 3.0),
    "detection.volatility.confirm_bars": st.integers(1, 4),
    "detection.breakout.window": st.integers(1, 60),
    "detection.breakout.margin_ticks": st.integers(0, 3),
    "detection.rsi_divergence.window": st.integers(2, 30),
    "detection.rsi_divergence.min_points": st.floats(0.0, 10.0),
    "detection.directional_change.min_probability": st.floats(0.3, 1.0),
    "detection.custom.metronome.every": st.integers(1, 40),
    "policy.cooldown_bars": st.integers(0, 12),
    "policy.rate_limit_per_minute": st.integers(0, 2),
    "policy.min_severity": st.sampled_from(["MEDIO", "ALTO", "CRITICO"]),
    "policy.window_start": st.sampled_from(["09:00", "09:30", "11:00"]),
    "trade.stop_atr": st.floats(0.2, 4.0),
    "trade.target_atr": st.floats(0.2, 4.0),
    "trade.horizon_bars": st.integers(1, 60),
    "trade.horizon_minutes": st.integers(5, 300),
}


def configured(
    changed: dict[str, Any], enabled: Sequence[str] = (*ALL, "metronome"), **scoring: Any
) -> Config:
    """The settings of a combination as a user would write them."""
    config = Config().set("detection.enabled", enabled).update({"scoring": scoring})
    inner: dict[str, Any] = {}
    for key, value in changed.items():
        *sections, name = key.split(".")
        place = inner
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
    return config.update(inner)


def typed(changed: dict[str, Any], base: Config) -> dict[str, Any]:
    """The same values as the settings hold them."""
    axes = make_axes({key: [value] for key, value in changed.items()}, base) if changed else ()
    return {axis.key: axis.typed[0] for axis in axes}


def assert_counts_of_backtest(
    rows: list[Row], combinations: list[dict[str, Any]], engine: Engine, **scoring: Any
) -> None:
    assert metronome.name == "metronome"
    bars = bars_of(rows, timeframe="M5")
    base = configured({}, **scoring)
    ground = lay_ground(make_series(bars), base, engine=engine)
    stages = Stages(ground, base)
    assert len(ground.scope.sessions) > 0
    for changed in combinations:
        run = al.backtest(bars, configured(changed, **scoring), audits="none", chance=False)
        expected, found = run.scored.per_session(), stages.counts(typed(changed, base))
        assert np.array_equal(ground.opportunities, expected["opportunities"])
        for i, name in enumerate(MATCH_FIELDS):
            assert np.array_equal(found.matches[:, i], expected[name]), (name, changed)
        for i, name in enumerate(("trades", "wins")):
            assert np.array_equal(found.trades[:, i], expected[name]), (name, changed)
        trades = run.scored.trades.only(run.scored.trades.filled)
        gained = np.where(
            run.scored.alerts.direction[run.scored.trades.filled] > 0,
            trades.exit_price - trades.entry_price,
            trades.entry_price - trades.exit_price,
        )
        assert np.isclose(found.trades[:, 2].sum(), gained.sum(), rtol=1e-12, atol=1e-9)
        assert np.isclose(found.trades[:, 3].sum(), (gained**2).sum(), rtol=1e-12, atol=1e-9)


@settings(max_examples=25)
@given(
    st.integers(0, 10**6),
    st.lists(st.fixed_dictionaries({}, optional=VALUES), min_size=1, max_size=4),
    st.sampled_from([COMPILED, INTERPRETED]),
    st.sampled_from([3, 30]),
)
def test_every_count_is_the_backtests(
    seed: int, combinations: list[dict[str, Any]], engine: Engine, sessions: int
) -> None:
    scoring = {"sessions": sessions, "warmup_bars": 30}
    rows = rough_walk(seed, sessions=12, bars=FULL)
    assert_counts_of_backtest(rows, combinations, engine, **scoring)


@settings(max_examples=15)
@given(
    st.integers(0, 10**6),
    st.sampled_from((1.0, 0.98765)),
    st.fixed_dictionaries(
        {}, optional={key: VALUES[key] for key in VALUES if key.startswith("trade.")}
    ),
    st.sampled_from([COMPILED, INTERPRETED]),
)
def test_what_a_trade_comes_to_is_what_following_it_says(
    seed: int, adjusted: float, changed: dict[str, Any], engine: Engine
) -> None:
    """Every bar and side of the scored sessions, to the bit, off the tick grid as well."""
    rows = [
        (t, *(round(price * adjusted, 2) for price in prices))
        for t, *prices in rough_walk(seed, sessions=6, bars=FULL)
    ]
    config = configured(changed, **SMALL)
    ground = lay_ground(make_series(bars_of(rows, timeframe="M5")), config, engine=engine)
    grid = ground.series.instrument.grid
    assert grid is not None
    setup = setup_params(config.trade, grid)
    # What is not worked out is left as memory was found.
    outcomes = Outcomes(ground, setup, config.trade)
    outcomes.result[:] = np.nan
    outcomes.know_all()

    bar = np.flatnonzero(outcomes.reach.session >= 0)
    assert len(bar) > FULL
    bar = bar[bar >= ground.begin]
    for side, way in enumerate((1, -1)):
        levels = [setup_levels(p, a, way, setup) for p, a in zip(
            ground.series.close[bar].tolist(), ground.atr[bar].tolist(), strict=True)]  # fmt: skip
        stop, target = (np.array([one[i] for one in levels], dtype=np.float64) for i in (2, 3))
        ways = np.full(len(bar), way)
        trades = simulate(ground.series, bar, ways, stop, target, config.trade)
        expected = np.where(trades.filled, np.where(trades.points > 0, WON, LOST), UNFILLED)
        assert outcomes.known[side, bar].tolist() == expected.tolist()
        filled = bar[trades.filled]
        quanta = way * (trades.exit_price - trades.entry_price)[trades.filled]
        assert outcomes.result[side, filled].tobytes() == (quanta + 0.0).tobytes()
        assert np.isnan(np.delete(outcomes.result[side], filled)).all()
        assert not np.delete(outcomes.known[side], bar).any()


def test_alerts_of_a_session_left_out_between_others_count_nowhere() -> None:
    rows = walk(3, sessions=12)
    del rows[8 * FULL + 40 : 9 * FULL]
    scope = lay_ground(make_series(bars_of(rows, timeframe="M5")), configured({}, **SMALL)).scope
    assert (scope.sessions[[0, -1]].tolist(), scope.short.tolist()) == ([1, 11], [8])

    assert_counts_of_backtest(rows, [{}, {"policy.cooldown_bars": 0}], INTERPRETED, **SMALL)


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize(
    "enabled", [["breakout"], ["rising"], ["directional_change", "rising"], ["breakout", "rising"]]
)
def test_detectors_that_state_probabilities_count_beside_those_that_do_not(
    enabled: list[str],
) -> None:
    """Each its own, where severity decides what is delivered."""

    @al.detector("rising", patterns=("t", "t"), state=MetronomeState(), probability=True)
    def rising(state: Any, ring: Any, bar: Any, params: Any) -> Any:
        at = state.seen
        return (1 if at % 10 == 0 else 0), 0.5 + at % 40 / 100.0, MetronomeState(at + 1)

    severities: list[dict[str, Any]] = [{"policy.min_severity": s} for s in ("ALTO", "CRITICO")]
    rows = walk(3, sessions=12)

    assert_counts_of_backtest(rows, severities, INTERPRETED, enabled=enabled, **SMALL)


def test_counts_on_recorded_bars_are_the_backtests() -> None:
    rows = shared_rows("win_n_m5_2020-11_2021-03")
    combinations: list[dict[str, Any]] = [
        {},
        {"detection.volatility.window": 30, "trade.stop_atr": 2.5},
        {"policy.cooldown_bars": 0, "trade.target_atr": 3.0, "trade.horizon_bars": 12},
        {"detection.directional_change.min_probability": 0.9},
    ]

    assert_counts_of_backtest(rows, combinations, COMPILED)


def test_the_order_of_combinations_changes_nothing() -> None:
    bars = bars_of(walk(3, sessions=12), timeframe="M5")
    base = configured({}, **SMALL)
    ground = lay_ground(make_series(bars), base)
    combinations = [
        {
            "detection.volatility.window": window,
            "policy.cooldown_bars": apart,
            "trade.stop_atr": stop,
        }
        for window in (10, 20)
        for apart in (0, 6)
        for stop in (1.0, 2.0)
    ]

    alone = [Stages(ground, base).counts(one) for one in combinations]
    stages = Stages(ground, base)
    backwards = [stages.counts(one) for one in reversed(combinations)][::-1]

    assert len({one.trades.tobytes() for one in alone}) > 4
    for a, b in zip(alone, backwards, strict=True):
        assert np.array_equal(a.matches, b.matches)
        assert np.array_equal(a.trades, b.trades)

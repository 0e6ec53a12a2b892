"""What detectors say they saw: by their own arithmetic, and enough to tell a signal from none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import alertlib as al
from alertlib.detection.builtin import BUILT_IN
from alertlib.detection.detectors import Detector
from alertlib.kernels.bar import TickBar
from alertlib.kernels.breakout import BreakoutParams, Levels
from alertlib.kernels.directional_change import DirectionalChangeParams
from alertlib.kernels.reading import Reading, is_met
from alertlib.kernels.rsi_divergence import RsiDivergenceParams
from alertlib.kernels.volatility import VolatilityParams
from tests.support.steps import rough_walk, tick_bars
from tests.support.synthetic import session

seeds = st.integers(0, 10**6)
# Looser than the defaults, so that short walks hold signals and near misses of each.
LOOSE = {
    "volatility": VolatilityParams(8, 1.2, 2),
    "engulfing": BUILT_IN["engulfing"].params,
    "rsi_divergence": RsiDivergenceParams(5, 2, 30, 0.5),
    "breakout": BreakoutParams(4, 2, Levels.extremes),
    "directional_change": DirectionalChangeParams(min_probability=0.6, atr_window=5),
}


def seen(detector: Detector, bars: Sequence[TickBar]) -> list[tuple[int, tuple[Reading, ...]]]:
    """Signal and readings at every bar; the readings are asked for before the step."""
    assert detector.evidence is not None
    state, ring, params = detector.state, [0] * detector.ring, detector.kernel_params(1)
    found = []
    for bar in bars:
        before = list(ring)
        readings = tuple(detector.evidence(state, ring, bar, params))
        assert ring == before, "asking changes nothing"
        signal, *_, state = detector.step(state, ring, bar, params)
        found.append((int(signal), readings))
    return found


def expected(readings: Sequence[Reading], name: str) -> int:
    """The signal that readings promise: up is asked first, but two divergences cancel."""
    up, down = is_met(readings, 1), is_met(readings, -1)
    if up and down and name == "rsi_divergence":
        return 0
    return 1 if up else -1 if down else 0


def test_every_built_in_detector_says_what_it_saw() -> None:
    assert LOOSE.keys() == BUILT_IN.keys()
    assert all(d.evidence is not None for d in BUILT_IN.values())


@pytest.mark.parametrize("name", BUILT_IN)
@given(seed=seeds)
def test_a_detector_signals_where_its_limits_are_met_and_nowhere_else(name: str, seed: int) -> None:
    detector = BUILT_IN[name].with_params(LOOSE[name])

    found = seen(detector, tick_bars(rough_walk(seed)))

    assert [signal for signal, _ in found] == [expected(r, name) for _, r in found]


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_law_above_looks_at_signals_of_either_side(name: str) -> None:
    detector = BUILT_IN[name].with_params(LOOSE[name])

    found = {
        signal for seed in range(12) for signal, _ in seen(detector, tick_bars(rough_walk(seed)))
    }

    assert found == {-1, 0, 1}


@given(seed=seeds)
def test_detectors_made_of_detectors_say_what_their_parts_saw(seed: int) -> None:
    parts = [BUILT_IN[name].with_params(LOOSE[name]) for name in ("volatility", "breakout")]
    agreed = al.both(*parts, name="reading.agreed")
    some = al.only(
        agreed,
        between=("09:30", "13:00"),
        where=lambda bar: bar.close > bar.open,
        name="reading.some",
    )

    for made in (agreed, some):
        found = seen(made, tick_bars(rough_walk(seed)))
        assert [signal for signal, _ in found] == [expected(r, made.name) for _, r in found]


def named(readings: Sequence[Reading], name: str, side: int) -> Reading:
    (found,) = [r for r in readings if r.name == name and r.side in (0, side)]
    return found


def test_the_distances_are_those_of_the_hand() -> None:
    """Twenty closes worked by hand: nineteen at 1000 ticks, then one 10 above."""
    flat = [(5_000.0, 5_000.0, 5_000.0, 5_000.0)] * 19
    rows = session([*flat, (5_000.0, 5_050.0, 5_000.0, 5_050.0)])

    found: dict[str, Any] = {
        name: seen(BUILT_IN[name], tick_bars(rows))[-1][1] for name in ("volatility", "breakout")
    }

    z = named(found["volatility"], "z", 1)
    # 10 - 10/20 above the mean; a variance of 100/20 - (10/20)^2.
    assert z.value == pytest.approx(9.5 / 4.75**0.5, rel=1e-12)
    assert (z.limit, z.met) == (2.0, True)
    held = named(found["volatility"], "confirming bars", 1)
    assert (held.value, held.limit, held.met) == (1, 2, False)
    assert named(found["breakout"], "close", 1) == Reading("close", 1_010, 1_001, True, 1, "price")
    assert named(found["breakout"], "close", -1) == Reading("close", 1_010, 999, False, -1, "price")

"""The directional-change detector: worked by hand, against its naive twin, and on recorded bars.

What every detector has to keep (batch is the step loop, engines agree, splits, prefixes, mirrored
and scaled prices, silence) is asked of this one, too, where it is asked of all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.audits.suite import audit
from alertlib.backtesting.backtester import backtest
from alertlib.bars.series import make_series
from alertlib.config import Config, load_config
from alertlib.detection.builtin import directional_change
from alertlib.errors import ConfigError
from alertlib.kernels.bar import TickBar
from alertlib.kernels.directional_change import (
    DirectionalChangeParams,
    DirectionalChangeState,
    directional_change_evidence,
    directional_change_step,
)
from alertlib.kernels.reading import Reading
from alertlib.scoring.engine import COMPILED, CompiledEngine
from alertlib.scoring.labels import directional_changes
from alertlib.scoring.scored import score
from alertlib.scoring.signals import detect
from alertlib.scoring.true_ranges import true_ranges
from tests import naive
from tests.support.agreement import differences
from tests.support.detected import detected_on
from tests.support.steps import (
    columns_of,
    in_ticks,
    mirrored,
    rough_walk,
    signs,
    step_through,
    tick_bars,
)
from tests.support.synthetic import bars_of, series_of, shared_rows, walk

ALONE = Config().set("detection.enabled", ("directional_change",))

# --- worked by hand -----------------------------------------------------------------------

# An average of one bar is that bar's true range, and a reversal is one of it: W = high - low as
# long as each bar reaches the close before it. The tick is 1.
BY_HAND = DirectionalChangeParams(0.8, 1.0, 1)

Bars = list[tuple[int, int, int]]  # high, low, close


def bars_by_hand(*sessions: Bars) -> list[TickBar]:
    return [
        TickBar(close, high, low, close, 0, place, 0)
        for session in sessions
        for place, (high, low, close) in enumerate(session)
    ]


def signals(*sessions: Bars, params: DirectionalChangeParams = BY_HAND) -> list[int]:
    return step_through(directional_change.with_params(params), bars_by_hand(*sessions))[0]


@pytest.mark.parametrize(
    ("close", "signal"),
    [
        # W = 10. to_up = 90 + 10 - c, to_down = c - (100 - 10), to_high = 101 - c, to_low = c - 89.
        (98, 1),  # U = 2, D = min(9, 8) = 8: 8 of 10, exactly 0.8
        (97, 0),  # U = 3, D = min(8, 7) = 7: 0.7; down U = 7
        (93, 0),  # down U = 3, D = min(8, 7) = 7
        (92, -1),  # down U = 2, D = min(9, 8) = 8
        (100, 1),  # U = 0, D = 10: certain
        (90, -1),
    ],
)
def test_a_sessions_first_bar_can_signal(close: int, signal: int) -> None:
    assert signals([(100, 90, close)]) == [signal]


def test_beyond_the_reversal_it_is_certain() -> None:
    """W = 10 / 2 = 5, so at 98 the reversal from the low (95) lies behind: U = -3 counts as 0.

    Up D = min(98 - 89, 98 - 95) = 3, P = 3 / (3 + 0); down D = min(3, -3) is no distance at all.
    """
    params = BY_HAND._replace(k=0.5)

    for close, signal in ((98, 1), (92, -1)):
        (bar,) = bars_by_hand([(100, 90, close)])
        found = directional_change_step(DirectionalChangeState(), [], bar, params)
        assert found[:2] == (signal, 1.0)


TEN_BARS = [
    (100, 90, 98),  # +1: U = 2, D = 8
    (106, 96, 104),  # mode +1 from bar 0, top 106. Up U = 107 - 104 = 3, D = 104 - 96 = 8: 0.73
    (110, 100, 101),  # top 110. Down U = 101 - 100 = 1, D = 111 - 101 = 10: 0.91: -1
    (105, 95, 97),  # 15 below the top: mode -1 from bar 2, bottom 95. Up U = 8, D = 3; down 8 of 11
    (100, 90, 92),  # bottom 90: down again 8 of 11
    (98, 88, 96),  # bottom 88. Up U = 98 - 96 = 2, D = 96 - 87 = 9: 0.82, but only 5 bars since
    (97, 87, 95),  # the same one lower, 6 bars since: not more than 6
    (96, 86, 94),  # the same, 7 bars since the signal, the bottom 7 > 0 + 2: +1
    (100, 90, 93),  # 14 above the bottom: mode +1 from bar 7, top 100. Down U = 3, D = 8
    (103, 93, 101),  # top 103. Up U = 3, D = 8
]


def test_each_side_signals_once_per_leg_and_after_a_wait() -> None:
    assert signals(TEN_BARS) == [1, 0, -1, 0, 0, 0, 0, 1, 0, 0]
    upside_down = [(-low, -high, -close) for high, low, close in TEN_BARS]
    assert signals(upside_down) == [-1, 0, 1, 0, 0, 0, 0, -1, 0, 0]
    no_wait = BY_HAND._replace(wait_bars=4)
    assert signals(TEN_BARS, params=no_wait) == [1, 0, -1, 0, 0, 1, 0, 0, 0, 0]


def test_a_leg_that_began_soon_after_a_signal_is_the_one_it_was_for() -> None:
    """Bar 0 signals up. Bar 2 falls 11 from the top: mode -1, bottom 89 with W = 7.

    At bar 7 U = 96 - 95 = 1 and D = 95 - 88 = 7: 0.875. Its leg begins at bar 2.
    """
    bars = [(100, 90, 98), (98, 91, 93), (96, 89, 92), *[(95, 90, 92)] * 4, (95, 90, 95)]

    assert signals(bars) == [1, 0, 0, 0, 0, 0, 0, 0]  # 2 is not after 0 + 2
    assert signals(bars, params=BY_HAND._replace(early_bars=1))[-1] == 1


def test_a_signal_is_forgotten_over_the_night() -> None:
    day = [(100, 90, 98), (98, 91, 93)]

    assert signals(day, day) == [1, 0, 1, 0]
    assert signals(day + day) == [1, 0, 0, 0]


def test_nothing_is_known_of_an_extreme_made_before_there_was_a_range() -> None:
    """Window 3: ranges are defined from bar 2 on, but both extremes are those of bar 0."""
    late = BY_HAND._replace(atr_window=3)
    day = [(100, 90, 98)] * 5

    assert signals(day, day, params=late) == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]


def test_a_reversal_is_that_of_the_extremes_own_bar() -> None:
    """Bar 1 extends nothing. With the extremes' W = 10, U = 2 and D = 8; with its own 8, U = 0."""
    first, second = bars_by_hand([(100, 90, 95), (99, 91, 98)])
    signal, _, state = directional_change_step(DirectionalChangeState(), [], first, BY_HAND)
    assert signal == 0

    assert directional_change_step(state, [], second, BY_HAND)[:2] == (1, 0.8)


def evidence_at(
    at: int, bars: list[TickBar], params: DirectionalChangeParams = BY_HAND
) -> tuple[Reading, ...]:
    state = DirectionalChangeState()
    for bar in bars[:at]:
        *_, state = directional_change_step(state, [], bar, params)
    return directional_change_evidence(state, [], bars[at], params)


def test_what_it_says_it_saw_on_a_sessions_first_bar() -> None:
    """W = 10. Up: U = 2, D = 8, 0.8. Down: U = 98 - 90 = 8, D = min(101 - 98, 2) = 2, 0.2."""
    assert evidence_at(0, bars_by_hand(TEN_BARS)) == (
        Reading("leg", 0),
        Reading("lowest low", 90, side=1, unit="price"),
        Reading("reversal", 10.0, side=1, unit="distance"),
        Reading("to go for it", 2.0, side=1, unit="distance"),
        Reading("to go against it", 8.0, side=1, unit="distance"),
        Reading("probability", 0.8, 0.8, True, 1),
        Reading("highest high", 100, side=-1, unit="price"),
        Reading("reversal", 10.0, side=-1, unit="distance"),
        Reading("to go for it", 8.0, side=-1, unit="distance"),
        Reading("to go against it", 2.0, side=-1, unit="distance"),
        Reading("probability", 0.2, 0.8, False, -1),
    )


def test_what_it_says_of_the_signals_before() -> None:
    """At bar 6 of the ten up has signalled at 0 and down at 2; the leg down began at bar 2."""
    found = evidence_at(6, bars_by_hand(TEN_BARS))

    since, after = "bars since its last signal", "its leg began after that"
    assert [r for r in found if r.name in ("leg", since, after)] == [
        Reading("leg", -1),
        Reading(since, 6, 7, False, 1),
        Reading(after, 6, 3, True, 1),  # the bottom is that of bar 6 itself
        Reading(since, 4, 7, False, -1),
        Reading(after, 0, 3, False, -1),
    ]


def test_a_leg_that_began_just_early_is_said_to_have_and_a_wait_that_is_just_over_to_be() -> None:
    """Signalled up at 0, the leg down from bar 2, seen at 7: 2 is not more than 2, 7 is than 6."""
    bars = [(100, 90, 98), (98, 91, 93), (96, 89, 92), *[(95, 90, 92)] * 4, (95, 90, 95)]

    found = evidence_at(7, bars_by_hand(bars))

    assert Reading("bars since its last signal", 7, 7, True, 1) in found
    assert Reading("its leg began after that", 2, 3, False, 1) in found
    before = evidence_at(6, bars_by_hand(bars))
    assert Reading("bars since its last signal", 6, 7, False, 1) in before


def test_before_the_first_reversal_a_leg_begins_at_the_extreme_it_runs_from() -> None:
    """k = 3: from the top of bar 1 it is down 30 at 70. Bar 2 has U = 2 and D = 29: -1.

    No leg is known before or after, so the one down began at bar 1: one bar before its signal.
    """
    bars = [(98, 92, 95), (100, 90, 95), (98, 72, 72), (99, 80, 85)]
    upside_down = [(-low, -high, -close) for high, low, close in bars]

    for side, made in ((-1, bars), (1, upside_down)):
        found = evidence_at(3, bars_by_hand(made), BY_HAND._replace(k=3.0))
        assert found[0] == Reading("leg", 0)
        assert [r for r in found if r.name == "its leg began after that"] == [
            Reading("its leg began after that", -1, 3, False, side)
        ]


def test_a_new_session_has_no_signal_before() -> None:
    day = [(100, 90, 98), (98, 91, 93)]

    assert len(evidence_at(2, bars_by_hand(day, day))) == 11


def test_beyond_the_reversal_there_is_nothing_to_go_and_what_is_against_it_shows() -> None:
    """W = 5: at 98 it is 3 beyond the reversal from 90 and 3 short of being refuted."""
    (bar,) = bars_by_hand([(100, 90, 98)])
    found = directional_change_evidence(
        DirectionalChangeState(), [], bar, BY_HAND._replace(k=0.5, min_probability=0.9)
    )

    probabilities = [r for r in found if r.name == "probability"]
    assert probabilities[0] == Reading("probability", 1.0, 0.9, True, 1)
    assert probabilities[1] == Reading("probability", 0.0, 0.9, False, -1)


# --- laws ---------------------------------------------------------------------------------


@given(st.integers(0, 10**6))
def test_what_it_says_of_mirrored_bars_is_what_it_said_of_the_other_side(seed: int) -> None:
    params = DirectionalChangeParams(min_probability=0.6, atr_window=5, k=2.0)
    rows = rough_walk(seed, sessions=2)
    bars, other = tick_bars(rows), tick_bars(mirrored(rows))
    state = state_other = DirectionalChangeState()
    for bar, bar_other in zip(bars, other, strict=True):
        said = directional_change_evidence(state, [], bar, params)
        said_other = directional_change_evidence(state_other, [], bar_other, params)
        for side in (1, -1):
            assert [r for r in said_other if r.side == side and r.unit != "price"] == [
                r._replace(side=side) for r in said if r.side == -side and r.unit != "price"
            ]
        *_, state = directional_change_step(state, [], bar, params)
        *_, state_other = directional_change_step(state_other, [], bar_other, params)


# Limits that no quotient of a few ticks meets, and no walk on a handful of prices: where one is met
# exactly, the rounding of either side decides.
@given(
    st.integers(0, 10**6), st.sampled_from((0.60013, 0.75017, 0.82019, 0.95023)),
    st.sampled_from((0.7, 1.0, 2.0, 3.0)), st.integers(2, 20), st.integers(0, 4), st.integers(0, 9),
)  # fmt: skip
def test_it_equals_its_naive_twin(
    seed: int, least: float, k: float, window: int, early: int, wait: int
) -> None:
    rows = rough_walk(seed)
    params = DirectionalChangeParams(least, k, window, early, wait)

    ours, _, _ = step_through(directional_change.with_params(params), tick_bars(rows))

    twin = naive.directional_change(in_ticks(rows), 1, least, k, window, early, wait)
    assert ours == signs(twin, len(rows))


@given(st.integers(0, 10**6))
def test_the_probability_is_of_the_signal(seed: int) -> None:
    params = directional_change.params
    state = DirectionalChangeState()
    for bar in tick_bars(rough_walk(seed)):
        signal, probability, state = directional_change_step(state, [], bar, params)
        assert probability == 0.0 if signal == 0 else params.min_probability <= probability <= 1.0


@given(st.integers(0, 10**6))
def test_its_legs_are_the_labellers(seed: int) -> None:
    """The last leg the labels know of a prefix is the one the detector is in."""
    series = series_of(rough_walk(seed), timeframe="M5")
    atr = true_ranges(series, 14)
    state: Any = directional_change.state
    for n, bar in enumerate(columns_of(series), start=1):
        *_, state = directional_change_step(state, [], bar, directional_change.params)
        if n % 20 and n < len(series):
            continue
        legs = directional_changes(series.head(n), atr[:n], 3.0)
        inside = [i for i in range(len(legs)) if legs.start[i] >= n - 1 - bar.place]
        assert (state.mode != 0) == bool(inside)
        if inside:
            end = state.top_at if state.mode > 0 else state.bottom_at
            last = (legs.start[-1], legs.end[-1], legs.direction[-1])
            assert last == (state.onset, end, state.mode)


def test_it_is_compiled_and_not_run_in_plain_python_instead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    series = series_of(walk(3, sessions=8))
    plain = detect(series, (directional_change,))
    monkeypatch.setattr(CompiledEngine, "failures", lambda self: ())  # nothing to fall back for

    compiled = detect(series, (directional_change,), COMPILED)

    assert np.array_equal(compiled.sign, plain.sign)
    assert np.array_equal(compiled.probability[0], plain.probability[0])
    assert plain.sign.any()


# --- settings -----------------------------------------------------------------------------


def test_its_margin_is_a_tick_in_quanta_and_no_setting() -> None:
    assert directional_change.kernel_params(500).margin_ticks == 500
    section = Config().to_dict()["detection"]["directional_change"]
    assert section == {
        "min_probability": 0.82, "k": 3.0, "atr_window": 14, "early_bars": 2, "wait_bars": 6,
    }  # fmt: skip
    with pytest.raises(ConfigError, match=r"margin_ticks: got an unknown key, expected one of min"):
        Config().set("detection.directional_change.margin_ticks", 2)
    assert "directional_change" not in Config().detection.enabled


def test_the_shipped_file_runs_it_alone() -> None:
    shipped = load_config(Path(__file__).parents[2] / "config/alertas.direcional.yaml")

    assert shipped.changes() == {"detection.enabled": ["directional_change"]}


# --- recorded bars ------------------------------------------------------------------------

# File; sessions; scored sessions, opportunities, captured, TP, FP, trades, wins. Their rates were
# known beforehand from another implementation of the definition: capture, false positives and net
# win rate .841 .077 .507 (416 alerts); .862 .074 .539; .874 .103 .461 (495); .841 .107 .452.
RECORDED = [
    ("win_n_m5_2020-11_2021-03", 1_000, (91, 458, 385, 384, 32, 416, 211)),
    ("win_n_m5_2020-11_2021-03", 60, (60, 289, 249, 249, 20, 269, 145)),
    ("winfut_m5_2021-08_2022-01", 1_000, (104, 509, 445, 444, 51, 495, 228)),
    ("winfut_m5_2021-08_2022-01", 60, (60, 289, 243, 243, 29, 272, 123)),
]


@pytest.mark.parametrize(("name", "sessions", "expected"), RECORDED)
def test_recorded_bars_score_as_known_beforehand(
    name: str, sessions: int, expected: tuple[int, ...]
) -> None:
    series = series_of(shared_rows(name))
    config = ALONE.set("scoring.sessions", sessions)

    scored = score(detected_on(series, config), config)

    sums = {key: int(column.sum()) for key, column in scored.per_session().items()}
    keys = ("opportunities", "captured", "tp", "fp", "trades", "wins")
    assert (len(scored.scope.sessions), *(sums[key] for key in keys)) == expected


@pytest.mark.parametrize("seed", range(2))
def test_a_run_with_it_alone_agrees_with_the_naive_scorer(seed: int) -> None:
    rows = walk(seed, sessions=14, missing=0.02)

    run = backtest(bars_of(rows), ALONE, audits="none", chance=False)

    assert run.scorecard.counts["trades"] > 10
    assert differences(rows, run, naive.Rules(detectors=("directional_change",))) == []


@pytest.mark.parametrize("name", ["win_n_m5_2020-11_2021-03", "winfut_adj_m5_2023-06_2023-07"])
def test_a_recorded_file_agrees_with_the_naive_scorer(name: str) -> None:
    """The second is adjusted, off the grid: there a tick is many quanta."""
    rows = shared_rows(name)

    run = backtest(bars_of(rows), ALONE, audits="none", chance=False)

    assert run.scorecard.counts["alerts"] > 50
    assert differences(rows, run, naive.Rules(detectors=("directional_change",))) == []


def test_it_passes_the_full_audits() -> None:
    bars = bars_of(walk(7, sessions=12))

    report = audit(bars, make_series(bars), ALONE, full=True)

    assert report.clean, report

"""The audits catch what they are there for, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

from alertlib.audits import lookahead, suite, warmup
from alertlib.audits.checking import check
from alertlib.audits.parity import streaming_parity
from alertlib.audits.report import AuditReport
from alertlib.audits.suite import audit
from alertlib.backtesting.backtester import backtest
from alertlib.bars.bars import Bars
from alertlib.bars.series import make_series
from alertlib.config import Config
from alertlib.detection.detectors import detector, frame_detector
from alertlib.errors import AuditError, ConfigError
from alertlib.scoring.engine import COMPILED, INTERPRETED
from alertlib.scoring.scored import run_detectors
from tests.support import user_detectors
from tests.support.detected import detected_on
from tests.support.synthetic import bars_of, shared_rows, walk

ALL = (
    "streaming_parity", "purity", "prefix_invariance", "poisoned_future", "memory", "warm_up",
    "unchanged_inputs", "self_test",
)  # fmt: skip


@pytest.fixture(scope="module")
def bars() -> Bars:
    return bars_of(walk(81, sessions=8))


@pytest.fixture(autouse=True)
def _fewer_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The audits themselves are under test, not the number of their repetitions."""
    monkeypatch.setattr(lookahead, "PREFIX_CUTS", 15)
    monkeypatch.setattr(suite, "POISON_CUTS", 6)
    monkeypatch.setattr(warmup, "WARMUP_CUTS", 8)


pytestmark = pytest.mark.usefixtures("own_registry")


def failed(report: AuditReport) -> set[str]:
    return {item.name for item in report.items if not item.clean}


class Count(NamedTuple):
    seen: int = 0


# --- clean detectors ----------------------------------------------------------------------


def test_the_built_in_detectors_pass_every_audit(bars: Bars) -> None:
    series = make_series(bars)

    report = audit(bars, series, Config(), full=True)

    assert report.clean, report
    assert tuple(item.name for item in report.items) == ALL
    assert report.failures == 0
    assert report.raise_if_dirty() is report
    assert repr(report).startswith("<AuditReport volatility, breakout, engulfing, rsi_divergence")
    assert report.to_dict()["clean"] is True
    assert "clean" in report._repr_html_()


@pytest.mark.parametrize(
    "name", ["volatility", "engulfing", "breakout", "rsi_divergence", "directional_change"]
)
def test_each_built_in_detector_can_be_checked_alone(name: str, bars: Bars) -> None:
    report = check(name, bars, compiled=False)

    assert report.clean, report
    assert report.detectors == (name,)


def test_the_gate_runs_the_quick_audits(bars: Bars) -> None:
    run = backtest(bars, chance=False)

    assert run.audits is not None
    assert [item.name for item in run.audits.items] == [
        "streaming_parity", "purity", "poisoned_future",
    ]  # fmt: skip
    assert run.scorecard.audits == run.audits.to_dict()
    assert run.scorecard.criterion("audit_failures").passed


@pytest.mark.slow
@pytest.mark.parametrize("name", ["win_n_m5_2020-11_2021-03", "winfut_m5_2021-08_2022-01"])
def test_recorded_bars_pass_every_audit_in_full(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    read = bars_of(shared_rows(name), "WIN$N")

    report = audit(read, make_series(read), Config(), full=True, engine=COMPILED)

    assert report.clean, report


def test_a_clean_frame_detector_is_not_accused(bars: Bars) -> None:
    report = check("tests.support.user_detectors:since", bars, compiled=False)

    assert report.clean, report
    # It has no step, so nothing is streamed.
    assert [item.name for item in report.items] == list(ALL[2:])


def test_progress_is_told_in_steps(bars: Bars) -> None:
    told: list[tuple[str, int, int]] = []

    check("engulfing", bars, compiled=False, progress=lambda *step: told.append(step))

    assert {name for name, _, _ in told} == {"prefix_invariance", "poisoned_future", "warm_up"}
    assert all(0 <= done < ahead for _, done, ahead in told)


def test_the_seed_decides_the_cuts_and_nothing_else() -> None:
    few = bars_of(walk(82, sessions=3))
    series = make_series(few)

    first, again, other = (audit(few, series, Config(), full=True, seed=seed) for seed in (3, 3, 4))

    assert first == again
    assert other.clean is first.clean is True


# --- look-ahead, in every dress -----------------------------------------------------------


def looks_ahead(columns: Any) -> Any:
    """Register a frame detector; all of them see something of the future."""
    return frame_detector("cheat", patterns=("up", "down"), warmup=30)(columns)


def sign(values: pl.Series) -> Any:
    return values.sign().fill_null(0).fill_nan(0).cast(pl.Int64).to_numpy()


CHEATS = {
    "a shift the wrong way": lambda f: sign(f["close"].diff().shift(-1)),
    "a centred window": lambda f: sign(
        f["close"] - f["close"].rolling_mean(window_size=9, center=True)
    ),
    "normalised by the whole sample": lambda f: sign(
        f.select(
            pl.when((pl.col("close") - pl.col("close").mean()).abs() > pl.col("close").std())
            .then(pl.col("close") - pl.col("close").mean())
            .otherwise(0.0)
        ).to_series()
    ),
    "holes filled from behind": lambda f: sign(
        f.select(
            pl.when(pl.int_range(pl.len()) % 5 == 0).then(pl.col("close")).otherwise(None)
            .fill_null(strategy="backward").diff()
        ).to_series()
    ),
    "the day's high before the day is over": lambda f: sign(
        f.select(
            pl.when(pl.col("high") == pl.col("high").max().over("session")).then(-1).otherwise(0)
        ).to_series()
    ),
    "a pivot stamped at the pivot": lambda f: sign(
        f.select(
            pl.when(
                (pl.col("low") < pl.col("low").shift(1)) & (pl.col("low") < pl.col("low").shift(-1))
            ).then(1).otherwise(0)
        ).to_series()
    ),
    "a two-bar confirmation stamped at the first": lambda f: sign(
        f.select(
            pl.when((pl.col("close").diff() > 0) & (pl.col("close").diff().shift(-1) > 0))
            .then(1).otherwise(0)
        ).to_series()
    ),
    "duplicates removed with hindsight": lambda f: sign(
        f.select(
            pl.when(
                (pl.col("close").diff() > 0) & ~(pl.col("close").diff().shift(-1) > 0)
            ).then(1).otherwise(0)
        ).to_series()
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHEATS)
def test_look_ahead_is_caught(what: str, bars: Bars) -> None:
    looks_ahead(CHEATS[what])

    report = check("cheat", bars, compiled=False)

    assert not report.clean
    assert failed(report) & {"prefix_invariance", "poisoned_future"}, report
    with pytest.raises(AuditError, match=r"detectors cheat: (prefix_invariance|poisoned_future): "):
        report.raise_if_dirty()


def test_the_gate_fails_a_detector_that_looks_ahead(bars: Bars) -> None:
    """A frame detector is cut at every alert even in the quick audits: nothing streams it."""
    config = Config().set("detection.enabled", ("tests.support.user_detectors:peek",))

    run = backtest(bars, config, chance=False)

    assert run.scorecard.criterion("audit_failures").passed is False
    assert run.scorecard.verdict != "PASS"
    assert run.audits is not None
    assert "prefix_invariance" in failed(run.audits)


def test_a_shift_of_one_bar_is_named_at_the_bar(bars: Bars) -> None:
    report = check("tests.support.user_detectors:peek", bars, compiled=False)

    (item,) = [i for i in report.items if i.name == "prefix_invariance"]
    assert "cut after 2021-04-" in item.detail
    assert "differ from those of the whole file" in item.detail


# --- the other audits ---------------------------------------------------------------------


def test_a_memory_outside_the_state_breaks_parity(bars: Bars) -> None:
    """Two runs of one detector must not share anything but what they are given."""
    seen: list[int] = []

    @detector("leaky", patterns=("up", "down"), state=Count(), warmup=20)
    def leaky(state: Any, ring: Any, bar: Any, params: Any) -> Any:
        seen.append(bar.close)
        return (1 if len(seen) % 7 == 0 else 0), Count(state.seen + 1)

    report = check("leaky", bars, compiled=False)

    assert "streaming_parity" in failed(report)


def test_a_warmup_declared_too_short_is_found_and_measured(bars: Bars) -> None:
    class Line(NamedTuple):
        n: int = 40

    @detector("hasty", patterns=("up", "down"), state=Count(), params=Line(), ring=40, warmup=10)
    def hasty(state: Any, ring: Any, bar: Any, params: Any) -> Any:
        old = ring[state.seen % params.n]
        ring[state.seen % params.n] = bar.close
        return (1 if bar.close > old + 50 else 0), Count(state.seen + 1)

    report = check("hasty", bars, compiled=False)

    assert failed(report) == {"warm_up"}
    (item,) = [i for i in report.items if i.name == "warm_up"]
    assert item.detail == "hasty needs 39 of 10 bars: declare warmup=39"


def test_the_smallest_sufficient_warmup_is_reported(
    bars: Bars, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warmup, "WARMUP_CUTS", 400)

    report = check("volatility", bars, compiled=False)

    (item,) = [i for i in report.items if i.name == "warm_up"]
    assert item.clean
    # 20 closes make the first z-score; a run under way is taken for a new one on the next bar.
    assert item.detail == "volatility needs 20 of 20 bars"


def test_the_example_of_the_interface_document_is_clean(bars: Bars) -> None:
    """`follow` as published declares its window, and compares neighbouring bars."""
    report = check(user_detectors.follow, bars, compiled=False)

    assert report.clean, report


def test_a_detector_of_absolute_prices_is_not_accused(bars: Bars) -> None:
    """Found by a detector of round numbers: a poisoned part used to start from another gap."""

    @detector("round", patterns=("up", "down"), state=Count(), warmup=1)
    def round_number(state: Any, ring: Any, bar: Any, params: Any) -> Any:
        return (1 if bar.close % 20 == 0 else 0), Count(state.seen + 1)

    report = check("round", bars, compiled=False)

    assert "poisoned_future" not in failed(report)


def test_a_detector_that_changes_its_bars_is_found(bars: Bars) -> None:
    series = make_series(bars)

    @frame_detector("vandal", patterns=("up", "down"))
    def vandal(frame: Any) -> Any:
        series.close[100] += 1
        return np.zeros(frame.height, dtype=int)

    config = Config().set("detection.enabled", ("vandal",))
    report = audit(bars, series, config, full=True)

    assert "unchanged_inputs" in failed(report)


def test_parity_tells_the_first_field_that_differs(bars: Bars) -> None:
    series = make_series(bars)
    whole = detected_on(series, Config())

    shifted = replace(whole, delivered=replace(whole.delivered, stop=whole.delivered.stop + 1))
    item = streaming_parity(bars, shifted, Config())
    assert not item.clean
    assert item.detail.startswith("alert 0: stop is ")

    fewer = replace(whole, delivered=whole.delivered.only(np.arange(len(whole.delivered)) > 0))
    detail = streaming_parity(bars, fewer, Config()).detail
    counts = f"live gives {len(whole.delivered)} alerts, batch {len(whole.delivered) - 1}"
    assert detail.startswith(f"{counts}; keep what the step remembers")

    held = replace(whole, suppressed=whole.suppressed.only(np.zeros(0, dtype=np.int64)))
    assert streaming_parity(bars, held, Config()).detail.startswith(
        "live and batch suppress different alerts; "
    )


def test_a_bar_the_stream_refuses_is_a_fault_of_the_data(bars: Bars) -> None:
    other = replace(bars, frame=bars.frame[[0, 2, 1, *range(3, len(bars))]])

    item = streaming_parity(other, detected_on(make_series(bars), Config()), Config())

    assert item.clean
    assert item.unreadable is not None
    assert item.unreadable.startswith("bar of WIN$N at 2021-04-05 09:05")
    assert item.detail.startswith(f"not compared, the stream takes no such bar: {item.unreadable}")
    assert AuditReport(("volatility",), (item,)).unreadable == item.unreadable


def test_the_audits_try_themselves(bars: Bars, monkeypatch: pytest.MonkeyPatch) -> None:
    """Had they gone blind, the self-test would say so."""
    monkeypatch.setattr(lookahead, "_sees_future", lambda *_: False)

    report = audit(bars, make_series(bars), Config(), full=True, engine=INTERPRETED)

    assert failed(report) == {"self_test"}
    (item,) = [i for i in report.items if i.name == "self_test"]
    assert item.detail == "planted look-ahead caught: False, clean detector caught: False"
    assert "DIRTY" in repr(report)
    assert "✗" in report._repr_html_()


def test_a_step_that_trades_places_with_the_future_cannot_be_written(bars: Bars) -> None:
    """A step sees one bar; the only other thing it can look at is its own state."""
    with pytest.raises(ConfigError, match="detector 'nobody' is unknown"):
        check("nobody", bars)


def test_hardly_any_bars_can_be_audited() -> None:
    for size in (1, 2, 15):
        few = bars_of(walk(1, sessions=1)[:size], timeframe="M5")

        report = audit(few, make_series(few), Config(), full=True)

        assert failed(report) <= {"self_test"}, report


# --- wrong answers ------------------------------------------------------------------------


def test_a_wrong_answer_is_a_failed_audit(bars: Bars) -> None:
    report = check("tests.support.user_detectors:two", bars, compiled=False)

    assert failed(report) == {"answers"}
    (item,) = report.items
    assert item.detail.startswith("detector 'two': at 2021-04-05 09:00 its step (")


def test_a_frame_function_that_fails_on_a_part_fails_that_audit(bars: Bars) -> None:
    @frame_detector("late", patterns=("up", "down"))
    def late(frame: Any) -> Any:
        return (
            np.zeros(frame.height) if frame.height == len(bars) else np.full(frame.height, np.nan)
        )

    report = check("late", bars, compiled=False)

    assert {"prefix_invariance", "poisoned_future", "warm_up"} <= failed(report)
    for item in report.items:
        if item.name in failed(report):
            assert "it answered nan; expected -1, 0 or +1" in item.detail


def test_what_to_do_is_said(bars: Bars) -> None:
    report = check("tests.support.user_detectors:peek", bars, compiled=False)

    details = [item.detail for item in report.items if not item.clean]
    assert details
    assert all("no shift(-1), centred window or backfill" in detail for detail in details)


def test_a_silent_detector_is_run_once_on_its_clean_bars(
    bars: Bars, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found: no alerts were taken for no run, and it ran anew before each poison: 6 for 4."""

    @detector("mute", patterns=("a", "b"), state=Count())
    def mute(state, ring, bar, params):  # type: ignore[no-untyped-def]  # as a user writes it
        return 0, state

    runs: list[int] = []

    def counted(*given: Any) -> Any:
        runs.append(1)
        return run_detectors(*given)

    monkeypatch.setattr(lookahead, "run_detectors", counted)
    for name in ("mute", "tests.support.user_detectors:metronome"):
        runs.clear()
        whole = detected_on(make_series(bars), Config().set("detection.enabled", (name,)))
        item = lookahead.poisoned_future(
            whole, INTERPRETED, np.random.default_rng(0), 1, lambda *_: None
        )
        assert (item.clean, item.cases, len(runs)) == (True, 3, 4)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_fraction_in_a_ring_is_named_and_told_where_it_belongs(
    bars: Bars, compiled: bool
) -> None:
    """Found: compiled code cut it off, and the advice was to keep it where it already was."""

    @detector("thirds", patterns=("a", "b"), state=Count(), ring=8, warmup=600)
    def thirds(state, ring, bar, params):  # type: ignore[no-untyped-def]  # as a user writes it
        third = bar.close / 3
        risen = third > ring[state.seen % 8]
        ring[state.seen % 8] = third
        return int(risen), Count(state.seen + 1)

    report = check(thirds, bars, compiled=compiled)

    (item,) = [item for item in report.items if item.name == "purity"]
    assert not item.clean
    assert item.detail.startswith("thirds: its ring holds ")
    assert item.detail.endswith("a ring holds whole numbers, compiled code cuts off the rest; "
                                "keep fractions in the state")  # fmt: skip
    others = [i.detail for i in report.items if i.name == "streaming_parity" and not i.clean]
    assert all("fractions in the state" in detail for detail in others)

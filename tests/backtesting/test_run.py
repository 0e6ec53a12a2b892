"""A run as its user reads it: tables, explanations, missed moves, differences."""

from __future__ import annotations

import copy
from datetime import date, datetime
from pathlib import Path
from pickle import dumps, loads
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from alertlib.audits import lookahead, suite, warmup
from alertlib.backtesting.backtester import backtest
from alertlib.backtesting.run import Run
from alertlib.bars.opening import from_frame
from alertlib.config import Config
from alertlib.config.schema import SymbolSpec
from alertlib.errors import DataError
from alertlib.market.instruments import Instrument, find_family, find_instrument
from alertlib.market.sessions import FixedHours
from alertlib.market.ticks import Grid, decimal_grid, tick_grid
from alertlib.scorecard.difference import Change, compare_scorecards
from alertlib.scoring.frames import write_alerts
from tests.support.synthetic import bars_of, frame, session, walk

ROWS = walk(101, sessions=14)


def run_of(rows: Any = ROWS, **changes: Any) -> Run:
    config = Config()
    for name, value in changes.items():
        config = config.set(name.replace("__", "."), value)
    return backtest(bars_of(rows, timeframe="M5"), config, audits="none", chance=False)


@pytest.fixture(scope="module")
def run() -> Run:
    return run_of()


# --- tables -------------------------------------------------------------------------------


def test_the_alert_table_has_the_columns_of_the_interface(run: Run) -> None:
    assert set(run.alerts.columns) >= {
        "id", "time", "bar_time", "pattern", "direction", "severity", "confidence", "price",
        "entry_min", "entry_max", "stop", "target", "risk_reward", "agreeing", "entry_time",
        "entry_price", "exit_time", "exit_price", "exit_reason", "pnl_points", "outcome",
        "opportunity_id",
    }  # fmt: skip
    assert run.alerts["time"].is_sorted()
    assert set(run.alerts["outcome"]) <= {"tp", "fp", "redundant", "censored", "unscored"}
    unscored = run.alerts.filter(pl.col("outcome") == "unscored")
    assert unscored.height
    # Something to train on: a trade wherever one was possible.
    last = unscored["bar_time"].dt.time() == unscored["bar_time"].dt.time().max()
    assert not unscored.filter(~last)["pnl_points"].has_nulls()


def test_alerts_are_written_by_the_ending_of_the_path(run: Run, tmp_path: Path) -> None:
    parquet, csv = tmp_path / "alerts.parquet", tmp_path / "alerts.CSV"

    write_alerts(run.alerts, parquet)
    write_alerts(run.alerts, csv)

    assert pl.read_parquet(parquet).equals(run.alerts)
    text = pl.read_csv(csv, try_parse_dates=True)
    assert text["id"].to_list() == run.alerts["id"].to_list()
    assert text["time"].to_list() == run.alerts["time"].to_list()
    assert text["stop"].to_list() == run.alerts["stop"].to_list()
    joined = ["|".join(names) for names in run.alerts["agreeing"]]
    assert [value or "" for value in text["agreeing"]] == joined


def test_a_run_without_alerts_has_empty_tables_of_the_same_columns(run: Run) -> None:
    silent = run_of(detection__enabled=())

    assert silent.alerts.is_empty()
    assert silent.alerts.schema == run.alerts.schema
    assert silent.trades.schema == run.trades.schema
    assert silent.suppressed.schema == run.suppressed.schema
    assert silent.opportunities.height == run.opportunities.height


def test_a_move_that_starts_where_nothing_has_moved_yet_has_no_size_in_ranges() -> None:
    """Found on a limit-locked morning: size over a range of nought was infinite, with a warning."""
    flat = [(100_000.0,) * 4]
    up = [(p, p + 5, p, p + 5) for p in (100_000.0 + 5 * n for n in range(40))]
    rows = session(flat * 107) + session(flat * 30 + up + flat * 30, date(2021, 4, 6))

    moves = run_of(rows, scoring__warmup_bars=0).opportunities

    assert moves["points"].to_list() == [200.0, 200.0]
    first, second = moves["atr"].to_list()
    assert first is None
    assert second > 0


# --- explanations -------------------------------------------------------------------------


def explained(run: Run, outcome: str) -> list[str]:
    ids = run.alerts.filter(pl.col("outcome") == outcome)["id"]
    return [run.explain(i).why for i in ids]


def test_each_alert_is_explained_by_its_verdict(run: Run) -> None:
    for why in explained(run, "tp"):
        assert why.startswith("captured a move not captured before: move ")
    for why in explained(run, "redundant"):
        assert why.startswith("valid, but for moves already captured: move ")
    assert set(explained(run, "unscored")) == {"its session is not scored"}
    kinds = {
        kind
        for why in explained(run, "fp")
        for kind in ("min later", "was over", "was left of", "has no move of its direction")
        if kind in why
    }
    assert kinds >= {"min later", "was over"}


def test_an_alert_of_a_session_without_a_move_is_told_so() -> None:
    run = run_of(scoring__k=12.0)

    assert any("its session has no move of its direction" in why for why in explained(run, "fp"))


def test_too_late_for_what_is_left_is_told_so() -> None:
    run = run_of(scoring__min_move_left=0.9)

    assert any("too little was left of the nearest move" in why for why in explained(run, "fp"))


def test_a_censored_alert_is_told_so() -> None:
    run = run_of(ROWS[:-15])

    assert set(explained(run, "censored")) == {"the data end before its outcome is known"}


def test_an_explanation_reads_as_text(run: Run) -> None:
    row = run.alerts.filter(pl.col("outcome") == "tp").row(0, named=True)

    text = repr(run.explain(row["id"][:12]))

    assert row["pattern"] in text
    assert f"stop {row['stop']:.0f}, target {row['target']:.0f}" in text
    assert "outcome tp: captured" in text
    assert f"{row['pnl_points']:+.2f} points" in text
    assert run.explain(row["id"])._repr_html_().startswith("<pre>")


def test_an_explanation_shows_every_digit_of_a_price() -> None:
    """Found on an adjusted series: six significant digits made 123707.57 into 123708."""
    rows = [(t, *(round(p * 1.0356, 2) for p in prices)) for t, *prices in ROWS]
    run = run_of(rows)
    row = run.alerts.row(0, named=True)
    assert row["price"] != round(row["price"], 1)

    assert f"price {row['price']:.2f}," in repr(run.explain(row["id"]))


def test_an_unknown_id_is_refused(run: Run) -> None:
    with pytest.raises(DataError, match=r"alert 'zzz': 0 delivered alerts have this id; expected"):
        run.explain("zzz")
    with pytest.raises(DataError, match=rf"alert '': {run.alerts.height} delivered alerts have"):
        run.explain("")


def test_missed_moves_say_what_stood_in_the_way(run: Run) -> None:
    missed = run.missed()

    captured = run.scorecard.counts["captured"]
    assert missed.height == run.scorecard.counts["opportunities"] - captured > 0
    assert not missed["captured"].any()
    assert missed.filter(pl.col("suppressed") == 0)["reasons"].list.len().sum() == 0
    held = run_of(policy__min_severity="CRITICO").missed()
    assert held.filter(pl.col("suppressed") > 0).height
    assert {"severity"} <= {reason for reasons in held["reasons"] for reason in reasons}


# --- differences --------------------------------------------------------------------------


def test_a_run_does_not_differ_from_itself(run: Run) -> None:
    difference = run.diff(run)

    assert (difference.comparable, difference.settings, difference.changes) == (True, {}, ())
    assert difference.lines() == ["alerts: 0 gained, 0 lost, 0 under another pattern or confidence"]


def test_two_runs_differ_in_settings_figures_and_alerts(run: Run) -> None:
    other = run_of(detection__volatility__window=30)

    difference = other.diff(run)

    assert difference.comparable
    assert difference.settings == {"detection.volatility.window": (20, 30)}
    place = ("bar_time", "direction")
    before, after = (set(r.alerts.select(place).iter_rows()) for r in (run, other))
    assert difference.gained is not None
    assert difference.lost is not None
    assert difference.renamed is not None
    assert set(difference.gained.select(place).iter_rows()) == after - before
    assert set(difference.lost.select(place).iter_rows()) == before - after
    assert set(difference.renamed.select(place).iter_rows()) <= before & after
    by_path = {change.path: change for change in difference.changes}
    alerts = by_path["counts.alerts"]
    assert alerts.delta == other.scorecard.counts["alerts"] - run.scorecard.counts["alerts"]
    text = repr(difference)
    assert "detection.volatility.window: 20 -> 30" in text
    assert f"alerts: {difference.gained.height} gained, {difference.lost.height} lost" in text
    assert difference._repr_html_().startswith("<pre>")


def test_other_bars_or_another_spec_are_not_comparable(run: Run) -> None:
    shorter = run_of(ROWS[:-107])
    assert not shorter.diff(run).comparable
    assert shorter.diff(run).lines()[0].startswith("NOT COMPARABLE")
    assert not run_of(scoring__k=2.0).diff(run).comparable


def test_scorecards_are_compared_as_read_from_json(run: Run) -> None:
    a = run.scorecard.to_dict()
    b = run_of(policy__cooldown_bars=3).scorecard.to_dict()

    difference = compare_scorecards(a, b)

    assert difference.gained is None
    assert {c.path for c in difference.changes} >= {"counts.alerts", "counts.suppressed.cooldown"}
    assert compare_scorecards(a, a).lines() == ["no difference"]


def test_only_numbers_have_a_delta() -> None:
    assert Change("x", 1, 3).delta == 2.0
    assert Change("x", None, 3).delta is None
    assert Change("x", True, False).delta is None
    assert Change("x", "a", "b").delta is None


# --- what a run has to have ---------------------------------------------------------------


def test_bars_all_outside_the_session_cannot_be_scored() -> None:
    night = [(t.replace(hour=t.hour + 11), *p) for t, *p in ROWS[:20]]

    with pytest.raises(DataError, match=r"no bar lies within its session; expected bars of WIN\$N"):
        run_of(night)


def test_a_single_bar_is_scored_as_insufficient() -> None:
    run = run_of(ROWS[:1])

    assert run.scorecard.verdict == "INSUFFICIENT"
    assert run.scorecard.counts["opportunities"] == 0
    assert run.opportunities.is_empty()
    assert run.missed().is_empty()


def test_progress_is_told_and_provenance_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookahead, "PREFIX_CUTS", 3)
    monkeypatch.setattr(suite, "POISON_CUTS", 3)
    monkeypatch.setattr(warmup, "WARMUP_CUTS", 3)
    told: list[str] = []
    config = Config().set("scoring.mirror_runs", 19).set("scoring.null_runs", 19)

    run = backtest(
        bars_of(walk(102, sessions=7)), config, audits="none", full=True, engine="interpreted",
        progress=lambda stage, done, ahead: told.append(stage), git_rev="abc",
        generated_at="2026-01-05T10:00:00Z",
    )  # fmt: skip

    assert {"coin_flips", "prefix_invariance"} <= set(told)
    assert run.scorecard.git_rev == "abc"
    assert run.scorecard.generated_at == "2026-01-05T10:00:00Z"
    assert "coin_flip" in run.scorecard.criteria[0].nulls
    assert run.audits is not None
    assert len(run.audits.items) == 8  # `full` audits in full, whatever else was asked


def test_labels_come_from_the_settings_or_from_the_call(tmp_path: Path) -> None:
    moves = pl.DataFrame(
        {"time_start": [ROWS[700][0]], "time_end": [ROWS[712][0]], "direction": [1]}
    )
    path = tmp_path / "moves.csv"
    moves.write_csv(path, datetime_format="%Y-%m-%dT%H:%M")
    config = Config().set("scoring", {"labels": "file", "labels_file": str(path)})
    bars = bars_of(ROWS)

    by_settings = backtest(bars, config, audits="none", chance=False)
    by_call = backtest(bars, Config(), labels=moves, audits="none", chance=False)

    assert by_settings.scorecard.counts["opportunities"] == 1
    assert by_settings.opportunities.equals(by_call.opportunities)
    assert by_call.opportunities.row(0, named=True)["time_start"] == ROWS[700][0]


def test_fees_that_are_not_known_count_as_nothing_and_are_warned_about() -> None:
    rows = walk(103, sessions=8, tick=0.5, price=11_000)
    bars = from_frame(frame(rows), symbol="WDO$N", timeframe="M5")

    card = backtest(bars, audits="none", chance=False).scorecard

    assert card.trade["fees_points"] == 0.0
    assert card.trade["expectancy_brl"] is None
    assert any("fees of WDO$N are not known and count as 0" in w for w in card.warnings)
    stated = Config().set("trade.fees_points", 0.1)
    paid = backtest(bars, stated, audits="none", chance=False).scorecard
    assert paid.trade["expectancy_points"] == pytest.approx(card.trade["expectancy_points"] - 0.1)
    assert paid.trade["expectancy_brl"] == pytest.approx(10 * paid.trade["expectancy_points"])


@pytest.mark.parametrize("ticks", [0, 1, 3])
def test_break_even_pays_slippage_once_for_a_win_and_twice_for_a_loss(ticks: int) -> None:
    """Found fixed at one tick: at the break-even rate nothing is earned, whatever the slippage."""
    trade = run_of(trade__slippage_ticks=ticks).scorecard.trade

    p = trade["break_even_win_rate"]
    win = trade["mean_target_points"] - trade["fees_points"] - 5 * ticks
    loss = trade["mean_stop_points"] + trade["fees_points"] + 10 * ticks
    assert p * win - (1 - p) * loss == pytest.approx(0.0, abs=1e-9)


# --- instruments and grids ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "family"),
    [
        ("WIN$N", "WIN"), ("WINFUT", "WIN"), ("WIN$", "WIN"), ("WIN@D", "WIN"), ("WINJ21", "WIN"),
        ("WING6", "WIN"), ("WDO$N", "WDO"), ("WDOFUT", "WDO"), ("BIT$N", "BIT"),
        ("PETR4", "B3 cash equity"), ("BOVA11", "B3 cash equity"), ("PETR4F", "B3 cash equity"),
        ("ES", None), ("EURUSD", None), ("WINNER", None), ("DJI", None),
    ],
)  # fmt: skip
def test_symbols_belong_to_families(symbol: str, family: str | None) -> None:
    found = find_family(symbol)

    assert (found.name if found else None) == family


def test_what_is_known_of_the_index_future() -> None:
    known = find_instrument("WIN$N", "M15")

    assert (known.minutes, known.point_value) == (15, 0.20)
    assert known.fee_points(date(2026, 1, 5)) == 2.56
    assert known.grid == Grid(5, 1)


def test_what_the_settings_state_beats_the_family() -> None:
    spec = SymbolSpec(
        "WIN$N", tick=10.0, point_value=1.0, fees_points=3.0, session_open="10:00",
        session_close="17:00",
    )  # fmt: skip

    known = find_instrument("WIN$N", "M5", (spec,))

    assert known.grid == Grid(10, 1)
    assert (known.point_value, known.fee_points(date(2026, 1, 5))) == (1.0, 3.0)
    assert known.sessions == FixedHours(600, 1_020)
    share = SymbolSpec("PETR4", session_open="10:05", session_close="16:55")
    assert find_instrument("PETR4", "M1", (share,)).sessions == FixedHours(605, 1_015)
    half = find_instrument("WIN$N", "M5", (SymbolSpec("WIN$N", tick=10.0),))
    assert half.fee_points(date(2026, 1, 5)) == 2.56


def test_of_an_unknown_symbol_nothing_is_made_up() -> None:
    known: Instrument = find_instrument("XYZ", "M5")

    assert (known.family, known.grid, known.sessions, known.point_value, known.fees) == (
        None, None, None, None, (),
    )  # fmt: skip
    assert known.fee_points(date(2026, 1, 5)) == 0.0


@pytest.mark.parametrize(
    ("tick", "quantum"), [(5.0, (5, 1)), (0.5, (1, 2)), (0.01, (1, 100)), (1e-5, (1, 100_000))]
)
def test_a_tick_is_the_decimal_it_prints_as(tick: float, quantum: tuple[int, int]) -> None:
    grid = tick_grid(tick)

    assert (grid.numerator, grid.denominator) == quantum
    assert grid.tick == grid.quantum == tick
    for n in (1, 7, 12_345_678):
        assert grid.quanta(grid.price(n)) == n


def test_a_decimal_grid_is_fine_enough_for_the_tick() -> None:
    coarse = decimal_grid(0, 0.25)

    assert (coarse.denominator, coarse.per_tick, coarse.on_tick) == (100, 25, False)
    assert (coarse.quantum, coarse.tick) == (0.01, 0.25)
    fine = decimal_grid(2, 5.0)
    assert (fine.denominator, fine.per_tick) == (100, 500)
    assert fine.quanta(123_707.57) == 12_370_757


def test_times_are_naive_wall_clock(run: Run) -> None:
    assert run.alerts.schema["time"] == pl.Datetime("us")
    assert run.alerts["time"][0] > datetime(2021, 4, 5)


# --- copies --------------------------------------------------------------------------------


@pytest.mark.parametrize("shown", [False, True])
@pytest.mark.parametrize("twin_of", [copy.copy, copy.deepcopy, lambda r: loads(dumps(r))])
def test_a_copy_says_the_same(run: Run, twin_of: Any, shown: bool) -> None:
    """Before its tables were asked for, and with them."""
    run = run if shown else run_of()
    if shown:
        assert run.alerts.height
        assert run._repr_html_()
    twin = twin_of(run)

    assert repr(twin) == repr(run)
    assert twin.scorecard == run.scorecard
    assert twin.config == run.config
    assert twin.bars.sha256 == run.bars.sha256
    assert twin.bars.quality.clean == run.bars.quality.clean
    for table in ("alerts", "opportunities", "trades", "suppressed"):
        assert_frame_equal(getattr(twin, table), getattr(run, table))
    assert twin.diff(run).telling == ()


def test_a_run_equals_itself_alone(run: Run) -> None:
    other = backtest(run.bars, run.config, audits="none", chance=False)

    assert run == run
    assert {run: 1}[run] == 1
    assert run != other
    assert run.scorecard == other.scorecard

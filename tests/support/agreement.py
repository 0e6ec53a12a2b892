"""Compare a run of the package with the naive scorer, figure by figure and row by row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from alertlib.backtesting.run import Run
from tests.naive import NaiveAlert, NaiveBar, Rules, in_units, keep
from tests.naive_score import Leg, NaiveRun, score, sensitivity
from tests.support.synthetic import Row

# Levels are sums of an integer price and a float average; either side may round once more.
RELATIVE = 1e-9

Difference = tuple[str, Any, Any]


def naive_run(
    rows: list[Row],
    run: Run,
    rules: Rules,
    legs: list[tuple[datetime, datetime, int]] | None = None,
) -> tuple[NaiveRun, Rules, int]:
    """Score ``rows`` naively; returns the run, the rules in units, and units per point."""
    instrument = run.bars.instrument
    assert instrument.grid is not None
    bars, decimals = in_units(rows)
    tick = Fraction(repr(instrument.grid.tick))
    factor = 1
    while (tick * 10**decimals * factor).denominator != 1:
        factor *= 10
    for b in bars:
        b.open, b.high, b.low, b.close = (x * factor for x in (b.open, b.high, b.low, b.close))
    scale = 10**decimals * factor
    step = int(tick * scale)
    fees = Fraction(repr(instrument.fee_points(date(2100, 1, 1)))) * scale
    on_grid = all(x % step == 0 for b in bars for x in (b.open, b.high, b.low, b.close))
    ready = replace(rules, minutes=instrument.minutes, tick=step, fees=fees, on_grid=on_grid)
    moves = None if legs is None else manual_legs(bars, ready, legs)
    return score(bars, ready, moves), ready, scale


def manual_legs(
    bars: list[NaiveBar], rules: Rules, legs: list[tuple[datetime, datetime, int]]
) -> list[Leg]:
    kept = keep(bars, rules)
    at = {b.time: i for i, b in enumerate(kept)}
    found = []
    for start, end, direction in sorted(legs):
        p, e = at[start], at[end]
        up = direction == 1
        found.append(
            Leg(p, e, direction, kept[p].low if up else kept[p].high,
                kept[e].high if up else kept[e].low)
        )  # fmt: skip
    return found


def differences(
    rows: list[Row],
    run: Run,
    rules: Rules,
    legs: list[tuple[datetime, datetime, int]] | None = None,
) -> list[Difference]:
    """Return everything on which the two scorers disagree."""
    naive, ready, scale = naive_run(rows, run, rules, legs)
    delivered = [a for a in naive.alerts if a.suppressed is None]
    found: list[Difference] = []
    found += _compare_figures(run, naive, ready, scale)
    found += _compare_lengths(run, naive, delivered)
    for row, alert in zip(run.alerts.to_dicts(), delivered, strict=False):
        found += _compare_alert(row, alert, naive.bars, ready, scale)
    held = [(naive.bars[a.t].time, a.direction, a.suppressed) for a in naive.alerts if a.suppressed]
    found += _unequal(
        "suppressed", run.suppressed.select("bar_time", "direction", "reason").rows(), held
    )
    found += _compare_moves(run, naive, scale)
    return found


def _unequal(what: str, ours: Any, theirs: Any) -> list[Difference]:
    return [] if ours == theirs else [(what, ours, theirs)]


def _apart(what: str, ours: float | None, theirs: float | None) -> list[Difference]:
    if ours is None or theirs is None:
        return _unequal(what, ours, theirs)
    close = ours == pytest.approx(theirs, rel=RELATIVE, abs=RELATIVE)
    return [] if close else [(what, ours, theirs)]


def _compare_figures(run: Run, naive: NaiveRun, rules: Rules, scale: int) -> Iterable[Difference]:
    card = run.scorecard
    yield from _unequal("sessions", card.data["sessions"], len(naive.sessions))
    for name, value in naive.counts.items():
        yield from _unequal(name, card.counts[name], value)
    for name, rate in naive.rates.items():
        yield from _apart(name, card.rates[name], rate)
    trade = naive.trade
    points = trade["expectancy"]
    yield from _apart("expectancy", card.trade["expectancy_points"], points and points / scale)
    for name in ("break_even_win_rate", "expectancy_r", "profit_factor"):
        yield from _apart(name, card.trade[name], trade[name])
    for ours, theirs in zip(card.sensitivity, sensitivity(naive, rules), strict=True):
        for name, value in theirs.items():
            yield from _apart(f"sensitivity {theirs['k']} {name}", ours[name], value)


def _compare_lengths(
    run: Run, naive: NaiveRun, delivered: list[NaiveAlert]
) -> Iterable[Difference]:
    ours = set(run.alerts.select("bar_time", "direction").iter_rows())
    theirs = {(naive.bars[a.t].time, a.direction) for a in delivered}
    yield from _unequal("alerts", ours - theirs, theirs - ours)
    yield from _unequal(
        "trades",
        run.trades.height,
        sum(bool(a.trade) for a in delivered if a.outcome != "unscored"),
    )


def _compare_alert(
    row: dict[str, Any], alert: NaiveAlert, bars: list[NaiveBar], rules: Rules, scale: int
) -> Iterable[Difference]:
    at = bars[alert.t].time
    exact = {
        "bar_time": at,
        "time": at + timedelta(minutes=rules.minutes),
        "pattern": alert.pattern,
        "direction": alert.direction,
        "severity": alert.severity,
        "confidence": alert.confidence / 100,
        "agreeing": alert.agreeing,
        "price": alert.price / scale,
        "outcome": alert.outcome,
        "opportunity_id": alert.opportunity,
        "entry_time": bars[alert.trade["entry_bar"]].time if alert.trade else None,
        "exit_time": bars[alert.trade["exit_bar"]].time if alert.trade else None,
        "exit_reason": alert.trade.get("exit_reason"),
    }
    for name, value in exact.items():
        yield from _unequal(f"{at} {name}", row[name], value)
    to_stop = abs(alert.price - alert.stop)
    near = {
        name: getattr(alert, name) / scale for name in ("entry_min", "entry_max", "stop", "target")
    }
    near["risk_reward"] = abs(alert.target - alert.price) / to_stop
    if alert.trade:
        near["entry_price"] = alert.trade["entry_price"] / scale
        near["exit_price"] = alert.trade["exit_price"] / scale
        near["pnl_points"] = float(alert.trade["net"] / scale)
    for name, value in near.items():
        yield from _apart(f"{at} {name}", row[name], value)


def _compare_moves(run: Run, naive: NaiveRun, scale: int) -> Iterable[Difference]:
    ours = run.opportunities.select(
        "time_start", "time_end", "direction", "price_start", "price_end"
    ).rows()
    bars = naive.bars
    theirs = [
        (bars[x.p].time, bars[x.e].time, x.direction, x.start / scale, x.end / scale)
        for x in naive.legs
    ]
    yield from _unequal("opportunities", ours, theirs)

"""From rates to a verdict: the customer's criteria, the guard rails, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alertlib.config.schema import Gate
from alertlib.scorecard.card import Criterion, Verdict
from alertlib.scoring.scored import Scored
from alertlib.stats.intervals import Counts, Interval, clustered_interval, p_value
from alertlib.stats.nulls import NullRates

CAPTURE, FALSE_POSITIVES, WINS = "capture_rate", "false_positive_share", "win_rate"
CRITERIA = (CAPTURE, FALSE_POSITIVES, WINS)


@dataclass(frozen=True)
class Ruling:
    """A verdict and what it rests on."""

    verdict: Verdict
    proven: bool
    reasons: tuple[str, ...]
    criteria: tuple[Criterion, ...]


def rate_criteria(
    scored: Scored, gate: Gate, weights: Counts, nulls: dict[str, NullRates]
) -> tuple[Criterion, ...]:
    """Return the customer's three criteria with their intervals and chance levels.

    Parameters
    ----------
    scored : Scored
    gate : Gate
    weights : ndarray, shape (runs, sessions)
        Of the bootstrap over sessions.
    nulls : dict
        Rates under each null, by its name; may be empty.
    """
    counts = scored.per_session()
    parts = {
        CAPTURE: (counts["captured"], counts["opportunities"]),
        FALSE_POSITIVES: (counts["fp"], counts["fp"] + counts["tp"]),
        WINS: (counts["wins"], counts["trades"]),
    }
    made = []
    for name in CRITERIA:
        hits, total = parts[name]
        interval = clustered_interval(hits, total, weights)
        made.append(_rate(name, getattr(scored, name), getattr(gate, name), interval, nulls))
    return tuple(made)


def _rate(
    name: str,
    value: float | None,
    threshold: float,
    interval: Interval | None,
    nulls: dict[str, NullRates],
) -> Criterion:
    larger = name != FALSE_POSITIVES
    op = ">=" if larger else "<="
    if value is None or interval is None:
        return Criterion(name, None, op, threshold, passed=False)
    by_null: dict[str, dict[str, float | int | None]] = {}
    for null, rates in nulls.items():
        drawn = rates.of(name)
        defined = drawn[~np.isnan(drawn)]
        by_null[null] = {
            "chance": float(defined.mean()) if len(defined) else None,
            "p_value": p_value(drawn, value, larger_is_better=larger),
            "runs": len(drawn),
            "dropped": rates.dropped,
        }
    worst = max(by_null.values(), key=lambda null: _badness(null, larger), default={})
    return Criterion(
        name=name,
        value=value,
        op=op,
        threshold=threshold,
        passed=value >= threshold if larger else value <= threshold,
        n=interval.n,
        n_eff=interval.n_eff,
        ci_low=interval.low,
        ci_high=interval.high,
        chance=worst.get("chance"),
        p_value=worst.get("p_value"),
        proven=interval.proven_low >= threshold if larger else interval.proven_high <= threshold,
        boot_low=interval.boot_low,
        boot_high=interval.boot_high,
        nulls=by_null,
    )


def _badness(null: dict[str, float | int | None], larger: bool) -> tuple[float, float]:
    """Order nulls by how hard they are to beat: p-value first, then their own chance level."""
    chance = null["chance"] if null["chance"] is not None else 0.5
    return float(null["p_value"] or 0.0), float(chance if larger else -chance)


def guard_rails(
    scored: Scored,
    rates: tuple[Criterion, ...],
    gate: Gate,
    *,
    expectancy: float | None,
    data_errors: int,
    audit_failures: int | None,
    tested: bool,
) -> tuple[Criterion, ...]:
    """Return the guard rails that are switched on.

    Parameters
    ----------
    scored, rates, gate
    expectancy : float or None
        Net points per trade.
    data_errors : int
        Findings that make the data unsafe.
    audit_failures : int or None
        Audits not clean; None if none ran, which does not pass.
    tested : bool
        Whether nulls were run.
    """
    alerts = len(scored.rows)
    trades = int(np.count_nonzero(scored.trades.filled))
    made = [
        _at_least("min_sessions", len(scored.scope.sessions), gate.min_sessions),
        _at_least("min_opportunities", len(scored.moves), gate.min_opportunities),
        _at_least("min_alerts", alerts, gate.min_alerts),
        _at_least("min_trades", trades, gate.min_trades),
    ]
    if gate.positive_expectancy:
        passed = expectancy is not None and expectancy > 0
        made.append(Criterion("expectancy_points", expectancy, ">", 0.0, passed, n=trades))
    if gate.better_than_chance:
        for rate in rates:
            p = rate.p_value
            passed = tested and p is not None and p < gate.max_p_value
            made.append(
                Criterion(f"{rate.name}_chance", p, "<", gate.max_p_value, passed, n=rate.n)
            )
    if gate.clean_audits:
        failures = None if audit_failures is None else float(audit_failures)
        made.append(Criterion("audit_failures", failures, "<=", 0.0, failures == 0))
    if gate.clean_data:
        made.append(Criterion("data_errors", float(data_errors), "<=", 0.0, data_errors == 0))
    return tuple(made)


def _at_least(name: str, value: int, threshold: int) -> Criterion:
    return Criterion(name, float(value), ">=", float(threshold), value >= threshold, n=value)


def rule(rates: tuple[Criterion, ...], rails: tuple[Criterion, ...], gate: Gate) -> Ruling:
    """Return the verdict: PASS needs every criterion and every guard rail.

    Too few sessions or opportunities leave the question open (INSUFFICIENT); too few alerts or
    trades do not, since a detector that stays silent has failed.
    """
    criteria = rates + rails
    failed = [c for c in criteria if not c.passed]
    proven = all(c.proven is True for c in rates)
    reasons = [explain(c) for c in failed]
    short = [c for c in failed if c.name in ("min_sessions", "min_opportunities")]
    verdict: Verdict = "PASS"
    if short:
        verdict = "INSUFFICIENT"
    elif failed:
        verdict = "FAIL"
    elif gate.require_proof and not proven:
        verdict = "FAIL"
        reasons.append("not proven: a one-sided 95 % bound does not clear its threshold")
    return Ruling(verdict, proven, tuple(reasons), criteria)


_MEANING = {
    CAPTURE: "capture rate",
    FALSE_POSITIVES: "false-positive share",
    WINS: "win rate",
    "min_sessions": "scored sessions",
    "min_opportunities": "opportunities",
    "min_alerts": "alerts",
    "min_trades": "trades",
    "expectancy_points": "net expectancy in points",
    "audit_failures": "detector audits not clean",
    "data_errors": "findings that make the data unsafe",
}


def describe(name: str) -> str:
    """Return a criterion's name in words."""
    if name.endswith("_chance"):
        return f"p-value of the {_MEANING[name.removesuffix('_chance')]} against chance"
    return _MEANING[name]


def explain(criterion: Criterion) -> str:
    """Return one line that says why a criterion did not pass, with the distance to go."""
    what = describe(criterion.name)
    if criterion.value is None:
        return f"{what} is undefined; needed {criterion.op} {criterion.threshold:g}"
    show = _percent if criterion.name in CRITERIA else _number
    distance = abs(criterion.value - criterion.threshold)
    return (
        f"{what} {show(criterion.value)}, needed {criterion.op} {show(criterion.threshold)} "
        f"({show(distance)} off)"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _number(value: float) -> str:
    return f"{value:g}" if value == int(value) else f"{value:.4g}"

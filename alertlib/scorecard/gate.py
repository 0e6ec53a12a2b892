"""From rates to a verdict: the customer's criteria, the guard rails, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from alertlib.config.schema import Gate, Trade
from alertlib.scorecard.card import Criterion, Drawn, Verdict
from alertlib.scorecard.reasons import GEOMETRY, UNTESTED, why_not
from alertlib.scoring.scored import Scored
from alertlib.stats.intervals import (
    Counts,
    Interval,
    p_value,
    resampled_interval,
    resampled_sums,
)
from alertlib.stats.nulls import NullRates

CAPTURE, FALSE_POSITIVES, WINS = "capture_rate", "false_positive_share", "win_rate"
CRITERIA = (CAPTURE, FALSE_POSITIVES, WINS)

_PLACEMENT = ("session_permutation", "direction_flip")
_WINS_NULLS = (*_PLACEMENT, "coin_flip")


@dataclass(frozen=True)
class ChanceTest:
    """A test against chance: a statistic that has to beat every one of some nulls."""

    rail: str
    statistic: str
    nulls: tuple[str, ...]


TESTS = (
    ChanceTest("placement_capture", CAPTURE, _PLACEMENT),
    ChanceTest("placement_false_positives", FALSE_POSITIVES, _PLACEMENT),
    ChanceTest("more_than_geometry", "capture_less_false", ("coin_flip",)),
    ChanceTest("win_rate_chance", WINS, _WINS_NULLS),
    ChanceTest("expectancy_chance", "expectancy_points", ("coin_flip",)),
)
CHANCE_RAILS = tuple(test.rail for test in TESTS)
# The nulls a customer's criterion has to beat; the others are printed beside them.
_DECIDING = {test.statistic: test.nulls for test in TESTS}


@dataclass(frozen=True)
class Ruling:
    """A verdict and what it rests on."""

    verdict: Verdict
    proven: bool
    reasons: tuple[str, ...]
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True)
class Evidence:
    """What the guard rails are judged by beside the scored run.

    Attributes
    ----------
    rates : mapping of str to NullRates
        By null; empty where the nulls were not run.
    observed : mapping of str to float or None
        The statistics compared with them.
    untested : str
        Why the tests against chance decide nothing; empty if they do.
    unclean : tuple of str or None
        Names of the audits that are not clean; None if none ran, which does not pass.
    data_errors : int
        Findings that make the data unsafe.
    seen_sessions : int
        Scored sessions that a model was fitted, or the configuration chosen, on.
    """

    rates: Mapping[str, NullRates]
    observed: Mapping[str, float | None]
    untested: str
    unclean: tuple[str, ...] | None
    data_errors: int
    seen_sessions: int


def rate_criteria(
    scored: Scored, gate: Gate, blocks: Iterable[Counts], rates: Mapping[str, NullRates]
) -> tuple[Criterion, ...]:
    """Return the customer's three criteria with their intervals and chance levels.

    Parameters
    ----------
    scored : Scored
    gate : Gate
    blocks : iterable of ndarray, shape (some runs, sessions)
        Weights of the bootstrap over sessions, see :func:`alertlib.stats.weight_blocks`.
    rates : mapping of str to NullRates
        By null; may be empty.
    """
    counts = scored.per_session()
    parts = {
        CAPTURE: (counts["captured"], counts["opportunities"]),
        FALSE_POSITIVES: (counts["fp"], counts["fp"] + counts["tp"]),
        WINS: (counts["wins"], counts["trades"]),
    }
    drawn_sums = resampled_sums(blocks, *(column for name in CRITERIA for column in parts[name]))
    made = []
    for i, name in enumerate(CRITERIA):
        interval = resampled_interval(*parts[name], *drawn_sums[2 * i : 2 * i + 2])
        value = getattr(scored, name)
        drawn = {null: _drawn(rates[null], name, value) for null in rates}
        made.append(_rate(name, value, getattr(gate, name), interval, drawn))
    return tuple(_judge_by_geometry(c, scored.settings.trade) for c in made)


def _rate(
    name: str, value: float | None, threshold: float, interval: Interval | None, drawn: Drawn
) -> Criterion:
    larger = name != FALSE_POSITIVES
    op = ">=" if larger else "<="
    if value is None or interval is None:
        return Criterion(name, None, op, threshold, passed=False)
    worst = _least_favourable(drawn, _DECIDING[name], larger=larger)
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
        nulls=drawn,
    )


def _judge_by_geometry(criterion: Criterion, trade: Trade) -> Criterion:
    """Fail a win rate that a nearer target buys: bars taken at random would "reach" it, too."""
    if criterion.name != WINS or trade.target_atr >= trade.stop_atr:
        return criterion
    return replace(criterion, passed=False, proven=False, reason=GEOMETRY)


def _drawn(rates: NullRates, statistic: str, value: float | None) -> dict[str, float | int | None]:
    drawn = rates.of(statistic)
    defined = drawn[~np.isnan(drawn)]
    larger = statistic != FALSE_POSITIVES
    return {
        "chance": float(defined.mean()) if len(defined) else None,
        "p_value": None if value is None else p_value(drawn, value, larger_is_better=larger),
        "runs": len(drawn),
        "dropped": rates.dropped,
    }


def _least_favourable(
    drawn: Drawn, nulls: Iterable[str], *, larger: bool
) -> dict[str, float | int | None]:
    """Return the null that is hardest to beat: by p-value, then by its own chance level."""

    def badness(null: dict[str, float | int | None]) -> tuple[float, float]:
        chance = null["chance"] if null["chance"] is not None else 0.5
        return float(null["p_value"] or 0.0), float(chance if larger else -chance)

    return max((drawn[null] for null in nulls if null in drawn), key=badness, default={})


def guard_rails(scored: Scored, gate: Gate, evidence: Evidence) -> tuple[Criterion, ...]:
    """Return the guard rails that are switched on; the tests against chance always."""
    trades = int(np.count_nonzero(scored.trades.filled))
    made = [
        _at_least("min_sessions", len(scored.scope.sessions), gate.min_sessions),
        _at_least("min_opportunities", len(scored.moves), gate.min_opportunities),
        _at_least("min_alerts", len(scored.rows), gate.min_alerts),
        _at_least("min_trades", trades, gate.min_trades),
    ]
    if gate.clean_audits:
        made.append(_clean_audits(evidence.unclean))
    if gate.clean_data:
        made.append(_none_of("data_errors", evidence.data_errors))
    if gate.positive_expectancy:
        value = scored.expectancy_points
        passed = value is not None and value > 0
        made.append(Criterion("expectancy_points", value, ">", 0.0, passed, n=trades))
    made += [_test(test, evidence, gate.max_p_value) for test in TESTS]
    made.append(_none_of("out_of_sample", evidence.seen_sessions))
    return tuple(made)


def _at_least(name: str, value: int, threshold: int) -> Criterion:
    return Criterion(name, float(value), ">=", float(threshold), value >= threshold, n=value)


def _none_of(name: str, value: int | None) -> Criterion:
    return Criterion(name, None if value is None else float(value), "<=", 0.0, value == 0)


def _clean_audits(unclean: tuple[str, ...] | None) -> Criterion:
    made = _none_of("audit_failures", None if unclean is None else len(unclean))
    return replace(made, reason=", ".join(unclean) if unclean else None)


def _test(test: ChanceTest, evidence: Evidence, limit: float) -> Criterion:
    observed = evidence.observed.get(test.statistic)
    drawn = {
        null: _drawn(evidence.rates[null], test.statistic, observed)
        for null in test.nulls
        if null in evidence.rates
    }
    larger = test.statistic != FALSE_POSITIVES
    worst = _least_favourable(drawn, test.nulls, larger=larger)
    p = worst.get("p_value")
    passed = p is not None and p < limit and not evidence.untested
    return Criterion(
        test.rail, p, "<", limit, passed,
        chance=worst.get("chance"), p_value=p, nulls=drawn,
        reason=UNTESTED if evidence.untested else None,
    )  # fmt: skip


def rule(
    rates: tuple[Criterion, ...],
    rails: tuple[Criterion, ...],
    *,
    require_proof: bool,
    untested: str,
) -> Ruling:
    """Return the verdict: PASS needs every criterion and every guard rail.

    Too few sessions or opportunities leave the question open (INSUFFICIENT); too few alerts or
    trades do not, since a detector that stays silent has failed. Whatever else may have failed,
    chance that was not measured leaves it open as well (UNTESTED).
    """
    criteria = rates + rails
    failed = [c for c in criteria if not c.passed and c.reason != UNTESTED]
    proven = all(c.proven is True for c in rates)
    reasons = [why_not(c) for c in failed]
    if untested:
        reasons.append(f"not tested against chance: {untested}")
    short = [c for c in failed if c.name in ("min_sessions", "min_opportunities")]
    verdict: Verdict = "PASS"
    if short:
        verdict = "INSUFFICIENT"
    elif failed:
        verdict = "FAIL"
    elif require_proof and not proven:
        verdict = "FAIL"
        reasons.append("not proven: a one-sided 95 % bound does not clear its threshold")
    elif untested:
        verdict = "UNTESTED"
    return Ruling(verdict, proven, tuple(reasons), criteria)

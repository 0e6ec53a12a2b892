"""From alerts, moves and trades to counts and rates: spec ``score-v2``."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt

from alertlib._typing import Floats, Ints, Signals
from alertlib.bars.series import Series
from alertlib.config.schema import Settings
from alertlib.detection.ruleset import Rules
from alertlib.scoring.accepting import filter_of
from alertlib.scoring.batch import AlertColumns, levels_at, make_alerts
from alertlib.scoring.engine import INTERPRETED, Engine
from alertlib.scoring.labels import Opportunities, directional_changes
from alertlib.scoring.matching import (
    FALSE_POSITIVE,
    REDUNDANT,
    TRUE_POSITIVE,
    Match,
    Validity,
    find_candidates,
    find_validity,
    move_left,
    reachable,
)
from alertlib.scoring.refits import Refits
from alertlib.scoring.scored_sessions import Scope, Span, choose_scope, is_censored
from alertlib.scoring.signals import detect
from alertlib.scoring.trades import Trades, simulate
from alertlib.scoring.true_ranges import true_ranges

SPEC = "score-v2"

# Bars tried at once where each one's trade is asked for.
BLOCK = 65_536


@dataclass(frozen=True)
class Detected:
    """What the live side would have done on these bars; nothing here knows the future.

    Attributes
    ----------
    series : Series
    rules : Rules
    atr : float64, one per bar
        In quanta.
    delivered, suppressed : AlertColumns
    engine : Engine
    refits : mapping of str to tuple of Refit
        Of the detectors that learn.
    """

    series: Series
    rules: Rules
    atr: Floats
    delivered: AlertColumns
    suppressed: AlertColumns
    engine: Engine
    refits: Refits = field(default_factory=dict)


def run_detectors(
    series: Series, rules: Rules, engine: Engine = INTERPRETED, refits: Refits | None = None
) -> Detected:
    """Run detectors and policy over a file.

    Parameters
    ----------
    series : Series
    rules : Rules
    engine : Engine
    refits : mapping of str to tuple of Refit, optional
        Of the detectors that learn, which are silent outside their refits' bars.
    """
    atr = true_ranges(series, rules.atr_window, engine)
    signals = detect(series, rules.detectors, engine, atr, refits)
    accepted = None if rules.accept is None else filter_of(series, atr, rules, rules.accept)
    alerts = make_alerts(series, signals, atr, rules, engine, accepted)
    # Indices, not masks: a dozen columns are taken by each.
    delivered, suppressed = (np.flatnonzero(m) for m in (alerts.reason == 0, alerts.reason != 0))
    return Detected(
        series, rules, atr, alerts.only(delivered), alerts.only(suppressed), engine, refits or {}
    )


@dataclass(frozen=True)
class Scored:
    """Alerts of the scored sessions with their verdicts.

    Attributes
    ----------
    detected : Detected
    scope : Scope
    moves : Opportunities
        Of the scored sessions.
    manual : bool
        Whether the moves are manual labels.
    rows : int64
        Delivered alerts that are scored, as rows of ``detected.delivered``.
    censored : int64
        Delivered alerts of scored sessions whose outcome the data do not reach.
    match : Match
        One entry per row of ``rows``.
    trades : Trades
        One entry per row of ``rows``.
    """

    detected: Detected
    settings: Settings
    scope: Scope
    moves: Opportunities
    manual: bool
    rows: Ints
    censored: Ints
    match: Match
    trades: Trades

    @cached_property
    def validity(self) -> Validity:
        """Where an alert would be valid for a move."""
        scoring = self.settings.scoring
        return find_validity(
            self.detected.series, self.moves, scoring.early_bars, scoring.min_move_left
        )

    @cached_property
    def alerts(self) -> AlertColumns:
        """The scored alerts."""
        return self.detected.delivered.only(self.rows)

    @property
    def captured(self) -> int:
        """Opportunities captured."""
        return int(np.count_nonzero(self.match.captured))

    def outcomes(self, outcome: int) -> int:
        """Number of alerts with an outcome."""
        return int(np.count_nonzero(self.match.outcome == outcome))

    @cached_property
    def wins(self) -> npt.NDArray[np.bool_]:
        """Whether each scored alert's trade was filled and made money."""
        return self.trades.filled & (self.trades.points > 0)

    @cached_property
    def capture_rate(self) -> float | None:
        """Captured opportunities over all."""
        return _share(self.captured, len(self.moves))

    @cached_property
    def false_positive_share(self) -> float | None:
        """FP / (TP + FP)."""
        false = self.outcomes(FALSE_POSITIVE)
        return _share(false, false + self.outcomes(TRUE_POSITIVE))

    @cached_property
    def win_rate(self) -> float | None:
        """Winning trades over all trades."""
        return _share(int(np.count_nonzero(self.wins)), int(np.count_nonzero(self.trades.filled)))

    @cached_property
    def expectancy_points(self) -> float | None:
        """Net points per trade."""
        points = self.trades.points[self.trades.filled]
        return float(np.mean(points)) if len(points) else None

    @cached_property
    def capture_less_false(self) -> float | None:
        """Capture rate less false-positive share: the pair as one figure."""
        if self.capture_rate is None or self.false_positive_share is None:
            return None
        return self.capture_rate - self.false_positive_share

    def session_rows(self, bars: Ints) -> Ints:
        """Return the place of each bar's session among the scored ones."""
        rows: Ints = np.searchsorted(self.scope.sessions, self.detected.series.session[bars])
        return rows

    def per_session(self) -> dict[str, Ints]:
        """Return the counts of each scored session, in order."""
        sessions = self.scope.sessions
        alert_in, move_in = (self.session_rows(b) for b in (self.alerts.bar, self.moves.start))

        def count(where: Ints, mask: npt.NDArray[np.bool_]) -> Ints:
            return np.bincount(where[mask], minlength=len(sessions))

        outcome, trades = self.match.outcome, self.trades
        every = np.ones(len(move_in), dtype=bool)
        return {
            "opportunities": count(move_in, every),
            "captured": count(move_in, self.match.captured),
            "tp": count(alert_in, outcome == TRUE_POSITIVE),
            "fp": count(alert_in, outcome == FALSE_POSITIVE),
            "redundant": count(alert_in, outcome == REDUNDANT),
            "trades": count(alert_in, trades.filled),
            "wins": count(alert_in, self.wins),
        }

    @cached_property
    def reachable(self) -> npt.NDArray[np.bool_]:
        """Which moves some deliverable alert could have captured."""
        series, policy = self.detected.series, self.detected.rules.policy
        clock = (series.minute + series.instrument.minutes) % 1_440
        inside = (clock >= policy.window_start) & (clock <= policy.window_end)
        scoring = self.settings.scoring
        return reachable(series, self.moves, scoring.early_bars, scoring.min_move_left, inside)

    def oracle_ceiling(self) -> float | None:
        """Return the share of moves that some deliverable alert could have captured."""
        return _share(int(np.count_nonzero(self.reachable)), len(self.moves))

    def move_left(self) -> Floats:
        """Return the share of the move left at each true positive's entry."""
        hit = self.match.outcome == TRUE_POSITIVE
        return move_left(
            self.detected.series, self.moves, self.match.opportunity[hit], self.alerts.bar[hit]
        )

    def bars_from_onset(self) -> Ints:
        """Return the bars from the move's start to each true positive."""
        hit = self.match.outcome == TRUE_POSITIVE
        since: Ints = self.alerts.bar[hit] - self.moves.start[self.match.opportunity[hit]]
        return since


def score(
    detected: Detected,
    settings: Settings,
    moves: Opportunities | None = None,
    *,
    scope: Scope | None = None,
    between: Span | None = None,
) -> Scored:
    """Score what was detected.

    Parameters
    ----------
    detected : Detected
    settings : Settings
        ``scoring``, ``trade`` and ``gate.min_opportunities`` are used.
    moves : Opportunities, optional
        Manual labels of the whole file; directional-change legs when left out.
    scope : Scope, optional
        The scored sessions; chosen by ``scoring`` and ``between`` when left out.
    between : (date, date), optional
        First and last date of the sessions to score.
    """
    series, scoring = detected.series, settings.scoring
    manual = moves is not None
    if moves is None:
        moves = directional_changes(series, detected.atr, scoring.k, detected.engine)
    if scope is None:
        scope = choose_scope(series, scoring, moves, settings.gate.min_opportunities, between)
    moves = moves.only(scope.scored[moves.start])
    delivered = detected.delivered
    inside = scope.scored[delivered.bar]
    censored = is_censored(scope, delivered.bar, settings.trade.horizon_bars)
    rows = np.flatnonzero(inside & ~censored)
    alerts = delivered.only(rows)
    candidates = find_candidates(series, moves, scoring.early_bars, alerts.bar, alerts.direction)
    return Scored(
        detected=detected,
        settings=settings,
        scope=scope,
        moves=moves,
        manual=manual,
        rows=rows,
        censored=np.flatnonzero(inside & censored),
        match=candidates.match(scoring.min_move_left),
        trades=simulate(
            series,
            alerts.bar,
            alerts.direction,
            alerts.stop,
            alerts.target,
            settings.trade,
            detected.engine,
        ),
    )


def all_wins(detected: Detected, scope: Scope, settings: Settings) -> Signals:
    """Return whether an alert at each bar and direction would win its trade.

    Returns
    -------
    ndarray of int8, shape (2, bars + 1)
        1 it wins, 0 it does not, -1 no trade or not a scored session; row 0 is direction +1.
        The spare last bar has no trade, so that bar -1 stands for no alert.
    """
    series = detected.series
    ready = scope.scored & ~np.isnan(detected.atr)
    ready &= ~is_censored(scope, np.arange(len(series)), settings.trade.horizon_bars)
    bars = np.flatnonzero(ready)
    wins = np.full((2, len(series) + 1), -1, dtype=np.int8)
    blocks = (bars[start : start + BLOCK] for start in range(0, len(bars), BLOCK))
    for block, (side, direction) in product(blocks, enumerate((1, -1))):
        ways = np.full(len(block), direction)
        _, _, stop, target = levels_at(
            series, detected.atr, block, ways, detected.rules, detected.engine
        )
        trades = simulate(series, block, ways, stop, target, settings.trade, detected.engine)
        wins[side, block] = np.where(trades.filled, trades.points > 0, -1)
    return wins


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None

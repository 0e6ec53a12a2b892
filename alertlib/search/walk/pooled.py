"""Sessions that were scored with different settings, judged as one procedure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from alertlib._typing import Bools, Ints, Signals
from alertlib.bars.series import Series
from alertlib.config.schema import Settings
from alertlib.detection.ruleset import Rules, make_rules
from alertlib.scoring.batch import AlertColumns
from alertlib.scoring.engine import COMPILED
from alertlib.scoring.labels import Opportunities, directional_changes
from alertlib.scoring.matching import find_candidates
from alertlib.scoring.scored import Detected, Scored, all_wins, run_detectors
from alertlib.scoring.scored_sessions import Scope, is_censored
from alertlib.scoring.trades import Trades, simulate


@dataclass(frozen=True)
class Stretch:
    """Sessions scored with one configuration.

    Attributes
    ----------
    settings : Settings
    sessions : int64
        Numbers of the file's sessions.
    """

    settings: Settings
    sessions: Ints


class Pooled:
    """Stretches of one file as a procedure that the gate and its nulls can judge.

    Parameters
    ----------
    series : Series
    base : Settings
        Scoring and gate; a trade whose target is nearer than its stop counts for all.
    stretches : sequence of Stretch
        In order; no session twice.
    moves : Opportunities or None
        Manual labels of the whole file.
    scope : Scope
        Of the file, sessions of the stretches among them.
    """

    def __init__(
        self,
        series: Series,
        base: Settings,
        stretches: Sequence[Stretch],
        moves: Opportunities | None,
        scope: Scope,
    ) -> None:
        self._series, self._stretches, self._moves = series, stretches, moves
        grid = series.instrument.grid
        assert grid is not None
        self._rules = [make_rules(one.settings, grid) for one in stretches]
        self.warmup = max((d.warmup for rules in self._rules for d in rules.detectors), default=0)
        sessions = np.concatenate([one.sessions for one in stretches])
        chosen = np.zeros(len(series.first), dtype=bool)
        chosen[sessions] = True
        self.scope = replace(scope, sessions=sessions, scored=chosen[series.session])
        nearer = [s for s in stretches if s.settings.trade.target_atr < s.settings.trade.stop_atr]
        self.settings = replace(base, trade=(nearer or stretches)[-1].settings.trade)

    def score(self) -> Scored:
        """Return the stretches' alerts, matched and traded, as one score."""
        return self._score(self._series, 0, self._moves)

    def wins(self) -> Signals:
        """Return whether each bar and direction would win its trade, each by its stretch."""
        wins = np.full((2, len(self._series) + 1), -1, dtype=np.int8)
        for one, rules in zip(self._stretches, self._rules, strict=True):
            detected = run_detectors(self._series, rules, COMPILED)
            own = np.flatnonzero(self._bars_of(one, self._series, 0))
            wins[:, own] = all_wins(detected, self.scope, one.settings)[:, own]
        return wins

    def again(self, bars: Series, start: int) -> Scored:
        """Return the score on other prices of the bars from ``start`` on."""
        return self._score(bars, start, None)

    def _score(self, series: Series, start: int, moves: Opportunities | None) -> Scored:
        scope = self.scope.part(self._series, start, start + len(series))
        found = [
            _alerts_of(series, rules, one.settings, self._bars_of(one, series, start), scope)
            for one, rules in zip(self._stretches, self._rules, strict=True)
        ]
        detected = _joined([part.detected for part in found])
        scoring = self.settings.scoring
        manual = moves is not None
        if moves is None:
            moves = directional_changes(series, detected.atr, scoring.k, COMPILED)
        moves = moves.only(scope.scored[moves.start])
        rows = np.concatenate([part.rows + part.offset(found) for part in found])
        alerts = detected.delivered.only(rows)
        candidates = find_candidates(
            series, moves, scoring.early_bars, alerts.bar, alerts.direction
        )
        return Scored(
            detected=detected,
            settings=self.settings,
            scope=scope,
            moves=moves,
            manual=manual,
            rows=rows,
            censored=np.setdiff1d(np.arange(len(detected.delivered)), rows),
            match=candidates.match(scoring.min_move_left),
            trades=_concatenated([part.trades for part in found]),
        )

    def _bars_of(self, one: Stretch, series: Series, start: int) -> Bools:
        chosen = np.zeros(len(self._series.first), dtype=bool)
        chosen[one.sessions] = True
        return chosen[self._series.session[start : start + len(series)]]


@dataclass(frozen=True)
class _Part:
    """The alerts of one stretch and its own trades."""

    detected: Detected
    rows: Ints
    trades: Trades

    def offset(self, all_parts: Sequence[_Part]) -> int:
        before = all_parts[: next(i for i, part in enumerate(all_parts) if part is self)]
        return sum(len(part.detected.delivered) for part in before)


def _alerts_of(series: Series, rules: Rules, settings: Settings, own: Bools, scope: Scope) -> _Part:
    detected = run_detectors(series, rules, COMPILED)
    delivered = detected.delivered.only(np.flatnonzero(own[detected.delivered.bar]))
    suppressed = detected.suppressed.only(np.flatnonzero(own[detected.suppressed.bar]))
    detected = replace(detected, delivered=delivered, suppressed=suppressed)
    censored = is_censored(scope, delivered.bar, settings.trade.horizon_bars)
    rows = np.flatnonzero(~censored)
    alerts = delivered.only(rows)
    trades = simulate(
        series, alerts.bar, alerts.direction, alerts.stop, alerts.target, settings.trade, COMPILED
    )
    return _Part(detected, rows, trades)


def _joined(parts: Sequence[Detected]) -> Detected:
    """Return detections as one; of the rules, the last."""
    return replace(
        parts[-1],
        delivered=_concatenated([part.delivered for part in parts]),
        suppressed=_concatenated([part.suppressed for part in parts]),
    )


def _concatenated(parts: Sequence[Any]) -> Any:
    """Return dataclasses of columns as one."""
    kind: type[AlertColumns] | type[Trades] = type(parts[0])
    names = [field.name for field in fields(kind)]
    return kind(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

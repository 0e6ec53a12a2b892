"""The stages of a backtest, each worked out once for the settings it reads.

A detector's signals depend on its own parameters; which alerts are delivered on all signals and the
policy; matches on the alerts; trades on the alerts and the trade. What a combination shares with
an earlier one is not worked out again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np

from alertlib._typing import Floats, Ints, Signals
from alertlib.bars.series import Series
from alertlib.config.schema import Settings
from alertlib.detection.detectors import Detector
from alertlib.detection.ruleset import Rules, make_rules, policy_params, setup_params
from alertlib.errors import ConfigError
from alertlib.scoring.counting import (
    Delivered,
    Ground,
    Outcomes,
    count_matches,
    counted_signals,
    deliver,
    ranks_of,
    stated_hundredths,
)
from alertlib.scoring.engine import COMPILED, Engine
from alertlib.scoring.labels import Opportunities, directional_changes
from alertlib.scoring.matching import find_validity
from alertlib.scoring.scored_sessions import Span, choose_scope
from alertlib.scoring.signals import signals_of
from alertlib.scoring.step_bars import StepBars
from alertlib.scoring.true_ranges import true_ranges
from alertlib.search.grid.keys import detectors_by_key

# What the signals and outcomes kept for later combinations may take, each.
KEPT_BYTES = 64_000_000

Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Counts:
    """What one combination scores in each session.

    Attributes
    ----------
    matches : int64, shape (sessions, 4)
        ``captured tp fp redundant``.
    trades : float64, shape (sessions, 4)
        ``trades wins quanta squares``.
    """

    matches: Ints
    trades: Floats


def lay_ground(
    series: Series,
    settings: Settings,
    moves: Opportunities | None = None,
    between: Span | None = None,
    engine: Engine = COMPILED,
) -> Ground:
    """Return what no combination changes: ranges, moves, scored sessions, where alerts are valid.

    Parameters
    ----------
    series : Series
    settings : Settings
        ``scoring``, ``trade.atr_window`` and ``gate.min_opportunities`` are used.
    moves : Opportunities, optional
        Manual labels of the whole file; directional-change legs when left out.
    between : (date, date), optional
        First and last date of the sessions to score.
    engine : Engine
    """
    scoring = settings.scoring
    atr = true_ranges(series, settings.trade.atr_window, engine)
    if moves is None:
        moves = directional_changes(series, atr, scoring.k, engine)
    scope = choose_scope(series, scoring, moves, settings.gate.min_opportunities, between)
    moves = moves.only(scope.scored[moves.start])
    validity = find_validity(series, moves, scoring.early_bars, scoring.min_move_left)
    return Ground(series, atr, scope, moves, validity, engine)


class Stages:
    """One file under one configuration, ready to be counted under many changes of it.

    Parameters
    ----------
    ground : Ground
    settings : Settings
        What a combination does not change.
    """

    def __init__(self, ground: Ground, settings: Settings) -> None:
        grid = ground.series.instrument.grid
        assert grid is not None
        self._ground, self._settings, self._grid = ground, settings, grid
        self._rules = make_rules(settings, grid)
        _refuse_what_learns(self._rules)
        self._names = {key: one.name for key, one in detectors_by_key(settings.detection)}
        self._ranks = ranks_of(self._rules)
        self._bars = StepBars(ground.series, ground.atr)
        bars = max(len(ground.series), 1)
        self._detected: _Recent[_Heard] = _Recent(KEPT_BYTES // bars)
        self._outcomes: _Recent[Outcomes] = _Recent(KEPT_BYTES // (18 * bars))
        # Combinations are taken in an order in which the same alerts come one after another.
        self._delivered: _Recent[tuple[Delivered, dict[int, Ints]]] = _Recent(1)

    def counts(self, changed: Mapping[str, Any]) -> Counts:
        """Count one combination.

        Parameters
        ----------
        changed : mapping of str to value
            Typed and accepted values by full key, as :attr:`alertlib.search.grid.axes.Axis.typed`
            has them.
        """
        delivered, outcomes, matches = self._found(changed)
        # Of a trade, matches see the horizon only: it decides which alerts are censored.
        horizon = id(outcomes.reach)
        if horizon not in matches:
            matches[horizon] = count_matches(self._ground, delivered, outcomes.reach)
        return Counts(matches[horizon], outcomes.count(delivered))

    def alerts(self, changed: Mapping[str, Any]) -> tuple[Delivered, Outcomes]:
        """Return the alerts of one combination, and what trades come to under it."""
        delivered, outcomes, _ = self._found(changed)
        return delivered, outcomes

    def _found(self, changed: Mapping[str, Any]) -> tuple[Delivered, Outcomes, dict[int, Ints]]:
        changes = self._by_stage(changed)
        outcomes = self._outcomes.get(
            tuple(changes.trade.items()), lambda: self._outcomes_of(changes.trade)
        )
        delivered, matches = self._delivered.get(
            changes.alert_key(), lambda: (self._deliver(changes), {})
        )
        return delivered, outcomes, matches

    def _by_stage(self, changed: Mapping[str, Any]) -> _Changes:
        detectors: dict[str, dict[str, Any]] = {}
        sections: dict[str, dict[str, Any]] = {"policy": {}, "trade": {}}
        for key, value in changed.items():
            section, _, name = key.rpartition(".")
            if section in sections:
                sections[section][name] = value
            else:
                detectors.setdefault(self._names[section], {})[name] = value
        return _Changes(detectors, sections["policy"], sections["trade"])

    def _deliver(self, changes: _Changes) -> Delivered:
        heard = [self._hear(d, changes.detectors.get(d.name, {})) for d in self._rules.detectors]
        signs = np.array([one.sign for one in heard], dtype=np.int8)
        stated = {i: one.stated for i, one in enumerate(heard) if one.stated is not None}
        policy = replace(self._settings.policy, **changes.policy)
        signs = signs.reshape(len(heard), len(self._ground.series))
        return deliver(self._ground, signs, self._ranks, policy_params(policy), stated)

    def _hear(self, detector: Detector, changed: Mapping[str, Any]) -> _Heard:
        key = (detector.name, *changed.items())
        return self._detected.get(key, lambda: self._run(detector, changed))

    def _run(self, detector: Detector, changed: Mapping[str, Any]) -> _Heard:
        if changed:
            detector = detector.with_params(detector.params._replace(**changed))
        sign, probability = signals_of(detector, self._bars, self._ground.engine)
        counted = counted_signals(sign, detector)
        stated = stated_hundredths(counted, probability) if detector.probability else None
        return _Heard(counted, stated)

    def _outcomes_of(self, changed: Mapping[str, Any]) -> Outcomes:
        trade = replace(self._settings.trade, **changed)
        return Outcomes(self._ground, setup_params(trade, self._grid), trade)


@dataclass(frozen=True)
class _Heard:
    """A detector's counted signals, and the confidence it states in hundredths."""

    sign: Signals
    stated: Ints | None


@dataclass(frozen=True)
class _Changes:
    """A combination by the stage that reads it."""

    detectors: Mapping[str, Mapping[str, Any]]
    policy: Mapping[str, Any]
    trade: Mapping[str, Any]

    def alert_key(self) -> tuple[Any, ...]:
        heard = ((name, *values.items()) for name, values in self.detectors.items())
        return (*heard, None, *self.policy.items())


def _refuse_what_learns(rules: Rules) -> None:
    fitted = [d.name for d in rules.detectors if d.fit is not None]
    if fitted:
        raise ConfigError(
            f"detector {fitted[0]!r}: learns its parameters; expected detectors without fit= in a "
            "search; write the fitted model and search with that"
        )
    if rules.accept is not None:
        raise ConfigError(
            "detection.accept: a filter sees every alert anew; expected none in a search; take "
            "it out and backtest the chosen configuration with it"
        )


class _Recent(Generic[Kept]):
    """The values used last, at most so many."""

    def __init__(self, room: int) -> None:
        self._room = max(1, room)
        self._kept: OrderedDict[Any, Kept] = OrderedDict()

    def get(self, key: Any, make: Callable[[], Kept]) -> Kept:
        """Return the value of ``key``, made when it is not kept."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        made = self._kept[key] = make()
        if len(self._kept) > self._room:
            self._kept.popitem(last=False)
        return made

"""What chance alone would have scored on these bars, by four nulls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Protocol

import numpy as np

from alertlib._typing import Progress, Signals
from alertlib.bars.series import Series
from alertlib.scoring.engine import Engine
from alertlib.scoring.fitting import HISTORY
from alertlib.scoring.refits import part_of
from alertlib.scoring.scored import SPEC, Scored, all_wins, run_detectors, score
from alertlib.stats import nulls
from alertlib.stats.intervals import p_value
from alertlib.stats.nulls import CoinFlipRates, NullRates
from alertlib.stats.surrogates import coin_flips, mirror

# With fewer runs of a null its tests decide nothing.
MIN_RUNS = 99
# Runs added to coin-flip bars while one of their tests is strictly between these p-values.
MORE_RUNS = 400
UNDECIDED = (0.01, 0.15)
# What is tested against coin-flip bars.
COIN_FLIP_TESTS = ("capture_less_false", "win_rate", "expectancy_points")
# Runs of the session permutation that give the sensitivity table its chance levels.
SENSITIVITY_RUNS = 99
# From this length of a bar on, an alert cannot be moved within its half hour.
TIMING_BELOW = 30

_PERMUTATION, _FLIP, _TIMING, _COIN = range(1, 5)


@dataclass(frozen=True)
class Chance:
    """The rates under each null, and the figures of the detectors they are compared with.

    Attributes
    ----------
    rates : mapping of str to NullRates
        By null: ``session_permutation``, ``direction_flip``, ``timing``, ``coin_flip``.
    observed : mapping of str to float or None
        By statistic. ``capture_less_false`` is that of directional-change legs, whatever the
        labels, since coin-flip bars have no others.
    untested : str
        Why the tests decide nothing; empty if they do.
    sensitivity : Schedule or None
        Runs of the session permutation for the sensitivity table.
    """

    rates: Mapping[str, NullRates]
    observed: Mapping[str, float | None]
    untested: str = ""
    sensitivity: nulls.Schedule | None = None

    @property
    def coin_flip(self) -> CoinFlipRates | None:
        """What the detectors score on coin-flip bars."""
        found = self.rates.get("coin_flip")
        return found if isinstance(found, CoinFlipRates) else None

    def without_schedules(self) -> Chance:
        """Return the rates alone: some ten thousand numbers, however long the file."""
        return replace(self, sensitivity=None)


def most_runs(runs: int) -> int:
    """Return how many reruns on coin-flip bars ``runs`` may become."""
    return runs + MORE_RUNS if runs >= MIN_RUNS else runs


def no_chance(why: str) -> Chance:
    """Return what is known where the nulls were not run."""
    return Chance({}, {}, why)


NOT_RUN = no_chance("left out")


class Procedure(Protocol):
    """How alerts come about, as the nulls need to know it.

    Attributes
    ----------
    warmup : int
        Bars before the scored ones that a rerun needs.
    """

    warmup: int

    def wins(self) -> Signals:
        """Return what :func:`alertlib.scoring.scored.all_wins` does, on the bars themselves."""
        ...

    def again(self, bars: Series, start: int) -> Scored:
        """Return the score on other prices of the bars from ``start`` on."""
        ...


class OneConfiguration:
    """The same detectors, policy and trade in all sessions."""

    def __init__(self, scored: Scored, engine: Engine) -> None:
        self._scored, self._engine = scored, engine
        self.warmup = max((d.warmup for d in scored.detected.rules.detectors), default=0)

    def wins(self) -> Signals:
        """Return whether each bar and direction would win its trade."""
        return all_wins(self._scored.detected, self._scored.scope, self._scored.settings)

    def again(self, bars: Series, start: int) -> Scored:
        """Return the score on other prices of the bars from ``start`` on."""
        known, stop = self._scored.detected, start + len(bars)
        refits = part_of(known.refits, start, stop)
        detected = run_detectors(bars, known.rules, self._engine, refits)
        scope = self._scored.scope.part(known.series, start, stop)
        return score(detected, self._scored.settings, scope=scope)


def measure_chance(
    scored: Scored, data_sha256: str, procedure: Procedure, progress: Progress
) -> Chance:
    """Run the four nulls.

    Their random numbers derive from the bars and the spec, so that no seed can be shopped for.

    Parameters
    ----------
    scored : Scored
        With at least one alert and one opportunity; otherwise there is nothing to compare.
    data_sha256 : str
        Hash of the bars.
    procedure : Procedure
        What is run again on coin-flip bars.
    progress : callable
        Called with ``coin_flips``, runs done and runs ahead.
    """
    if len(scored.rows) == 0 or len(scored.moves) == 0:
        return no_chance("")
    rng = _Streams(data_sha256)
    alerts = (scored.alerts.bar, scored.alerts.direction)
    series, sessions = scored.detected.series, scored.scope.sessions
    runs = scored.settings.scoring.null_runs
    schedules = {
        "session_permutation": nulls.permuted_sessions(
            series, sessions, *alerts, runs, rng.of(_PERMUTATION)
        ),
        "direction_flip": nulls.flipped_directions(*alerts, runs, rng.of(_FLIP)),
    }
    if series.instrument.minutes < TIMING_BELOW:
        schedules["timing"] = nulls.later_entries(series, *alerts, runs, rng.of(_TIMING))
    wins = procedure.wins()
    rates: dict[str, NullRates] = {
        name: nulls.null_rates(schedule, scored.validity, wins)
        for name, schedule in schedules.items()
    }
    observed = _observed(scored)
    rates["coin_flip"] = _CoinFlips(scored, procedure, rng.of(_COIN)).rates(observed, progress)
    return Chance(
        rates, observed, _too_few_runs(scored),
        schedules["session_permutation"].first(SENSITIVITY_RUNS),
    )  # fmt: skip


class _Streams:
    """A stream of random numbers of its own for each null, so that none disturbs another."""

    def __init__(self, data_sha256: str) -> None:
        digest = sha256(f"{SPEC}:{data_sha256}".encode()).digest()
        self._entropy = int.from_bytes(digest)

    def of(self, null: int) -> np.random.Generator:
        return np.random.default_rng((self._entropy, null))


def _observed(scored: Scored) -> dict[str, float | None]:
    by_legs = scored
    if scored.manual:
        by_legs = score(scored.detected, scored.settings, scope=scored.scope)
    return {
        "capture_rate": scored.capture_rate,
        "false_positive_share": scored.false_positive_share,
        "win_rate": scored.win_rate,
        "expectancy_points": scored.expectancy_points,
        "capture_less_false": by_legs.capture_less_false,
    }


def _too_few_runs(scored: Scored) -> str:
    scoring = scored.settings.scoring
    for name in ("null_runs", "mirror_runs"):
        if getattr(scoring, name) < MIN_RUNS:
            return f"scoring.{name} is {getattr(scoring, name)}; chance needs {MIN_RUNS} runs"
    return ""


class _CoinFlips:
    """Reruns everything on bars whose every move is reflected by a coin."""

    def __init__(self, scored: Scored, procedure: Procedure, rng: np.random.Generator) -> None:
        self._scoring, self._procedure, self._rng = scored.settings.scoring, procedure, rng
        series, sessions = scored.detected.series, scored.scope.sessions
        before = max(HISTORY, procedure.warmup)
        self._start = max(0, int(series.first[sessions[0]]) - before)
        self._part = series.tail(self._start).head(int(series.last[sessions[-1]]) + 1 - self._start)

    def rates(self, observed: Mapping[str, float | None], progress: Progress) -> CoinFlipRates:
        runs = self._scoring.mirror_runs
        rows = self._run(runs, 0, runs, progress)
        most = most_runs(runs)
        if most > runs and _undecided(_columns(rows), observed):
            rows += self._run(most - runs, runs, most, progress)
        return _columns(rows)

    def _run(self, runs: int, done: int, ahead: int, progress: Progress) -> list[_Row]:
        rows = []
        for i in range(runs):
            progress("coin_flips", done + i, ahead)
            flipped = mirror(self._part, coin_flips(len(self._part), self._rng))
            rows.append(_row(self._procedure.again(flipped, self._start)))
        return rows


_Row = tuple[float, float, float, float, int]


def _row(scored: Scored) -> _Row:
    rates = (
        scored.capture_rate, scored.false_positive_share, scored.win_rate,
        scored.expectancy_points,
    )  # fmt: skip
    a, b, c, d = (np.nan if rate is None else rate for rate in rates)
    return a, b, c, d, len(scored.rows)


def _columns(rows: list[_Row]) -> CoinFlipRates:
    capture, false, wins, points, alerts = (np.array(c) for c in zip(*rows, strict=True))
    return CoinFlipRates(capture, false, wins, 0, points, alerts)


def _undecided(rates: CoinFlipRates, observed: Mapping[str, float | None]) -> bool:
    low, high = UNDECIDED
    for name in COIN_FLIP_TESTS:
        value = observed[name]
        if value is not None and low < p_value(rates.of(name), value, larger_is_better=True) < high:
            return True
    return False

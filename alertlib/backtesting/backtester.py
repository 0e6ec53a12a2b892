"""The batch backtester: bars -> alerts -> trades -> scorecard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from alertlib._typing import Progress
from alertlib.audits.report import AuditReport
from alertlib.audits.suite import audit
from alertlib.backtesting.run import Run
from alertlib.bars.bars import Bars
from alertlib.bars.examination import examine
from alertlib.bars.readers.labels import read_labels
from alertlib.bars.series import Series, make_series
from alertlib.config import Config
from alertlib.config.schema import Settings
from alertlib.errors import DataError
from alertlib.scorecard import gate, sections
from alertlib.scorecard.card import Criterion, Scorecard
from alertlib.scoring.engine import COMPILED, Engine, choose_engine
from alertlib.scoring.labels import Opportunities, labelled_moves
from alertlib.scoring.scored import SPEC, Scored, all_wins, run_detectors, score
from alertlib.stats import nulls
from alertlib.stats.intervals import session_weights
from alertlib.stats.surrogates import coin_flips, mirror

if TYPE_CHECKING:
    import polars as pl


# Called with a stage's name, steps done and steps ahead.
Depth = Literal["none", "quick", "full"]

# Runs of the permutation null that give the sensitivity table its chance levels.
SENSITIVITY_RUNS = 99


def backtest(
    bars: Bars,
    config: Settings | None = None,
    *,
    labels: str | Path | pl.DataFrame | None = None,
    audits: Depth = "quick",
    full: bool = False,
    chance: bool = True,
    engine: Literal["auto", "interpreted", "compiled"] = "auto",
    progress: Progress | None = None,
    generated_at: str | None = None,
    git_rev: str | None = None,
) -> Run:
    """Backtest the enabled detectors on ``bars`` and score what they would have delivered.

    Parameters
    ----------
    bars : Bars
    config : Settings, optional
        Built-in defaults when left out.
    labels : path or DataFrame, optional
        Manual moves instead of directional-change legs; ``scoring.labels_file`` when left out
        and ``scoring.labels`` is ``file``.
    audits : {"quick", "full", "none"}
        How thoroughly the detectors are audited; ``none`` does not pass the gate.
    full : bool
        All audits, and mirror surrogates as a further null.
    chance : bool
        Whether the nulls are run; without them no criterion beats chance.
    engine : {"auto", "interpreted", "compiled"}
        Plain Python or numba; the figures are the same to the last bit.
    progress : callable, optional
        Called with a stage's name, steps done and steps ahead.
    generated_at, git_rev : str, optional
        Recorded in the scorecard.

    Returns
    -------
    Run

    Raises
    ------
    DataError
        If there is not one bar to read, or the labels do not fit them.
    ConfigError
        If a detector is unknown.
    """
    settings = config if config is not None else Config()
    tell = progress or (lambda stage, done, ahead: None)
    series = make_series(bars)
    if len(series) == 0:
        raise DataError(
            f"{bars.source}: no bar lies within its session; expected bars of "
            f"{bars.symbol} in exchange wall-clock time; check symbol and time zone"
        )
    chosen = _engine(engine, series, settings, full)
    detected = run_detectors(series, settings, chosen)
    scored = score(detected, settings, _manual_moves(series, settings, labels))
    report = None
    if audits != "none" or full:
        depth_full = full or audits == "full"
        report = audit(
            bars, series, settings, full=depth_full, seed=settings.scoring.seed,
            engine=chosen, detected=detected, progress=tell,
        )  # fmt: skip
    rates = _null_rates(scored, chosen, full, tell) if chance else {}
    card = _scorecard(bars, scored, report, rates, generated_at, git_rev)
    return Run(bars, settings, card, scored, report)


def _engine(name: str, series: Series, settings: Settings, full: bool) -> Engine:
    if name == "auto" and full:
        # Hundreds of reruns ahead.
        return COMPILED
    return choose_engine(name, len(series) * len(settings.detection.enabled))


def _manual_moves(
    series: Series, settings: Settings, labels: str | Path | pl.DataFrame | None
) -> Opportunities | None:
    if labels is None and settings.scoring.labels == "file":
        labels = settings.scoring.labels_file
    if labels is None:
        return None
    table, where = read_labels(labels)
    return labelled_moves(series, table, where)


def _rng(settings: Settings, purpose: int) -> np.random.Generator:
    """A stream of random numbers of its own for each purpose, so that none disturbs another."""
    return np.random.default_rng((settings.scoring.seed, purpose))


def _null_rates(
    scored: Scored, engine: Engine, full: bool, progress: Progress
) -> dict[str, nulls.NullRates]:
    settings, series = scored.settings, scored.detected.series
    bar, direction = scored.alerts.bar, scored.alerts.direction
    if len(bar) == 0 or len(scored.moves) == 0:
        return {}
    runs = settings.scoring.null_runs
    wins = all_wins(scored.detected, scored.scope, settings)
    schedules = {
        "session_permutation": nulls.permuted_sessions(
            series, scored.scope.sessions, bar, direction, runs, _rng(settings, 1)
        ),
        "direction_flip": nulls.flipped_directions(bar, direction, runs, _rng(settings, 2)),
        "random_entry": nulls.random_entries(series, bar, direction, runs, _rng(settings, 3)),
    }
    rates = {
        name: nulls.null_rates(schedule, scored.validity, wins)
        for name, schedule in schedules.items()
    }
    if full:
        rates["mirror_surrogate"] = _mirror_rates(scored, engine, progress)
    return rates


def _mirror_rates(scored: Scored, engine: Engine, progress: Progress) -> nulls.NullRates:
    settings, series = scored.settings, scored.detected.series
    runs = settings.scoring.mirror_runs
    rng = _rng(settings, 4)
    values = np.full((3, runs), np.nan)
    for i in range(runs):
        progress("mirror_surrogates", i, runs)
        other = mirror(series, coin_flips(len(series), rng))
        found = score(run_detectors(other, settings, engine), settings)
        for j, name in enumerate(gate.CRITERIA):
            value = getattr(found, name)
            values[j, i] = np.nan if value is None else value
    return nulls.NullRates(values[0], values[1], values[2], dropped=0)


def _rate_criteria(scored: Scored, rates: dict[str, nulls.NullRates]) -> tuple[Criterion, ...]:
    settings, sessions = scored.settings, len(scored.scope.sessions)
    weights = session_weights(max(sessions, 1), settings.scoring.bootstrap, _rng(settings, 0))
    return gate.rate_criteria(scored, settings.gate, weights[:, :sessions], rates)


def _scorecard(
    bars: Bars,
    scored: Scored,
    report: AuditReport | None,
    rates: dict[str, nulls.NullRates],
    generated_at: str | None,
    git_rev: str | None,
) -> Scorecard:
    settings = scored.settings
    quality = examine(bars)
    trade = sections.trade_section(scored)
    criteria = _rate_criteria(scored, rates)
    rails = gate.guard_rails(
        scored,
        criteria,
        settings.gate,
        expectancy=trade["expectancy_points"],
        data_errors=sum(f.severity == "error" for f in quality.findings),
        audit_failures=report.failures if report else None,
        tested=bool(rates),
    )
    ruling = gate.rule(criteria, rails, settings.gate)
    return Scorecard(
        spec=SPEC,
        spec_hash=sections.spec_hash(settings),
        config_hash=sections.config_hash(settings),
        git_rev=git_rev,
        versions=sections.versions(),
        settings=sections.settings_section(settings),
        seed=settings.scoring.seed,
        generated_at=generated_at,
        data=sections.data_section(bars, scored, quality.to_dict()),
        counts=sections.count_section(scored),
        rates=sections.rate_section(scored),
        criteria=ruling.criteria,
        verdict=ruling.verdict,
        proven=ruling.proven,
        reasons=ruling.reasons,
        warnings=sections.warnings_of(scored, bars),
        trade=trade,
        timeliness=sections.timeliness_section(scored),
        sensitivity=sections.sensitivity_section(scored, _sensitivity_schedule(scored, rates)),
        per_detector=sections.detector_section(scored),
        per_session=sections.session_section(scored),
        audits=report.to_dict() if report else {},
    )


def _sensitivity_schedule(
    scored: Scored, rates: dict[str, nulls.NullRates]
) -> nulls.Schedule | None:
    if not rates:
        return None
    return nulls.permuted_sessions(
        scored.detected.series, scored.scope.sessions, scored.alerts.bar,
        scored.alerts.direction, SENSITIVITY_RUNS, _rng(scored.settings, 1),
    )  # fmt: skip

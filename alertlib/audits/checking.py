"""Audit one detector on some bars."""

from __future__ import annotations

from dataclasses import replace

from alertlib._typing import Progress
from alertlib.audits.report import AuditReport
from alertlib.audits.suite import audit
from alertlib.bars.arguments import expect_bars
from alertlib.bars.bars import Bars
from alertlib.bars.series import Series, make_series
from alertlib.config import settings_of
from alertlib.config.schema import Settings
from alertlib.detection.detectors import Detector
from alertlib.detection.registry import find_detector
from alertlib.detection.ruleset import Rules, make_rules
from alertlib.scoring.engine import COMPILED, INTERPRETED, Engine
from alertlib.scoring.fitting import past_of


def check(
    detector: Detector | str,
    bars: Bars,
    config: Settings | None = None,
    *,
    compiled: bool = True,
    progress: Progress | None = None,
) -> AuditReport:
    """Run every audit on one detector.

    Parameters
    ----------
    detector : Detector or str
        A detector, the name of one, or ``package.module:name``.
    bars : Bars
    config : Settings, optional
        Parameters of the built-in detectors, policy and trade set-up; defaults when left out.
    compiled : bool
        Whether the hundreds of reruns use numba.
    progress : callable, optional
        Called with an audit's name, cases done and cases ahead.

    Returns
    -------
    AuditReport

    Raises
    ------
    ConfigError
        If there is no such detector.
    """
    expect_bars(bars)
    settings = settings_of(config)
    engine = COMPILED if compiled else INTERPRETED
    series = make_series(bars)
    grid = series.instrument.grid
    assert grid is not None
    if isinstance(detector, Detector):
        rules = make_rules(settings, grid, (detector,))
    else:
        name = find_detector(detector).name
        enabled = replace(settings.detection, enabled=(name,))
        rules = make_rules(replace(settings, detection=enabled), grid)
    return audit(
        bars, series, settings, full=True, seed=settings.scoring.seed, engine=engine,
        progress=progress, rules=_learned(series, settings, rules, engine),
    )  # fmt: skip


def _learned(series: Series, settings: Settings, rules: Rules, engine: Engine) -> Rules:
    """Return rules whose detector has learned what it has to, on the last sessions."""
    (detector,) = rules.detectors
    if detector.fit is None:
        return rules
    params = past_of(series, settings, rules, engine).last_params(detector)
    return replace(rules, detectors=(detector.fitted(params),))

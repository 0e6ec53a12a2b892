"""Audit one detector on some bars."""

from __future__ import annotations

from dataclasses import replace

from alertlib._typing import Progress
from alertlib.audits.report import AuditReport
from alertlib.audits.suite import audit
from alertlib.bars.bars import Bars
from alertlib.bars.series import make_series
from alertlib.config import Config
from alertlib.config.schema import Settings
from alertlib.detection.detectors import Detector
from alertlib.detection.registry import find_detector
from alertlib.scoring.engine import COMPILED, INTERPRETED


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
    found = detector if isinstance(detector, Detector) else find_detector(detector)
    settings = config if config is not None else Config()
    only = replace(settings, detection=replace(settings.detection, enabled=(found.name,)))
    engine = COMPILED if compiled else INTERPRETED
    series = make_series(bars)
    return audit(bars, series, only, full=True, seed=only.scoring.seed, engine=engine,
                 progress=progress)  # fmt: skip

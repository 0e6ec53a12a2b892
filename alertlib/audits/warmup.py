"""Is the declared warm-up long enough?"""

from __future__ import annotations

import numpy as np

from alertlib._typing import Progress, Signals
from alertlib.audits.report import AuditItem
from alertlib.bars.series import Series
from alertlib.detection.detectors import Detector
from alertlib.errors import DetectorError
from alertlib.scoring.engine import Engine
from alertlib.scoring.scored import Detected
from alertlib.scoring.signals import detect
from alertlib.scoring.true_ranges import true_ranges

WARMUP_CUTS = 40


# Bars looked at from each new start when the warm-up is measured.
WARMUP_REACH = 2_000


def warm_up(
    whole: Detected, engine: Engine, rng: np.random.Generator, progress: Progress
) -> AuditItem:
    """Start later: after its declared warm-up a detector must not know the difference."""
    series, detectors = whole.series, whole.rules.detectors
    needed = [0] * len(detectors)
    longest = max((d.warmup for d in detectors), default=0)
    latest = max(1, len(series) - longest - 1)
    starts = np.unique(rng.integers(0, latest, size=WARMUP_CUTS)).tolist()

    def signs(part: Series) -> Signals:
        atr = true_ranges(part, whole.rules.atr_window, engine)
        return detect(part, detectors, engine, atr).sign

    signals = signs(series)
    for done, start in enumerate(starts):
        progress("warm_up", done, len(starts))
        reach = min(len(series) - start, longest + WARMUP_REACH)
        try:
            late = signs(series.tail(start).head(reach))
        except DetectorError as error:
            at = str(np.datetime64(int(series.minute[start]), "m"))
            return AuditItem("warm_up", False, done + 1, f"started at {at}: {error}")
        differs = late != signals[start : start + reach]
        for i in range(len(detectors)):
            where = np.flatnonzero(differs[:, i])
            if len(where):
                needed[i] = max(needed[i], int(where[-1]))
    short = any(n > d.warmup for d, n in zip(detectors, needed, strict=True))
    seen = ", ".join(map(_seen, detectors, needed))
    return AuditItem("warm_up", not short, len(starts), seen)


def _seen(detector: Detector, needed: int) -> str:
    seen = f"{detector.name} needs {needed} of {detector.warmup} bars"
    return seen if needed <= detector.warmup else f"{seen}: declare warmup={needed}"

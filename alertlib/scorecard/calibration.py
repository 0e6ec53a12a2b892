"""Are stated probabilities true? What share of the alerts stated at each turned out valid."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Any

import numpy as np
import polars as pl

from alertlib._typing import Bools, Floats, Ints
from alertlib.scorecard.bootstrap import session_blocks
from alertlib.scoring.matching import FALSE_POSITIVE
from alertlib.scoring.scored import Scored
from alertlib.stats.intervals import resampled_interval, resampled_sums

# Bins of the table, each holding its lower edge.
BINS = 20


def calibration_section(scored: Scored) -> dict[str, Any]:
    """Return the calibration of each detector that states probabilities, by its name.

    Over the alerts it leads, at the probability it stated for each, not rounded and without
    what agreement added: ``alerts``, ``valid`` ones (redundant included), ``expected`` of them
    and ``z``, how many standard errors more or fewer there were.
    """
    return {name: _totals(stated, valid) for name, _, stated, valid in _by_detector(scored)}


def calibration_frame(scored: Scored) -> pl.DataFrame:
    """Return the calibration by detector and bin of the stated probability.

    Returns
    -------
    DataFrame
        ``detector low high alerts valid expected valid_share mean_probability z`` and
        ``valid_low valid_high``, the 95 % interval of ``valid_share`` that knows that alerts
        cluster by session; bins without alerts are left out.
    """
    rows = []
    for name, mine, probability, valid in _by_detector(scored):
        session = scored.session_rows(scored.alerts.bar[mine])
        place = np.minimum(np.floor(probability * BINS), BINS - 1)
        for each in np.unique(place).tolist():
            inside = place == each
            rows.append(
                {
                    "detector": name,
                    "low": each / BINS,
                    "high": (each + 1) / BINS,
                    **_totals(probability[inside], valid[inside]),
                    "valid_share": float(valid[inside].mean()),
                    "mean_probability": float(probability[inside].mean()),
                    **_interval(scored, session[inside], valid[inside]),
                }
            )
    return pl.DataFrame(rows, schema=_SCHEMA)


_SCHEMA = {
    "detector": pl.String, "low": pl.Float64, "high": pl.Float64, "alerts": pl.Int64,
    "valid": pl.Int64, "expected": pl.Float64, "valid_share": pl.Float64,
    "mean_probability": pl.Float64, "z": pl.Float64, "valid_low": pl.Float64,
    "valid_high": pl.Float64,
}  # fmt: skip


def _by_detector(scored: Scored) -> Iterator[tuple[str, Bools, Floats, Bools]]:
    """Each detector's name, which alerts it leads, what it stated and whether they were valid."""
    alerts, valid = scored.alerts, scored.match.outcome != FALSE_POSITIVE
    for place, detector in enumerate(scored.detected.rules.detectors):
        if detector.probability:
            mine = alerts.lead == place
            yield detector.name, mine, alerts.probability[mine], valid[mine]


def _interval(scored: Scored, session: Ints, valid: Bools) -> dict[str, float]:
    sessions = len(scored.scope.sessions)
    hits, total = (np.bincount(s, minlength=sessions) for s in (session[valid], session))
    drawn = resampled_sums(session_blocks(scored), hits, total)
    found = resampled_interval(hits, total, *drawn)
    assert found is not None  # a bin has alerts
    return {"valid_low": found.low, "valid_high": found.high}


def _totals(probability: Floats, valid: Bools) -> dict[str, Any]:
    expected = float(probability.sum())
    variance = float((probability * (1.0 - probability)).sum())
    count = int(np.count_nonzero(valid))
    return {
        "alerts": len(valid),
        "valid": count,
        "expected": expected,
        "z": (count - expected) / sqrt(variance) if variance > 0 else None,
    }

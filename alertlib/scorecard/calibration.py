"""Are stated probabilities true? What share of the alerts stated at each turned out valid."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Any

import numpy as np
import polars as pl

from alertlib._typing import Bools, Floats
from alertlib.scoring.matching import FALSE_POSITIVE
from alertlib.scoring.scored import Scored

# Bins of the table, each holding its lower edge.
BINS = 20


def calibration_section(scored: Scored) -> dict[str, Any]:
    """Return the calibration of each detector that states probabilities, by its name.

    Over the alerts it leads, at the probability it stated for each, not rounded and without
    what agreement added: ``alerts``, ``valid`` ones (redundant included), ``expected`` of them
    and ``z``, how many standard errors more or fewer there were.
    """
    return {name: _totals(probability, valid) for name, probability, valid in _by_detector(scored)}


def calibration_frame(scored: Scored) -> pl.DataFrame:
    """Return the calibration by detector and bin of the stated probability.

    Returns
    -------
    DataFrame
        ``detector low high alerts valid expected valid_share mean_probability z``; bins
        without alerts are left out.
    """
    rows = []
    for name, probability, valid in _by_detector(scored):
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
                }
            )
    return pl.DataFrame(rows, schema=_SCHEMA)


_SCHEMA = {
    "detector": pl.String, "low": pl.Float64, "high": pl.Float64, "alerts": pl.Int64,
    "valid": pl.Int64, "expected": pl.Float64, "valid_share": pl.Float64,
    "mean_probability": pl.Float64, "z": pl.Float64,
}  # fmt: skip


def _by_detector(scored: Scored) -> Iterator[tuple[str, Floats, Bools]]:
    alerts, valid = scored.alerts, scored.match.outcome != FALSE_POSITIVE
    for place, detector in enumerate(scored.detected.rules.detectors):
        if detector.probability:
            mine = alerts.lead == place
            yield detector.name, alerts.probability[mine], valid[mine]


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

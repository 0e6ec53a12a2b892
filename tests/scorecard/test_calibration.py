"""Stated probabilities against what came of the alerts, counted by a plain loop."""

from __future__ import annotations

from dataclasses import replace
from math import floor, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.backtesting.run import Run
from alertlib.scorecard.calibration import calibration_frame, calibration_section
from alertlib.scoring.matching import FALSE_POSITIVE
from alertlib.scoring.scored import Scored
from tests.support.backtests import run_of
from tests.support.synthetic import walk

NAME = "directional_change"


@pytest.fixture(scope="module")
def run() -> Run:
    """The detector that states probabilities beside one that states none."""
    enabled = ("engulfing", NAME)
    return run_of(walk(211, sessions=14), detection__enabled=enabled)


def led(scored: Scored) -> list[tuple[float, bool]]:
    """Probability and outcome of each alert that the detector leads."""
    names = [d.name for d in scored.detected.rules.detectors]
    alerts = scored.alerts
    return [
        (float(alerts.probability[i]), int(scored.match.outcome[i]) != FALSE_POSITIVE)
        for i in range(len(alerts.bar))
        if names[int(alerts.lead[i])] == NAME
    ]


def totals(alerts: list[tuple[float, bool]]) -> dict[str, Any]:
    expected = sum(p for p, _ in alerts)
    variance = sum(p * (1 - p) for p, _ in alerts)
    valid = sum(v for _, v in alerts)
    z = (valid - expected) / sqrt(variance) if variance > 0 else None
    return {"alerts": len(alerts), "valid": valid, "expected": expected, "z": z}


def check(scored: Scored) -> None:
    """Hold section and table against a loop over the alerts."""
    alerts = led(scored)
    section = calibration_section(scored)
    assert set(section) == {NAME}
    assert section[NAME] == pytest.approx(totals(alerts))
    bins: dict[int, list[tuple[float, bool]]] = {}
    for p, valid in alerts:
        bins.setdefault(min(floor(p * 20), 19), []).append((p, valid))
    rows = calibration_frame(scored).to_dicts()
    assert len(rows) == len(bins)
    for row, (place, inside) in zip(rows, sorted(bins.items()), strict=True):
        counted = totals(inside)
        low, high = row.pop("valid_low"), row.pop("valid_high")
        assert low <= row["valid_share"] <= high
        assert row == pytest.approx(
            {
                "detector": NAME, "low": place / 20, "high": (place + 1) / 20, **counted,
                "valid_share": counted["valid"] / len(inside),
                "mean_probability": counted["expected"] / len(inside),
            }
        )  # fmt: skip


def test_calibration_is_counted_over_the_alerts_a_detector_leads(run: Run) -> None:
    alerts = led(run.scored)
    assert 20 < len(alerts) < run.scorecard.counts["alerts"]  # others lead as well
    assert all(0.82 <= p <= 1 for p, _ in alerts)

    check(run.scored)

    assert run.scorecard.calibration == calibration_section(run.scored)
    assert run.calibration().equals(calibration_frame(run.scored))


def with_probabilities(scored: Scored, probabilities: list[float]) -> Scored:
    """The same alerts, probabilities stated in turn."""
    delivered = scored.detected.delivered
    stated = np.resize(np.array(probabilities), len(delivered.bar))
    return replace(
        scored, detected=replace(scored.detected, delivered=replace(delivered, probability=stated))
    )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_whatever_is_stated_is_counted_like_that(run: Run, probabilities: list[float]) -> None:
    check(with_probabilities(run.scored, probabilities))


@pytest.mark.parametrize("low", [n / 20 for n in range(20)])
def test_a_bin_holds_its_lower_edge(run: Run, low: float) -> None:
    """Found with a remainder of floats: 0.15 was counted from 0.10 to 0.15."""
    (row,) = calibration_frame(with_probabilities(run.scored, [low])).to_dicts()

    assert (row["low"], row["mean_probability"]) == pytest.approx((low, low))
    assert row["low"] <= low < row["high"]


def test_certainty_falls_into_the_last_bin_and_has_no_z(run: Run) -> None:
    (row,) = calibration_frame(with_probabilities(run.scored, [1.0])).to_dicts()

    assert (row["low"], row["high"], row["z"]) == (0.95, 1.0, None)


def test_detectors_that_state_none_have_no_calibration(plain: Run) -> None:
    assert plain.scorecard.calibration == {}
    assert plain.calibration().is_empty()
    assert plain.calibration().columns[:2] == ["detector", "low"]

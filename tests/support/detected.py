"""Detectors and policy of a configuration over a series."""

from __future__ import annotations

from alertlib.bars.series import Series
from alertlib.config.schema import Settings
from alertlib.detection.ruleset import make_rules
from alertlib.scoring.engine import INTERPRETED, Engine
from alertlib.scoring.scored import Detected, run_detectors


def detected_on(series: Series, config: Settings, engine: Engine = INTERPRETED) -> Detected:
    assert series.instrument.grid is not None
    return run_detectors(series, make_rules(config, series.instrument.grid), engine)

"""What tells trials, and the bars and rules they are of, apart."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.config import Config
from alertlib.config.constraints import BUILT_IN
from alertlib.market.instruments import find_instrument
from alertlib.search.grid.grid import Grid
from alertlib.search.ledger.identity import configuration_hash, deciding_settings
from tests.support.ledger_trials import sweep_identity

DEFAULTS = Config()
FOLLOW = "tests.support.user_detectors:follow"
OWN = DEFAULTS.set("detection.enabled", ["volatility", "breakout", FOLLOW])
AXES = {
    "volatility.window": [10, 20, 30],
    "threshold_sigma": [1, 2],
    "levels": ["extremes", "closes"],
    f"detection.custom.{FOLLOW}.n": [5, 20],
    "policy.cooldown_bars": [0, 6],
    "stop_atr": [1, 1.5],
}


@given(st.sets(st.sampled_from(sorted(AXES)), min_size=1), st.data())
def test_a_hash_made_of_values_is_that_of_the_settings(keys: set[str], data: st.DataObject) -> None:
    grid = Grid({key: AXES[key] for key in sorted(keys)}, OWN)
    identity = sweep_identity(OWN, grid.keys)
    drawn = [data.draw(st.integers(0, len(grid) - 1)) for _ in range(4)]
    hashes = [identity.configuration_hash(grid.combination(i)) for i in drawn]
    put_in = [sweep_identity(grid.settings(i), grid.keys) for i in drawn]
    assert hashes == [each.configuration_hash({}) for each in put_in]
    assert len(set(hashes)) == len(set(drawn))


@pytest.mark.parametrize(
    "change",
    [
        {"scoring.seed": 7},
        {"scoring.bootstrap": 200},
        {"scoring.null_runs": 99},
        {"gate.capture_rate": 0.5},
        {"delivery.email.smtp_port": 25},
        {"live.poll_seconds": 2.0},
        {"data.symbol": "WDO$N"},  # the bars say what they are of
        {"detection.directional_change.k": 2.0},  # it does not run
        {"detection.volatility.window": 20},  # as it was
    ],
)
def test_what_changes_no_count_changes_no_hash(change: dict[str, Any]) -> None:
    assert deciding_settings(DEFAULTS.update(change)) == deciding_settings(DEFAULTS)


@pytest.mark.parametrize(
    "change",
    [
        {"detection.volatility.window": 21},
        {"detection.enabled": list(BUILT_IN)},
        {"detection.enabled": ["breakout", "volatility", "engulfing", "rsi_divergence"]},
        {"detection.accept": "desk:accept"},
        {"policy.cooldown_bars": 5},
        {"trade.fees_points": 2.0},
        {"trade.touch": True},
        {"scoring.k": 2.0},
        {"scoring.sessions": 40},
        {"gate.min_opportunities": 50},
    ],
)
def test_what_may_change_a_count_changes_the_hash(change: dict[str, Any]) -> None:
    changed = deciding_settings(DEFAULTS.update(change))
    assert configuration_hash(changed) != configuration_hash(deciding_settings(DEFAULTS))


def test_deciding_settings_are_plain_values_by_full_key(own_registry: None) -> None:
    found = deciding_settings(OWN)
    assert json.loads(json.dumps(found)) == found
    assert found[f"detection.custom.{FOLLOW}.n"] == 20  # what the code says
    assert found["detection.breakout.levels"] == "extremes"
    assert "detection.rsi_divergence.window" not in found


def test_the_spec_knows_the_instrument_and_the_labels() -> None:
    base = sweep_identity()
    own_fees = DEFAULTS.set("data.symbols", [{"symbol": "WIN$N", "fees_points": 9.0}])
    assert base.instrument["quantum"] == [5, 1]
    assert sweep_identity(labels="l" * 64).spec != base.spec
    instrument = find_instrument("WIN$N", "M5", own_fees.data.symbols)
    assert sweep_identity(own_fees).spec == base.spec
    assert sweep_identity(own_fees, instrument=instrument).spec != base.spec
    assert replace(base, sessions=()).spec == base.spec

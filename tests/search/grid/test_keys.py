"""Which settings may be searched, and by which names."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import alertlib as al
from alertlib.config import Config
from alertlib.config.constraints import BUILT_IN
from alertlib.errors import ConfigError
from alertlib.search.grid.keys import parameters, resolve_key, with_values
from tests.support import user_detectors

DEFAULTS = Config()
EVERYTHING = DEFAULTS.set("detection.enabled", list(BUILT_IN))
OWN = DEFAULTS.set("detection.enabled", ["volatility", "tests.support.user_detectors:follow"])


@pytest.mark.parametrize(
    ("key", "full"),
    [
        ("detection.volatility.threshold_sigma", "detection.volatility.threshold_sigma"),
        ("threshold_sigma", "detection.volatility.threshold_sigma"),
        ("volatility.window", "detection.volatility.window"),
        ("volatilidade.window", "detection.volatility.window"),
        ("detection.volatilidade.window", "detection.volatility.window"),
        (" target_atr ", "trade.target_atr"),
        ("min_severity", "policy.min_severity"),
        ("levels", "detection.breakout.levels"),
    ],
)
def test_a_key_is_known_by_its_last_parts(key: str, full: str) -> None:
    assert resolve_key(key, DEFAULTS) == full


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("window", r"window: got an ambiguous key, .*volatility\.window, .*breakout\.window"),
        ("volatility.windw", r"unknown key, .* did you mean detection\.volatility\.window\?"),
        ("target_art", r"did you mean trade\.target_atr\?"),
        ("", "got an unknown key"),
        ("scoring.k", "scoring.k: .*would move the goalposts"),
        ("min_move_left", "scoring.min_move_left: .*goalposts"),
        ("k", "scoring.k: .*goalposts"),
        ("capture_rate", "gate.capture_rate: .*goalposts"),
        ("trade.atr_window", "goalposts, and moves are measured in this range"),
        ("slippage_ticks", "trade.slippage_ticks: .*a search would choose the cheapest"),
        ("trade.fees_points", "cheapest"),
        ("touch", "trade.touch: .*cheapest"),
        (
            "detection.directional_change.k",
            r"does not run, expected one of the enabled detectors \(volatility, engulfing, "
            r"rsi_divergence, breakout\); enable directional_change as well",
        ),
        ("min_probability", r"detection\.directional_change\.min_probability: .*does not run"),
        ("detection.custom.desk:fade.n", "does not run, .* enable desk:fade as well"),
        ("detection.enabled", "got a key that is not searched"),
        ("detection.volatility", "got a key that is not searched"),
        ("data.symbol", "got a key that is not searched"),
    ],
)
def test_a_key_that_is_none_is_refused_in_one_line(key: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        resolve_key(key, DEFAULTS)
    assert "\n" not in str(refused.value)


def test_an_enabled_detector_brings_its_keys() -> None:
    assert resolve_key("k", EVERYTHING) == "detection.directional_change.k"
    assert "detection.directional_change.margin_ticks" not in parameters(EVERYTHING)


def test_a_detector_of_ones_own_has_keys_as_well(own_registry: None) -> None:
    full = "detection.custom.tests.support.user_detectors:follow.n"
    assert resolve_key("n", OWN) == full
    assert resolve_key(full, OWN) == full
    with pytest.raises(ConfigError, match=f"unknown key, .*did you mean {re.escape(full)}"):
        resolve_key(full.replace(".n", ".m"), OWN)


def test_parameters_stated_under_a_detectors_own_name_stay_there(own_registry: None) -> None:
    """The registry reads one place only: a second would hide what the first says."""
    assert user_detectors.follow.name == "follow"
    stated = OWN.set("detection.custom.follow.n", 7)
    assert resolve_key("n", stated) == "detection.custom.follow.n"


def test_parameters_that_hold_parameters_are_left_alone(own_registry: None) -> None:
    made = al.both("volatility", "breakout")
    enabled = DEFAULTS.set("detection.enabled", [made.name])
    assert not [key for key in parameters(enabled) if key.startswith("detection.")]


@given(st.data())
def test_any_ending_finds_its_key_or_names_it(data: st.DataObject) -> None:
    full = data.draw(st.sampled_from(sorted(parameters(EVERYTHING))))
    parts = full.split(".")
    ending = ".".join(parts[data.draw(st.integers(0, len(parts) - 1)) :])
    same = [key for key in parameters(EVERYTHING) if f".{key}".endswith(f".{ending}")]
    if same == [full]:
        assert resolve_key(ending, EVERYTHING) == full
    else:
        with pytest.raises(ConfigError, match=f"ambiguous key, .*{re.escape(full)}"):
            resolve_key(ending, EVERYTHING)


VALUES: dict[str, Any] = {
    "detection.volatility.window": st.integers(2, 10_000),
    "detection.volatility.threshold_sigma": st.floats(0.1, 100.0),
    "detection.custom.tests.support.user_detectors:follow.n": st.integers(1, 50),
    "policy.cooldown_bars": st.integers(0, 10_000),
    "trade.stop_atr": st.floats(0.1, 100.0),
    "trade.target_atr": st.floats(0.1, 100.0),
}


@given(st.fixed_dictionaries({}, optional=VALUES))
def test_values_put_in_unchecked_are_those_put_in_checked(values: dict[str, Any]) -> None:
    base = OWN.set("detection.custom.other:one.n", 3)
    fast, checked = with_values(base, values), base.update(values)
    assert Config(**{name: getattr(fast, name) for name in fast.__dataclass_fields__}) == checked

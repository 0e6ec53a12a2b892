"""What tells trials, and the bars and rules they are of, apart."""

from __future__ import annotations

import importlib
import json
import linecache
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.config import Config
from alertlib.config.constraints import BUILT_IN
from alertlib.market.instruments import find_instrument
from alertlib.search.grid.grid import Grid
from alertlib.search.ledger.identity import configuration_hash, deciding_settings
from tests.support.commands import ROOT
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


DECLARED = """
import polars as pl
import alertlib as al
import {helpers}
from typing import NamedTuple

class Seen(NamedTuple):
    bars: int = 0

BEAT = {beat}
RISES = pl.col("close").diff() > {beat}

def beats(seen, beat):
    return int(seen % beat == 0)

def late(bar):
    return bar.minute > 600 + {beat}

@al.detector("{helpers}.plain", patterns=("up", "down"), state=Seen())
def plain(state, ring, bar, params):
    return beats(state.bars, BEAT), Seen(state.bars + 1)

@al.detector("{helpers}.helped", patterns=("up", "down"), state=Seen())
def helped(state, ring, bar, params):
    return {helpers}.beats(state.bars), Seen(state.bars + 1)

@al.frame_detector("{helpers}.frame", patterns=("up", "down"))
def frame(bars):
    return bars.select(RISES.fill_null(False).cast(pl.Int8)).to_series()

al.only("volatility", where=late, name="{helpers}.only")
al.only(plain, between=("10:00", "16:00"), name="{helpers}.inside")
al.both(plain, "volatility", name="{helpers}.both")
"""
HELPED = "def beats(seen):\n    return int(seen % {beat} == 0)\n"


def write_detectors(folder: Path, helpers: str, *, beat: int, helped: int) -> None:
    (folder / f"{helpers}.py").write_text(HELPED.format(beat=helped))
    (folder / f"own_{helpers}.py").write_text(DECLARED.format(helpers=helpers, beat=beat))


def load_again(*names: str) -> None:
    """Import modules as a new process would."""
    for name in names:
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    linecache.clearcache()
    for name in names:
        importlib.import_module(name)


def code_of(name: str) -> str:
    return sweep_identity(DEFAULTS.set("detection.enabled", [name])).code[name]


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize(
    ("kind", "edit"),
    [
        ("plain", {"beat": 7}),
        ("frame", {"beat": 7}),
        ("only", {"beat": 7}),
        ("inside", {"beat": 7}),
        ("both", {"beat": 7}),
        ("helped", {"helped": 7}),
    ],
)
def test_an_edited_function_is_other_code_however_its_detector_is_made(
    kind: str, edit: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Composed ones and frames were known by this package's source: resume gave stale counts."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    helpers, before = f"parts_of_{kind}", {"beat": 5, "helped": 5}
    hashes = []
    for numbers in (before, before | edit, before):
        write_detectors(tmp_path, helpers, **numbers)
        load_again(helpers, f"own_{helpers}")
        hashes.append(code_of(f"{helpers}.{kind}"))

    assert hashes[0] != hashes[1]
    assert hashes[0] == hashes[2]


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize("kind", ["plain", "helped", "frame", "only", "inside", "both"])
def test_the_code_of_a_detector_is_the_same_in_another_process(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    helpers = f"twice_{kind}"
    write_detectors(tmp_path, helpers, beat=5, helped=5)
    load_again(helpers, f"own_{helpers}")
    asked = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import own_{helpers}; "
        "from tests.search.ledger.test_identity import code_of; "
        f"print(code_of('{helpers}.{kind}'))"
    )
    there = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert there.stdout.strip() == code_of(f"{helpers}.{kind}")


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize("edited", ["BEAT = 7", "def beats(seen):\n    return int(seen % 7 == 0)"])
def test_an_edited_cell_of_a_notebook_is_other_code(edited: str) -> None:
    """Only the cell of the step itself was looked at; at a prompt not even its constants."""
    cells = [
        "import alertlib as al\nfrom typing import NamedTuple",
        "class Seen(NamedTuple):\n    bars: int = 0",
        "BEAT = 5",
        "def beats(seen):\n    return int(seen % BEAT == 0)",
        "@al.detector('in_a_notebook', patterns=('up', 'down'), state=Seen())\n"
        "def in_a_notebook(state, ring, bar, params):\n"
        "    return beats(state.bars), Seen(state.bars + 1)",
    ]
    notebook = ModuleType("__main__")
    for cell in cells:
        exec(cell, vars(notebook))
    before = code_of("in_a_notebook")
    exec(edited, vars(notebook))

    assert code_of("in_a_notebook") != before


@pytest.mark.usefixtures("own_registry")
def test_parameters_are_no_code() -> None:
    """They are named in the configuration's hash, and a sweep varies them."""
    found = OWN.set(f"detection.custom.{FOLLOW}.n", 7)
    assert sweep_identity(found).code == sweep_identity(OWN).code

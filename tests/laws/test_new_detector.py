"""A new detector costs a kernel file, an entry, a field and its words; the rest follows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.house import ROOT

KERNEL = '''"""A toy: an inside bar, in the direction of its body."""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import Annotated, NamedTuple

from alertlib.kernels.bar import TickBar
from alertlib.kernels.params import Range


class InsideParams(NamedTuple):
    """How much narrower than the previous bar it has to be."""

    shrink: Annotated[int, Range(1, 10)] = 2


class InsideState(NamedTuple):
    """High and low of the previous bar."""

    high: int = 0
    low: int = 0


def inside_step(
    state: InsideState, ring: MutableSequence[int], bar: TickBar, params: InsideParams
) -> tuple[int, InsideState]:
    """Signal a bar within the previous one."""
    signal = 0
    if bar.place > 0 and (bar.high - bar.low) * params.shrink <= state.high - state.low:
        signal = 1 if bar.close > bar.open else -1
    return signal, InsideState(bar.high, bar.low)
'''
ENTRY = """inside = detector(
    "inside",
    patterns=("barra_interna_alta", "barra_interna_baixa"),
    state=InsideState(),
    params=InsideParams(),
    warmup=1,
    confidence=0.65,
)(inside_step)

"""
# Where each line goes: file, the text it stands before, the line.
PLACES = [
    ("detection/builtin.py", "from alertlib.kernels.rsi_divergence",
     "from alertlib.kernels.inside import InsideParams, InsideState, inside_step\n"),
    ("detection/builtin.py", "# All detectors declared above", ENTRY),
    ("config/schema.py", "from alertlib.kernels.rsi_divergence",
     "from alertlib.kernels.inside import InsideParams\n"),
    ("config/schema.py", "    custom: Mapping[DetectorName",
     "    inside: InsideParams = field(default=InsideParams())\n"),
    ("texts/words.py", '        "CRITICO": "CRÍTICO"',
     '        "barra_interna_alta": "Barra interna de alta",\n'
     '        "barra_interna_baixa": "Barra interna de baixa",\n'),
    ("texts/words.py", '        "CRITICO": "CRITICAL"',
     '        "barra_interna_alta": "Bullish inside bar",\n'
     '        "barra_interna_baixa": "Bearish inside bar",\n'),
]  # fmt: skip

PROGRAM = """
import json
from datetime import datetime
from pathlib import Path
import alertlib as al
from alertlib.texts.alerts import AlertView
from runners.live.websocket.dashboard.page import assemble
config = al.load_config("mine.yaml")
bars = al.read_bars(al.sample_path(), sessions=20)
run = al.backtest(bars, config, chance=False, audits="none")
page = assemble(Path("runners/live/websocket/dashboard/index.html"))
print(json.dumps({
    "home": al.__file__,
    "shrink": config.detection.inside.shrink,
    "patterns": sorted(set(run.alerts["pattern"])),
    "parity": al.check("inside", bars, config, compiled=False).items[0].clean,
    "text": AlertView(run.alerts.row(0, named=True) | {
        "symbol": "WIN$N", "timeframe": "M5", "bar_time": "2025-01-02T09:05:00-03:00"}).text,
    "page": '"barra_interna_alta": "Barra interna de alta"' in page,
}))
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of both packages with the detector in its four places."""
    for folder in ("alertlib", "runners", "data/sample"):
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=skip)
    (tmp_path / "alertlib/kernels/inside.py").write_text(KERNEL, encoding="utf-8")
    for file, before, line in PLACES:
        path = tmp_path / "alertlib" / file
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{file}: {before}"
        path.write_text(text.replace(before, line + before), encoding="utf-8")
    return tmp_path


def python(house: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=house, env={**os.environ, "PYTHONPATH": str(house)},
        capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip


def test_a_new_detector_is_found_everywhere_from_its_four_places(house: Path) -> None:
    settings = "detection: {enabled: [inside], inside: {shrink: 3}}\n"
    (house / "mine.yaml").write_text(settings, encoding="utf-8")

    done = python(house, "-c", PROGRAM)

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["home"].startswith(str(house))
    assert found["shrink"] == 3
    assert found["patterns"] == ["barra_interna_alta", "barra_interna_baixa"]
    assert found["parity"] is True
    assert "Barra interna de" in found["text"]
    assert found["page"] is True


def test_its_parameters_are_checked_like_any_other(house: Path) -> None:
    """At a wrong name and a wrong value, with the file and the line."""
    for wrong, said in (("shrnk: 3", "did you mean shrink?"), ("shrink: 11", "expected")):
        text = f"detection:\n  inside:\n    {wrong}\n"
        (house / "mine.yaml").write_text(text, encoding="utf-8")

        done = python(house, "-m", "runners.backtest", "--config", "mine.yaml")

        assert done.returncode == 2
        assert "mine.yaml:3: detection.inside" in done.stderr
        assert said in done.stderr

"""The stand-in terminal with a clock, revisions and outages that a test moves as it goes.

For ``ALERTAS_MT5_MODULE=tests.support.moving_mt5``: the JSON file that ``$MOVING_MT5`` names says
``now`` (Brasilia time), ``is_down``, by how many seconds this machine's clock is wrong
(``skew``), and fields of the scenario; it is read at each call. What the feed has been told of the
clock, before it asked for bars, stands in the file of the same name and ``.seen``.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from tests.support import fake_mt5

_skew = 0.0
_ticked = ""


def _clock() -> float:
    return fake_mt5.terminal.utc() + _skew


def __getattr__(name: str) -> Any:
    global _skew, _ticked
    if name.startswith("_"):
        raise AttributeError(name)
    terminal = fake_mt5.terminal
    control = Path(os.environ["MOVING_MT5"])
    text = control.read_text()
    wanted = json.loads(text)
    terminal.move_clock(wanted.pop("now"))
    _skew = wanted.pop("skew", 0.0)
    is_down = wanted.pop("is_down", False)
    vars(terminal.scenario).update(_usual | wanted)
    if is_down:
        terminal.connected = False
        if name == "initialize":
            return lambda *args, **options: terminal._fail(fake_mt5.LOST, answer=False)
    if name == "symbol_info_tick":
        _ticked = text
    if name == "copy_rates_from_pos":
        control.with_suffix(".seen").write_text(_ticked)
    return getattr(terminal, name)


_usual = dict(vars(fake_mt5.terminal.scenario)) if "FAKE_MT5" in os.environ else {}
time.time = _clock if _usual else time.time

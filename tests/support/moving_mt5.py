"""The stand-in terminal with a clock, revisions and outages that a test moves as it goes.

For ``ALERTAS_MT5_MODULE=tests.support.moving_mt5``: the JSON file that ``$MOVING_MT5`` names says
``now`` (Brasilia time), ``revised`` (as in the scenario) and ``is_down``; it is read at each call.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.support import fake_mt5


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    terminal = fake_mt5.terminal
    wanted = json.loads(Path(os.environ["MOVING_MT5"]).read_text())
    terminal.move_clock(wanted["now"])
    terminal.scenario.revised = wanted.get("revised", {})
    if wanted.get("is_down"):
        terminal.connected = False
        if name == "initialize":
            return lambda *args, **options: terminal._fail(fake_mt5.LOST, answer=False)
    return getattr(terminal, name)

"""Contest of the cold starts: a process from nothing to its end, in seconds."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Any

from benchmarks.peers.timing import ROOT, as_json, take_turns

ROUNDS = 5
COMMANDS = {
    "python, nothing": ["-c", "pass"],
    "ours: import alertlib": ["-c", "import alertlib"],
    "ours: python -m runners.backtest --gate": ["-m", "runners.backtest", "--gate"],
    "import polars_talib": ["-c", "import polars_talib"],
    "import backtesting": ["-c", "import backtesting"],
    "import vectorbt": ["-c", "import vectorbt"],
}


def run(arguments: list[str]) -> None:
    """Run Python once."""
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def measure() -> dict[str, Any]:
    """Return the wall time of each command, files and compiled code cached by the system."""
    return as_json(
        take_turns({name: partial(run, given) for name, given in COMMANDS.items()}, ROUNDS)
    )

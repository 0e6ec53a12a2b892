"""The stand-in terminal with a market that goes on whatever this machine's clock is set to.

For ``ALERTAS_MT5_MODULE=tests.support.steady_mt5`` in a worker under :mod:`tests.support.faketime`:
``$STEADY_MT5`` is UTC less the clock that never jumps, in seconds. Only the market goes by it.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from runners.mt5.adapter import Terminal
from tests.support import fake_mt5


def __getattr__(name: str) -> Any:
    return getattr(fake_mt5, name)


if "STEADY_MT5" in os.environ:
    _distance = float(os.environ["STEADY_MT5"])
    fake_mt5.terminal.utc = lambda: _distance + time.monotonic()
    # Under libfaketime `time.sleep` is refused: it waits for a time of the clock left alone.
    Terminal.__init__.__kwdefaults__["sleep"] = threading.Event().wait

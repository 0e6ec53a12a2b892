"""Score alert detectors on market bars against an honest gate, and deliver the alerts.

>>> import alertlib as al
>>> bars = al.read_bars(al.sample_path())
>>> al.backtest(bars).scorecard.verdict
'PASS'

Nothing heavy is imported until it is used: the live side never loads numpy, Polars or numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from alertlib._version import __version__

if TYPE_CHECKING:
    from alertlib.alert import Alert
    from alertlib.audits import AuditReport
    from alertlib.backtesting import Run, backtest
    from alertlib.bars import Bars, from_frame, read_bars
    from alertlib.checking import check
    from alertlib.config import Config, get_config, load_config
    from alertlib.detectors import Detector, detector, find_detector, frame_detector
    from alertlib.errors import (
        AlertlibError,
        AuditError,
        BusyError,
        ConfigError,
        DataError,
        StorageError,
    )
    from alertlib.quality import examine
    from alertlib.sample import sample_path
    from alertlib.scorecard import Scorecard
    from alertlib.stream import Bar, Stream

_HOMES = {
    "Alert": "alert",
    "AlertlibError": "errors",
    "AuditError": "errors",
    "AuditReport": "audits",
    "Bar": "stream",
    "Bars": "bars",
    "BusyError": "errors",
    "Config": "config",
    "ConfigError": "errors",
    "DataError": "errors",
    "Detector": "detectors",
    "Run": "backtesting",
    "Scorecard": "scorecard",
    "StorageError": "errors",
    "Stream": "stream",
    "backtest": "backtesting",
    "check": "checking",
    "detector": "detectors",
    "examine": "quality",
    "find_detector": "detectors",
    "frame_detector": "detectors",
    "from_frame": "bars",
    "get_config": "config",
    "load_config": "config",
    "read_bars": "bars",
    "sample_path": "sample",
}

__all__ = [
    "Alert",
    "AlertlibError",
    "AuditError",
    "AuditReport",
    "Bar",
    "Bars",
    "BusyError",
    "Config",
    "ConfigError",
    "DataError",
    "Detector",
    "Run",
    "Scorecard",
    "StorageError",
    "Stream",
    "__version__",
    "backtest",
    "check",
    "detector",
    "examine",
    "find_detector",
    "frame_detector",
    "from_frame",
    "get_config",
    "load_config",
    "read_bars",
    "sample_path",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"alertlib.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

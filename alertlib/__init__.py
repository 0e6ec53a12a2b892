"""Score alert detectors on market bars against an honest gate, and deliver the alerts.

>>> import alertlib as al
>>> bars = al.read_bars(al.sample_path())
>>> al.backtest(bars).scorecard.verdict
'PASS'

Nothing heavy is imported until it is used: the live side never loads numpy, Polars or numba.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertlib._faces import lazy
from alertlib._version import __version__

if TYPE_CHECKING:
    from alertlib.audits.checking import check
    from alertlib.audits.report import AuditReport
    from alertlib.backtesting.backtester import backtest
    from alertlib.backtesting.run import Run
    from alertlib.backtesting.run_table import table
    from alertlib.backtesting.saved import SavedRun, load_run
    from alertlib.bars.bars import Bars
    from alertlib.bars.examination import examine
    from alertlib.bars.opening import from_frame, read_bars
    from alertlib.bars.sample import sample_path
    from alertlib.config import Config, get_config, load_config
    from alertlib.detection.alert import Alert
    from alertlib.detection.bar import Bar
    from alertlib.detection.combinators import both, only
    from alertlib.detection.detectors import Detector, detector, frame_detector
    from alertlib.detection.fitting import Fit
    from alertlib.detection.models import Model
    from alertlib.detection.registry import find_detector
    from alertlib.detection.stream import Stream
    from alertlib.errors import (
        AlertlibError,
        AlertlibWarning,
        AuditError,
        BusyError,
        ConfigError,
        DataError,
        DetectorError,
        StorageError,
    )
    from alertlib.kernels.bar import TickBar
    from alertlib.kernels.reading import Reading
    from alertlib.scorecard.card import Scorecard
    from alertlib.search.result import Sweep, read_sweep
    from alertlib.search.sweeps import sweep
    from alertlib.search.walk.result import Walk
    from alertlib.search.walk.walkforward import walk_forward

_HOMES = {
    "Alert": "detection.alert",
    "AlertlibError": "errors",
    "AlertlibWarning": "errors",
    "AuditError": "errors",
    "AuditReport": "audits.suite",
    "Bar": "detection.bar",
    "Bars": "bars.bars",
    "BusyError": "errors",
    "Config": "config",
    "ConfigError": "errors",
    "DataError": "errors",
    "DetectorError": "errors",
    "Detector": "detection.detectors",
    "Fit": "detection.fitting",
    "Model": "detection.models",
    "Reading": "kernels.reading",
    "Run": "backtesting.backtester",
    "SavedRun": "backtesting.saved",
    "Scorecard": "scorecard.card",
    "StorageError": "errors",
    "Stream": "detection.stream",
    "Sweep": "search.result",
    "TickBar": "kernels.bar",
    "Walk": "search.walk.result",
    "backtest": "backtesting.backtester",
    "both": "detection.combinators",
    "check": "audits.checking",
    "detector": "detection.detectors",
    "examine": "bars.examination",
    "find_detector": "detection.registry",
    "frame_detector": "detection.detectors",
    "from_frame": "bars.opening",
    "get_config": "config",
    "load_config": "config",
    "load_run": "backtesting.saved",
    "only": "detection.combinators",
    "read_bars": "bars.opening",
    "read_sweep": "search.result",
    "sample_path": "bars.sample",
    "sweep": "search.sweeps",
    "table": "backtesting.run_table",
    "walk_forward": "search.walk.walkforward",
}

__all__ = [
    "Alert",
    "AlertlibError",
    "AlertlibWarning",
    "AuditError",
    "AuditReport",
    "Bar",
    "Bars",
    "BusyError",
    "Config",
    "ConfigError",
    "DataError",
    "Detector",
    "DetectorError",
    "Fit",
    "Model",
    "Reading",
    "Run",
    "SavedRun",
    "Scorecard",
    "StorageError",
    "Stream",
    "Sweep",
    "TickBar",
    "Walk",
    "__version__",
    "backtest",
    "both",
    "check",
    "detector",
    "examine",
    "find_detector",
    "frame_detector",
    "from_frame",
    "get_config",
    "load_config",
    "load_run",
    "only",
    "read_bars",
    "read_sweep",
    "sample_path",
    "sweep",
    "table",
    "walk_forward",
]

__getattr__, __dir__ = lazy(__name__, _HOMES)

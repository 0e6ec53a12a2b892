"""What a worker is given, wherever it runs: names and numbers, never bars or code."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock, local
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from alertlib._typing import Floats
from alertlib._version import __version__
from alertlib.bars.bars import Bars, read_bars
from alertlib.bars.series import make_series
from alertlib.config.schema import Settings, SymbolSpec
from alertlib.detection.builtin import BUILT_IN
from alertlib.detection.registry import enabled_detectors
from alertlib.errors import ConfigError, DataError
from alertlib.scoring.counting import Ground
from alertlib.scoring.labels import Opportunities
from alertlib.scoring.scored_sessions import Span
from alertlib.scoring.trades import session_fees
from alertlib.search.stages import Stages, lay_ground

# The typed values of one combination, in the order of the job's keys.
Values = tuple[Any, ...]


@dataclass(frozen=True)
class BarFile:
    """Where a worker finds the bars, and how it knows that they are the same.

    Attributes
    ----------
    path : str
        Bar file or store, as the worker sees it.
    symbol, timeframe : str
    symbols : tuple of SymbolSpec
    first, last : datetime
        Opens of the first and the last bar that are used.
    sha256 : str
        Hash of those bars.
    """

    path: str
    symbol: str
    timeframe: str
    symbols: tuple[SymbolSpec, ...]
    first: Any
    last: Any
    sha256: str

    def read(self) -> Bars:
        """Return the bars.

        Raises
        ------
        DataError
            If the file cannot be read here, or holds other bars.
        """
        bars = read_bars(
            self.path, symbol=self.symbol, timeframe=self.timeframe, symbols=self.symbols
        )
        inside = bars.frame.filter(pl.col("time").is_between(self.first, self.last))
        bars = replace(bars, frame=inside)
        if bars.sha256 != self.sha256:
            raise DataError(
                f"{self.path}: a worker reads other bars there (sha256 {bars.sha256[:12]}); "
                f"expected {self.sha256[:12]}; give all workers the same file"
            )
        return bars


@dataclass(frozen=True)
class Job:
    """What all tasks of one search have in common.

    Attributes
    ----------
    name : str
        Of this job and no other.
    bars : BarFile
    settings : Settings
        What no combination changes.
    keys : tuple of str
    moves : Opportunities or None
        Manual labels of the whole file.
    between : (date, date) or None
    per_session : bool
        Whether sessions are kept apart.
    modules : tuple of str
        Where users' own detectors are declared.
    version : str
    """

    name: str
    bars: BarFile
    settings: Settings
    keys: tuple[str, ...]
    moves: Opportunities | None
    between: Span | None
    per_session: bool
    modules: tuple[str, ...]
    version: str = __version__


class Counted(NamedTuple):
    """Counts of some combinations: rows of a :class:`alertlib.search.cube.Cube`."""

    counts: npt.NDArray[np.int32]
    money: Floats
    paid: Floats


def bar_file(bars: Bars, symbols: tuple[SymbolSpec, ...]) -> BarFile:
    """Return where workers find ``bars``.

    Raises
    ------
    ConfigError
        If they were made in memory.
    """
    if not Path(bars.source).exists():
        raise ConfigError(
            f"executor: bars of {bars.source!r} are in memory only; expected bars read from a "
            "file that workers can read; write them with bars.frame.write_parquet and read that"
        )
    times = bars.frame["time"]
    path = str(Path(bars.source).resolve())
    return BarFile(path, bars.symbol, bars.timeframe, symbols, times[0], times[-1], bars.sha256)


def modules_of(settings: Settings) -> tuple[str, ...]:
    """Return the modules that declare the enabled detectors of the user's own.

    Raises
    ------
    ConfigError
        If one is declared where no worker can import it from.
    """
    found = {}
    for each in enabled_detectors(settings.detection):
        if each.name not in BUILT_IN:
            found[(each.columns or each.step).__module__] = each.name
    for module, name in found.items():
        if module == "__main__":
            raise ConfigError(
                f"detector {name!r}: declared in the running program, where workers cannot import "
                "it; expected a module; move it into a file of its own and import that"
            )
    return tuple(found)


class Counter:
    """Counts combinations of one search in one thread."""

    def __init__(self, ground: Ground, settings: Settings, keys: tuple[str, ...], apart: bool):
        self._stages, self._keys, self._apart = Stages(ground, settings), keys, apart
        self._sessions = len(ground.scope.sessions)
        self._fees = session_fees(ground.series, settings.trade)[ground.scope.sessions]

    def count(self, combinations: Iterable[Values]) -> Counted:
        """Count combinations, in their order."""
        found = [self._one(dict(zip(self._keys, one, strict=True))) for one in combinations]
        counts, money, paid = zip(*found, strict=True)
        return Counted(np.array(counts), np.array(money), np.array(paid))

    def _one(self, changed: dict[str, Any]) -> tuple[Any, Floats, float]:
        found = self._stages.counts(changed)
        counts = np.empty((self._sessions, 6), dtype=np.int32)
        counts[:, :4], counts[:, 4:] = found.matches, found.trades[:, :2]
        money = found.trades[:, 2:]
        paid = float(found.trades[:, 0] @ self._fees)
        if self._apart:
            return counts, money, paid
        return counts.sum(axis=0, keepdims=True), money.sum(axis=0, keepdims=True), paid


# Of the last job: what its threads share, and what each has of its own.
_SHARED: dict[str, Ground] = {}
_LOCK = Lock()
_OWN = local()


def count_block(job: Job, combinations: tuple[Values, ...]) -> Counted:
    """Count some combinations in a worker, which reads the bars of a job once.

    Raises
    ------
    ConfigError
        If the worker has another version of this package or cannot import a detector.
    DataError
        If it cannot read the bars.
    """
    if getattr(_OWN, "job", None) != job.name:
        with _LOCK:
            if job.name not in _SHARED:
                _SHARED.clear()
                _SHARED[job.name] = _prepare(job)
            ground = _SHARED[job.name]
        _OWN.counter = Counter(ground, job.settings, job.keys, job.per_session)
        _OWN.job = job.name
    counter: Counter = _OWN.counter
    return counter.count(combinations)


def _prepare(job: Job) -> Ground:
    if job.version != __version__:
        raise ConfigError(
            f"executor: a worker has alertlib {__version__}, this program {job.version}; expected "
            "the same; install the same version on all workers"
        )
    for module in job.modules:
        try:
            importlib.import_module(module)
        except Exception as error:  # a module runs anything when it is imported
            raise ConfigError(
                f"executor: a worker cannot import {module}, which declares a detector "
                f"({type(error).__name__}: {error}); expected it on the worker's path; start "
                "workers where it can be imported"
            ) from error
    series = make_series(job.bars.read())
    return lay_ground(series, job.settings, job.moves, job.between)

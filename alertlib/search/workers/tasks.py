"""What a worker is given, wherever it runs: names and numbers, never bars or code."""

from __future__ import annotations

import importlib
import pickle
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock, local
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from alertlib._typing import Floats
from alertlib._version import __version__
from alertlib.bars.series import make_series
from alertlib.config.schema import Settings
from alertlib.detection.builtin import is_built_in
from alertlib.detection.detectors import REGISTRY, Detector
from alertlib.detection.registry import find_detector
from alertlib.errors import ConfigError
from alertlib.scoring.counting import Ground
from alertlib.scoring.labels import Opportunities
from alertlib.scoring.scored_sessions import Span
from alertlib.scoring.trades import session_fees
from alertlib.search.stages import Stages, lay_ground
from alertlib.search.workers.bar_files import BarFile

# The typed values of one combination, in the order of the job's keys.
Values = tuple[Any, ...]


@dataclass(frozen=True)
class Job:
    """What all tasks of one search have in common.

    Attributes
    ----------
    bars : BarFile
    settings : Settings
        What no combination changes.
    keys : tuple of str
    moves : Opportunities or None
        Manual labels of the whole file.
    between : (date, date) or None
    per_session : bool
        Whether sessions are kept apart.
    detectors : tuple of Detector
        Those enabled that are the user's own.
    """

    bars: BarFile
    settings: Settings
    keys: tuple[str, ...]
    moves: Opportunities | None
    between: Span | None
    per_session: bool
    detectors: tuple[Detector, ...]


class Module(NamedTuple):
    """A module of the user's own that a job needs, and the hash of its file."""

    name: str
    sha256: str | None


class Parcel(NamedTuple):
    """A job on its way.

    Attributes
    ----------
    job : str
        Of this job and no other.
    version : str
        Of this package: another one may not read the content.
    modules : tuple of Module
        Imported before the content is read.
    content : bytes
    """

    job: str
    version: str
    modules: tuple[Module, ...]
    content: bytes


class Call:
    """A call of :func:`count_block`: to unpickle it is to make it, and gives what it came to.

    So a worker that cannot import what it needs says so by the error of a task. Of an executor's
    own message it may know no more than that it died over it.
    """

    def __init__(self, parcel: Parcel, combinations: tuple[Values, ...]) -> None:
        self._arguments = parcel, combinations

    def __reduce__(self) -> tuple[Any, ...]:
        return count_block, self._arguments


class Counted(NamedTuple):
    """Counts of some combinations: rows of a :class:`alertlib.search.cube.Cube`."""

    counts: npt.NDArray[np.integer[Any]]
    money: npt.NDArray[np.float64 | np.int32]
    paid: Floats


def own_detectors(settings: Settings) -> tuple[Detector, ...]:
    """Return the enabled detectors of the user's own, as they are declared.

    Raises
    ------
    ConfigError
        If one is declared where no worker can import it from.
    """
    enabled = map(find_detector, settings.detection.enabled)
    found = tuple(each for each in enabled if not is_built_in(each))
    for each in found:
        if each.lost is not None:
            raise ConfigError(
                f"detector {each.lost!r}: declared in the running program, where workers cannot "
                "import it; expected a module; move it into a file of its own and import that"
            )
    return found


def pack(job: Job) -> Parcel:
    """Return a job as it is sent.

    Raises
    ------
    ConfigError
        If a detector's parameters cannot be sent.
    """
    homes = sorted({home for each in job.detectors for home in each.homes()})
    try:
        content = pickle.dumps(job)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"executor: the detectors' parameters cannot be sent to workers ({error}); expected "
            "numbers and functions of modules; use threads"
        ) from error
    modules = tuple(Module(home, _hash_of(home)) for home in homes)
    return Parcel(uuid4().hex, __version__, modules, content)


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
_SHARED: dict[str, tuple[Job, Ground]] = {}
_LOCK = Lock()
_OWN = local()


def count_block(parcel: Parcel, combinations: tuple[Values, ...]) -> Counted:
    """Count some combinations in a worker, which reads the bars of a job once.

    Raises
    ------
    ConfigError
        If the worker has another version of this package or of a detector's module.
    DataError
        If it cannot read the bars.
    """
    if getattr(_OWN, "job", None) != parcel.job:
        with _LOCK:
            if parcel.job not in _SHARED:
                _SHARED.clear()
                _SHARED[parcel.job] = _unpack(parcel)
            job, ground = _SHARED[parcel.job]
        _OWN.counter = Counter(ground, job.settings, job.keys, job.per_session)
        _OWN.job = parcel.job
    counter: Counter = _OWN.counter
    return narrowed(counter.count(combinations))


def narrowed(counted: Counted) -> Counted:
    """Return the same numbers in as few bytes as hold them: most of a block's way is their size."""
    counts, money, paid = counted
    if counts.size:
        counts = counts.astype(np.min_scalar_type(counts.max()))
        whole = money.astype(np.int32) if np.abs(money).max() < 2**31 else money
        money = whole if np.array_equal(whole, money) else money
    return Counted(counts, money, paid)


def _unpack(parcel: Parcel) -> tuple[Job, Ground]:
    if parcel.version != __version__:
        raise ConfigError(
            f"executor: a worker has alertlib {__version__}, this program {parcel.version}; "
            "expected the same; install the same version on all workers"
        )
    for module in parcel.modules:
        _import(module)
    job: Job = pickle.loads(parcel.content)
    # Another module the worker has imported may declare one of the same name.
    REGISTRY.update({each.name: each for each in job.detectors})
    series = make_series(job.bars.read())
    return job, lay_ground(series, job.settings, job.moves, job.between)


def _import(module: Module) -> None:
    try:
        importlib.import_module(module.name)
    except (Exception, SystemExit) as error:  # a module runs anything when it is imported
        raise ConfigError(
            f"executor: a worker cannot import {module.name}, which declares a detector "
            f"({type(error).__name__}: {error}); expected it on the worker's path; start "
            "workers where it can be imported"
        ) from error
    if _hash_of(module.name) != module.sha256:
        raise ConfigError(
            f"executor: a worker has another {module.name}, which declares a detector; expected "
            "the file of this program; copy it there and start the worker again"
        )


def _hash_of(module: str) -> str | None:
    """Return the hash of a module's file; None where it has none."""
    path = getattr(sys.modules.get(module), "__file__", None)
    try:
        return sha256(Path(path).read_bytes()).hexdigest() if path else None
    except OSError:
        return None

"""Counts are the same wherever they are made, and what a cluster lacks is one line."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import random
import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import alertlib as al
from alertlib import errors
from alertlib.config import Config
from alertlib.config.schema import SymbolSpec
from alertlib.errors import AlertlibError, ConfigError, DataError
from alertlib.search.cube import Cube
from alertlib.search.dispatch import count_grid, empty_cube, fill, typed_values
from alertlib.search.grid import grid
from alertlib.search.grid.grid import Grid
from alertlib.search.ledger.reader import read_ledger
from alertlib.search.result import Sweep
from alertlib.search.subject import Subject, make_subject
from alertlib.search.volatility.headline import covers
from alertlib.search.workers import executors, processes
from alertlib.search.workers.executors import AHEAD, Pool, check_executor
from alertlib.search.workers.tasks import Call, Counted, Module, Parcel, narrowed
from alertlib.search.workers.worker import Worker
from tests.support import calls
from tests.support.running import until
from tests.support.synthetic import frame, walk

ROOT = Path(__file__).parents[3]
FOLLOW = "tests.support.user_detectors:follow"
BASE = (
    Config()
    .set("detection.enabled", ["volatility", "engulfing", FOLLOW])
    .update({"scoring": {"sessions": 30, "warmup_bars": 30}})
)
GIVEN: dict[str, Any] = {
    "detection.volatility.window": [5, 9, 20],
    "policy.cooldown_bars": [0, 6],
    "trade.stop_atr": [1.0, 2.0],
    "trade.target_atr": [1.5, 2.5],
}


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> al.Bars:
    path = tmp_path_factory.mktemp("bars") / "win.parquet"
    frame(walk(77, sessions=14)).write_parquet(path)
    return al.read_bars(path, symbol="WIN$N", timeframe="M5")


@pytest.fixture(scope="module")
def subject(bars: al.Bars) -> Subject:
    return make_subject(bars, BASE)


@pytest.fixture(scope="module")
def expected(bars: al.Bars) -> Sweep:
    found = al.sweep(bars, BASE, GIVEN, workers=1)
    assert len({row.tobytes() for row in found.cube.counts}) > 6
    return found


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawning) as made:
        # Both now: one that a test starts has the path of that test.
        list(made.map(abs, range(2)))
        yield made


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    import distributed

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=60
    ) as made:
        yield made


def address(cluster: Any) -> str:
    found: str = cluster.scheduler_address
    return found.replace("tcp://", "dask://")


def assert_same(found: Sweep | Cube, expected: Sweep | Cube) -> None:
    """To the last bit."""
    one, other = (each if isinstance(each, Cube) else each.cube for each in (found, expected))
    assert np.array_equal(one.counts, other.counts)
    assert one.money.tobytes() == other.money.tobytes()
    if other.paid is not None:
        assert one.paid is not None
        assert one.paid.tobytes() == other.paid.tobytes()


# --- wherever they are made ---------------------------------------------------------------


@pytest.mark.parametrize("workers", [None, 1, 3])
@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_counts_are_the_same_under_every_name(
    bars: al.Bars, expected: Sweep, executor: str, workers: int | None
) -> None:
    assert_same(al.sweep(bars, BASE, GIVEN, executor=executor, workers=workers), expected)


def test_counts_are_the_same_in_pools_that_are_given(
    bars: al.Bars, expected: Sweep, pool: ProcessPoolExecutor
) -> None:
    """They stay open, and serve another search after it."""
    with ThreadPoolExecutor(2) as threads:
        for executor in (threads, pool, threads, pool):
            assert_same(al.sweep(bars, BASE, GIVEN, executor=executor), expected)
    other = al.sweep(bars, BASE, {"trade.stop_atr": [0.5, 3.0]}, executor=pool)
    assert_same(other, al.sweep(bars, BASE, {"trade.stop_atr": [0.5, 3.0]}))


def test_counts_are_the_same_on_a_dask_cluster(
    bars: al.Bars, expected: Sweep, cluster: Any
) -> None:
    """By its address, and by an executor of a client's that is given."""
    import distributed

    assert_same(al.sweep(bars, BASE, GIVEN, executor=address(cluster)), expected)
    with distributed.Client(cluster, set_as_default=False) as client:
        assert_same(al.sweep(bars, BASE, GIVEN, executor=client.get_executor()), expected)


def test_totals_are_the_same_as_well(
    bars: al.Bars, pool: ProcessPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grid, "MAX_PER_SESSION", 3)
    here = al.sweep(bars, BASE, GIVEN)
    assert not here.cube.per_session
    assert_same(al.sweep(bars, BASE, GIVEN, executor=pool), here)


def test_labels_and_dates_reach_the_workers(
    bars: al.Bars, pool: ProcessPoolExecutor, tmp_path: Path
) -> None:
    days = sorted(set(bars.frame["time"].dt.date()))
    labels = bars.frame.filter(pl.col("time").dt.hour() == 10).group_by(
        pl.col("time").dt.date(), maintain_order=True
    )
    spans = labels.agg(
        pl.col("time").first().alias("time_start"), pl.col("time").last().alias("time_end")
    )
    table = spans.select("time_start", "time_end", direction=1)
    options: dict[str, Any] = {"labels": table, "between": (days[4], days[-2])}
    here = al.sweep(bars, BASE, GIVEN, **options)
    assert 0 < len(here.cube.sessions) < len(days) - 4
    assert here.cube.opportunities.sum() == len(here.cube.sessions)
    assert_same(al.sweep(bars, BASE, GIVEN, executor=pool, **options), here)


def test_workers_read_what_this_program_read(bars: al.Bars, pool: ProcessPoolExecutor) -> None:
    """Fewer sessions than the file has; and an instrument that only the reader was told of."""
    spec = SymbolSpec(
        symbol="MADE", tick=5.0, fees_points=3.5, session_open="09:00", session_close="18:00"
    )
    read = al.read_bars(bars.source, symbol="MADE", timeframe="M5", sessions=10, symbols=(spec,))
    assert 0 < len(read) < len(bars)
    here = al.sweep(read, BASE, GIVEN)
    assert here.cube.fees[0] == 3.5
    assert_same(al.sweep(read, BASE, GIVEN, executor=pool), here)


splits = st.lists(st.integers(1, 23), max_size=6)


@settings(max_examples=15)
@given(st.permutations(range(24)), splits, st.randoms(use_true_random=False))
def test_any_split_in_any_order_gives_the_same(
    subject: Subject,
    expected: Sweep,
    pool: ProcessPoolExecutor,
    order: list[int],
    cuts: list[int],
    rng: random.Random,
) -> None:
    """Blocks of all sizes, counted here and in other processes."""
    made = expected.grid
    parcel = subject.parcel(made)
    blocks = [part for part in np.split(np.array(order), sorted(set(cuts))) if len(part)]
    cube = empty_cube(subject, made, len(made))
    for part in blocks:
        call = pickle.dumps(Call(parcel, tuple(typed_values(made, part))))
        here = rng.random() < 0.5
        fill(cube, part, pickle.loads(call) if here else pool.submit(pickle.loads, call).result())
    assert_same(cube, expected)


@given(
    arrays(np.int32, (3, 2, 6), elements=st.integers(0, 70_000)),
    arrays(
        np.float64,
        (3, 2, 2),
        elements=st.one_of(st.integers(-(2**33), 2**33), st.integers(-9, 9), st.floats(-9, 9)),
    ),
)
def test_what_is_sent_is_the_same_numbers_in_fewer_bytes(counts: Any, money: Any) -> None:
    money += 0.0  # no sum is -0.0
    sent = narrowed(Counted(counts, money, np.zeros(3)))

    assert np.array_equal(sent.counts, counts)
    assert sent.money.astype(np.float64).tobytes() == money.tobytes()
    assert sent.counts.nbytes <= counts.nbytes
    assert sent.money.dtype == (
        np.int32 if (money == money.round()).all() and np.abs(money).max() < 2**31 else np.float64
    )
    assert narrowed(Counted(counts[:0], money[:0], np.zeros(0))).counts.shape == (0, 2, 6)


class Unordered(Executor):
    """Ends what it is given late and in no order, here."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self.waiting: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []
        self.most = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.waiting.append((Future(), fn, args))
        future = self.waiting[-1][0]
        self.most = max(self.most, len(self.waiting))
        if len(self.waiting) == AHEAD * 2 or self._rng.random() < 0.2:
            self._end_some()
        threading.Timer(0.01, self._end_some).start()
        return future

    def _end_some(self) -> None:
        self._rng.shuffle(self.waiting)
        for _ in range(self._rng.randint(1, AHEAD)):
            if self.waiting:
                future, fn, args = self.waiting.pop()
                future.set_result(fn(*args))


@given(st.integers(0, 10**6), st.integers(0, 40))
def test_every_block_is_yielded_once_and_few_are_handed_out_ahead(seed: int, count: int) -> None:
    unordered = Unordered(seed)
    asked: list[int] = []

    class Asked(Sequence[int]):
        def __len__(self) -> int:
            return count

        def __getitem__(self, at: Any) -> Any:
            asked.append(at)
            assert len(asked) - len(found) <= AHEAD * 2 + 1
            return at * 10

    found: dict[int, int] = {}
    for at, value in Pool(unordered, 2).map(abs, Asked()):
        assert at not in found
        found[at] = value
    assert found == {at: at * 10 for at in range(count)}
    assert sorted(asked) == list(range(count))
    assert unordered.most <= AHEAD * 2


# --- workers that die ---------------------------------------------------------------------


class Kill:
    """A progress callback that kills a worker in the middle."""

    def __init__(self, pids: Callable[[], Sequence[int]], at: int = 2) -> None:
        self._pids, self._ahead = pids, at
        self.killed: list[int] = []

    def __call__(self, stage: str, done: int, ahead: int) -> None:
        self._ahead -= 1
        if self._ahead == 0:
            self.killed = [self._pids()[-1]]
            os.kill(self.killed[0], signal.SIGKILL)


MANY = {**GIVEN, "trade.horizon_bars": list(range(4, 40, 2))}


def assert_each_once(path: Path, found: Sweep) -> None:
    trials = list(read_ledger(path).trials())
    times = Counter(trial.config for trial in trials)
    assert len(times) == len(trials) == len(found)
    assert len(path.read_bytes().splitlines()) == 2 + len(found)


def test_a_process_killed_in_the_middle_is_replaced(
    bars: al.Bars, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []

    class Recorded(Worker):
        def __init__(self) -> None:
            super().__init__()
            started.append(self.pid)

    monkeypatch.setattr(processes, "Worker", Recorded)
    kill, path = Kill(lambda: started), tmp_path / "trials.jsonl"
    found = al.sweep(bars, BASE, MANY, executor="processes", workers=2, ledger=path, progress=kill)

    assert kill.killed
    assert len(started) == 3
    assert_same(found, al.sweep(bars, BASE, MANY))
    assert_each_once(path, found)


def test_a_dask_worker_killed_in_the_middle_is_done_without(
    bars: al.Bars, cluster: Any, tmp_path: Path
) -> None:
    import distributed

    with distributed.Client(cluster, set_as_default=False) as client:
        pids = list(client.run(os.getpid).values())
        kill, path = Kill(lambda: pids), tmp_path / "trials.jsonl"
        found = al.sweep(bars, BASE, MANY, executor=address(cluster), ledger=path, progress=kill)
        assert kill.killed
        assert_same(found, al.sweep(bars, BASE, MANY))
        assert_each_once(path, found)
        until(lambda: len(client.nthreads()) == 2, 60.0)


def test_a_given_pool_whose_worker_died_is_named(bars: al.Bars, tmp_path: Path) -> None:
    """What was done is in the ledger, and another pool goes on with it."""
    path, spawning = tmp_path / "trials.jsonl", multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawning) as one:
        kill = Kill(lambda: [one.submit(calls.pid).result()])
        with pytest.raises(DataError, match="the given ProcessPoolExecutor is broken") as told:
            al.sweep(bars, BASE, MANY, executor=one, ledger=path, progress=kill)
        assert "\n" not in str(told.value)
    kept = path.read_bytes()
    assert kept.count(b"\n") > 2
    found = al.sweep(bars, BASE, MANY, ledger=path, resume=True)
    assert path.read_bytes().startswith(kept)
    assert_same(found, al.sweep(bars, BASE, MANY))
    assert_each_once(path, found)


def test_a_closed_pool_is_named(bars: al.Bars) -> None:
    spawning = multiprocessing.get_context("spawn")
    for closed in (ThreadPoolExecutor(1), ProcessPoolExecutor(1, spawning)):
        closed.shutdown()
        with pytest.raises(ConfigError, match=r"takes no work .* expected an open"):
            al.sweep(bars, BASE, GIVEN, executor=closed)


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_who_stops_reading_stops_the_workers(subject: Subject, executor: str) -> None:
    made = Grid(MANY, BASE)
    before = set(threading.enumerate())
    with closing(count_grid(subject, made, np.arange(len(made)), executor, 2)) as blocks:
        next(blocks)
    until(lambda: set(threading.enumerate()) <= before, 10.0)


def test_an_error_of_the_ledgers_disk_stops_the_workers(bars: al.Bars) -> None:
    before = set(threading.enumerate())

    def refuse(stage: str, done: int, ahead: int) -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space") as kept:
        al.sweep(bars, BASE, MANY, executor="processes", workers=2, progress=refuse)
    assert kept.tb is not None  # its frames are alive, and the workers are not
    assert set(threading.enumerate()) <= before


# --- what workers need --------------------------------------------------------------------


MODULE = """
from typing import NamedTuple
import alertlib as al
class P(NamedTuple):
    every: int = 7
class S(NamedTuple):
    seen: int = 0
@al.detector("own", patterns=("a", "b"), params=P(), state=S())
def own(state, ring, bar, p):
    return (1 if state.seen % p.every == 0 else 0), S(state.seen + 1)
def late(bar):
    return bar.minute > 660
al.only(own, where=late, name="own.late")
al.both("volatility", own, name="own.both")
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_registry: None) -> str:
    """A module of a user's own, on the path; it goes with the test."""
    name = f"own_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, name, ModuleType(name))  # taken out again afterwards
    del sys.modules[name]
    return name


def enabled(*names: str) -> Config:
    return BASE.set("detection.enabled", list(names))


def test_detectors_of_a_users_module_are_imported_by_the_workers(
    bars: al.Bars, module: str
) -> None:
    __import__(module)
    config = enabled(f"{module}:own", "own.late", "own.both", "volatility")
    values = {**GIVEN, f"detection.custom.{module}:own.every": [5, 9]}
    here = al.sweep(bars, config, values)
    assert len({row.tobytes() for row in here.cube.counts}) > 12
    assert_same(al.sweep(bars, config, values, executor="processes", workers=1), here)


def test_a_detector_of_the_program_is_refused_before_anything_starts(
    bars: al.Bars, own_registry: None
) -> None:
    exec(MODULE, {"__name__": "__main__"})
    for name in ("own", "own.late", "own.both"):
        with pytest.raises(ConfigError) as told:
            al.sweep(bars, enabled(name), {"trade.stop_atr": [1.0]}, executor="processes")
        assert str(told.value) == (
            "detector 'own': declared in the running program, where workers cannot import it; "
            "expected a module; move it into a file of its own and import that"
        )
    assert len(al.sweep(bars, enabled("own"), {"trade.stop_atr": [1.0]})) == 1


def test_what_a_program_makes_of_built_in_detectors_travels(
    bars: al.Bars, own_registry: None
) -> None:
    made = 'import alertlib as al\nal.only("volatility", between=("10:00", "16:00"), name="day")'
    exec(made, {"__name__": "__main__"})
    config = enabled("day")
    here = al.sweep(bars, config, {"trade.stop_atr": [1.0, 2.0]})
    assert here.cube.counts.any()
    there = al.sweep(bars, config, {"trade.stop_atr": [1.0, 2.0]}, executor="processes")
    assert_same(there, here)


def one_line(executor: Executor, parcel: Parcel) -> str:
    """What a worker says of a parcel it cannot use."""
    with pytest.raises(ConfigError) as told:
        list(Pool(executor, 1).map(pickle.loads, [pickle.dumps(Call(parcel, ()))]))
    return str(told.value)


def test_a_worker_that_cannot_import_a_module_says_so(
    bars: al.Bars, module: str, pool: ProcessPoolExecutor
) -> None:
    """The pool was started before the module's folder was on the path."""
    with pytest.raises(ConfigError) as told:
        al.sweep(bars, enabled(f"{module}:own"), {"trade.stop_atr": [1.0]}, executor=pool)
    assert str(told.value) == (
        f"executor: a worker cannot import {module}, which declares a detector "
        f"(ModuleNotFoundError: No module named '{module}'); expected it on the worker's path; "
        "start workers where it can be imported"
    )


def test_a_worker_with_another_version_or_another_module_says_so(
    subject: Subject, expected: Sweep, pool: ProcessPoolExecutor
) -> None:
    parcel = subject.parcel(expected.grid)
    assert [module.name for module in parcel.modules] == ["tests.support.user_detectors"]
    assert one_line(pool, parcel._replace(version="0.0.7")) == (
        f"executor: a worker has alertlib {al.__version__}, this program 0.0.7; expected the "
        "same; install the same version on all workers"
    )
    changed = (Module("tests.support.user_detectors", "0" * 64),)
    assert one_line(pool, parcel._replace(modules=changed)) == (
        "executor: a worker has another tests.support.user_detectors, which declares a detector; "
        "expected the file of this program; copy it there and start the worker again"
    )


def test_a_worker_that_reads_other_bars_says_so(bars: al.Bars, tmp_path: Path) -> None:
    path = tmp_path / "win.parquet"
    path.write_bytes(Path(bars.source).read_bytes())
    read = al.read_bars(path, symbol="WIN$N", timeframe="M5")
    frame(walk(78, sessions=14)).write_parquet(path)
    with pytest.raises(DataError) as told:
        al.sweep(read, BASE, GIVEN, executor="processes", workers=1)
    assert str(told.value).startswith(f"{path}: a worker reads other bars there (sha256 ")
    assert str(told.value).endswith(
        f"; expected {read.sha256[:12]}; give all workers the same file"
    )
    path.unlink()
    with pytest.raises(ConfigError, match="are in memory only"):
        al.sweep(read, BASE, GIVEN, executor="processes", workers=1)


def test_errors_cross_processes_with_their_line(pool: ProcessPoolExecutor) -> None:
    kinds = [AlertlibError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    own = [kind for kind in kinds if kind.__module__ == "alertlib.errors"]
    assert {kind.__name__ for kind in own} == {
        name for name, found in vars(errors).items() if isinstance(found, type)
    } - {"AlertlibWarning"}
    for kind in own:
        error = pickle.loads(pickle.dumps(kind("one line; what to do")))
        assert type(error) is kind
        assert str(error) == "one line; what to do"
        assert error.exit_status == kind.exit_status
    with pytest.raises(ConfigError, match="a worker's own line"):
        list(Pool(pool, 1).map(calls.refuse, ["ours"]))


@pytest.mark.parametrize(
    ("executor", "workers", "line"),
    [
        ("thread", None, "executor: got 'thread', expected threads, processes, dask://HOST:PORT"),
        (7, None, "executor: got 7, expected threads"),
        ("threads", 0, "workers: got 0, expected at least 1"),
        ("dask://", None, "executor: got 'dask://', expected dask://HOST:PORT"),
        ("dask://host", None, "executor: got 'dask://host', expected dask://HOST:PORT"),
        ("dask://host:", None, "executor: got 'dask://host:', expected"),
        ("dask://host:port", None, "executor: got 'dask://host:port', expected"),
        ("dask://host:99999", None, "executor: got 'dask://host:99999', expected"),
        ("dask://:8786", None, "executor: got 'dask://:8786', expected"),
        ("dask://host:8786/", None, "executor: got 'dask://host:8786/', expected"),
    ],
)
def test_what_names_no_executor_is_refused(executor: Any, workers: int | None, line: str) -> None:
    with pytest.raises(ConfigError) as told:
        check_executor(executor, workers)
    assert str(told.value).startswith(line)


def test_dask_is_an_extra(bars: al.Bars, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError) as told:
        al.sweep(bars, BASE, GIVEN, executor="dask://127.0.0.1:8786")
    assert str(told.value) == (
        "executor: dask is not installed; expected it for dask://HOST:PORT; install the extra dask"
    )


def test_a_cluster_that_all_workers_left_is_not_waited_for(
    bars: al.Bars, monkeypatch: pytest.MonkeyPatch
) -> None:
    import distributed

    monkeypatch.setattr(executors, "PATIENCE_S", 0.5)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=60) as empty,
        pytest.raises(DataError, match="the cluster has had no worker for 0 s"),
    ):
        al.sweep(bars, BASE, GIVEN, executor=address(empty))


# --- from the command line ----------------------------------------------------------------


@contextmanager
def sweeping(*options: str, **popen: Any) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "runners.sweep", "--bars", "data/sample/win_m5.parquet"]
    with subprocess.Popen(
        [*command, *options], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        **popen,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


class Mocking(socketserver.StreamRequestHandler):
    """A server that speaks something else."""

    def handle(self) -> None:
        self.rfile.read(8)
        self.wfile.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_cluster_that_cannot_be_reached_is_one_line() -> None:
    """Nobody there; and a server of another kind."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mocking) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        mocking = server.server_address[1]
        for port, found in ((9, "nobody answers within 5 s"), (mocking, "what answers is no")):
            executor, begun = f"dask://127.0.0.1:{port}", time.monotonic()
            with sweeping("--grid", "trade.stop_atr=1,2", "--executor", executor) as process:
                out, told = process.communicate(timeout=60)
            assert process.returncode == 3
            assert told.startswith(f"error: executor: {executor} cannot be reached ({found}")
            assert told.endswith("start one or correct the address\n")
            assert told.count("\n") == 1
            assert out == ""
            assert time.monotonic() - begun < 30.0
        server.shutdown()


LARGE = (
    "--grid", "detection.volatility.window=5:60:1", "--grid", "policy.cooldown_bars=0:12:1",
    "--grid", "trade.stop_atr=1:2:0.5", "--workers", "2",
)  # fmt: skip


def group(number: int) -> list[int]:
    """Processes of a group that live."""
    found = []
    for place in Path("/proc").iterdir():
        try:
            state, _, members = (place / "stat").read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(members) == number and state != "Z":
            found.append(int(place.name))
    return found


def interrupt(path: Path, executor: str, wait: float | None, to_all: bool) -> str:
    """Press Ctrl-C once something is counted, or so long after the ledger was begun.

    Return what the command said.
    """
    options = ("--executor", executor, "--ledger", str(path))
    with sweeping(*LARGE, *options, start_new_session=True) as process:
        # Not before all is imported: a library's bare `except` may swallow it there.
        counted = 50_000 if wait is None else 1
        until(lambda: path.exists() and path.stat().st_size >= counted, 120.0)
        time.sleep(wait or 0.0)
        if to_all:
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        until(lambda: not group(process.pid), 10.0)
    assert process.returncode == 130
    return told


def resumed(path: Path, executor: str) -> dict[str, Any]:
    options = ("--executor", executor, "--ledger", str(path), "--resume", "--json", "-")
    with sweeping(*LARGE, *options) as process:
        out, told = process.communicate(timeout=300)
    assert process.returncode == 0, told
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.fixture(scope="module")
def undisturbed() -> list[Any]:
    values = {
        "detection.volatility.window": list(range(5, 61)),
        "policy.cooldown_bars": list(range(13)),
        "trade.stop_atr": [1.0, 1.5, 2.0],
    }
    found = al.sweep(al.read_bars(al.sample_path()), al.load_config(), values)
    return json.loads(json.dumps(found.to_dict()["combinations"]))  # type: ignore[no-any-return]


posix = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")


@posix
@pytest.mark.slow
@pytest.mark.parametrize("executor", ["processes", "threads"])
def test_what_ctrl_c_left_is_resumed(tmp_path: Path, executor: str, undisturbed: list[Any]) -> None:
    path = tmp_path / "trials.jsonl"
    assert "Traceback" not in interrupt(path, executor, None, to_all=True)
    kept = path.read_bytes()
    assert 2 < kept.count(b"\n") < 2 + len(undisturbed)
    assert kept.endswith(b"\n")

    found = resumed(path, executor)
    assert found["combinations"] == undisturbed
    assert found["trials"] == len(undisturbed)
    assert path.read_bytes().startswith(kept)
    assert path.read_bytes().count(b"\n") == 2 + len(undisturbed)


@posix
def test_ctrl_c_ends_processes_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    assert interrupt(path, "processes", None, to_all=True) in ("", COMPILING)
    assert len(list(read_ledger(path).trials())) > 2


COMPILING = "warning: compiling once for this machine, which takes a few seconds\n"


@posix
@pytest.mark.slow
@pytest.mark.parametrize("to_all", [True, False])
@pytest.mark.parametrize("wait", np.linspace(0.0, 2.2, 12).round(2).tolist())
def test_ctrl_c_at_any_moment(tmp_path: Path, wait: float, to_all: bool) -> None:
    path = tmp_path / "trials.jsonl"
    assert interrupt(path, "processes", wait, to_all) in ("", COMPILING)
    read_ledger(path)


# --- dask workers of another kind ---------------------------------------------------------


@contextmanager
def dask_worker(scheduler: str, folder: Path, before: str = "") -> Iterator[None]:
    """A worker started as on another machine: in another folder, with a path of its own."""
    code = (
        f"import sys\n{before}\nfrom distributed.cli.dask_worker import main\n"
        f"main([{scheduler!r}, '--no-nanny', '--nthreads', '1', '--no-dashboard'])"
    )
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, env=env, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            yield
        finally:
            process.kill()


HIDDEN = """
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] == 'alertlib':
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)
sys.meta_path.insert(0, Hide())
"""


@pytest.mark.slow
def test_dask_workers_without_what_they_need_say_so(
    bars: al.Bars, module: str, tmp_path: Path
) -> None:
    """No package, another version, a path without a user's module, the module of another day."""
    import distributed

    here = f"sys.path.insert(0, {str(ROOT)!r})"
    older = "import alertlib._version; alertlib._version.__version__ = '0.0.1'"
    changed = tmp_path / "changed"
    changed.mkdir()
    (changed / f"{module}.py").write_text(MODULE.replace("7", "8"), encoding="utf-8")
    cases = (
        (HIDDEN, f"a worker cannot import what it is to do .*; expected alertlib {al.__version__}"),
        (f"{here}\n{older}", f"a worker has alertlib 0.0.1, this program {al.__version__}"),
        (here, f"a worker cannot import {module}, which declares a detector"),
        (f"{here}\nsys.path.insert(0, {str(changed)!r})", f"a worker has another {module}"),
    )
    config = enabled(f"{module}:own")
    for before, line in cases:
        with (
            distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=60) as empty,
            dask_worker(empty.scheduler_address, Path("/"), before),
        ):
            empty.wait_for_workers(1, timeout=60)
            with pytest.raises(ConfigError, match=line) as told:
                al.sweep(bars, config, {"trade.stop_atr": [1.0]}, executor=address(empty))
            assert "\n" not in str(told.value)


@pytest.mark.slow
def test_a_scheduler_that_goes_away_is_one_line(bars: al.Bars, tmp_path: Path) -> None:
    import distributed

    path = tmp_path / "trials.jsonl"
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs=60
    ) as going:

        def go(stage: str, done: int, ahead: int) -> None:
            going.close()

        with pytest.raises(DataError, match="the scheduler has gone"):
            al.sweep(bars, BASE, MANY, executor=address(going), ledger=path, progress=go)
    assert 2 < path.read_bytes().count(b"\n") < 2 + len(Grid(MANY, BASE))
    found = al.sweep(bars, BASE, MANY, ledger=path, resume=True)
    assert_each_once(path, found)


def test_a_users_detector_under_a_built_in_name_is_not_the_built_in_one(
    bars: al.Bars, module: str, tmp_path: Path
) -> None:
    """Workers ran the built-in one, and a ledger knew no code of it."""
    config = enabled("volatility")
    built_in = al.sweep(bars, config, {"trade.stop_atr": [1.0, 2.0]})
    with (tmp_path / f"{module}.py").open("a", encoding="utf-8") as file:
        file.write('al.only("volatility", where=late, name="volatility")\n')
    __import__(module)

    here = al.sweep(bars, config, {"trade.stop_atr": [1.0, 2.0]})
    assert not np.array_equal(here.cube.counts, built_in.cube.counts)
    there = al.sweep(bars, config, {"trade.stop_atr": [1.0, 2.0]}, executor="processes", workers=1)
    assert_same(there, here)
    assert set(here.known_subject("test").identity(here.grid).code) == {"volatility"}


@pytest.mark.usefixtures("own_registry")
def test_the_pass_over_the_bars_for_volatility_is_for_the_built_in_one(bars: al.Bars) -> None:
    config = enabled("volatility").update(
        {"policy.cooldown_bars": 0, "policy.window_start": "00:00", "policy.window_end": "23:59"}
    )
    grid = {"trade.stop_atr": [1.0, 2.0]}
    built_in = al.sweep(bars, config, grid)
    assert covers(built_in.known_subject("test"), built_in.grid)

    al.only("volatility", between=("11:00", "18:00"), name="volatility")
    own = al.sweep(bars, config, grid)

    assert not covers(own.known_subject("test"), own.grid)
    assert own.cube.counts.sum() < built_in.cube.counts.sum()

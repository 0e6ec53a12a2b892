"""The bar store: nothing stored is lost, half-written or changed, whatever befalls its writer."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertlib import _files
from alertlib.bars.schema import BAR_SCHEMA
from alertlib.bars.store import manifest, writer
from alertlib.bars.store.manifest import MANIFEST, PENDING, Key, Removal, load_manifest
from alertlib.bars.store.partitions import decode, read_partition
from alertlib.bars.store.store import is_store, open_series, open_store
from alertlib.bars.store.writer import StoreWriter, write_bars
from alertlib.errors import BusyError, DataError, StorageError
from tests.support.made_bars import SEEN, make_bars

ROOT = Path(__file__).parents[3]
POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals and limits")


def add(root: Path, bars: pl.DataFrame, **provenance: object) -> object:
    return write_bars(root, "WIN$N", "M5", bars, SEEN._replace(**provenance))


def read(root: Path) -> pl.DataFrame:
    return open_series(root, "WIN$N", "M5").scan().collect()


def assert_valid(root: Path) -> pl.DataFrame:
    """Check the layout with nothing but its description; return the bars."""
    bars = read(root)
    assert bars["time"].is_sorted()
    assert bars["time"].n_unique() == bars.height
    return bars


def test_layout_is_the_one_other_programs_rely_on(tmp_path: Path) -> None:
    add(tmp_path, pl.concat([make_bars("2025-12-30 09:00"), make_bars()]))

    manifest = json.loads((tmp_path / "manifest.json").read_text())
    key = "symbol=WIN$N/timeframe=M5/year=2026"
    assert sorted(manifest) == ["symbol=WIN$N/timeframe=M5/year=2025", key]
    files = list((tmp_path / key).glob("*.parquet"))
    assert len(files) == 1
    assert manifest[key] == {
        "source": "test",
        "rows": 50,
        "first": "2026-01-05T09:00:00",
        "last": "2026-01-05T13:05:00",
        "sha256": hashlib.sha256(files[0].read_bytes()).hexdigest(),
        "fetched_at": "2026-01-01T00:00:00Z",
        "server_offset": -10_800,
    }
    hive = pl.scan_parquet(tmp_path / "**/*.parquet", hive_partitioning=True).collect()
    assert hive["symbol"].unique().to_list() == ["WIN$N"]
    assert hive.sort("time").select(BAR_SCHEMA.names()).equals(read(tmp_path))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 95), st.integers(1, 40)), min_size=1, max_size=6))
def test_any_pieces_in_any_order_make_their_union(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[int, int]]
) -> None:
    root = tmp_path_factory.mktemp("store")
    whole = make_bars("2025-12-31 20:00", 140)  # across a year
    reference = pl.concat([whole.slice(at, n) for at, n in pieces]).unique("time").sort("time")

    added = sum(add(root, whole.slice(at, n)).added for at, n in pieces)

    assert read(root).equals(reference)
    assert added == reference.height
    assert open_series(root).rows == reference.height


def test_adding_the_same_bars_again_writes_nothing(tmp_path: Path) -> None:
    add(tmp_path, make_bars())
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}

    written = add(tmp_path, make_bars(), fetched_at=datetime(2026, 2, 1, tzinfo=UTC))

    assert (written.added, written.unchanged, written.revisions) == (0, 50, [])
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    del before[tmp_path / ".lock"], after[tmp_path / ".lock"]
    assert after == before


def test_a_revised_bar_is_recorded_once_and_the_stored_one_stays(tmp_path: Path) -> None:
    add(tmp_path, make_bars())
    stored = read(tmp_path)
    revised = make_bars(count=60).with_columns(
        close=pl.when(pl.int_range(60) == 49).then(pl.col("close") + 5).otherwise("close")
    )

    for _ in range(2):
        written = add(tmp_path, revised)
        assert [revision.time for revision in written.revisions] == [stored["time"][49]]

    assert read(tmp_path).head(50).equals(stored)
    assert read(tmp_path).height == 60
    entry = json.loads((tmp_path / MANIFEST).read_text())["symbol=WIN$N/timeframe=M5/year=2026"]
    (revision,) = entry["revisions"]
    assert revision["received"]["close"] - revision["stored"]["close"] == 5
    assert revision["time"] == "2026-01-05T13:05:00"


def test_an_unknown_volume_is_no_revision_of_a_known_one(tmp_path: Path) -> None:
    add(tmp_path, make_bars())
    unknown = make_bars().with_columns(real_volume=pl.lit(None, pl.Int64))
    assert add(tmp_path, unknown).revisions == []


def test_sources_accumulate(tmp_path: Path) -> None:
    add(tmp_path, make_bars(), source="export.csv", server_offset=None)
    add(tmp_path, make_bars(count=51), source="mt5:XP/1")
    add(tmp_path, make_bars(count=52), source="export.csv", server_offset=None)
    ((_, entry),) = open_series(tmp_path).partitions
    assert (entry.source, entry.server_offset) == ("export.csv; mt5:XP/1", -10_800)


def test_unsorted_bars_are_the_callers_bug(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sorted by time"):
        add(tmp_path, make_bars().reverse())


@pytest.mark.parametrize(
    ("symbol", "timeframe"), [("../../x", "M5"), ("a b", "M5"), ("", "M5"), ("WIN$N", "M7")]
)
def test_names_that_are_none_never_become_directories(
    tmp_path: Path, symbol: str, timeframe: str
) -> None:
    with pytest.raises(DataError, match=r"got the (symbol|timeframe) '.*'; expected a"):
        write_bars(tmp_path / "bars", symbol, timeframe, make_bars(), SEEN)
    assert [path.name for path in tmp_path.rglob("*")] == ["bars", ".lock"]


def test_scan_opens_only_the_partitions_of_its_range(tmp_path: Path) -> None:
    add(tmp_path, pl.concat([make_bars("2025-01-02 09:00"), make_bars("2026-01-05 09:00")]))
    (tmp_path / "symbol=WIN$N/timeframe=M5/year=2025/bars.parquet").unlink()
    series = open_series(tmp_path)
    assert series.scan(datetime(2026, 1, 1)).collect().height == 50
    with pytest.raises(DataError, match="year=2025: the file is missing or damaged"):
        series.scan().collect()


def test_last_sessions_counts_dates_across_years(tmp_path: Path) -> None:
    days = [date(2025, 12, 29), date(2025, 12, 30), date(2026, 1, 2), date(2026, 1, 5)]
    add(tmp_path, pl.concat([make_bars(f"{day} 09:00", 10) for day in days]))
    bars = open_series(tmp_path).last_sessions(3)
    assert bars["time"].dt.date().unique().sort().to_list() == days[1:]
    assert open_series(tmp_path).last_sessions(99).height == 40


def test_series_are_told_apart(tmp_path: Path) -> None:
    add(tmp_path, make_bars())
    write_bars(tmp_path, "WDO$N", "M15", make_bars(base=5_000), SEEN)
    assert [(s.symbol, s.timeframe) for s in open_store(tmp_path)] == [
        ("WDO$N", "M15"),
        ("WIN$N", "M5"),
    ]
    assert open_series(tmp_path, "WDO$N").timeframe == "M15"
    with pytest.raises(DataError, match=r"2 series for one series; .* holds WDO\$N M15, WIN\$N M5"):
        open_series(tmp_path)
    with pytest.raises(DataError, match="no series for PETR4 M5"):
        open_series(tmp_path, "PETR4", "M5")


def test_an_empty_directory_is_no_store(tmp_path: Path) -> None:
    assert not is_store(tmp_path)
    with pytest.raises(DataError, match=r"no bars; expected a bar store .* runners\.fetch"):
        open_store(tmp_path)


def test_a_garbled_manifest_is_refused_by_readers_and_writers(tmp_path: Path) -> None:
    add(tmp_path, make_bars())
    (tmp_path / MANIFEST).write_text('{"symbol=WIN$N": 1}')
    with pytest.raises(DataError, match=r"manifest\.json: not a manifest"):
        open_store(tmp_path)
    with pytest.raises(DataError, match=r"manifest\.json: not a manifest"):
        add(tmp_path, make_bars())
    (tmp_path / MANIFEST).write_text("{}")
    with pytest.raises(StorageError, match=r"not in .*manifest\.json; .* would replace this one"):
        add(tmp_path, make_bars())


def test_a_manifest_that_cannot_be_read_or_names_no_partition_is_refused(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).mkdir()
    with pytest.raises(StorageError, match=r"manifest\.json: cannot be read"):
        open_store(tmp_path)
    (tmp_path / MANIFEST).rmdir()
    add(tmp_path, make_bars())
    content = (tmp_path / MANIFEST).read_text()
    (tmp_path / MANIFEST).write_text(content.replace("year=2026", "week=2026"))
    with pytest.raises(DataError, match=r"got the key 'symbol=.*week=2026'; expected symbol=S"):
        open_store(tmp_path)


def test_a_range_without_bars_is_refused_with_what_is_stored(tmp_path: Path) -> None:
    add(tmp_path, make_bars())
    with pytest.raises(DataError, match=r"no bars of WIN\$N M5 between 2030.*stored are 2026"):
        open_series(tmp_path).scan(datetime(2030, 1, 1))


# --- damage ---------------------------------------------------------------------------------


def damage(root: Path) -> Path:
    path = root / "symbol=WIN$N/timeframe=M5/year=2026/bars.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


def test_a_damaged_partition_is_named_and_not_read(tmp_path: Path) -> None:
    add(tmp_path, make_bars())
    damage(tmp_path)
    with pytest.raises(DataError, match=r"year=2026: the file is missing or damaged; .* 50 bars"):
        read(tmp_path)


def test_a_damaged_partition_is_set_aside_and_can_be_fetched_again(tmp_path: Path) -> None:
    add(tmp_path, pl.concat([make_bars("2025-01-02 09:00"), make_bars()]))
    path = damage(tmp_path)
    damaged = path.read_bytes()

    with StoreWriter(tmp_path) as store:
        ((key, lost),) = store.set_aside_damaged("WIN$N", "M5")
        assert key == Key("WIN$N", "M5", 2026)
        assert (lost.rows, lost.first) == (50, datetime(2026, 1, 5, 9))
        assert (tmp_path / str(lost.moved_to)).read_bytes() == damaged
        assert not path.exists()
    series = open_series(tmp_path)
    assert series.scan(last=datetime(2025, 12, 31)).collect().height == 50
    with pytest.raises(DataError, match=r"50 bars from .* were damaged and set aside"):
        series.scan()

    add(tmp_path, make_bars(count=20))  # a part of it is not all of it
    with pytest.raises(DataError, match=r"50 bars from .* were damaged and set aside"):
        open_series(tmp_path).scan()
    add(tmp_path, make_bars())
    assert read(tmp_path).tail(50).equals(make_bars())
    with StoreWriter(tmp_path) as store:
        assert store.set_aside_damaged("WIN$N", "M5") == []


def test_what_the_source_no_longer_has_can_be_given_up(tmp_path: Path) -> None:
    add(tmp_path, pl.concat([make_bars("2025-01-02 09:00"), make_bars()]))
    damage(tmp_path)
    with StoreWriter(tmp_path) as store:
        ((key, _),) = store.set_aside_damaged("WIN$N", "M5")
        store.settle(key)
    assert read(tmp_path).height == 50


def test_bad_rows_are_listed_once_and_counted(tmp_path: Path) -> None:
    add(tmp_path, make_bars())
    rows = pl.DataFrame(
        {"row": [7], "time": [datetime(2026, 1, 5, 9)], "reason": ["high below low"]}
    )
    for _ in range(2):
        with StoreWriter(tmp_path) as store:
            listed = store.set_aside_bad_rows("WIN$N", "M5", rows, "x.csv", datetime(2026, 1, 5))
    assert listed.parent == tmp_path / "quarantine"
    assert "high below low" in listed.read_text()
    assert open_series(tmp_path).bad_rows == 1


# --- one writer -----------------------------------------------------------------------------


# --- taking bars out, and comparing --------------------------------------------------------


AT = datetime(2026, 2, 1, tzinfo=UTC)


def remove(root: Path, since: str, until: str) -> list[Removal]:
    first, last = datetime.fromisoformat(since), datetime.fromisoformat(until)
    with StoreWriter(root) as store:
        return store.remove("WIN$N", "M5", first, last, AT)


def two_years() -> pl.DataFrame:
    return pl.concat([make_bars("2025-12-30 09:00", 20), make_bars("2026-01-05 09:00", 30)])


@settings(deadline=None, max_examples=25)
@given(st.integers(-5, 60), st.integers(0, 60))
def test_what_is_taken_out_and_what_is_left_make_the_whole(start: int, length: int) -> None:
    bars = two_years()
    at = bars["time"].to_list()
    since = at[max(start, 0)] if start < len(at) else datetime(2027, 1, 1)
    until = at[min(start + length, len(at) - 1)] if start + length >= 0 else datetime(2020, 1, 1)
    inside = bars.filter(pl.col("time").is_between(since, until))
    with TemporaryDirectory() as folder:
        root = Path(folder)
        add(root, bars)
        if inside.is_empty():
            with pytest.raises(DataError, match="no bars of WIN"):
                remove(root, str(since), str(until))
            assert read(root).equals(bars)
            return
        removals = remove(root, str(since), str(until))

        taken = pl.concat([pl.read_parquet(root / one.moved_to) for one in removals])
        assert taken.equals(inside)
        assert sum(one.rows for one in removals) == inside.height
        left = bars.join(inside, on="time", how="anti")
        assert (read(root) if is_store(root) and left.height else left).equals(left)
        recorded = [one for entry in load_manifest(root).values() for one in entry.removed]
        assert recorded == removals
        assert {one.removed_at for one in recorded} == {AT}
        add(root, inside)
        assert assert_valid(root).equals(bars)
        kept = [one for entry in load_manifest(root).values() for one in entry.removed]
        assert kept == removals  # the record stays


def test_a_store_of_which_everything_was_taken_out_has_no_series(tmp_path: Path) -> None:
    add(tmp_path, make_bars(), synthetic=True)
    with StoreWriter(tmp_path) as store:
        rows = pl.DataFrame({"row": [3], "time": [None], "reason": ["no time"]})
        store.set_aside_bad_rows("WIN$N", "M5", rows, "x.csv", datetime(2026, 1, 5, 9))
    remove(tmp_path, "2026-01-01", "2027-01-01")

    with pytest.raises(DataError, match="no bars; expected a bar store"):
        open_store(tmp_path)
    add(tmp_path, make_bars(), source="other")
    ((_, entry),) = open_series(tmp_path).partitions
    assert (entry.source, entry.synthetic, entry.bad_rows) == ("other", False, {})


def test_a_damaged_partition_is_not_taken_from(tmp_path: Path) -> None:
    add(tmp_path, two_years())
    (tmp_path / "symbol=WIN$N/timeframe=M5/year=2026/bars.parquet").write_bytes(b"damaged")

    with pytest.raises(DataError, match="missing or damaged"):
        remove(tmp_path, "2025-01-01", "2027-01-01")
    assert not (tmp_path / "quarantine").exists()
    assert len(remove(tmp_path, "2025-01-01", "2025-12-31")) == 1


@pytest.mark.parametrize("step", range(12))
def test_dying_while_bars_are_taken_out_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Every bar is in the store or in quarantine, whatever the step the process died in."""
    bars = make_bars()
    add(tmp_path, bars)
    with monkeypatch.context() as patch:
        _die_at(patch, step)
        with suppress(_Died):
            remove(tmp_path, "2026-01-05 10:00", "2026-01-05 11:00")
    left = read(tmp_path)
    missing = bars.join(left, on="time", how="anti")
    kept = [pl.read_parquet(file) for file in tmp_path.glob("quarantine/*.parquet")]
    assert not missing.height or any(missing.equals(one) for one in kept)
    with suppress(DataError):  # none of them is left to take out
        remove(tmp_path, "2026-01-05 10:00", "2026-01-05 11:00")
    assert assert_valid(tmp_path).height == bars.height - 13


class _Died(BaseException):
    """Instead of a kill."""


def _die_at(patch: pytest.MonkeyPatch, step: int) -> None:
    """Die before the given one of the calls that change the disk."""
    calls = iter(range(1_000))

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            if next(calls) == step:
                raise _Died
            return call(*args, **options)

        return wrapped

    patch.setattr(writer, "write_durably", counted(writer.write_durably))
    patch.setattr(writer, "replace", counted(writer.replace))
    patch.setattr(manifest, "write_durably", counted(manifest.write_durably))
    patch.setattr(manifest, "replace", counted(manifest.replace))


def test_shared_bars_are_those_stored_but_for_the_last(tmp_path: Path) -> None:
    bars = two_years()
    add(tmp_path, bars.head(40))
    other = bars.with_columns(close=pl.col("close") + 5.0)

    with StoreWriter(tmp_path) as store:
        shared = store.shared("WIN$N", "M5", other)
        assert store.shared("WDO$N", "M5", other).is_empty()

    assert shared["time"].equals(bars["time"].head(39))
    assert shared["close_stored"].equals(bars["close"].head(39))


def test_a_second_writer_is_refused_by_every_path_to_the_store(tmp_path: Path) -> None:
    root = tmp_path / "bars"
    with StoreWriter(root):
        other = tmp_path / "link"
        other.symlink_to(root)
        with pytest.raises(BusyError, match=f"process {os.getpid()} is writing this bar store"):
            add(other, make_bars())
    add(root, make_bars())


def test_a_place_that_cannot_hold_a_store_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"file: cannot be written"):
        add(tmp_path / "file", make_bars())


# --- interruptions --------------------------------------------------------------------------


@pytest.mark.parametrize("step", range(4))
def test_dying_at_each_step_of_a_commit_leaves_the_old_or_the_new_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Each step is cut off in turn: nothing after it happens, as in a power cut."""
    add(tmp_path, make_bars())
    names = ["write_durably", "stage_manifest", "replace", "commit_manifest"]

    def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(f"alertlib.bars.store.writer.{names[step]}", die)
        with pytest.raises(SystemExit):
            add(tmp_path, make_bars(count=60))

    assert assert_valid(tmp_path).height == (60 if step == 3 else 50)
    assert add(tmp_path, make_bars(count=60)).added == (0 if step == 3 else 10)
    assert read(tmp_path).equals(make_bars(count=60))
    assert not (tmp_path / PENDING).exists()


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_staged_manifest_cut_short_is_ignored(tmp_path: Path, share: float) -> None:
    add(tmp_path, make_bars())
    content = (tmp_path / MANIFEST).read_bytes()
    (tmp_path / PENDING).write_bytes(content[: int(len(content) * share)])
    assert read(tmp_path).height == 50
    add(tmp_path, make_bars(count=60))
    assert read(tmp_path).height == 60


WRITER = """
import sys
from datetime import timedelta
from tests.support.made_bars import SEEN, make_bars
from alertlib.bars.store.writer import write_bars
bars = make_bars("2025-12-26 09:00", 3000)
print("ready", flush=True)
for n in range(int(sys.argv[2]), bars.height, 25):
    write_bars(sys.argv[1], "WIN$N", "M5", bars.slice(n, 25), SEEN)
    print(n + 25, flush=True)
"""


@POSIX_ONLY
@pytest.mark.parametrize("kills", [5, pytest.param(200, marks=pytest.mark.slow)])
def test_kill_9_at_any_moment_leaves_a_valid_store(tmp_path: Path, kills: int) -> None:
    seed = random.Random(kills)
    whole = make_bars("2025-12-26 09:00", 3_000)
    root = tmp_path / "bars"
    acknowledged = 0
    for _ in range(kills):
        command = [sys.executable, "-c", WRITER, str(root), str(acknowledged % 2_900)]
        writer = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(seed.uniform(0.0, 0.15))
        writer.send_signal(signal.SIGKILL)
        said = writer.communicate()[0].split()
        acknowledged = max([acknowledged, *map(int, said)])
        if is_store(root):
            bars = assert_valid(root)
            assert bars.height >= acknowledged, "an acknowledged bar is gone"
            assert bars.equals(whole.head(bars.height))
    assert acknowledged > 0
    write_bars(root, "WIN$N", "M5", whole, SEEN)
    assert read(root).equals(whole)
    assert sorted(p.name for p in root.rglob("*") if p.is_file()) == [
        ".lock",
        "bars.parquet",
        "bars.parquet",
        "manifest.json",
    ]


def test_a_disk_that_fails_leaves_no_stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(tmp_path, make_bars())

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for function, text in (("fsync", "cannot write"), ("replace", "cannot be replaced")):
        with monkeypatch.context() as patch:
            patch.setattr(_files.os, function, fail)
            with pytest.raises(StorageError, match=rf"{text}.*No space left.*before is intact"):
                add(tmp_path, make_bars(count=60))
        assert read(tmp_path).height == 50
    add(tmp_path, make_bars(count=60))
    assert read(tmp_path).equals(make_bars(count=60))


def test_windows_waits_for_readers_to_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There an open file cannot be replaced; this is what such a system answers."""
    staged, target = tmp_path / "a", tmp_path / "b"
    staged.write_text("new")
    rename, refusals = os.replace, iter([PermissionError, PermissionError])

    def stubborn(source: Path, destination: Path) -> None:
        for refusal in refusals:
            raise refusal
        rename(source, destination)

    waited: list[float] = []
    with monkeypatch.context() as patch:
        patch.setattr(_files.os, "name", "nt")
        patch.setattr(_files.os, "replace", stubborn)
        patch.setattr(_files.time, "sleep", waited.append)
        _files._rename(staged, target)
    assert target.read_text() == "new"
    assert len(waited) == 2


FULL_DISK = """
import resource, sys
from tests.support.made_bars import SEEN, make_bars
from alertlib.bars.store.writer import write_bars
from runners._main import run
def command(_):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), -1))
    write_bars(sys.argv[1], "WIN$N", "M5", make_bars(count=60), SEEN)
    return 0
sys.exit(run(command))
"""


@POSIX_ONLY
@pytest.mark.parametrize("limit", [300, 3_000])  # in the manifest's way, in the partition's way
def test_a_full_disk_keeps_what_is_stored_and_exits_4(tmp_path: Path, limit: int) -> None:
    add(tmp_path, make_bars())
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path), str(limit)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 4
    assert "cannot write" in done.stderr
    assert "everything stored before is intact" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    del before[tmp_path / ".lock"], after[tmp_path / ".lock"]
    assert after == before


def test_a_reader_with_an_old_manifest_takes_the_newer_file(tmp_path: Path) -> None:
    add(tmp_path, make_bars())
    ((key, old),) = open_series(tmp_path).partitions
    add(tmp_path, make_bars(count=60))
    assert decode(read_partition(tmp_path, key, old)).collect().equals(make_bars(count=60))
    damage(tmp_path)
    with pytest.raises(DataError, match="the file is missing or damaged; expected the 60 bars"):
        read_partition(tmp_path, key, old)


def test_a_scan_pushes_columns_filters_and_limits_down(tmp_path: Path) -> None:
    whole = pl.concat([make_bars("2025-12-30 09:00"), make_bars()])
    add(tmp_path, whole)
    lazy = open_series(tmp_path).scan()
    assert (
        lazy.filter(pl.col("close") > 120_030)
        .select("time", "close")
        .collect()
        .equals(whole.filter(pl.col("close") > 120_030).select("time", "close"))
    )
    assert lazy.head(70).collect().equals(whole.head(70))
    assert lazy.select(pl.len()).collect(engine="streaming").item() == 100


def test_readers_never_see_a_writer_in_between(tmp_path: Path) -> None:
    whole = make_bars("2025-12-26 09:00", 3_000)
    root = tmp_path / "bars"
    add(root, whole.head(25))
    command = [sys.executable, "-c", WRITER, str(root), "25"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        seen: list[int] = []
        # Until enough states were met, however slow the writer is.
        while writer.poll() is None and len(set(seen)) < 12:
            seen.append(assert_valid(root).height)
        writer.kill()
    assert seen == sorted(seen)
    assert len(set(seen)) > 5


def test_writes_reach_the_disk_before_the_manifest_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    sync, rename = os.fsync, os.replace

    def traced_sync(descriptor: int) -> None:
        events.append("fsync")
        sync(descriptor)

    def traced_rename(source: Path, target: Path) -> None:
        events.append(Path(target).name)
        rename(source, target)

    monkeypatch.setattr(_files.os, "fsync", traced_sync)
    monkeypatch.setattr(_files.os, "replace", traced_rename)
    add(tmp_path, make_bars())
    directory = ["fsync"] if os.name != "nt" else []
    assert events == [
        *("fsync", "fsync"),  # partition and manifest, under other names
        *("bars.parquet", *directory),
        *("manifest.json", *directory),
    ]

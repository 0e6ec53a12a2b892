"""The store's file: its modes, its name on disk, its lock, and what its code needs."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alertlib.errors import BusyError, DataError
from runners.live.alert_store.opening import can_write
from runners.live.alert_store.records import Numbered
from runners.live.alert_store.store import Store
from runners.live.database.lock import is_held
from tests.support.store_data import batch

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "live" / "alerts.db")


@pytest.fixture
def store(path: str) -> Iterator[Store]:
    with Store.open(path) as opened:
        yield opened


@pytest.mark.skipif(os.name == "nt", reason="Windows has access lists, not modes")
def test_file_and_new_folder_are_their_owners_alone(path: str, store: Store) -> None:
    store.commit(batch(1)).result()
    folder = os.path.dirname(path)
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    for name in os.listdir(folder):
        assert stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) == 0o600, name


def test_a_new_database_has_a_new_epoch(tmp_path: Path) -> None:
    epochs = set()
    for number in range(3):
        with Store.open(str(tmp_path / f"{number}.db")) as store:
            epochs.add(store.epoch)
    assert len(epochs) == 3


def test_a_missing_database_is_not_created_unasked(path: str) -> None:
    with pytest.raises(DataError, match="no database here"):
        Store.open(path, create=False)
    assert not os.path.exists(path)


@pytest.mark.parametrize("link", ["same", "symbolic", "hard"])
def test_no_path_leads_to_a_second_store(
    path: str, store: Store, tmp_path: Path, link: str
) -> None:
    store.commit(batch(1)).result()
    other = path if link == "same" else str(tmp_path / "other.db")
    if link == "symbolic":
        os.symlink(path, other)
    elif link == "hard":
        os.link(path, other)
    code = (
        "import sys; from alertlib.errors import BusyError\n"
        "from runners.live.alert_store.store import Store\n"
        "try: Store.open(sys.argv[1])\n"
        "except BusyError as error: print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, other], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "another process has this database open" in run.stdout
    with pytest.raises(BusyError, match="another process has this database open"):
        Store.open(other)
    # The first is unharmed.
    assert store.commit(batch(2)).result() == (Numbered(2, True),)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_helper_does_not_keep_the_lock_of_a_killed_parent(path: str) -> None:
    code = (
        "import os, sys, time; from runners.live.alert_store.store import Store\n"
        "store = Store.open(sys.argv[1])\n"
        "if os.fork() == 0: print(os.getpid(), flush=True)\n"
        "time.sleep(30)"
    )
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, path], cwd=ROOT, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            assert is_held(path)
            parent.kill()
            parent.wait()
            assert not is_held(path)
            Store.open(path).close()
        finally:
            os.kill(child, signal.SIGKILL)


def test_looking_whether_it_is_in_use_keeps_nobody_from_starting(path: str) -> None:
    Store.open(path).close()
    code = (
        "import sys; from runners.live.database.lock import is_held\n"
        "print(flush=True)\n"
        "while True: is_held(sys.argv[1])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, path], cwd=ROOT, stdout=subprocess.PIPE
    ) as prober:
        assert prober.stdout is not None
        prober.stdout.readline()
        try:
            for _ in range(50):
                Store.open(path).close()
        finally:
            prober.kill()


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_a_link_in_the_place_of_the_probe_is_not_followed(path: str, tmp_path: Path) -> None:
    Store.open(path).close()
    victim = tmp_path / "victim"
    victim.write_text("mine")
    os.symlink(victim, f"{path}.probe")
    assert can_write(path)
    assert victim.read_text() == "mine"
    assert not os.path.lexists(f"{path}.probe")
    os.mkdir(f"{path}.probe")
    assert not can_write(path)


def test_every_commit_is_synced(store: Store) -> None:
    writer = store._opened.writer
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert writer.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'eva'",
        "DELETE FROM audit",
        "DROP TRIGGER audit_update",
        "DROP TABLE audit",
        "ALTER TABLE audit ADD COLUMN more",
        "PRAGMA writable_schema = ON",
        "ATTACH ':memory:' AS other",
        "CREATE TEMP TRIGGER spy BEFORE INSERT ON audit BEGIN SELECT 1; END",
        "UPDATE sqlite_master SET sql = ''",
    ],
)
def test_the_writers_own_connection_cannot_tamper(store: Store, statement: str) -> None:
    with pytest.raises(sqlite3.DatabaseError, match=r"not authorized|may not be modified"):
        store._opened.writer.execute(statement)


def test_the_store_needs_nothing_heavy() -> None:
    code = (
        "import sys; import runners.live.alert_store.store, runners.audit\n"
        "heavy = {'numpy', 'polars', 'pyarrow', 'numba', 'pandas', 'yaml', 'rich', 'asyncio'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"

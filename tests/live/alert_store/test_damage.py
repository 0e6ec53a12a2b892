"""A store whose files were damaged, cut, tampered with or exchanged while it was closed."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from alertlib.errors import StorageError
from runners.live.alert_store.store import Store
from runners.live.audit_log.log import open_log
from runners.live.audit_log.verify import verify
from runners.live.database.mark import mark_path
from tests.support.store_data import batch, must_verify, python

ROOT = Path(__file__).parents[3]
POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals and limits")
AS_NOBODY = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root, to become somebody else"
)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "alerts.db")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"not a database at all, but a text", "not an SQLite database"),
        (b"SQLite format 3\0" + b"\x11" * 4_080, "not a database"),
    ],
)
def test_garbage_is_refused_and_left_alone(path: str, content: bytes, complaint: str) -> None:
    Path(path).write_bytes(content)
    with pytest.raises(StorageError, match=complaint):
        Store.open(path)
    assert Path(path).read_bytes() == content


def test_another_programs_database_is_refused_and_left_alone(path: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
    before = Path(path).read_bytes()
    with pytest.raises(StorageError, match="a database of another program"):
        Store.open(path)
    assert Path(path).read_bytes() == before


def test_an_empty_file_becomes_a_database(path: str) -> None:
    Path(path).touch()
    with Store.open(path) as store:
        assert store.commit(batch(1)).result()[0].seq == 1


@pytest.mark.parametrize(
    "change",
    [
        "DROP TRIGGER audit_update",
        "DROP TABLE outbox",
        "UPDATE meta SET audit_seq = audit_seq + 1",
        "DELETE FROM alerts WHERE seq = 5",
        "CREATE TRIGGER spy AFTER INSERT ON audit BEGIN DELETE FROM cursors; END",
    ],
)
def test_a_tampered_database_is_not_continued(path: str, change: str) -> None:
    with Store.open(path) as store:
        store.commit(batch(*range(1, 6))).result()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if change.startswith("DELETE"):
            connection.execute("DROP TRIGGER alerts_delete")
        connection.execute(change)
    with pytest.raises(StorageError, match=r"tampered with .* runners\.audit verify"):
        Store.open(path)


def test_events_at_the_end_that_were_changed_are_noticed_at_the_start(path: str) -> None:
    with Store.open(path) as store:
        store.commit(batch(*range(1, 6))).result()
    data = Path(path).read_bytes()
    assert data.count(b"126505.0") == 5
    Path(path).write_bytes(data.replace(b"126505.0", b"126505.5", 1))
    with pytest.raises(StorageError, match="content and hash differ"):
        Store.open(path)


@pytest.fixture
def killed(path: str) -> str:
    """A database whose last commits are in its WAL only."""
    code = (
        "import os, sys; sys.path.insert(0, '.')\n"
        "from tests.support.store_data import batch\n"
        "from runners.live.alert_store.store import Store\n"
        "store = Store.open(sys.argv[1])\n"
        "for number in range(1, 21): store.commit(batch(number)).result()\n"
        "print(':'.join(map(str, store.audit_head)), flush=True); os.kill(os.getpid(), 9)"
    )
    run = python(code, path)
    Path(f"{path}.anchor").write_text(run.stdout.strip())
    assert os.path.getsize(f"{path}-wal") > 20 * 4_096
    return path


def cut(wal: Path) -> None:
    os.truncate(wal, wal.stat().st_size // 2)


def flip(wal: Path, place: float) -> None:
    content = bytearray(wal.read_bytes())
    content[int(len(content) * place)] ^= 0xFF
    wal.write_bytes(content)


@POSIX_ONLY
@pytest.mark.parametrize(
    "damage",
    [
        cut,
        os.remove,
        lambda wal: os.truncate(wal, 0),
        lambda wal: os.truncate(wal, wal.stat().st_size - 1),
        lambda wal: flip(wal, 0.0),
        lambda wal: flip(wal, 0.3),
        lambda wal: flip(wal, 0.9),
    ],
    ids=["cut", "removed", "emptied", "a byte short", "bad header", "bad frame", "bad last frame"],
)
def test_a_wal_that_has_lost_something_is_refused_and_kept(
    killed: str, damage: Callable[[Path], None]
) -> None:
    wal = Path(f"{killed}-wal")
    damage(wal)
    before = wal.read_bytes() if wal.exists() else b""
    with pytest.raises(StorageError, match=r"event 20 was acknowledged and is not there"):
        Store.open(killed)
    with open_log(killed) as log:
        assert any("its mark" in line for line in verify(log).findings)
    assert wal.read_bytes() == before


@POSIX_ONLY
def test_without_its_mark_a_cut_wal_is_an_earlier_state_that_the_anchor_gives_away(
    killed: str,
) -> None:
    seq, digest = Path(f"{killed}.anchor").read_text().split(":")
    must_verify(killed, (int(seq), digest))
    cut(Path(f"{killed}-wal"))
    os.remove(mark_path(killed))
    must_verify(killed)
    with open_log(killed) as log:
        (finding,) = verify(log, (int(seq), digest)).findings
    assert "its tail was cut" in finding
    with Store.open(killed) as store:
        assert 0 < store.head < 20


@POSIX_ONLY
def test_the_torn_end_of_a_transaction_that_was_never_told_is_no_damage(killed: str) -> None:
    with Path(f"{killed}-wal").open("ab") as wal:
        wal.write(b"\x55" * 3_000)
    with Store.open(killed) as store:
        assert store.head == 20


def test_the_mark_of_a_database_that_was_deleted_does_not_bind_its_successor(path: str) -> None:
    with Store.open(path) as store:
        store.commit(batch(*range(1, 11))).result()
    os.remove(path)
    with Store.open(path) as store:
        assert store.head == 0
    must_verify(path)


def test_a_database_that_was_emptied_is_not_begun_anew(path: str) -> None:
    with Store.open(path) as store:
        store.commit(batch(1)).result()
    os.truncate(path, 0)
    with pytest.raises(StorageError, match="the file is empty, but 1 events were acknowledged"):
        Store.open(path)


def test_an_older_copy_put_back_is_refused_until_the_mark_is_removed(path: str) -> None:
    with Store.open(path) as store:
        store.commit(batch(1)).result()
    shutil.copy(path, f"{path}.backup")
    with Store.open(path) as store:
        store.commit(batch(2)).result()
    shutil.copy(f"{path}.backup", path)
    with pytest.raises(StorageError, match=r"alerts\.db-head"):
        Store.open(path)
    os.remove(mark_path(path))
    with Store.open(path) as store:
        assert store.head == 1

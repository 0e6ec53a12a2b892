"""A database opened for nothing: what was created for it goes, what was there stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from alertlib.errors import BusyError, StorageError
from runners.live.alert_store.store import Store

ROOT = Path(__file__).parents[3]


def test_what_was_opened_for_nothing_is_gone_with_its_folders(tmp_path: Path) -> None:
    Store.open(str(tmp_path / "a" / "b" / "alerts.db")).withdraw()
    assert os.listdir(tmp_path) == []


def test_a_folder_that_somebody_else_uses_by_now_stays(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "a" / "alerts.db"))
    (tmp_path / "a" / "notes.txt").touch()
    store.withdraw()
    assert os.listdir(tmp_path / "a") == ["notes.txt"]


def test_an_event_keeps_the_database(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "alerts.db"))
    store.append("client_rejected", "live", {"reason": "full"})
    store.withdraw()
    with Store.open(str(tmp_path / "alerts.db"), create=False) as again:
        assert again.audit_head[0] == 1


@pytest.mark.parametrize("content", [b"", None])
def test_a_file_that_was_there_stays(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "alerts.db"
    if content is None:
        Store.open(str(path)).close({"reason": "test"})
    else:
        path.write_bytes(content)
    Store.open(str(path)).withdraw()
    assert path.exists()


def test_what_is_no_database_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam", encoding="utf-8")
    with pytest.raises(StorageError, match="not an SQLite database"):
        Store.open(str(path))
    assert path.read_text(encoding="utf-8") == "Dear Sir or Madam"


def test_the_database_of_another_process_stays_although_it_is_as_new(tmp_path: Path) -> None:
    path = tmp_path / "alerts.db"
    code = (
        "import sys; from runners.live.alert_store.store import Store\n"
        "store = Store.open(sys.argv[1]); print('open', flush=True); sys.stdin.read()\n"
        "store.withdraw()"
    )
    arguments = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(
        arguments, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(BusyError):
            Store.open(str(path))
        assert path.exists()
        other.communicate("")
    assert os.listdir(tmp_path) == []

"""Whether somebody has a database open, as those who do not see it themselves are told."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from alertlib.errors import StorageError
from runners.live.alert_store.store import Store
from runners.live.checks import _database
from runners.live.database.lock import is_held
from runners.live.stopping import stop_daemon

ROOT = Path(__file__).parents[3]
HOLD = """
import sys
from runners.live.alert_store.store import Store
with Store.open(sys.argv[1]):
    print(flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Iterator[str]:
    """Give the path of a database that another process has open."""
    path = str(tmp_path / "alerts.db")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield path
        holder.communicate()


@contextmanager
def may_not(what: int, path: str) -> Iterator[None]:
    """Be, for a block, a user whom the modes of a file keep from more than ``what``."""
    mode = os.stat(path).st_mode
    os.chmod(path, what)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        os.chmod(path, mode)


@pytest.mark.skipif(sys.platform == "win32", reason="modes are no permissions there")
def test_a_daemon_that_one_may_not_see_is_not_taken_for_none(path: str) -> None:
    """Another user's --stop said that no daemon runs, with exit 0, and --check that it is free."""
    folder = os.path.dirname(path)
    for hidden in (path, folder):
        with may_not(0, hidden):
            for ask in (is_held, stop_daemon, _database):
                with pytest.raises(StorageError, match=r"run this as the user of the daemon$"):
                    ask(path)
    assert is_held(path)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a lock is seen by taking it")
def test_who_may_only_read_the_database_sees_the_daemon(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_ = os.open

    def only_to_read(path: Any, flags: int, *mode: int) -> int:
        if flags & (os.O_RDWR | os.O_WRONLY):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return open_(path, flags, *mode)

    monkeypatch.setattr(os, "open", only_to_read)
    assert is_held(path)
    with pytest.raises(StorageError, match=r"run --stop as the user of the daemon$"):
        stop_daemon(path)


@pytest.mark.parametrize("name", ["missing.db", "missing/alerts.db", "file/alerts.db"])
def test_where_there_is_no_database_no_daemon_runs(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    assert not is_held(str(tmp_path / name))


def test_a_database_that_nobody_has_open_is_free(tmp_path: Path) -> None:
    path = str(tmp_path / "alerts.db")
    Store.open(path).close()
    assert not is_held(path)

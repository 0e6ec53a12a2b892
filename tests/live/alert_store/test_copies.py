"""Backups made of a store in use, put back by the command, the runbook or by hand."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from alertlib.errors import StorageError
from runners.live.alert_store.records import Numbered
from runners.live.alert_store.store import Store
from runners.live.database.mark import mark_path, read_mark
from tests.support.audit_data import ask, ask_apart, disarm, rearm, sql
from tests.support.store_data import ROOT, batch, must_verify, python

POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals and links")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "alerts.db")


def fill(path: str, *numbers: int) -> str:
    """Commit alerts in a run of their own; return the epoch they were given numbers under."""
    with Store.open(path) as store:
        store.commit(batch(*numbers)).result()
        return store.epoch


def test_a_backup_of_a_running_store_is_a_verified_copy_of_one_moment(path: str) -> None:
    target = f"{path}.backup"
    with Store.open(path) as store:
        store.commit(batch(1, 2, 3)).result()
        made = ask_apart("backup", target, "--db", path, "--json")
        assert store.commit(batch(4)).result() == (Numbered(4, True),)
    assert made.status == 0, made.err
    assert json.loads(made.out)["alerts"] == 3
    must_verify(target)
    assert json.loads(made.out)["head"] == ask("head", "--db", target).out.strip()
    mark = read_mark(target)
    assert mark is not None
    assert (mark.seq, mark.state) == (3, "copy")
    if os.name != "nt":
        for name in (target, mark_path(target)):
            assert stat.S_IMODE(os.stat(name).st_mode) == 0o600
    assert not [name for name in os.listdir(os.path.dirname(path)) if name.endswith(".new")]


def test_a_backup_never_writes_over_anything(path: str, tmp_path: Path) -> None:
    fill(path, 1)
    for name in ("there", "there-head"):
        (tmp_path / name).write_text("mine")
        answer = ask("backup", str(tmp_path / "there"), "--db", path)
        assert answer.status == 2
        assert "exists already" in answer.err
        assert (tmp_path / name).read_text() == "mine"
        (tmp_path / name).unlink()
    assert ask("backup", str(tmp_path / "no" / "folder"), "--db", path).status == 4


def tamper(path: str) -> None:
    with sql(path) as connection:
        disarm(connection)
        connection.execute("UPDATE audit SET actor = 'eva' WHERE seq = 2")
        rearm(connection)


def test_what_does_not_verify_is_neither_backed_up_nor_restored(path: str) -> None:
    fill(path, 1, 2, 3)
    assert ask("backup", f"{path}.backup", "--db", path).status == 0
    before = Path(path).read_bytes()
    tamper(f"{path}.backup")
    answer = ask("restore", f"{path}.backup", "--db", path)
    assert (answer.status, answer.err.count("\n")) == (1, 1)
    assert Path(path).read_bytes() == before
    tamper(path)
    assert ask("backup", f"{path}.other", "--db", path).status == 1
    assert not os.path.lexists(f"{path}.other")


@pytest.mark.parametrize("content", [None, b"", b"no database", "folder", "other"])
def test_of_a_copy_that_is_none_the_copy_is_spoken_of(
    path: str, tmp_path: Path, content: bytes | str | None
) -> None:
    """It said: no database here; give the path of the daemon's with --db."""
    fill(path, 1)
    copy = tmp_path / "copy.db"
    if content == "folder":
        copy.mkdir()
    elif content == "other":
        with sql(str(copy)) as connection:
            connection.execute("CREATE TABLE theirs (x)")
    elif isinstance(content, bytes):
        copy.write_bytes(content)
    answer = ask("restore", str(copy), "--db", path)
    assert answer.status == (3 if content is None else 4)
    assert answer.err.startswith(f"error: {copy}: ")
    assert answer.err.endswith("a copy that runners.audit backup has made\n")


def test_a_restored_copy_goes_on_under_a_new_epoch_and_keeps_what_was_there(path: str) -> None:
    first = fill(path, 1, 2, 3)
    ask("backup", f"{path}.backup", "--db", path)
    anchor = ask("head", "--db", path).out.strip()
    fill(path, 4, 5)
    newest = ask("head", "--db", path).out.strip()
    answer = ask("restore", f"{path}.backup", "--db", path, "--anchor", anchor, "--json")
    assert answer.status == 0, answer.err
    told = json.loads(answer.out)
    must_verify(path)
    assert ask("head", "--db", told["kept"]).out.strip() == newest
    with Store.open(path) as store:
        assert store.epoch == told["epoch"] != first
        assert store.commit(batch(4)).result() == (Numbered(4, True),)
    restore = ask("export", "--db", path).events[-2]
    assert restore["kind"] == "restore"
    assert restore["data"] == {
        "epoch": told["epoch"], "last_alert": 3, "previous": first,
        "reason": f"restored from {path}.backup",
    }  # fmt: skip


def test_a_restore_is_refused_where_a_daemon_runs_or_the_anchor_is_missing(path: str) -> None:
    fill(path, 1)
    ask("backup", f"{path}.backup", "--db", path)
    fill(path, 2)
    newest = ask("head", "--db", path).out.strip()
    answer = ask("restore", f"{path}.backup", "--db", path, "--anchor", newest)
    assert answer.status == 1
    assert "its tail was cut" in answer.err
    with Store.open(path) as store:
        assert ask_apart("restore", f"{path}.backup", "--db", path).status == 5
        assert store.commit(batch(3)).result()[0].new


def start(path: str) -> tuple[str, int] | str:
    """Return what a start finds, its epoch and last number; ``refused`` where it lacks events."""
    try:
        with Store.open(path) as store:
            return store.epoch, store.head
    except StorageError as error:
        return "refused" if "was acknowledged and is not there" in str(error) else str(error)


@POSIX_ONLY
@pytest.mark.parametrize("call", range(6))
def test_a_kill_during_a_restore_leaves_a_database_that_starts_or_is_refused(
    path: str, call: int
) -> None:
    """At each change of a name; the command, given again, then does it all."""
    fill(path, 1, 2, 3)
    ask("backup", f"{path}.backup", "--db", path)
    first = fill(path, 4, 5)
    Path(f"{path}-wal").touch()
    code = (
        "import os, sys; from runners.audit import main\n"
        "import runners.commands.audit\n"
        "left = [int(sys.argv[1])]\n"
        "def dying(function):\n"
        "    def call(*names):\n"
        "        if not left[0]: os.kill(os.getpid(), 9)\n"
        "        left[0] -= 1\n"
        "        return function(*names)\n"
        "    return call\n"
        "os.link, os.rename, os.replace = map(dying, (os.link, os.rename, os.replace))\n"
        "sys.exit(main(sys.argv[2:]))"
    )
    done = python(code, str(call), "restore", f"{path}.backup", "--db", path)
    assert done.returncode == (-9 if call < 5 else 0), done.stderr
    found = start(path)
    assert found in ((first, 5), "refused") or (found[0] != first and found[1] in (3, 5))
    assert ask("restore", f"{path}.backup", "--db", path).status == 0
    with Store.open(path) as store:
        assert store.head == 3
        assert store.epoch != first
    must_verify(path)


def in_place(source: str, path: str) -> None:
    shutil.copyfile(source, path)
    shutil.copyfile(mark_path(source), mark_path(path))


def anew(source: str, path: str) -> None:
    for name in (path, mark_path(path)):
        os.remove(name)
    shutil.copy2(source, path)
    shutil.copy2(mark_path(source), mark_path(path))


def without_mark(source: str, path: str) -> None:
    shutil.copy2(source, path)
    os.remove(mark_path(path))


@POSIX_ONLY
@pytest.mark.parametrize("put_back", [in_place, anew, without_mark])
def test_an_older_copy_put_back_by_hand_starts_under_a_new_epoch(
    path: str, put_back: Callable[[str, str], None]
) -> None:
    """A client that was away would else take its next numbers for those it has."""
    first = fill(path, 1, 2, 3)
    copy = str(Path(path).parent / "copy.db")
    shutil.copy2(path, copy)
    shutil.copy2(mark_path(path), mark_path(copy))
    assert fill(path, *range(4, 10)) == first
    put_back(copy, path)
    second = fill(path, *range(4, 30))
    assert second != first
    assert fill(path, 40) == second, "once is enough"
    must_verify(path)


def test_starts_without_a_restore_keep_the_epoch(path: str) -> None:
    """Closed, killed, read, or pruned meanwhile: it is the same file, and clients resume."""
    first = fill(path, 1)
    code = (
        "import os, sys; sys.path.insert(0, '.')\n"
        "from tests.support.store_data import batch\n"
        "from runners.live.alert_store.store import Store\n"
        "store = Store.open(sys.argv[1])\n"
        "store.commit(batch(2)).result(); os._exit(9)"
    )
    assert python(code, path).returncode == 9
    assert fill(path, 3) == first
    for action in ("verify", "head", "export", "query"):
        assert ask(action, "--db", path).status == 0
    assert fill(path, 4) == first


@POSIX_ONLY
@pytest.mark.parametrize("name", ["-head", ".new"])
@pytest.mark.parametrize("kind", ["link", "folder"])
def test_links_and_folders_in_the_place_of_its_files_are_refused(
    path: str, tmp_path: Path, name: str, kind: str
) -> None:
    fill(path, 1)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    place = f"{path}{name}" if name == "-head" else f"{path}.backup{name}"
    if name == "-head":
        os.remove(place)
    if kind == "link":
        os.symlink(victim, place)
    else:
        os.mkdir(place)
    if name == "-head":
        answer = python(
            "import sys; from runners.live.alert_store.store import Store\n"
            "from alertlib.errors import StorageError\n"
            "try: Store.open(sys.argv[1])\n"
            "except StorageError as error: print(error)",
            path,
        )
        assert "expected a plain file or nothing" in answer.stdout, answer.stderr
    else:
        assert ask("backup", f"{path}.backup", "--db", path).status == (0 if kind == "link" else 4)
    assert victim.read_text() == "mine"


def test_the_restore_of_the_runbook_is_what_works(path: str, tmp_path: Path) -> None:
    """Its commands, as they stand there, with this database's names for its own."""
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    section = text.split("\n## Backup and restore\n")[1].split("\n## ")[0]
    commands = re.findall(r"`python -m runners\.audit (.*?)`", section)
    assert [line.split()[0] for line in commands] == ["backup", "restore", "verify"]
    fill(path, 1, 2, 3)
    anchor = ask("head", "--db", path).out.strip()
    names = {"F": path, "COPY": str(tmp_path / "copy.db"), "SEQ:HASH": anchor}
    for line in commands:
        words = [names.get(word, word) for word in shlex.split(line)]
        answer = ask(*words)
        assert answer.status == 0, answer.err
    assert ask("export", "--db", path).events[-1]["kind"] == "restore"


@POSIX_ONLY
def test_a_full_disk_is_named_as_the_one_that_the_copy_goes_to(path: str, tmp_path: Path) -> None:
    fill(path, 1)
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no small file system can be mounted here")
    target = str(disk / "copy.db")
    try:
        for command in (("backup", target, "--db", path), ("restore", path, "--db", target)):
            answer = ask(*command)
            assert answer.status == 4
            assert f"{target}: the disk is full" in answer.err
            assert os.listdir(disk) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)

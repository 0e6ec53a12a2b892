"""An older database becomes one of today, whole or not at all; a newer one is told for one."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from alertlib.errors import StorageError
from runners.live.alert_store.opening import look
from runners.live.alert_store.records import Numbered
from runners.live.alert_store.store import Store
from runners.live.database import schema
from runners.live.database.appending import append_event
from runners.live.database.migrations import MIGRATIONS, VERSION, pending
from tests.support.audit_data import ask, disarm, sql
from tests.support.store_data import ROOT, alert_id, batch, must_verify, python

POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
FIRST = ROOT / "runners" / "rehearsal" / "alerts_v1.sql"
NAMES = [step.__name__ for step in MIGRATIONS]


@pytest.fixture
def first(tmp_path: Path) -> str:
    """A database as the first version of the store wrote it, with its mark."""
    path = tmp_path / "alerts.db"
    with sql(str(path)) as connection:
        connection.executescript(FIRST.read_text(encoding="utf-8"))
        epoch, seq, digest = connection.execute(
            "SELECT epoch, audit_seq, audit_hash FROM meta"
        ).fetchone()
    Path(f"{path}-head").write_text(f"{epoch} {seq:020d} {digest}\n", encoding="ascii")
    return str(path)


def version(path: str) -> int:
    with sql(path) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_an_older_database_verifies_as_what_it_is_and_is_told_what_will_happen(first: str) -> None:
    must_verify(first)
    assert look(first) == f"3 messages; will be migrated: {', '.join(NAMES)}"
    assert version(first) == 1


def test_an_older_database_is_brought_up_to_date_step_by_step_and_goes_on(first: str) -> None:
    epoch = ask("head", "--db", first, "--json").out
    with Store.open(first) as store:
        assert store.epoch in epoch, "nothing was restored: clients resume where they were"
        assert store.commit(batch(3, 4)).result() == (Numbered(3, False), Numbered(4, True))
        assert store.outbox.pending() == 6
    must_verify(first)
    events = [
        event for event in ask("export", "--db", first).events if event["kind"] == "migration"
    ]
    assert [event["data"]["name"] for event in events] == NAMES
    assert [event["data"]["to"] for event in events] == list(range(2, VERSION + 1))
    with sql(first) as connection:
        assert schema.differences(connection) == []
        assert version(first) == VERSION
    with Store.open(first):
        pass  # nothing is left to do
    assert pending_of(first) == []


def pending_of(path: str) -> list[str]:
    with sql(path) as connection:
        return pending(connection)


def test_what_was_done_about_alerts_before_the_upgrade_is_found_after_it(first: str) -> None:
    with sql(first) as connection:
        for action in ("executed", "rejected"):
            done = {"action": action, "id": alert_id(2), "note": ""}
            append_event(connection, "operator_action", "ana", done, 1_700_000_000.0)
    with Store.open(first) as store:
        (executed, rejected) = store.actions(0, 2**63 - 1, 9)
        assert store.action_on(alert_id(2)) == rejected
        assert (executed[4], executed[-1], rejected[4], rejected[-1]) == (
            "executed", False, "rejected", True,
        )  # fmt: skip
    must_verify(first)


@POSIX_ONLY
def test_a_kill_in_the_middle_of_a_step_leaves_the_database_before_it(first: str) -> None:
    code = (
        "import os, sys; sys.path.insert(0, '.')\n"
        "from runners.live.database import migrations\n"
        "from runners.live.alert_store.store import Store\n"
        "step = migrations.MIGRATIONS[-1]\n"
        "def die(connection):\n"
        "    step(connection)\n"
        "    os.kill(os.getpid(), 9)\n"
        "die.__name__ = step.__name__\n"
        "migrations.MIGRATIONS = (*migrations.MIGRATIONS[:-1], die)\n"
        "Store.open(sys.argv[1])"
    )
    assert python(code, first).returncode == -9
    assert pending_of(first) == NAMES[-1:]
    must_verify(first)
    with Store.open(first) as store:
        assert store.head == 3
    assert version(first) == VERSION


def test_an_older_schema_that_was_tampered_with_is_not_migrated(first: str) -> None:
    with sql(first) as connection:
        connection.execute("DROP TRIGGER audit_update")
    with pytest.raises(StorageError, match="trigger `audit_update` is missing"):
        Store.open(first)
    assert version(first) == 1
    assert ask("verify", "--db", first).status == 1


def test_a_database_of_today_does_not_pass_for_an_older_one(first: str) -> None:
    Store.open(first).close()
    with sql(first) as connection:
        connection.execute("PRAGMA user_version = 1")
    assert "trigger `meta_update` was altered" in ask("verify", "--db", first).out


def test_a_newer_database_is_told_for_one_and_not_for_tampered_with(first: str) -> None:
    with sql(first) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StorageError, match="made by a newer version") as caught:
        Store.open(first)
    assert "tampered" not in str(caught.value)
    verified = ask("verify", "--db", first)
    assert verified.status == 1, "or a changed number would hide a tampering"
    assert "made by a newer version" in verified.out
    assert "made by a newer version" in verified.err
    assert "does not verify" not in verified.err
    restored = ask("restore", first, "--db", f"{first}.elsewhere")
    assert restored.status == 4
    assert "made by a newer version" in restored.err


def test_an_epoch_changes_by_a_restore_event_that_names_it_and_by_nothing_else(first: str) -> None:
    Store.open(first).close()
    with sql(first) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="ends with a restore only"):
            connection.execute("UPDATE meta SET epoch = 'mine'")
        disarm(connection)
        connection.execute("UPDATE meta SET epoch = 'mine'")

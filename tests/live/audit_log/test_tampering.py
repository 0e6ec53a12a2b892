"""Whatever is done to a log behind its back is found, or its answer is unchanged."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from runners.live.database import schema
from tests.support.audit_data import ROOT, ask, disarm, fill, filled_log, rearm, rechain, sql


@pytest.fixture
def db(tmp_path: Path) -> str:
    return filled_log(tmp_path)


# ---- tampering

TAMPERINGS = {
    "changed": "UPDATE audit SET data = replace(data, '126505', '126510') WHERE seq = 6",
    "changed actor": "UPDATE audit SET actor = 'eva' WHERE seq = 6",
    "changed time": "UPDATE audit SET ts = '2026-07-28T13:00:00.000000Z' WHERE seq = 6",
    "changed hash": "UPDATE audit SET hash = replace(hash, '1', '2') WHERE seq = 6",
    "changed head": "UPDATE audit SET hash = replace(hash, '1', '2')"
    " WHERE seq = (SELECT max(seq) FROM audit)",
    "changed type": "UPDATE audit SET data = CAST(data AS BLOB) WHERE seq = 6",
    "changed text": "UPDATE audit SET data = replace(data, ',', ', ') WHERE seq = 6",
    "removed": "DELETE FROM audit WHERE seq = 6",
    "removed first": "DELETE FROM audit WHERE seq = 1",
    "cut tail": "DELETE FROM audit WHERE seq > 12",
    "emptied": "DELETE FROM audit",
    "swapped": "UPDATE audit SET seq = CASE seq WHEN 6 THEN -7 WHEN 7 THEN -6 END"
    " WHERE seq IN (6, 7); UPDATE audit SET seq = -seq WHERE seq < 0",
    "inserted": "INSERT INTO audit SELECT max(seq) + 1, ts, kind, actor, data, prev, hash"
    " FROM audit",
    "replaced": "INSERT OR REPLACE INTO audit SELECT seq, ts, kind, 'eva', data, prev, hash"
    " FROM audit WHERE seq = 6",
    "renumbered": "UPDATE audit SET seq = seq + 1 WHERE seq = (SELECT max(seq) FROM audit)",
    "alert unnumbered": "DELETE FROM alerts WHERE seq = 4",
    "alert renumbered": "UPDATE alerts SET seq = 40 WHERE seq = 4",
    "alert pointed elsewhere": "UPDATE alerts SET audit_seq = 8 WHERE seq = 4",
    "alert id forgotten": "DELETE FROM alert_ids WHERE seq = 4",
    "alert id renumbered": "UPDATE alert_ids SET seq = 5 WHERE seq = 4",
    "head row gone": "DELETE FROM meta",
    "head moved back": "UPDATE meta SET audit_seq = audit_seq - 1",
    "alerts counted down": "UPDATE meta SET alert_seq = 3",
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_behind_restored_guards_is_found(db: str, name: str) -> None:
    with sql(db) as connection:
        disarm(connection)
        connection.executescript(TAMPERINGS[name])
        rearm(connection)
        assert schema.differences(connection) == []
    answer = ask("verify", "--db", db)
    assert answer.status == 1, answer.out
    assert answer.err.startswith(f"error: {db}: the audit log does not verify")
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'eva' WHERE seq = 6",
        "UPDATE OR REPLACE audit SET seq = 7 WHERE seq = 6",
        "DELETE FROM audit WHERE seq = 6",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 6",
        "REPLACE INTO audit SELECT * FROM audit WHERE seq = 6",
        "INSERT INTO audit SELECT * FROM audit WHERE seq = 6"
        " ON CONFLICT (seq) DO UPDATE SET actor = 'eva'",
        "INSERT INTO audit SELECT max(seq) + 2, ts, kind, actor, data, hash, hash FROM audit",
        "INSERT INTO audit SELECT max(seq) + 1, ts, kind, actor, data, prev, hash FROM audit",
        "INSERT INTO audit SELECT NULL, ts, kind, actor, data, hash, hash FROM audit"
        " ORDER BY seq DESC LIMIT 1",
        "DELETE FROM alerts",
        "UPDATE alerts SET audit_seq = 1",
        "INSERT OR REPLACE INTO alerts VALUES (3, 3)",
        "DELETE FROM alert_ids",
        "UPDATE alert_ids SET seq = seq + 1",
        "INSERT OR REPLACE INTO alert_ids SELECT id, 9 FROM alert_ids WHERE seq = 3",
        "UPDATE meta SET epoch = 'mine'",
        "UPDATE meta SET alert_seq = 1",
        "UPDATE meta SET pruned_seq = 5",
        "DELETE FROM meta",
        "REPLACE INTO meta SELECT * FROM meta",
    ],
)
def test_the_guards_refuse(db: str, statement: str) -> None:
    with sql(db) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    assert ask("verify", "--db", db).status == 0


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("DROP TRIGGER audit_update", "trigger `audit_update` is missing"),
        ("DROP INDEX outbox_due", "index `outbox_due` is missing"),
        ("DROP TABLE audit", "table `audit` is missing"),
        ("ALTER TABLE audit ADD COLUMN extra", "table `audit` was altered"),
        ("CREATE VIEW mine AS SELECT 1", "view `mine` was added"),
        ("PRAGMA user_version = 9", "user_version is 9"),
        ("PRAGMA application_id = 9", "application_id is 9"),
        (
            "DROP TRIGGER audit_update; CREATE TRIGGER audit_update BEFORE UPDATE ON audit"
            " BEGIN SELECT 1; END",
            "trigger `audit_update` was altered",
        ),
    ],
)
def test_a_changed_schema_is_found(db: str, statement: str, finding: str) -> None:
    with sql(db) as connection:
        connection.executescript(statement)
    answer = ask("verify", "--db", db)
    assert answer.status == 1
    assert finding in answer.out
    assert ask("export", "--db", db).status != 0


def test_analyze_is_no_tampering(db: str) -> None:
    with sql(db) as connection:
        connection.execute("ANALYZE")
    assert ask("verify", "--db", db).status == 0


def test_a_rewritten_chain_deceives_all_but_the_anchor(db: str) -> None:
    anchor = ask("head", "--db", db).out.strip()
    with sql(db) as connection:
        disarm(connection)
        connection.execute("UPDATE audit SET actor = 'eva' WHERE seq = 6")
        rechain(connection, 6)
        rearm(connection)
    assert ask("verify", "--db", db).status == 0
    answer = ask("verify", "--db", db, "--anchor", anchor)
    assert answer.status == 1
    assert "has another hash; the log was rewritten" in answer.out


def cut_tail(path: str) -> None:
    with sql(path) as connection:
        disarm(connection)
        connection.execute("DELETE FROM audit WHERE seq > (SELECT max(seq) - 2 FROM audit)")
        connection.execute(
            "UPDATE meta SET (audit_seq, audit_hash) ="
            " (SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1)"
        )
        rearm(connection)


def test_a_tail_cut_with_its_noted_head_deceives_all_but_the_anchor(db: str) -> None:
    anchor = ask("head", "--db", db).out.strip()
    cut_tail(db)
    assert ask("verify", "--db", db).status == 0
    answer = ask("verify", "--db", db, "--anchor", anchor)
    assert answer.status == 1
    assert "its tail was cut" in answer.out


def test_a_tail_cut_with_its_noted_head_does_not_deceive_the_mark(tmp_path: Path) -> None:
    db = str(tmp_path / "marked.db")
    fill(db)
    cut_tail(db)
    assert "its mark: event" in ask("verify", "--db", db).out
    assert ask("head", "--db", db).status == 1
    assert ask("export", "--db", db).status == 1


def test_a_damaged_file_never_answers_with_other_content(db: str) -> None:
    """One byte changed anywhere: the same answer, or no exit status 0."""
    sound = Path(db).read_bytes()
    actions = ("verify", "head", "export", "query")
    answers = {action: ask(action, "--db", db) for action in actions}
    chance = random.Random(5)
    noticed = 0
    for _ in range(120):
        damaged = bytearray(sound)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        Path(db).write_bytes(damaged)
        for action in actions:
            answer = ask(action, "--db", db)
            assert answer.status in (0, 1, 4), answer.err
            assert answer.status or answer == answers[action]
            noticed += answer.status != 0
    assert noticed > 100


@pytest.mark.parametrize("action", ["verify", "head", "export", "query"])
def test_a_finding_outlives_the_reader_of_its_output(db: str, action: str) -> None:
    with sql(db) as connection:
        disarm(connection)
        connection.execute("UPDATE audit SET actor = 'eva' WHERE seq = 6")
        rearm(connection)
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "runners.audit", action, "--db", db]
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.DEVNULL, check=False)
    os.close(writing)
    assert done.returncode == 1

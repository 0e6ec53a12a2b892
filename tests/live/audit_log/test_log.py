"""``python -m runners.audit``: what it says of a sound log, and of what is none."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from runners.live.alert_store.store import Store
from tests.support.audit_data import Answer, ask, ask_apart, filled_log, independent_hash, sql
from tests.support.store_data import batch, payload, python


@pytest.fixture
def db(tmp_path: Path) -> str:
    return filled_log(tmp_path)


# ---- what a sound log says


def test_the_export_is_the_documented_chain(db: str) -> None:
    answer = ask("export", "--db", db)
    assert (answer.status, answer.err) == (0, "")
    assert len(answer.out.splitlines()) == len(answer.events), "no event spans two lines"
    prev = "0" * 64
    for number, event in enumerate(answer.events, start=1):
        assert list(event) == ["seq", "ts", "kind", "actor", "data", "prev", "hash"]
        assert event["seq"] == number
        assert event["prev"] == prev
        assert len(event["ts"]) == len("2026-07-28T13:00:00.000000Z")
        prev = independent_hash(
            prev, number, event["ts"], event["kind"], event["actor"], event["data"]
        )
        assert event["hash"] == prev
    kinds = [event["kind"] for event in answer.events]
    assert kinds[0] == "start"
    assert kinds[-1] == "stop"
    assert kinds.count("alert") == 10
    alert = next(event for event in answer.events if event["kind"] == "alert")
    assert alert["data"] == {**payload(1), "seq": 1}
    action = next(event for event in answer.events if event["kind"] == "operator_action")
    assert action["actor"] == "ana"
    assert action["data"]["note"] == "preço \u2028 bom \x1b[31m"


def test_verify_and_head_agree_and_the_head_is_an_anchor(db: str) -> None:
    head = ask("head", "--db", db)
    assert head.status == 0
    seq, digest = head.out.strip().split(":")
    last = ask("export", "--db", db).events[-1]
    assert (int(seq), digest) == (last["seq"], last["hash"])
    verified = ask("verify", "--db", db)
    assert verified.status == 0
    assert f"intact: {seq} events, 11 alerts; head {seq}:{digest}" in verified.out
    assert ask("verify", "--db", db, "--anchor", head.out.strip()).status == 0
    assert json.loads(ask("head", "--db", db, "--json").out)["head"] == head.out.strip()


def test_any_event_is_an_anchor(db: str) -> None:
    for event in ask("export", "--db", db).events[::5]:
        assert ask("verify", "--db", db, "--anchor", f"{event['seq']}:{event['hash']}").status == 0
    assert ask("verify", "--db", db, "--anchor", "0:" + "0" * 64).status == 0


@pytest.mark.parametrize("anchor", ["5:" + "a" * 64, "500:" + "a" * 64, "0:" + "a" * 64])
def test_an_unknown_or_future_anchor_is_not_proven(db: str, anchor: str) -> None:
    answer = ask("verify", "--db", db, "--anchor", anchor)
    assert answer.status == 1
    assert f"anchor {anchor}" in answer.out


@pytest.mark.parametrize("anchor", ["5", "5:abc", ":" + "a" * 64, "-1:" + "a" * 64, "x:y"])
def test_an_anchor_that_is_none_is_a_usage_error(db: str, anchor: str) -> None:
    answer = ask("verify", "--db", db, f"--anchor={anchor}")
    assert answer.status == 2
    assert "expected SEQ:HASH" in answer.err


def test_an_empty_log_has_a_head_and_verifies(tmp_path: Path) -> None:
    path = str(tmp_path / "new.db")
    Store.open(path).close()
    assert ask("head", "--db", path).out == "0:" + "0" * 64 + "\n"
    assert ask("verify", "--db", path, "--anchor", "0:" + "0" * 64).status == 0
    assert ask("export", "--db", path) == Answer(0, "", "")


# ---- filters


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        (["--pattern", "engulfing_bullish"], ["suppressed"]),
        (["--channel", "email"], ["delivered"]),
        (
            ["--channel", "websocket"],
            ["client_connected", "operator_action", "client_ack", "delivered"],
        ),
        (["--pattern", "volatilidade_extrema", "--channel", "email"], ["delivered"]),
        (["--since", "2026-07-28T13:00:00"], ["client_ack", "delivered", "stop"]),
        (["--since", "2026-07-28T10:00:00-03:00"], ["client_ack", "delivered", "stop"]),
        (["--until", "2026-07-28T12:00:01Z"], ["start", "client_connected"]),
        (["--until", "2026-07-27"], []),
        (["--since", "2026-07-29"], []),
        (["--since", "2026-07-28", "--until", "2026-07-28", "--pattern", "nothing"], []),
    ],
)
def test_filters_choose_events(db: str, options: Sequence[str], kinds: list[str]) -> None:
    answer = ask("export", "--db", db, *options)
    assert answer.status == 0
    assert [event["kind"] for event in answer.events] == kinds
    assert ask("query", "--db", db, "--json", *options) == answer
    assert ask("query", "--db", db, *options).out.endswith(f"\n{len(kinds)} events\n")


@pytest.mark.parametrize("day", ["2026-07-28", "20260728"])
def test_a_bare_date_as_until_includes_its_day(db: str, day: str) -> None:
    every = ask("export", "--db", db).events
    assert ask("export", "--db", db, "--until", day).events == every


def test_query_lets_no_control_character_through(db: str) -> None:
    answer = ask("query", "--db", db, "--channel", "websocket")
    assert "preço ? bom ?[31m" in answer.out
    assert all(char == "\n" or char.isprintable() for char in answer.out)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["export", "--until", "9999-12-31"], "--until '9999-12-31': beyond the calendar"),
        (["export", "--since", "yesterday"], "--since 'yesterday': expected an ISO date"),
        (["query", "--since", "yesterday"], "--since 'yesterday': expected an ISO date"),
        (
            ["prune", "--before", "0001-01-01T00:00+14:00"],
            "--before '0001-01-01T00:00+14:00': beyond the calendar",
        ),
        (["verify", "--since", "2026-07-28"], "--since is for export and query"),
        (["export", "--anchor", "1:2"], "--anchor is for verify"),
        (["head", "--dry-run"], "--dry-run is for prune"),
    ],
)
def test_usage_errors_say_what_and_what_to_do(
    db: str, arguments: Sequence[str], complaint: str
) -> None:
    answer = ask(*arguments, "--db", db)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith(f"error: {complaint}")
    assert answer.err.count("\n") == 1


# ---- files that are not a log


@pytest.mark.parametrize("action", ["verify", "head", "export", "query", "prune"])
def test_what_is_no_log_is_told_apart(tmp_path: Path, action: str) -> None:
    missing = str(tmp_path / "missing.db")
    assert ask(action, "--db", missing).status == 3
    for name, content in (
        ("empty", b""),
        ("text", b"just some text, and not a database"),
        ("header only", b"SQLite format 3\0"),
        ("torn", b"SQLite format 3\0" + b"\x07" * 5_000),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        answer = ask(action, "--db", str(path))
        assert answer.status == 4, name
        assert answer.err.startswith("error: ")
        assert answer.err.count("\n") == 1
    foreign = str(tmp_path / "foreign.db")
    with sql(foreign) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    assert ask(action, "--db", foreign).status == 4
    assert ask(action, "--db", str(tmp_path)).status == 4


def test_a_truncated_file_does_not_verify(db: str) -> None:
    size = os.path.getsize(db)
    for keep in (0.9, 0.5, 0.2):
        os.truncate(db, int(size * keep))
        for action in ("verify", "export", "head"):
            assert ask(action, "--db", db).status in (1, 4)


# ---- as its user runs it


def test_the_log_of_a_running_daemon_is_read_without_disturbing_it(tmp_path: Path) -> None:
    path = str(tmp_path / "alerts.db")
    with Store.open(path) as store:
        store.commit(batch(1, 2, 3)).result()
        for action in ("verify", "head", "export", "query"):
            assert ask_apart(action, "--db", path).status == 0
        assert len(ask_apart("export", "--db", path).events) == 3
        assert store.commit(batch(4)).result()[0].seq == 4
        assert len(ask_apart("export", "--db", path).events) == 4


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root, to become somebody else"
)
@pytest.mark.parametrize("end", ["clean", "killed"])
def test_a_log_in_a_folder_that_is_read_only_is_read_whole(end: str) -> None:
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # pytest's own folder is root's alone
    db = folder / "alerts.db"
    try:
        code = (
            "import os, sys; sys.path.insert(0, '.')\n"
            "from tests.support.store_data import batch\n"
            "from runners.live.alert_store.store import Store\n"
            "store = Store.open(sys.argv[1])\n"
            "for number in range(5): store.commit(batch(number)).result()\n"
            "store.close() if sys.argv[2] == 'clean' else os.kill(os.getpid(), 9)"
        )
        python(code, str(db), end)
        (folder / "alerts.db-shm").unlink(missing_ok=True)
        for file in folder.iterdir():
            file.chmod(0o444)
        folder.chmod(0o555)
        before = sorted(folder.iterdir())
        code = (
            "import os, sys; from runners._main import run; from runners.audit import main\n"
            "import locale, runners.commands.audit\n"
            "os.setuid(65534)  # after the imports: the interpreter may be somebody's own\n"
            "sys.exit(run(main, sys.argv[1:]))"
        )
        assert python(code, "verify", "--db", str(db)).returncode == 0
        export = python(code, "export", "--db", str(db))
        assert [json.loads(line)["seq"] for line in export.stdout.splitlines()] == [1, 2, 3, 4, 5]
        assert sorted(folder.iterdir()) == before
    finally:
        shutil.rmtree(folder)


def test_the_default_database_is_the_configured_one(tmp_path: Path, db: str) -> None:
    config = tmp_path / "alertas.yaml"
    config.write_text(f"live:\n  database: {db}\n", encoding="utf-8")
    assert ask("head", "--config", str(config)) == ask("head", "--db", db)
    config.write_text(f"audit:\n  path: {tmp_path / 'no.db'}\n", encoding="utf-8")
    assert ask("head", "--config", str(config)).status == 3


def test_help_fits_a_screen() -> None:
    answer = ask_apart("--help")
    assert answer.status == 0
    assert len(answer.out.splitlines()) <= 24

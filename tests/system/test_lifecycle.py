"""Starting, refusing to start, and every way to stop."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from alertlib.bars.store.manifest import MANIFEST
from alertlib.config.schema import Live
from runners.live.feed.choice import database_of
from runners.live.stopping import Stop, forget_left_over, left_over, request_path
from tests.support.running import (
    ENV,
    ROOT,
    SAMPLE,
    Running,
    command,
    environment,
    events,
    run,
    write_config,
)

SLOWLY = ("--feed", "replay", "--bars", str(SAMPLE), "--speed", "100")
HEAVY = ("numba", "polars", "pyarrow", "pandas", "pydantic", "numpy")
HTTP = ("httpx", "httpcore", "anyio", "h11", "idna", "certifi")
"""httpx and what it depends on: five megabytes."""


def test_the_ready_line_is_all_there_is_on_stdout(tmp_path: Path) -> None:
    with Running(tmp_path, *SLOWLY) as daemon:
        ready = daemon.ready
        assert list(ready) == ["pid", "port", "db", "epoch", "seq"]
        assert ready["pid"] == daemon.process.pid
        assert ready["db"] == str(daemon.database.resolve())
        status, health = daemon.health()
        assert (status, health["status"], health["reasons"]) == (200, "ok", [])
        assert health["epoch"] == ready["epoch"]
        assert daemon.signal("SIGTERM") == 0
    assert daemon.rest_of_stdout == ""
    assert daemon.errors == []


@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 0), ("SIGINT", 130)])
def test_signals_drain_and_stop_is_the_last_event(tmp_path: Path, name: str, status: int) -> None:
    with Running(tmp_path, *SLOWLY) as daemon:
        daemon.until(lambda: daemon.health()[1]["feed"] == "running")
        assert daemon.signal(name) == status
    logged = events(daemon.database)
    assert [logged[0]["kind"], logged[1]["kind"]] == ["start", "config"]
    assert (logged[-1]["kind"], logged[-1]["data"]["reason"]) == ("stop", name)
    assert not any("Traceback" in line for line in daemon.errors)


def test_stop_works_without_a_signal(tmp_path: Path) -> None:
    with Running(tmp_path, *SLOWLY) as daemon:
        stopped = run("live", "--stop", "--db", str(daemon.database))
        assert (stopped.returncode, stopped.stdout, stopped.stderr) == (0, "", "stopped\n")
        assert daemon.wait(1.0) == 0
    assert events(daemon.database, "stop")[-1]["data"]["reason"] == "--stop"
    again = run("live", "--stop", "--db", str(daemon.database))
    assert again.returncode == 0
    assert "no daemon runs" in again.stderr
    assert not list(daemon.database.parent.glob("*.stop"))


def test_a_request_left_over_does_not_stop_the_next_daemon(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "alerts.db.stop").touch()
    with Running(tmp_path, *SLOWLY) as daemon:
        daemon.until(lambda: daemon.health()[1]["feed"] == "running")
        assert daemon.process.poll() is None
        assert not list(daemon.database.parent.glob("*.stop"))


def test_a_stop_during_the_start_is_not_lost(tmp_path: Path) -> None:
    """Whoever had the lock removed any request it found, a new one too."""
    database = str(tmp_path / "alerts.db")
    request_path(database).write_text("of an earlier day")
    old = left_over(database)
    request_path(database).write_text("of now")
    forget_left_over(database, old)
    assert request_path(database).exists()
    stop = Stop()
    asyncio.run(stop.watch(database))
    assert stop.reason == "--stop"
    forget_left_over(database, left_over(database))


def test_a_replay_of_a_store_names_its_manifest(tmp_path: Path) -> None:
    root = tmp_path / "bars"
    imported = ["--import", str(SAMPLE), "--symbol", "WIN$N", "--timeframe", "M5"]
    assert run("fetch", *imported, "--out", str(root)).returncode == 0
    options = ["--feed", "replay", "--bars", str(root), "--speed", "0", "--exit-at-end"]
    with Running(tmp_path, *options) as daemon:
        assert daemon.wait() == 0
    started = events(daemon.database, "start")[0]["data"]
    assert started["sha256"] == hashlib.sha256((root / MANIFEST).read_bytes()).hexdigest()
    assert events(daemon.database, "alert")


def test_a_replay_takes_its_symbols_from_the_configuration(tmp_path: Path) -> None:
    config = write_config(tmp_path, "data:\n  symbols:\n    - symbol: WDO$N\n")
    done = run("live", *SLOWLY, "--port", "0", "--db", str(tmp_path / "a.db"), "--config", config)
    assert done.returncode == 3
    assert "holds bars of WIN$N, expected one of WDO$N, as data.symbols lists" in done.stderr


def test_a_replay_leaves_the_live_database_alone(tmp_path: Path) -> None:
    config = write_config(tmp_path, f"live:\n  database: {tmp_path / 'live.db'}\n")
    options = [*SLOWLY[:5], "0", "--exit-at-end", "--port", "0", "--config", config]
    assert run("live", *options).returncode == 0
    assert not (tmp_path / "live.db").exists()
    started = events(tmp_path / "replay.db", "start")[0]["data"]
    assert started["file"] == str(SAMPLE)
    assert started["sha256"] == hashlib.sha256(SAMPLE.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("kind", "feed", "stated", "used"),
    [
        ("mt5", "mt5", "a/alerts.db", "a/alerts.db"),
        ("replay", "mt5", "a/alerts.db", "a/replay.db"),
        ("replay", "replay", "a/dev.db", "a/dev.db"),
        ("replay", "replay", "data/live/alerts.db", "data/live/replay.db"),
    ],
)
def test_the_database_is_that_of_the_feed(kind: str, feed: str, stated: str, used: str) -> None:
    live = replace(Live(), feed=feed)  # type: ignore[arg-type]  # text of a parameter
    assert database_of(kind, live, stated) == str(Path(used))


def test_no_table_of_zones_is_an_error_of_one_line(tmp_path: Path) -> None:
    """It would have shown at the first alert."""
    program = (
        "import sys\n"
        "sys.modules['tzdata'] = None\n"
        "from runners._main import run\n"
        "from runners.live.__main__ import main\n"
        f"sys.argv[1:] = {[*SLOWLY, '--db', str(tmp_path / 'a.db')]!r}\n"
        "sys.exit(run(main, must_print=False))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment(ENV) | {"PYTHONTZPATH": ""},
        text=True, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "pip install tzdata" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_second_start_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with Running(tmp_path, *SLOWLY) as daemon:
        link = tmp_path / "other name.db"
        link.symlink_to(daemon.database)
        for database in (daemon.database, link):
            second = run("live", *SLOWLY, "--port", "0", "--db", str(database))
            assert second.returncode == 5, second.stderr
            assert "another process has this database open" in second.stderr
        port = str(daemon.ready["port"])
        third = run("live", *SLOWLY, "--port", port, "--db", str(tmp_path / "another.db"))
        assert third.returncode == 5, third.stderr
        assert f"port {port}" in third.stderr
        assert not (tmp_path / "another.db").exists(), "what never started left a database"
        assert daemon.health()[0] == 200
        assert daemon.signal("SIGTERM") == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a device that is full")
@pytest.mark.parametrize("redirection", [">&-", ">/dev/full", "2>/dev/full", "2>&-"])
def test_output_that_cannot_be_written_stops_no_alert(tmp_path: Path, redirection: str) -> None:
    database = tmp_path / "a.db"
    options = ["--feed", "replay", "--bars", str(SAMPLE), "--speed", "0", "--exit-at-end"]
    line = shlex.join(command("live", *options, "--port", "0", "--db", str(database)))
    done = subprocess.run(
        f"{line} {redirection}", shell=True, cwd=ROOT, env=environment(ENV), capture_output=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert events(database, "stop")[-1]["data"] == {"reason": "end"}
    assert events(database, "alert")


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--feed", "replay", "--bars", "no such file"), 3, "no such file"),
        (("--feed", "replay"), 2, "--bars FILE or data.source"),
        (("--feed", "replay", "--bars", str(SAMPLE), "--speed", "-1"), 2, "at least 0"),
        (("--feed", "replay", "--bars", str(SAMPLE), "--speed", "nan"), 2, "at least 0"),
        (("--feed", "replay", "--bars", str(SAMPLE), "--host", "0.0.0.0"), 2, "--allow-remote"),
        (("--feed", "replay", "--bars", __file__, "--exit-at-end"), 3, "error:"),
        (("--config", "no such file"), 2, "no such file"),
    ],
)
def test_what_cannot_start_says_why_in_one_line(
    tmp_path: Path, options: tuple[str, ...], status: int, said: str
) -> None:
    done = run("live", "--port", "0", "--db", str(tmp_path / "a.db"), *options)
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--stop", "--check"), "--check: does not go with --stop"),
        (("--stop", "--speed", "0"), "--speed: does not go with --stop"),
        (("--stop", "--port", "0"), "--port: does not go with --stop"),
        (("--feed", "mt5", "--bars", str(SAMPLE)), "--bars: does not go with the feed mt5"),
        (("--feed", "mt5", "--exit-at-end"), "--exit-at-end: does not go with the feed mt5"),
        (("--exit-at-end", "--check"), "--exit-at-end: does not go with the feed mt5"),
        (("--feed", "mt5", "--speed", "0"), "--speed: does not go with the feed mt5"),
        (("--send-test-mail", "--dry-run"), "--dry-run: does not go with --send-test-mail"),
    ],
)
def test_an_option_that_does_not_fit_is_not_ignored(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    """--check --stop went straight to the stop, and --feed mt5 --bars F to the terminal."""
    done = run("live", "--db", str(tmp_path / "a.db"), *options)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_stop_takes_what_says_which_database() -> None:
    done = run("live", "--stop", "--feed", "replay", "--bars", str(SAMPLE), "--db", "no.db")
    assert (done.returncode, done.stderr) == (0, "no daemon runs on no.db\n")


def test_bars_of_another_timeframe_are_refused(tmp_path: Path) -> None:
    config = write_config(tmp_path, "data:\n  timeframe: M15\n")
    done = run("live", *SLOWLY, "--port", "0", "--db", str(tmp_path / "a.db"), "--config", config)
    assert done.returncode == 3
    assert "holds bars of M5, expected M15" in done.stderr


def test_a_missing_token_names_its_variable(tmp_path: Path) -> None:
    done = run("live", *SLOWLY, "--db", str(tmp_path / "a.db"), env={})
    assert done.returncode == 2
    assert "$WEBSOCKET_TOKEN" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_database_that_is_none_is_a_storage_error(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"not a database" * 100)
    done = run("live", *SLOWLY, "--port", "0", "--db", str(path))
    assert done.returncode == 4
    assert "not an SQLite database" in done.stderr


def test_nothing_heavy_is_loaded(tmp_path: Path) -> None:
    options = [*SLOWLY[:5], "0", "--exit-at-end", "--port", "0", "--db", str(tmp_path / "a.db")]
    program = (
        "import json, sys\n"
        "from runners.live.__main__ import main\n"
        f"main({options!r})\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment(ENV), text=True,
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert "websockets" in loaded
    assert not {*HEAVY, *HTTP} & set(loaded)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="systemd speaks over Unix sockets")
def test_systemd_is_told_and_the_watchdog_fed(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        sock.settimeout(10.0)
        supervised = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "200000"}
        with Running(tmp_path, *SLOWLY, env=ENV | supervised) as daemon:
            assert sock.recv(500).startswith(b"READY=1\nSTATUS=")
            assert [sock.recv(500), sock.recv(500)] == [b"WATCHDOG=1"] * 2
            daemon.process.terminate()
            while (message := sock.recv(500)) == b"WATCHDOG=1":
                continue
            assert message == b"STOPPING=1"


@pytest.mark.skipif(os.name == "nt", reason="needs links")
@pytest.mark.parametrize("kind", ["link", "folder"])
def test_only_a_plain_file_is_a_request_to_stop(tmp_path: Path, kind: str) -> None:
    with Running(tmp_path, *SLOWLY) as daemon:
        request = Path(f"{daemon.database}.stop")
        (tmp_path / "victim").write_text("mine")
        request.symlink_to(tmp_path / "victim") if kind == "link" else request.mkdir()
        refused = run("live", "--stop", "--db", str(daemon.database))
        assert refused.returncode == 4
        assert "expected a plain file or nothing" in refused.stderr
        assert (tmp_path / "victim").read_text() == "mine"
        assert daemon.health()[0] == 200
        request.unlink() if kind == "link" else request.rmdir()
        assert run("live", "--stop", "--db", str(daemon.database)).returncode == 0
        assert daemon.wait() == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_neither_a_database_nor_bars(tmp_path: Path) -> None:
    """Opened for reading it was waited for, and the daemon heard no signal meanwhile."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for name, *options in (
        ("live", "--feed", "replay", "--bars", str(SAMPLE), "--port", "0"),
        ("audit", "verify"), ("audit", "export"), ("audit", "restore", str(SAMPLE)),
    ):  # fmt: skip
        done = run(name, *options, "--db", str(pipe))
        assert done.returncode == 4, done.stderr
        assert "no file, expected a database" in done.stderr
    for more in ((), ("--check",)):
        options = ["--feed", "replay", "--bars", str(pipe), "--port", "0", *more]
        done = run("live", *options, "--db", str(tmp_path / "a.db"))
        assert done.returncode == 3, done.stderr
        assert "a pipe or a device, expected a bar file" in done.stdout + done.stderr


class TestARefusedStart:
    """It leaves the disk as it was: what was not there is not there afterwards."""

    def refuse(self, database: Path, status: int, *options: str) -> None:
        done = run("live", *SLOWLY, "--port", "0", "--db", str(database), *options)
        assert (done.returncode, done.stdout) == (status, "")
        assert done.stderr.splitlines()[-1].startswith("error: ")

    @pytest.mark.parametrize("kind", ["link", "folder"])
    def test_by_what_stands_in_the_place_of_the_mark(self, tmp_path: Path, kind: str) -> None:
        """An empty database was left behind."""
        mark = tmp_path / "alerts.db-head"
        if kind == "link":
            mark.symlink_to("nowhere")
        else:
            mark.mkdir()
        self.refuse(tmp_path / "alerts.db", 4)
        assert os.listdir(tmp_path) == [mark.name]

    def test_by_its_address(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            self.refuse(tmp_path / "new" / "live" / "alerts.db", 5, "--port", port)
        assert os.listdir(tmp_path) == []

    def test_by_its_certificate_beside_the_mark_of_a_database_kept_elsewhere(
        self, tmp_path: Path
    ) -> None:
        with Running(tmp_path, *SLOWLY) as daemon:
            daemon.signal("SIGTERM")
        kept = daemon.database.rename(tmp_path / "kept.db")
        mark = daemon.database.with_name("alerts.db-head")
        before = mark.read_bytes()
        config = write_config(
            tmp_path,
            "delivery: {websocket: {url: 'wss://localhost:8765', "
            "certificate_file: /nowhere.pem, key_file: /nowhere.key}}",
        )
        self.refuse(daemon.database, 2, "--config", config)
        assert mark.read_bytes() == before
        assert (os.listdir(mark.parent), kept.is_file()) == ([mark.name], True)

    def test_of_a_database_that_was_there_takes_nothing_away(self, tmp_path: Path) -> None:
        with Running(tmp_path, *SLOWLY) as daemon:
            daemon.signal("SIGTERM")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.refuse(daemon.database, 5, "--port", str(taken.getsockname()[1]))
        assert events(daemon.database, "start")


class TestCheck:
    def check(self, tmp_path: Path, *options: str, config: str = "") -> tuple[int, str]:
        path = write_config(tmp_path, config)
        done = run("live", "--check", "--config", path, "--db", str(tmp_path / "a.db"), *options)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout

    def test_all_is_well(self, tmp_path: Path) -> None:
        status, said = self.check(tmp_path, "--feed", "replay", "--bars", str(SAMPLE))
        assert status == 0, said
        assert [line[:4].strip() for line in said.splitlines()] == ["ok"] * 9
        assert not (tmp_path / "a.db").exists()

    def test_a_missing_replay_file(self, tmp_path: Path) -> None:
        status, said = self.check(tmp_path, "--feed", "replay", "--bars", "missing.parquet")
        assert status == 3
        assert "FAIL  feed: missing.parquet" in said

    def test_a_mail_server_that_does_not_answer(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        email = (
            "delivery:\n  email:\n    enabled: true\n    smtp_host: 127.0.0.1\n"
            f"    smtp_port: {port}\n    security: none\n    recipients: [a@localhost]\n"
        )
        status, said = self.check(tmp_path, "--feed", "replay", "--bars", str(SAMPLE), config=email)
        assert status == 1
        assert "FAIL  smtp: delivery.email: 127.0.0.1" in said

    def test_a_terminal_that_is_not_there(self, tmp_path: Path) -> None:
        scenario = tmp_path / "scenario.json"
        scenario.write_text(json.dumps({"initialize": [-10_003] * 9, "now": "2024-03-01 10:00"}))
        env = ENV | {"ALERTAS_MT5_MODULE": "tests.support.fake_mt5", "FAKE_MT5": str(scenario)}
        done = run("live", "--check", "--feed", "mt5", "--db", str(tmp_path / "a.db"), env=env)
        assert done.returncode == 1
        assert "FAIL  feed: " in done.stdout

    def test_a_terminal_that_answers(self, tmp_path: Path) -> None:
        scenario = tmp_path / "scenario.json"
        scenario.write_text(json.dumps({"now": "2024-03-01 10:00"}))
        env = ENV | {"ALERTAS_MT5_MODULE": "tests.support.fake_mt5", "FAKE_MT5": str(scenario)}
        done = run("live", "--check", "--feed", "mt5", "--db", str(tmp_path / "a.db"), env=env)
        assert done.returncode == 0, done.stdout
        assert "account 1234: WIN$N M5" in done.stdout

    def test_a_terminal_that_hangs_is_told_before_a_supervisor_gives_up(
        self, tmp_path: Path
    ) -> None:
        module = "import time\ndef initialize(*args, **options): time.sleep(600)\n"
        (tmp_path / "hanging_mt5.py").write_text(module)
        env = ENV | {
            "ALERTAS_MT5_MODULE": "hanging_mt5",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)]),
        }
        unit = (ROOT / "docs" / "deploy" / "alertas.service").read_text(encoding="utf-8")
        done = subprocess.run(
            command("live", "--check", "--feed", "mt5", "--db", str(tmp_path / "a.db")),
            cwd=ROOT, env=environment(env), text=True, capture_output=True, timeout=20, check=False,
        )  # fmt: skip
        assert done.returncode == 1, done.stdout
        assert "FAIL  feed: the MetaTrader 5 terminal did not answer" in done.stdout
        assert "\nTimeoutStartSec=60\n" in unit

    @pytest.mark.parametrize(
        "name", ["file/a.db", "file/folder/a.db", ".", "linked.db", "note", "walled.db"]
    )
    def test_a_database_where_a_start_could_make_none(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "file").touch()
        (tmp_path / "linked.db-head").symlink_to(tmp_path / "file")
        (tmp_path / "walled.db-wal").mkdir()
        (tmp_path / "note").write_text("x")  # so short that SQLite takes it for empty
        options = ("--feed", "replay", "--bars", str(SAMPLE), "--port", "0")
        done = run("live", "--check", *options, "--db", str(tmp_path / name))
        assert done.returncode == 4, done.stdout
        assert "FAIL  database: " in done.stdout
        started = run("live", *options, "--db", str(tmp_path / name))
        assert started.returncode == 4, started.stderr

    def test_an_address_that_others_have_or_may_reach(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            status, said = self.check(
                tmp_path, "--feed", "replay", "--bars", str(SAMPLE), "--port", port
            )
        assert status == 5
        assert "FAIL  address: " in said
        status, said = self.check(
            tmp_path, "--feed", "replay", "--bars", str(SAMPLE), "--host", "0.0.0.0"
        )
        assert status == 2

    @pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may")
    def test_a_folder_that_cannot_be_written(self, tmp_path: Path) -> None:
        folder = tmp_path / "closed"
        folder.mkdir(mode=0o500)
        done = run("live", "--check", "--feed", "replay", "--bars", str(SAMPLE), "--db",
                   str(folder / "a.db"))  # fmt: skip
        assert done.returncode == 4
        shutil.rmtree(folder)

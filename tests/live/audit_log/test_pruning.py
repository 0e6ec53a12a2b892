"""Pruning: only what is past pruning, behind a tombstone, and the chain still verifies."""

from __future__ import annotations

import calendar
import json
import re
import sqlite3
import time
from pathlib import Path

import pytest

from alertlib.errors import ConfigError
from alertlib.market.clock import utc_stamp
from runners.live.alert_store.records import Numbered
from runners.live.alert_store.store import Store
from runners.live.audit_log import log as reading
from runners.live.audit_log import pruning
from runners.live.audit_log.log import open_log
from runners.live.audit_log.pruning import TamperedError, prune, years_before
from runners.live.audit_log.verify import checked
from tests.support.audit_data import ask, ask_apart, disarm, rearm, sql
from tests.support.store_data import batch, payload

YEAR = 365.25 * 86_400.0
OLD = 30


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A log with 30 events of eight years ago and 10 of now."""
    path = str(tmp_path / "alerts.db")
    now = [time.time() - 8 * YEAR]
    with Store.open(path, clock=lambda: now[0]) as store:
        for number in range(OLD):
            store.commit(batch(number)).result()
        now[0] = time.time()
        for number in range(OLD, OLD + 10):
            store.commit(batch(number)).result()
    return path


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "alertas.yaml"
    path.write_text("audit:\n  retention_years: 7\n", encoding="utf-8")
    return str(path)


def hash_of(path: str, seq: int) -> str:
    with sql(path) as connection:
        row = connection.execute("SELECT hash FROM audit WHERE seq = ?", (seq,)).fetchone()
        return str(row[0])


def test_pruning_leaves_a_chain_that_verifies_from_its_tombstone(path: str, config: str) -> None:
    anchors = {seq: hash_of(path, seq) for seq in (OLD - 1, OLD, OLD + 1)}
    said = ask("prune", "--db", path, "--config", config, "--dry-run")
    assert f"{OLD} events before" in said.out
    assert "would be removed" in said.out
    assert len(ask("export", "--db", path).events) == OLD + 10
    done = ask("prune", "--db", path, "--config", config, "--json")
    assert json.loads(done.out) == {"pruned": OLD, "through": OLD, "dry_run": False}
    events = ask("export", "--db", path).events
    assert [event["seq"] for event in events] == list(range(OLD + 1, OLD + 12))
    tombstone = events[-1]
    assert tombstone["kind"] == "prune"
    assert tombstone["data"]["through"] == OLD
    assert tombstone["data"]["hash"] == events[0]["prev"] == anchors[OLD]
    assert tombstone["data"]["count"] == OLD
    verified = ask("verify", "--db", path)
    assert verified.status == 0
    assert f"{OLD} pruned before them" in verified.out
    for seq, status in ((OLD - 1, 1), (OLD, 0), (OLD + 1, 0)):
        assert ask("verify", "--db", path, "--anchor", f"{seq}:{anchors[seq]}").status == status
    again = ask("prune", "--db", path, "--config", config)
    assert again.out.startswith("0 events before")


def test_the_store_goes_on_after_a_pruning_and_forgets_no_id(path: str, config: str) -> None:
    assert ask("prune", "--db", path, "--config", config).status == 0
    with Store.open(path) as store:
        assert store.oldest == OLD + 1
        assert [message.seq for message in store.read(0)] == list(range(OLD + 1, OLD + 11))
        assert store.commit(batch(0, OLD + 10)).result() == (
            Numbered(1, new=False),
            Numbered(OLD + 11, new=True),
        )
    assert ask("verify", "--db", path).status == 0


def test_a_running_store_is_pruned_without_being_disturbed(path: str, config: str) -> None:
    with Store.open(path) as store:
        store.commit(batch(100)).result()
        assert ask_apart("prune", "--db", path, "--config", config).status == 0
        assert store.commit(batch(101)).result() == (Numbered(OLD + 12, new=True),)
        assert json.loads(store.read(OLD + 11)[0].payload) == payload(101)
    assert ask("verify", "--db", path).status == 0


def test_an_interrupted_pruning_verifies_and_is_finished_by_the_next(
    path: str, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "_CHUNK", 7)
    remove_some, calls = pruning._remove_some, []

    def interrupted(connection: object) -> bool:
        calls.append(connection)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return remove_some(connection)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(pruning, "_remove_some", interrupted)
    assert ask("prune", "--db", path, "--config", config).status == 130
    assert ask("export", "--db", path).events[0]["seq"] == 15
    assert ask("verify", "--db", path).status == 0
    monkeypatch.setattr(pruning, "_remove_some", remove_some)
    assert ask("prune", "--db", path, "--config", config).status == 0
    assert ask("export", "--db", path).events[0]["seq"] == OLD + 1
    assert ask("verify", "--db", path).status == 0


def test_pruning_stops_at_the_first_event_that_is_kept(tmp_path: Path, config: str) -> None:
    path = str(tmp_path / "jumps.db")
    now = [0.0]
    with Store.open(path, clock=lambda: now[0]) as store:
        for number, age in enumerate((9, 9, 1, 9, 0)):  # a clock that jumped
            now[0] = time.time() - age * YEAR
            store.commit(batch(number)).result()
    assert json.loads(ask("prune", "--db", path, "--config", config, "--json").out)["through"] == 2
    verified = ask("verify", "--db", path)
    assert verified.status == 0
    assert "warning: event 4: its time " in verified.out
    assert "goes back behind" in verified.out


def test_a_clock_that_runs_ahead_prunes_nothing(path: str) -> None:
    with open_log(path) as log, pytest.raises(ConfigError, match="set the clock"):
        prune(log, now=time.time() + 40 * 86_400.0, before=utc_stamp(time.time() - 7 * YEAR))
    assert len(ask("export", "--db", path).events) == OLD + 10


def test_times_in_the_future_are_told(tmp_path: Path) -> None:
    path = str(tmp_path / "ahead.db")
    with Store.open(path, clock=lambda: time.time() + YEAR) as store:
        store.commit(batch(1)).result()
    verified = ask("verify", "--db", path, "--json")
    assert verified.status == 0
    assert "lies in the future" in json.loads(verified.out)["warnings"][0]


def test_a_clock_that_was_ahead_for_long_does_not_hide_what_came_after(tmp_path: Path) -> None:
    """Each event of that hour was a warning of its own, and only a hundred are told."""
    path, ahead = str(tmp_path / "ahead.db"), YEAR
    with Store.open(path, clock=lambda: time.time() + ahead) as store:
        for number in range(120):
            store.commit(batch(number + 1)).result()
        ahead = 0.0
        store.commit(batch(121)).result()
    future, back = json.loads(ask("verify", "--db", path, "--json").out)["warnings"]
    assert re.fullmatch(r"events 1 to \d+: their times, from .* on, lie in the future", future)
    assert "goes back behind" in back


def test_the_shortest_retention_prunes(path: str, tmp_path: Path) -> None:
    config = tmp_path / "five.yaml"
    config.write_text("audit:\n  retention_years: 5\n", encoding="utf-8")
    done = ask("prune", "--db", path, "--config", str(config), "--json")
    assert json.loads(done.out)["pruned"] == OLD, done.err
    assert ask("verify", "--db", path).status == 0


def test_pruning_a_stopped_database_does_not_make_it_a_copy(path: str, config: str) -> None:
    with Store.open(path) as store:
        epoch = store.epoch
    assert ask("prune", "--db", path, "--config", config).status == 0
    with Store.open(path) as store:
        assert store.epoch == epoch


def test_an_export_during_a_pruning_is_of_one_moment(
    path: str, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_CHUNK", 5)
    with open_log(path) as log:
        problems: list[str] = []
        records = checked(log, problems)
        seen = [next(records).seq]
        assert ask_apart("prune", "--db", path, "--config", config).status == 0
        seen += [record.seq for record in records]
    assert seen == list(range(1, OLD + 11))
    assert problems == []


@pytest.mark.parametrize(
    ("settings", "options", "complaint"),
    [
        ("audit:\n  legal_hold: true\n", [], "audit.legal_hold is true"),
        ("", ["--before", "2999-01-01"], "audit.retention_years 7 keeps everything since"),
        ("audit:\n  retention_years: 9\n", ["--before", "@8"], "audit.retention_years 9 keeps"),
    ],
)
def test_pruning_refuses(
    path: str, tmp_path: Path, settings: str, options: list[str], complaint: str
) -> None:
    config = tmp_path / "alertas.yaml"
    config.write_text(settings, encoding="utf-8")
    options = [
        time.strftime("%Y-%m-%d", time.gmtime(time.time() - 8 * YEAR)) if word == "@8" else word
        for word in options
    ]
    answer = ask("prune", "--db", path, "--config", str(config), *options)
    assert answer.status == 2
    assert complaint in answer.err
    assert answer.err.count("\n") == 1
    assert ask("export", "--db", path).events[0]["seq"] == 1


@pytest.mark.parametrize("before", ["0001-01-01", "0999-12-31", "1000-01-01", "1969-07-20"])
def test_nothing_is_older_than_the_calendar(path: str, config: str, before: str) -> None:
    """Years below 1000 were not padded, and stamps are compared as text."""
    answer = ask("prune", "--db", path, "--config", config, "--before", before)
    assert answer.out.startswith(f"0 events before {before}T00:00:00.000000Z removed")
    assert ask("export", "--db", path).events[0]["seq"] == 1


def test_the_databases_own_legal_hold_binds_whoever_prunes(path: str, config: str) -> None:
    with Store.open(path) as store:
        store.set_legal_hold(True).result()
    answer = ask("prune", "--db", path, "--config", config)
    assert answer.status == 2
    assert "under legal hold" in answer.err
    with Store.open(path) as store:
        store.set_legal_hold(False).result()
    assert ask("prune", "--db", path, "--config", config).status == 0


def test_five_years_are_the_floor_whatever_is_asked(path: str) -> None:
    now = time.time()
    with open_log(path) as log, pytest.raises(ConfigError, match="younger than 5 years"):
        prune(log, now=now, before=utc_stamp(now - 4.9 * YEAR))


def test_the_floor_does_not_believe_the_caller_what_time_it_is(path: str) -> None:
    future = time.time() + 20 * YEAR
    with open_log(path) as log, pytest.raises(ConfigError, match="younger than 5 years"):
        prune(log, now=future, before=utc_stamp(future - 6 * YEAR))


def test_the_guards_hold_the_floor_themselves(path: str, config: str) -> None:
    with sql(path) as connection:
        connection.execute("DROP TRIGGER meta_prune")
        connection.execute("UPDATE meta SET pruned_seq = 100")
        with pytest.raises(sqlite3.IntegrityError, match="no event can be removed"):
            connection.execute("DELETE FROM audit")
    assert ask("prune", "--db", path, "--config", config).status == 1


def test_a_log_that_does_not_verify_is_not_pruned(path: str) -> None:
    with sql(path) as connection:
        disarm(connection)
        connection.execute("UPDATE audit SET actor = 'eva' WHERE seq = 35")
        rearm(connection)
    with open_log(path) as log, pytest.raises(TamperedError, match="nothing was removed"):
        prune(log, now=time.time(), before=utc_stamp(time.time() - 7 * YEAR))
    assert len(ask("export", "--db", path).events) == OLD + 10


def test_a_tombstone_that_names_another_event_is_found(path: str, config: str) -> None:
    assert ask("prune", "--db", path, "--config", config).status == 0
    with sql(path) as connection:
        disarm(connection)
        connection.execute("DELETE FROM audit WHERE seq = ?", (OLD + 1,))
        rearm(connection)
    answer = ask("verify", "--db", path)
    assert answer.status == 1
    assert "no tombstone covers them" in answer.out


@pytest.mark.parametrize(
    ("now", "years", "then"),
    [
        ("2024-02-29 12:00", 5.0, "2019-02-28 12:00"),
        ("2026-07-28 12:00", 7.0, "2019-07-28 12:00"),
    ],
)
def test_years_are_calendar_years(now: str, years: float, then: str) -> None:
    def seconds(text: str) -> float:
        return float(calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M")))

    assert years_before(seconds(now), years) == seconds(then)
    half_a_year_earlier = seconds(then) - YEAR / 2
    assert years_before(seconds(now), years + 0.5) == pytest.approx(half_a_year_earlier, abs=1e4)

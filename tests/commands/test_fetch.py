"""From a terminal or a file into the store: what is missing, no more, whatever interrupts it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

from alertlib.bars.opening import read_bars
from alertlib.bars.schema import BAR_SCHEMA
from alertlib.bars.store.store import is_store, open_series
from alertlib.bars.store.writer import StoreWriter
from alertlib.errors import ConfigError, DataError
from alertlib.market.instruments import find_instrument
from runners._main import run
from runners.fetch import main
from runners.mt5.adapter import Terminal
from runners.mt5.api import Credentials
from runners.mt5.client import Clock, Rates
from runners.mt5.download import Download, Order, Receipt
from runners.mt5.rates import Page
from tests.support.fake_mt5 import BRASILIA, FakeTerminal, Fault, epoch
from tests.support.synthetic import frame, walk

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data"
NOW = "2026-03-10 14:02:30"
POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


class Direct:
    """A terminal's adapter in this process, asked as a client is."""

    def __init__(self, fake: FakeTerminal, retries: int | None = 4) -> None:
        self.fake = fake
        self.terminal = Terminal(
            fake,
            Credentials(fake.scenario.login, "secret", fake.scenario.server),
            retries=retries,
            clock=fake.utc,
            sleep=lambda wait: None,
        )
        self.identity = self.terminal.identity
        self.info = self.terminal.info

    def clock(self, symbol: str) -> Clock:
        return Clock(**self.terminal.clock(symbol))

    def history(self, *args: Any) -> Rates:
        return _rates(self.terminal.history(*args))

    def closed_bars(self, *args: Any) -> Rates:
        return _rates(self.terminal.closed_bars(*args))


def _rates(page: Page) -> Rates:
    return Rates(page.bars.tobytes(), page.newest, page.through)


def download(
    root: Path, fake: FakeTerminal, sessions: int = 5, **options: Any
) -> tuple[Receipt, list[str]]:
    said: list[str] = []
    instrument = find_instrument(
        options.pop("symbol", "WIN$N"), options.pop("timeframe", "M5"), options.pop("symbols", ())
    )
    order = Order(instrument, sessions, 3.0, datetime(2026, 3, 10, 18, tzinfo=UTC))
    with StoreWriter(root) as store:
        client = options.pop("client", None) or Direct(fake)
        receipt = Download(client, store, order, say=said.append, progress=lambda *_: None).run()
    return receipt, said


def stored(root: Path) -> pl.DataFrame:
    return open_series(root).scan().collect()


def reference(fake: FakeTerminal, first: str, last: str) -> pl.DataFrame:
    """Return the stand-in's bars from ``first`` to ``last``, by another way than the adapter's."""
    bars = fake._source[
        (fake._source["time"] >= epoch(first)) & (fake._source["time"] <= epoch(last))
    ]
    columns = {name: bars[name].astype(np.int64) for name in ("tick_volume", "real_volume")}
    return pl.DataFrame(
        {
            "time": pl.Series(bars["time"] * 1_000_000).cast(pl.Datetime("us")),
            **{name: bars[name] for name in ("open", "high", "low", "close")},
            **columns,
            "spread": bars["spread"].astype(np.int64),
        }
    )


# --- what is fetched ------------------------------------------------------------------------


def test_the_last_sessions_and_todays_closed_bars(tmp_path: Path) -> None:
    fake = FakeTerminal(now=NOW)
    receipt, said = download(tmp_path, fake)
    assert stored(tmp_path).equals(reference(fake, "2026-03-03 09:00", "2026-03-10 13:55"))
    assert receipt.written.added == 5 * 113 + 60
    assert (receipt.shortfall, said) == (None, [])
    ((_, entry),) = open_series(tmp_path).partitions
    assert (entry.source, entry.server_offset) == (
        "mt5:XPMT5-DEMO/1234".replace(":", "/"),
        BRASILIA,
    )


def test_after_the_close_today_is_one_of_the_sessions(tmp_path: Path) -> None:
    fake = FakeTerminal(now="2026-03-10 20:00:00")
    download(tmp_path, fake, sessions=2)
    assert stored(tmp_path).equals(reference(fake, "2026-03-09 09:00", "2026-03-10 18:20"))


def test_a_second_fetch_adds_what_came_since_and_nothing_else(tmp_path: Path) -> None:
    fake = FakeTerminal(now=NOW)
    download(tmp_path, fake)
    for now, added in ((NOW, 0), ("2026-03-10 15:01:00", 12), ("2026-03-11 20:00:00", 41 + 113)):
        fake.move_clock(now)
        fake.__dict__.pop("_source", None)
        receipt, said = download(tmp_path, fake)
        assert (receipt.written.added, said) == (added, [])
    assert stored(tmp_path).equals(reference(fake, "2026-03-03 09:00", "2026-03-11 18:20"))


def test_more_sessions_are_added_before_those_stored(tmp_path: Path) -> None:
    fake = FakeTerminal(now=NOW)
    download(tmp_path, fake, sessions=3)
    receipt, _ = download(tmp_path, fake, sessions=40)
    assert receipt.written.added == 37 * 113
    assert stored(tmp_path).equals(reference(fake, "2026-01-09 09:00", "2026-03-10 13:55"))


@pytest.mark.parametrize("maxbars", [12, 114, 100_000])
def test_the_page_makes_no_difference(tmp_path: Path, maxbars: int) -> None:
    fake = FakeTerminal(now=NOW, maxbars=maxbars)
    download(tmp_path, fake, sessions=2)
    assert stored(tmp_path).equals(reference(fake, "2026-03-06 09:00", "2026-03-10 13:55"))
    fake.move_clock("2026-03-12 11:00:00")
    fake.__dict__.pop("_source", None)
    download(tmp_path, fake, sessions=2)
    assert stored(tmp_path).equals(reference(fake, "2026-03-06 09:00", "2026-03-12 10:55"))


def test_other_timeframes(tmp_path: Path) -> None:
    for timeframe, bars in (("M15", 38), ("H1", 10), ("D1", 1)):
        fake = FakeTerminal(now=NOW)
        root = tmp_path / timeframe
        download(root, fake, sessions=4, timeframe=timeframe)
        assert stored(root).filter(pl.col("time") < datetime(2026, 3, 10)).height == 4 * bars


def test_a_history_that_begins_late_is_a_warning(tmp_path: Path) -> None:
    receipt, _ = download(tmp_path, FakeTerminal(now=NOW, days=4), sessions=60)
    assert receipt.is_cut is False
    assert receipt.shortfall is not None
    assert "got 3 complete sessions" in receipt.shortfall
    assert "the terminal's history begins there" in receipt.shortfall


def test_a_history_cut_by_maxbars_names_the_setting(tmp_path: Path) -> None:
    fake = FakeTerminal(now=NOW, maxbars=1_000, depth=1_000)
    receipt, _ = download(tmp_path, fake, sessions=60)
    assert receipt.is_cut
    assert "keeps 1,000 bars: raise Max bars in chart" in str(receipt.shortfall)
    assert stored(tmp_path).height == 999


def test_history_that_is_still_loading_is_waited_for(tmp_path: Path) -> None:
    fake = FakeTerminal(now=NOW, lazy_start=30, lazy_step=97, empty_first=2, fail_first=1)
    download(tmp_path, fake, sessions=20)
    assert stored(tmp_path).equals(reference(fake, "2026-02-06 09:00", "2026-03-10 13:55"))


def test_real_bars_come_through_unchanged(tmp_path: Path) -> None:
    path = REAL / "win_n_m5_2020-11_2021-03.parquet"
    if not path.exists():
        pytest.skip("the files of real bars are not beside the project")
    fake = FakeTerminal(now="2021-03-31 19:00:00", parquet=str(path), days=0)
    _, said = download(tmp_path, fake, sessions=90)
    bars = stored(tmp_path)
    assert said == []
    assert bars["time"].dt.date().n_unique() == 90
    assert bars.equals(pl.read_parquet(path).select(BAR_SCHEMA.names()).tail(bars.height))


# --- what can go wrong ----------------------------------------------------------------------


@pytest.mark.parametrize("at", [3, 4, 5, 6, 7, 9])
def test_a_terminal_that_dies_in_mid_fetch_is_gone_back_to(tmp_path: Path, at: int) -> None:
    faults = [Fault("copy_rates_from", at, "disconnect"), Fault("*", 30, "disconnect")]
    fake = FakeTerminal(now=NOW, maxbars=150, faults=faults)
    download(tmp_path, fake, sessions=5)
    assert fake.calls["initialize"] >= 2
    assert stored(tmp_path).equals(reference(fake, "2026-03-03 09:00", "2026-03-10 13:55"))


def test_a_fetch_that_is_cut_off_is_resumed_without_a_hole(tmp_path: Path) -> None:
    """A terminal that dies for good after n calls, for every n until the fetch gets through."""
    fake = FakeTerminal(now=NOW, maxbars=150)
    heights = [0]
    for cut in range(1, 60):
        made = fake.calls["copy_rates_from"]
        fake.scenario.faults = [Fault("copy_rates_from", made + cut, "code", -10_004, times=99)]
        with suppress(DataError):
            download(tmp_path, fake, client=Direct(fake, retries=0))
        if is_store(tmp_path):
            bars = stored(tmp_path)
            assert bars.height >= heights[-1]
            heights.append(bars.height)
            first, last = str(bars["time"][0]), str(bars["time"][-1])
            assert bars.equals(reference(fake, first, last))
        if fake.calls["copy_rates_from"] < made + cut:
            break
    assert len(set(heights)) > 3
    assert stored(tmp_path).equals(reference(fake, "2026-03-03 09:00", "2026-03-10 13:55"))


def test_a_bar_revised_after_its_close_is_told_and_kept(tmp_path: Path) -> None:
    fake = FakeTerminal(now=NOW)
    download(tmp_path, fake)
    before = stored(tmp_path)
    fake.scenario.revised = {"2026-03-10 13:55": {"high": 130_000.0}}
    fake.move_clock("2026-03-10 14:10:30")

    receipt, said = download(tmp_path, fake)

    assert said == [
        f"WIN$N M5 2026-03-10 13:55:00: came again with high {before['high'][-1]} -> 130000.0; "
        "the stored bar stays"
    ]
    assert stored(tmp_path).head(before.height).equals(before)
    assert receipt.written.added == 2
    (revision,) = open_series(tmp_path).partitions[0][1].revisions
    assert revision.time == datetime(2026, 3, 10, 13, 55)


def test_a_rewritten_adjusted_history_is_not_continued(tmp_path: Path) -> None:
    fake = FakeTerminal(now=NOW, symbol="WIN$")
    download(tmp_path, fake, symbol="WIN$")
    before = stored(tmp_path)
    fake.scenario.revised = {"2026-03-10 13:55": {"high": 130_000.0}}
    fake.move_clock("2026-03-10 15:00:00")
    with pytest.raises(DataError, match=r"adjusted series is rewritten at every roll: .* --out"):
        download(tmp_path, fake, symbol="WIN$")
    assert stored(tmp_path).equals(before)


def test_a_stored_bar_that_the_terminal_lost_stays(tmp_path: Path) -> None:
    fake = FakeTerminal(now=NOW)
    download(tmp_path, fake)
    fake.scenario.missing = ["2026-03-10 13:55"]
    fake.move_clock("2026-03-10 14:10:30")
    _, said = download(tmp_path, fake)
    assert said == [
        "WIN$N M5: the terminal no longer has the last stored bar, 2026-03-10 13:55:00; after it "
        "comes 2026-03-10 14:00:00: bars between may be missing"
    ]
    assert stored(tmp_path)["time"].to_list()[-3:] == [
        datetime(2026, 3, 10, 13, 55),
        datetime(2026, 3, 10, 14, 0),
        datetime(2026, 3, 10, 14, 5),
    ]


def test_a_server_clock_that_changed_is_refused_before_anything_of_it_is_stored(
    tmp_path: Path,
) -> None:
    fake = FakeTerminal(now="2026-03-09 20:00:00")
    download(tmp_path, fake)
    before = stored(tmp_path)
    fake.scenario.offsets = [("2026-03-10 00:00", BRASILIA + 3_600)]
    fake.move_clock("2026-03-11 20:00:00")
    fake.__dict__.pop("_source", None)
    with pytest.raises(DataError, match=r"on 2026-03-10 the bars lie \+1 h from the exchange's"):
        download(tmp_path, fake)
    assert stored(tmp_path).equals(before)


def test_a_clock_that_changed_today_shows_in_the_ticks(tmp_path: Path) -> None:
    fake = FakeTerminal(now="2026-03-09 20:00:00")
    download(tmp_path, fake)
    fake.scenario.offsets = [("2026-03-10 00:00", BRASILIA + 3_600)]
    fake.move_clock("2026-03-10 14:02:30")
    with pytest.raises(DataError, match=r"on 2026-03-10 the bars lie \+1 h"):
        download(tmp_path, fake)


def test_a_server_elsewhere_in_the_world_is_refused(tmp_path: Path) -> None:
    """B3 bars on a European clock would be 14:00 bars: wall clock is never converted."""
    fake = FakeTerminal(now=NOW, offsets=[("2020-01-01 00:00", 7_200)])
    with pytest.raises(DataError, match=r"the bars lie \+5 h .* nothing of this page was stored"):
        download(tmp_path, fake)
    assert not is_store(tmp_path)


def test_bars_of_another_timeframe_are_refused(tmp_path: Path) -> None:
    fake = FakeTerminal(now=NOW)
    fake.scenario.minutes = 5
    client = Direct(fake)
    history = client.history
    client.history = lambda s, m, *rest: history(s, 15, *rest)  # type: ignore[method-assign]  # a terminal that answers for another timeframe
    with pytest.raises(DataError, match=r"gave M15 bars .* expected bars 5 minutes apart"):
        download(tmp_path, fake, client=client)


def test_a_specification_that_differs_from_the_table_is_told(tmp_path: Path) -> None:
    _, said = download(tmp_path, FakeTerminal(now=NOW, tick_size=1.0, tick_value=1.0), sessions=1)
    assert said == [
        "WIN$N: the terminal's tick is 1 points, figures are made with 5; state it in "
        "data.symbols if the terminal is right (tick)",
        "WIN$N: the terminal values a point at R$ 1, figures are made with R$ 0.2; state it in "
        "data.symbols if the terminal is right (point_value)",
    ]


def test_rows_that_are_no_bars_are_set_aside(tmp_path: Path) -> None:
    fake = FakeTerminal(now=NOW, revised={"2026-03-09 10:00": {"high": 1.0}})
    _, said = download(tmp_path, fake, sessions=2)
    assert any("high below open, low or close" in line for line in said)
    assert stored(tmp_path).height == 2 * 113 + 60 - 1
    assert open_series(tmp_path).bad_rows == 1
    assert read_bars(tmp_path).quality.clean is False


def test_a_damaged_partition_is_set_aside_and_fetched_again(tmp_path: Path) -> None:
    fake = FakeTerminal(now=NOW)
    download(tmp_path, fake, sessions=60)
    before = stored(tmp_path)
    for name in ("year=2025", "year=2026"):
        path = tmp_path / f"symbol=WIN$N/timeframe=M5/{name}/bars.parquet"
        path.write_bytes(path.read_bytes()[:-100])
    fake.move_clock("2026-03-10 14:10:30")

    _, said = download(tmp_path, fake, sessions=60)

    assert [line.split(";")[0] for line in said] == [
        f"{tmp_path}/symbol=WIN$N/timeframe=M5/{name}: damaged or missing and moved to "
        f"quarantine/{moved.name}"
        for name, moved in zip(
            ("year=2025", "year=2026"), sorted((tmp_path / "quarantine").iterdir()), strict=True
        )
    ]
    assert stored(tmp_path).head(before.height).equals(before)


def test_a_damaged_partition_that_the_terminal_lacks_is_not_given_up(
    tmp_path: Path, fetch: Any
) -> None:
    """Its bars came from a file and are older than the terminal's history."""
    whole = reference(FakeTerminal(now=NOW), "2026-02-27 09:00", "2026-03-09 18:20")
    file = export(tmp_path / "old.csv", whole)
    again = ("--import", str(file), "--symbol", "WIN$N")
    assert fetch(*again).status == 0
    path = tmp_path / "bars/symbol=WIN$N/timeframe=M5/year=2026/bars.parquet"
    path.write_bytes(b"PAR1")
    done = fetch("--sessions", "2", days=4)
    assert done.status == 0
    assert "the terminal has 339 of its 791 bars; --import the file" in done.err
    with pytest.raises(DataError, match=r"791 bars from .* were damaged and set aside"):
        read_bars(tmp_path / "bars")
    assert fetch(*again).status == 0
    assert stored(tmp_path / "bars").head(whole.height).equals(whole)


def test_a_fast_machine_does_not_store_a_forming_bar(tmp_path: Path) -> None:
    """Six minutes fast, its clock would close the bar of 14:00 at 14:02."""
    fake = FakeTerminal(now=NOW)
    client = Direct(fake)
    client.terminal._clock = lambda: fake.utc() + 360
    _, said = download(tmp_path, fake, client=client)
    assert stored(tmp_path)["time"][-1] == datetime(2026, 3, 10, 13, 55)
    assert "this machine's clock" in said[0]


def test_a_terminal_without_connection_is_told(tmp_path: Path) -> None:
    _, said = download(tmp_path, FakeTerminal(now=NOW, connected=False), sessions=1)
    assert said[0].startswith("the terminal is not connected to its broker")


def test_no_history_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"WIN\$N M5: the terminal has no closed bar"):
        download(tmp_path, FakeTerminal(now=NOW, empty_first=10**6))


def test_an_unknown_symbol_stores_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="WINZ99: unknown at the terminal"):
        download(tmp_path, FakeTerminal(now=NOW), symbol="WINZ99")
    assert not is_store(tmp_path)


# --- the command ----------------------------------------------------------------------------


class Done(NamedTuple):
    """How a run of the command ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Return a function that runs the command against a stand-in with the given scenario."""

    def run_here(*args: str, **scenario: Any) -> Done:
        command, environ = prepare(tmp_path, *args, **scenario)
        with monkeypatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            status = run(main, command[3:])
        return Done(status, *capfd.readouterr())

    return run_here


def prepare(tmp_path: Path, *args: str, **scenario: Any) -> tuple[list[str], dict[str, str]]:
    file = tmp_path / f"scenario_{len(list(tmp_path.glob('scenario_*')))}.json"
    file.write_text(json.dumps({"now": NOW, **scenario}))
    environ = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MT5_", "ALERTAS_"))
        },
        "FAKE_MT5": str(file),
        "ALERTAS_MT5_MODULE": "tests.support.fake_mt5",
    }
    command = [sys.executable, "-m", "runners.fetch", "--out", str(tmp_path / "bars"), *args]
    return command, environ


def test_the_command_fetches_and_the_store_is_read_with_one_call(
    fetch: Any, tmp_path: Path
) -> None:
    done = fetch("--symbol", "WIN$N", "--timeframe", "M5", "--sessions", "20")
    assert (done.status, done.err) == (0, "")
    assert done.out == (
        f"WIN$N M5 in {tmp_path / 'bars'}: 2,320 bars from 2026-02-06 09:00 to 2026-03-10 13:55, "
        "2,320 of them new\n"
    )
    bars = read_bars(tmp_path / "bars", symbol="WIN$N", timeframe="M5", sessions=20)
    assert bars.frame["time"].dt.date().n_unique() == 20
    assert bars.quality.clean


@pytest.mark.parametrize(
    ("args", "scenario", "status", "text"),
    [
        (("--symbol", "WINZ99"), {}, 2, "WINZ99: unknown at the terminal"),
        (("--symbol", "../x"), {}, 2, "--symbol: got '../x', expected a symbol"),
        (("--timeframe", "M7"), {}, 2, "--timeframe: got 'M7', expected a timeframe"),
        (("--sessions", "0"), {}, 2, "got '0', expected a number of sessions"),
        ((), {"initialize": [-6]}, 2, "is refused (-6"),
        ((), {"initialize": [-1]}, 3, "no MetaTrader 5 terminal (-1"),
        ((), {"maxbars": 1_000, "depth": 1_000}, 3, "raise Max bars in chart"),
    ],
)
def test_exit_statuses(
    fetch: Any, args: tuple[str, ...], scenario: dict[str, Any], status: int, text: str
) -> None:
    done = fetch(*args, **scenario)
    assert done.status == status
    assert text in done.err
    assert "Traceback" not in done.err


def test_without_a_terminal_the_status_is_3_and_nothing_is_left_behind(tmp_path: Path) -> None:
    command, environ = prepare(tmp_path)
    del environ["ALERTAS_MT5_MODULE"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 3
    assert "--import FILE" in done.stderr
    assert "mt5linux" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "bars").exists()


def test_the_wrong_account_is_refused(tmp_path: Path) -> None:
    command, environ = prepare(tmp_path)
    environ |= {"MT5_LOGIN": "99", "MT5_PASSWORD": "hush", "MT5_SERVER": "XPMT5-DEMO"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 2
    assert "account 99 at XPMT5-DEMO is refused (-6" in done.stderr
    assert "hush" not in done.stderr


def test_a_second_fetch_at_once_is_refused_and_the_first_unharmed(
    fetch: Any, tmp_path: Path
) -> None:
    blocked = [{"call": "copy_rates_from", "at": 2, "kind": "block", "value": 1.5}]
    command, environ = prepare(tmp_path, "--sessions", "5", faults=blocked)
    with subprocess.Popen(command, cwd=ROOT, env=environ) as first:
        _wait_for(lambda: (tmp_path / "bars/.lock").exists())
        begun = time.monotonic()
        second = fetch("--sessions", "5")
        waited = time.monotonic() - begun
    assert second.status == 5
    assert f"process {first.pid} is writing this bar store" in second.err
    assert waited < 2
    assert first.returncode == 0
    assert stored(tmp_path / "bars").height == 5 * 113 + 60


@POSIX_ONLY
def test_ctrl_c_keeps_what_has_come_and_the_rest_comes_later(fetch: Any, tmp_path: Path) -> None:
    blocked = [{"call": "copy_rates_from", "at": 5, "kind": "block", "value": 30}]
    command, environ = prepare(tmp_path, "--sessions", "5", maxbars=150, faults=blocked)
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as first:
        _wait_for(lambda: is_store(tmp_path / "bars"))
        time.sleep(0.2)
        os.killpg(first.pid, signal.SIGINT)
        told = first.communicate(timeout=20)[1]
    assert first.returncode == 130
    assert told == "warning: interrupted; what has come is stored, run again for the rest\n"
    assert 0 < stored(tmp_path / "bars").height < 5 * 113
    assert fetch("--sessions", "5").status == 0
    assert stored(tmp_path / "bars").height == 5 * 113 + 60


@POSIX_ONLY
@pytest.mark.parametrize("kills", [2, pytest.param(40, marks=pytest.mark.slow)])
def test_a_fetch_killed_at_any_moment_is_finished_by_the_next_ones(
    fetch: Any, tmp_path: Path, kills: int
) -> None:
    seed, fake, height = random.Random(kills), FakeTerminal(now=NOW), 0
    for _ in range(kills):
        command, environ = prepare(tmp_path, "--sessions", "40", maxbars=150)
        with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL) as first:
            _wait_for(lambda: is_store(tmp_path / "bars") or first.poll() is not None)
            time.sleep(seed.uniform(0.0, 0.7))
            first.kill()
        bars = stored(tmp_path / "bars")
        assert bars.height >= height
        assert bars.equals(reference(fake, str(bars["time"][0]), str(bars["time"][-1])))
        height = bars.height
    assert fetch("--sessions", "40").status == 0
    assert stored(tmp_path / "bars").equals(reference(fake, "2026-01-09 09:00", "2026-03-10 13:55"))


@POSIX_ONLY
def test_a_full_disk_ends_with_4_and_what_was_stored_stays(fetch: Any, tmp_path: Path) -> None:
    assert fetch("--sessions", "2").status == 0
    before = stored(tmp_path / "bars")
    command, environ = prepare(tmp_path, "--sessions", "60")
    limited = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, -1)); "
    limited += "from runners._main import run; from runners.fetch import main; sys.exit(run(main))"
    done = subprocess.run(
        [command[0], "-c", limited, *command[3:]],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 4
    assert "everything stored before is intact" in done.stderr
    assert stored(tmp_path / "bars").equals(before)


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited for 20 s in vain"
        time.sleep(0.01)


# --- import ---------------------------------------------------------------------------------


def export(path: Path, bars: pl.DataFrame) -> Path:
    bars.write_csv(path, datetime_format="%Y-%m-%d %H:%M:%S")
    return path


def test_files_are_imported_and_what_repeats_is_added_once(fetch: Any, tmp_path: Path) -> None:
    whole = reference(FakeTerminal(now=NOW), "2026-03-02 09:00", "2026-03-06 18:20")
    one = export(tmp_path / "one.csv", whole.head(300))
    two = tmp_path / "two.parquet"
    whole.tail(400).write_parquet(two)
    done = fetch("--import", str(one), str(two), "--symbol", "WIN$N", "--timeframe", "M5")
    assert (done.status, done.err) == (0, "")
    assert [line.split(", ")[-1] for line in done.out.splitlines()] == [
        "300 of them new",
        "265 of them new",
    ]
    assert stored(tmp_path / "bars").equals(whole)
    ((_, entry),) = open_series(tmp_path / "bars").partitions
    assert (entry.source, entry.server_offset) == ("one.csv; two.parquet", None)


def test_a_fetch_continues_what_was_imported(fetch: Any, tmp_path: Path) -> None:
    whole = reference(FakeTerminal(now=NOW), "2026-03-02 09:00", "2026-03-06 18:20")
    fetch("--import", str(export(tmp_path / "one.csv", whole)), "--symbol", "WIN$N")
    assert fetch("--sessions", "7").status == 0
    fake = FakeTerminal(now=NOW)
    assert stored(tmp_path / "bars").equals(reference(fake, "2026-02-27 09:00", "2026-03-10 13:55"))


def test_an_import_of_another_timeframe_is_refused(fetch: Any, tmp_path: Path) -> None:
    whole = reference(FakeTerminal(now=NOW), "2026-03-02 09:00", "2026-03-06 18:20")
    done = fetch("--import", str(export(tmp_path / "x.csv", whole)), "--symbol", "WIN$N",
                 "--timeframe", "M1")  # fmt: skip
    assert done.status == 3
    assert "x.csv: holds M5 bars; expected M1" in done.err
    assert not (tmp_path / "bars").exists()


def test_an_import_asks_what_its_bars_are_of(fetch: Any, tmp_path: Path) -> None:
    whole = reference(FakeTerminal(now=NOW), "2026-03-02 09:00", "2026-03-06 18:20")
    file = export(tmp_path / "bars.csv", whole)
    done = fetch("--import", str(file))
    assert done.status == 2
    assert (
        "bars.csv: does not say what its bars are of; got no --symbol, expected one such as "
        "'WIN$N'; state it; nothing was imported"
    ) in done.err
    assert not (tmp_path / "bars").exists()
    assert fetch("--import", str(file), "--symbol", "EURBRL").status == 0


def test_an_import_whose_name_says_its_symbol_needs_no_other(fetch: Any, tmp_path: Path) -> None:
    whole = reference(FakeTerminal(now=NOW), "2026-03-02 09:00", "2026-03-06 18:20")
    file = export(tmp_path / "WIN$N_M5_202603020900_202603061820.csv", whole)
    assert fetch("--import", str(file)).status == 0
    other = export(tmp_path / "WDO$N_M5_202603020900_202603061820.csv", whole)
    done = fetch("--import", str(other), "--symbol", "WIN$N")
    assert done.status == 3
    assert "its name says WDO$N; got WIN$N (stated)" in done.err


def test_a_symbol_that_a_shell_may_have_cut_is_told(fetch: Any, tmp_path: Path) -> None:
    whole = reference(FakeTerminal(now=NOW), "2026-03-02 09:00", "2026-03-06 18:20")
    done = fetch("--import", str(export(tmp_path / "bars.csv", whole)), "--symbol", "WIN")
    assert (
        "warning: --symbol: got WIN, while WIN$N is configured; a shell takes what follows an "
        "unquoted $ for a variable; if WIN$N is meant, write --symbol 'WIN$N'"
    ) in done.err


def test_bad_rows_of_a_file_are_listed_in_quarantine(fetch: Any, tmp_path: Path) -> None:
    whole = reference(FakeTerminal(now=NOW), "2026-03-02 09:00", "2026-03-06 18:20")
    broken = whole.with_columns(
        high=pl.when(pl.int_range(pl.len()) == 7).then(-1.0).otherwise("high")
    )
    done = fetch("--import", str(export(tmp_path / "x.csv", broken)), "--symbol", "WIN$N")
    assert done.status == 0
    assert "1 rows are no bars; listed in" in done.err
    (listed,) = (tmp_path / "bars/quarantine").iterdir()
    assert "x.csv" in listed.read_text()
    assert not read_bars(tmp_path / "bars").quality.clean


def test_made_up_bars_stay_made_up_in_the_store(tmp_path: Path, fetch: Any) -> None:
    from alertlib.bars.sample import sample_path

    assert fetch("--import", str(sample_path())).status == 0
    assert read_bars(tmp_path / "bars").synthetic


@pytest.mark.parametrize("file", ["missing.csv", "empty.csv"])
def test_a_file_that_cannot_be_imported_is_named(fetch: Any, tmp_path: Path, file: str) -> None:
    (tmp_path / "empty.csv").write_text("")
    done = fetch("--import", str(tmp_path / file))
    assert done.status == 3
    assert file in done.err
    assert "Traceback" not in done.err


def test_the_session_of_today_is_known_from_the_server(tmp_path: Path) -> None:
    """Weekend: the last session is over, and so are all its bars."""
    fake = FakeTerminal(now="2026-03-14 11:00:00")
    download(tmp_path, fake, sessions=1)
    assert stored(tmp_path)["time"].dt.date().unique().to_list() == [date(2026, 3, 13)]
    assert stored(tmp_path).height == 113


# --- the door of the store ------------------------------------------------------------------


def week(**shift: int) -> pl.DataFrame:
    """Five sessions of the index future, moved."""
    whole = reference(FakeTerminal(now=NOW), "2026-03-02 09:00", "2026-03-06 18:20")
    return whole.with_columns(pl.col("time") + timedelta(**shift))


def prices(bars: pl.DataFrame, change: Callable[[pl.Expr], pl.Expr]) -> pl.DataFrame:
    return bars.with_columns(change(pl.col(name)) for name in ("open", "high", "low", "close"))


WRONG = {
    "off the grid of 5 points": lambda: prices(week(), lambda price: price * 1.0557),
    "lie +3 h from the exchange's hours": lambda: week(hours=3),
    "times are closes of bars": lambda: week(minutes=5),
    "a Saturday without trading": lambda: week(days=5),
    "a Sunday without trading at B3; left out": lambda: week(days=6),
    "open off the M5 grid": lambda: pl.concat([week(), week(days=7, seconds=7).head(20)]),
    "holds M5 bars; expected M15": week,
}


@pytest.mark.parametrize("message", WRONG)
def test_what_is_wrong_as_a_whole_is_refused(fetch: Any, tmp_path: Path, message: str) -> None:
    good = export(tmp_path / "good.csv", week(days=7))
    bad = export(tmp_path / "bad.csv", WRONG[message]())
    timeframe = ("--timeframe", "M15") if message.endswith("M15") else ()

    done = fetch("--import", str(good), str(bad), "--symbol", "WIN$N", *timeframe)

    assert (done.status, done.out) == (3, "")
    assert message in done.err
    assert done.err.splitlines()[-1].endswith("nothing was imported")
    assert not (tmp_path / "bars").exists()  # of no file


def test_an_adjusted_series_may_be_off_the_grid(fetch: Any, tmp_path: Path) -> None:
    file = export(tmp_path / "x.csv", prices(week(), lambda price: (price * 1.0557).round(2)))

    assert fetch("--import", str(file), "--symbol", "WIN$").status == 0


def test_few_bad_prices_are_told_and_stored(fetch: Any, tmp_path: Path) -> None:
    row = pl.int_range(pl.len())
    few = week().with_columns(high=pl.when(row == 9).then(pl.col("high") + 1.0).otherwise("high"))

    done = fetch("--import", str(export(tmp_path / "x.csv", few)), "--symbol", "WIN$N")

    assert done.status == 0
    assert "error: " in done.err
    assert "1 of 565 bars have prices off the grid" in done.err


def test_an_import_asks_what_the_bars_are_of(fetch: Any, tmp_path: Path) -> None:
    file = export(tmp_path / "x.csv", week())

    done = fetch("--import", str(file))

    assert (done.status, done.out) == (2, "")
    assert "x.csv: does not say what its bars are of; got no --symbol" in done.err
    assert "state it; nothing was imported" in done.err
    named = export(tmp_path / "y.csv", week().with_columns(symbol=pl.lit("WIN$N")))
    assert fetch("--import", str(named)).status == 0


def test_bars_that_mostly_differ_from_the_stored_ones_are_refused(
    fetch: Any, tmp_path: Path
) -> None:
    one = export(tmp_path / "one.csv", week())
    far = pl.concat([prices(week(), lambda price: price + 1_200.0), week(days=7)])
    other = export(tmp_path / "other.csv", far)
    assert fetch("--import", str(one), "--symbol", "WIN$N").status == 0
    before = (tmp_path / "bars/manifest.json").read_bytes()

    done = fetch("--import", str(other), "--symbol", "WIN$N")

    assert (done.status, done.out) == (3, "")
    assert "other.csv: 564 of 564 bars that are stored already differ, the first at" in done.err
    assert "with --remove; nothing was imported" in done.err
    assert (tmp_path / "bars/manifest.json").read_bytes() == before
    assert stored(tmp_path / "bars").equals(week())


def test_files_that_mostly_differ_from_each_other_are_refused(fetch: Any, tmp_path: Path) -> None:
    one = export(tmp_path / "one.csv", week())
    other = export(tmp_path / "other.csv", prices(week(), lambda price: price + 5.0))

    done = fetch("--import", str(one), str(other), "--symbol", "WIN$N")

    assert done.status == 3
    assert f"bars that are in {one} already differ" in done.err
    assert not is_store(tmp_path / "bars")


def test_half_of_the_overlap_and_a_last_bar_still_forming_are_revisions(
    fetch: Any, tmp_path: Path
) -> None:
    row, first = pl.int_range(pl.len()), week().head(101)
    half = week().with_columns(close=pl.when(row < 50).then(pl.col("open")).otherwise("close"))
    forming = first.with_columns(close=pl.when(row == 100).then(pl.col("open")).otherwise("close"))
    fetch("--import", str(export(tmp_path / "a.csv", forming)), "--symbol", "WIN$N")

    later = fetch("--import", str(export(tmp_path / "b.csv", week().tail(465))),
                  "--symbol", "WIN$N")  # fmt: skip
    done = fetch("--import", str(export(tmp_path / "c.csv", half.head(100))), "--symbol", "WIN$N")

    assert later.status == 0
    assert done.status == 0
    assert stored(tmp_path / "bars").head(101).equals(forming)


def test_the_last_sessions_of_a_file_are_imported(fetch: Any, tmp_path: Path) -> None:
    file = export(tmp_path / "x.csv", week())

    assert fetch("--import", str(file), "--symbol", "WIN$N", "--sessions", "2").status == 0
    assert stored(tmp_path / "bars").equals(week().tail(2 * 113))


def contracts(tmp_path: Path) -> tuple[Path, Path]:
    """WINJ26 and WINM26 around the roll of 15 April."""
    rows = {
        symbol: frame(walk(3, 6, first=date(2026, 4, 13), bars=113, price=27_000 + carry))
        for symbol, carry in (("WINJ26", 0), ("WINM26", 400))
    }
    return (
        export(tmp_path / "WINJ26_M5.csv", rows["WINJ26"]),
        export(tmp_path / "WINM26_M5.csv", rows["WINM26"]),
    )


def test_contracts_are_rolled_into_one_series(fetch: Any, tmp_path: Path) -> None:
    near, far = contracts(tmp_path)

    done = fetch("--import", str(far), str(near), "--roll")

    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("WIN$N M5 in ")
    bars = read_bars(tmp_path / "bars")
    assert bars.symbol == "WIN$N"
    roll = pl.col("time") >= datetime(2026, 4, 15)
    columns = ["time", "open", "high", "low", "close"]
    expected = pl.concat(
        [read_bars(near, symbol="WINJ26").frame.filter(~roll),
         read_bars(far, symbol="WINM26").frame.filter(roll)]
    )  # fmt: skip
    assert bars.frame.select(columns).equals(expected.select(columns))
    ((_, entry),) = open_series(tmp_path / "bars").partitions
    assert entry.source == "WINM26_M5.csv, WINJ26_M5.csv"


def test_contracts_of_one_file_are_rolled_by_its_column(fetch: Any, tmp_path: Path) -> None:
    near, far = contracts(tmp_path)
    both = [pl.read_csv(file).with_columns(symbol=pl.lit(file.name[:6])) for file in (near, far)]
    pl.concat(both).write_csv(tmp_path / "both.csv")

    assert fetch("--import", str(tmp_path / "both.csv"), "--roll", "--sessions", "2").status == 0
    assert stored(tmp_path / "bars")["time"].dt.date().n_unique() == 2


def test_a_roll_needs_to_know_the_contract_of_a_file(fetch: Any, tmp_path: Path) -> None:
    near, _ = contracts(tmp_path)
    done = fetch("--import", str(near.rename(tmp_path / "bars.csv")), "--roll")

    assert done.status == 2
    assert "bars.csv: does not say of which contract its bars are; expected a column" in done.err


def test_bars_are_taken_out_into_quarantine(fetch: Any, tmp_path: Path) -> None:
    fetch("--import", str(export(tmp_path / "x.csv", week())), "--symbol", "WIN$N")
    name = ("--remove", "--symbol", "WIN$N", "--timeframe", "M5")

    done = fetch(*name, "--since", "2026-03-03", "--until", "2026-03-04")

    assert (done.status, done.err) == (0, "")
    first, second = done.out.splitlines()
    assert "226 bars from 2026-03-03 09:00 to 2026-03-04 18:20 taken out, kept in" in first
    assert second.endswith(": 339 bars are left")
    days = stored(tmp_path / "bars")["time"].dt.day().unique().to_list()
    assert days == [2, 5, 6]
    (kept,) = (tmp_path / "bars/quarantine").iterdir()
    assert pl.read_parquet(kept).equals(week().filter(pl.col("time").dt.day().is_between(3, 4)))
    ((_, entry),) = open_series(tmp_path / "bars").partitions
    (removal,) = entry.removed
    assert (removal.rows, removal.moved_to) == (226, f"quarantine/{kept.name}")

    one = fetch(*name, "--since", "2026-03-05T09:00", "--until", "2026-03-05 09:05")
    assert "2 bars from 2026-03-05 09:00 to 2026-03-05 09:05 taken out" in one.out
    again = fetch(*name, "--since", "2026-03-03", "--until", "2026-03-04")
    assert (again.status, again.out) == (3, "")
    assert "no bars of WIN$N M5 between 2026-03-03 00:00:00 and 2026-03-04 23:59:59" in again.err
    assert fetch("--import", str(tmp_path / "x.csv"), "--symbol", "WIN$N").status == 0
    assert stored(tmp_path / "bars").equals(week())


USAGE = {
    "--remove: no --symbol": ("--remove",),
    "--remove: no --until": ("--remove", "--symbol", "A", "--timeframe", "M5", "--since", "2026"),
    "--remove: does not go with --sessions": ("--sessions", "5"),
    "--remove: does not go with --import": ("--import", "x.csv"),
    "--since: got '5 May', expected a date": ("--since", "5 May"),
    "--until: got '2026-01-05T09:00Z', expected a date": ("--until", "2026-01-05T09:00Z"),
    "--since: got 2027-01-01, expected a time before": ("--since", "2027-01-01"),
}


@pytest.mark.parametrize("message", USAGE)
def test_options_of_a_removal_that_make_no_sense(fetch: Any, message: str) -> None:
    full = ("--remove", "--symbol", "WIN$N", "--timeframe", "M5", "--since", "2026-01-05",
            "--until", "2026-01-06")  # fmt: skip
    given = USAGE[message]
    done = fetch(*(given if "no --" in message else (*full, *given)))

    assert done.status == 2
    assert message in done.err
    assert fetch("--since", "2026-01-05").status == 2
    assert fetch("--roll").status == 2


@pytest.mark.parametrize("other", ["--import", "--remove"])
def test_a_time_for_a_terminal_that_is_not_asked_is_refused(fetch: Any, other: str) -> None:
    done = fetch(other, *(["x.csv"] if other == "--import" else []), "--timeout", "5")
    assert done.status == 2
    assert f"--timeout: is for a terminal, and {other} asks none" in done.err


def test_taking_out_of_no_store_makes_none(fetch: Any, tmp_path: Path) -> None:
    done = fetch("--remove", "--symbol", "WIN$N", "--timeframe", "M5", "--since", "2026-01-05",
                 "--until", "2026-01-06")  # fmt: skip

    assert done.status == 3
    assert "no bar store; expected the store to take bars out of" in done.err
    assert not (tmp_path / "bars").exists()


def test_a_folder_above_two_stores_is_refused(fetch: Any, tmp_path: Path) -> None:
    file = export(tmp_path / "x.csv", week())
    for name in ("one", "two"):
        fetch("--import", str(file), "--symbol", "WIN$N", "--out", str(tmp_path / "stores" / name))

    with pytest.raises(DataError, match=r"holds 2 bar stores \(.*one, .*two\); expected the direc"):
        read_bars(tmp_path / "stores", symbol="WIN$N", timeframe="M5")
    assert len(read_bars(tmp_path / "stores" / "one")) == 565


@pytest.mark.skipif(not REAL.is_dir(), reason="the collected cases are not beside the project")
def test_bars_of_the_dollar_do_not_enter_the_store_of_the_index(fetch: Any, tmp_path: Path) -> None:
    cases = REAL.parent / "cases"
    assert (
        fetch("--import", str(cases / "14_win_for_the_store.csv"), "--symbol", "WIN$N").status == 0
    )
    before = (tmp_path / "bars/manifest.json").read_bytes()

    done = fetch("--import", str(cases / "14_wdo_for_the_win_store.csv"), "--symbol", "WIN$N")

    assert done.status == 3
    assert "228 of 228 bars have prices off the grid" in done.err
    assert (tmp_path / "bars/manifest.json").read_bytes() == before

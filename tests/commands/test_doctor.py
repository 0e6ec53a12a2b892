"""The doctor as its user meets it: exit status, terminal, JSON and page."""

from __future__ import annotations

import html
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple, get_args

import polars as pl
import pytest

from alertlib.bars.examination import examine, session_coverage
from alertlib.bars.opening import from_frame
from alertlib.bars.quality.findings import Kind
from runners._main import run
from runners.commands.doctor_advice import ADVICE, NOTE, advice_for
from runners.commands.doctor_page import page
from runners.commands.doctor_report import describe
from runners.doctor import main
from tests.support.synthetic import SHARED, frame, walk

ROOT = Path(__file__).parents[2]


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Doctor = Callable[..., Done]


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """The command under its guard, in this process."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("ALERTAS_CONFIG_PATH", raising=False)

    def call(*arguments: str | Path) -> Done:
        status = run(main, [str(argument) for argument in arguments])
        return Done(status, *capsys.readouterr())

    return call


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.parquet"
    frame(walk(5, 6)).write_parquet(path)
    return path


def test_as_a_command_of_its_own(good: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "runners.doctor", str(good), "--json", "-"],
        cwd=ROOT, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert json.loads(done.stdout)["clean"]
    assert "Safe for scoring" in done.stderr


def test_clean_bars_exit_0(good: Path, doctor: Doctor) -> None:
    done = doctor(good, "--symbol", "WIN$N")
    assert (done.returncode, done.stderr) == (0, "")
    assert "WIN$N M5 (WIN, tick 5)" in done.stdout
    assert "642 bars of 642 rows; 6 sessions" in done.stdout
    assert done.stdout.rstrip().endswith("Safe for scoring (no warning)")


def test_warnings_exit_0(good: Path, tmp_path: Path, doctor: Doctor) -> None:
    late = tmp_path / "late.csv"
    bars = pl.read_parquet(good)
    bars.filter(pl.col("time") != datetime(2021, 4, 7, 9, 0)).write_csv(late)
    done = doctor(late)
    assert done.returncode == 0
    assert "WIN$N (assumed; state --symbol) M5" in done.stdout
    assert "missing_first   2021-04-07 09:00  no bar at 09:00" in done.stdout
    assert "assumed_symbol                    late.csv does not say what its bars" in done.stdout
    assert "Safe for scoring (2 warnings)" in done.stdout


def test_every_kind_says_what_to_do() -> None:
    """Those of this version, and those that are on their way into it."""
    coming = {
        "closes_for_opens", "non_trading_day", "filled", "outside_table", "mid_session_roll",
    }  # fmt: skip
    assert set(ADVICE) >= {*get_args(Kind), *coming}
    assert all(text.endswith(".") and "\n" not in text for text in ADVICE.values())
    assert len(set(ADVICE.values())) == len(ADVICE)


def test_findings_say_what_to_do_everywhere(good: Path, tmp_path: Path, doctor: Doctor) -> None:
    broken = tmp_path / "broken.parquet"
    bars = pl.read_parquet(good)
    first = pl.int_range(pl.len()) == 5
    bars.with_columns(low=pl.when(first).then(-1.0).otherwise("low")).write_parquet(broken)
    done = doctor(broken, "--json", tmp_path / "a.json", "--html", tmp_path / "a.html")

    report = json.loads((tmp_path / "a.json").read_text())
    assert list(report["advice"]) == list(dict.fromkeys(f["kind"] for f in report["findings"]))
    assert "bad_row" in report["advice"]
    printed = " ".join(done.stdout.split())
    shown = " ".join((tmp_path / "a.html").read_text().split())
    for text in report["advice"].values():
        assert f"-> {text}" in printed
        assert text in html.unescape(shown)


def test_a_note_asks_nobody_to_do_anything() -> None:
    """Converted times were told to be exported otherwise, money to be looked up by its rows."""
    note, error = ({"kind": "zone", "severity": severity} for severity in ("info", "error"))
    assert advice_for([note]) == {"zone": NOTE}
    assert advice_for([note, error]) == {"zone": ADVICE["zone"]}


def test_assumed_symbol_stands_in_json_and_on_the_page(
    good: Path, tmp_path: Path, doctor: Doctor
) -> None:
    doctor(good, "--json", tmp_path / "a.json", "--html", tmp_path / "a.html")
    report = json.loads((tmp_path / "a.json").read_text())
    assert report["symbol_assumed"]
    assert [one["kind"] for one in report["findings"]] == ["assumed_symbol"]
    assert "WIN$N (assumed) M5</title>" in (tmp_path / "a.html").read_text()
    doctor(good, "--symbol", "WIN$N", "--json", tmp_path / "b.json")
    report = json.loads((tmp_path / "b.json").read_text())
    assert (report["symbol_assumed"], report["findings"]) == (False, [])


@pytest.mark.parametrize(("symbol", "told"), [("WIN", True), ("WIN$N", False), ("WDO", False)])
def test_symbol_that_a_shell_may_have_cut_is_told(
    symbol: str, told: bool, good: Path, doctor: Doctor
) -> None:
    assert ("while WIN$N is configured" in doctor(good, "--symbol", symbol).stderr) == told


UNSAFE: dict[str, tuple[dict[str, Any], str]] = {
    "bad rows": ({"low": -1.0}, "bad_row"),
    "off grid": ({"high": 125_001.0}, "off_grid"),
    "off timeframe": ({"time": datetime(2021, 4, 5, 10, 42)}, "timeframe"),
    "conflict": ({"time": datetime(2021, 4, 5, 9, 0)}, "duplicate"),
}


@pytest.mark.parametrize("case", UNSAFE)
def test_unsafe_bars_exit_1(case: str, good: Path, doctor: Doctor) -> None:
    values, kind = UNSAFE[case]
    bars = pl.read_parquet(good)
    here = pl.int_range(pl.len()) == 20
    bars.with_columns(
        pl.when(here).then(pl.lit(value)).otherwise(name).cast(bars.schema[name]).alias(name)
        for name, value in values.items()
    ).write_parquet(good)
    done = doctor(good, "--json", "-", "--symbol", "WIN$N")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert not report["clean"]
    assert kind in [one["kind"] for one in report["findings"] if one["severity"] == "error"]
    assert f"UNSAFE for scoring ({kind}" in done.stderr


def test_wrong_timeframe_exit_1(good: Path, doctor: Doctor) -> None:
    done = doctor(good, "--symbol", "WIN$N", "--timeframe", "M15")
    assert done.returncode == 1
    assert "declared M15, but bars are 5 minutes apart (M5); kept as M5" in done.stdout


REFUSED: dict[str, tuple[bytes | None, str]] = {
    "missing": (None, "no such file"),
    "empty": (b"", "empty"),
    "prose": (b"once upon a time\n", "no recognisable layout"),
    "cut": (b"PAR1" + bytes(30), "not a readable Parquet file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_unreadable_bars_exit_3_with_one_line(case: str, tmp_path: Path, doctor: Doctor) -> None:
    content, message = REFUSED[case]
    path = tmp_path / "bars"
    if content is not None:
        path.write_bytes(content)
    done = doctor(path)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_usage_exit_2(doctor: Doctor) -> None:
    assert doctor().returncode == 2
    done = doctor("--help")
    assert done.returncode == 0
    assert done.stdout.count("\n") < 24


def test_json_has_every_fact_and_finding(good: Path, tmp_path: Path, doctor: Doctor) -> None:
    bars = pl.read_parquet(good)
    late = bars.filter(pl.col("time") != datetime(2021, 4, 7, 9, 0))
    pl.concat([late, late[:1].with_columns(open=pl.lit(0.0))]).write_parquet(good)
    target = tmp_path / "new" / "report.json"
    assert doctor(good, "--symbol", "WIN$N", "--json", target).returncode == 1
    report: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    assert report["schema"] == "doctor.v1"
    assert (report["symbol"], report["timeframe"], report["tick"]) == ("WIN$N", "M5", 5.0)
    assert (report["bars"], report["rows_read"], report["quarantined"]) == (641, 642, 1)
    assert report["quarantined_rows"][0]["row"] == 641
    assert (report["first"], report["last"]) == (
        "2021-04-05T09:00:00-03:00", "2021-04-12T17:50:00-03:00",
    )  # fmt: skip
    assert report["sha256"] == from_frame(late, symbol="WIN$N").sha256
    assert [one["kind"] for one in report["findings"]] == ["bad_row", "missing_first"]
    assert report["findings"][1] == {
        "kind": "missing_first", "severity": "warning", "time": "2021-04-07T09:00:00-03:00",
        "date": "2021-04-07", "count": 1, "message": "no bar at 09:00, the first opens at 09:05",
    }  # fmt: skip
    assert report["coverage"][2] == {
        "date": "2021-04-07", "present": 106, "expected": 107, "outside": 0,
    }  # fmt: skip


def test_json_is_the_same_every_time(good: Path, doctor: Doctor) -> None:
    first, second = (doctor(good, "--json", "-").stdout for _ in range(2))
    assert first == second


def test_configured_symbols_are_honoured(good: Path, tmp_path: Path, doctor: Doctor) -> None:
    config = tmp_path / "alertas.yaml"
    config.write_text(
        "data:\n  symbol: MINE\n  symbols:\n    - symbol: MINE\n      tick: 2.5\n"
        '      session_open: "09:00"\n      session_close: "17:55"\n'
    )
    done = doctor(good, "--config", config)
    assert done.returncode == 0
    assert "MINE (assumed; state --symbol) M5 (unknown family, tick 2.5)" in done.stdout


# --- the page -------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Collects start tags, and fails on one that is never closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def rendered(bars: pl.DataFrame, symbol: str = "WIN$N") -> tuple[str, Tags]:
    made = from_frame(bars, symbol=symbol, source="<b>bars</b>.csv")
    report = describe(made, examine(made), session_coverage(made).to_dicts())
    text = page(report)
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    return text, tags


def test_page_stands_alone_and_escapes() -> None:
    text, tags = rendered(frame(walk(5, 6)))
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in tags.seen}
    assert "http" not in text
    assert "<b>" not in text
    assert "prefers-color-scheme: dark" in text


def test_page_has_a_square_per_session_and_one_for_a_missing_one() -> None:
    bars = frame(walk(5, 6)).filter(pl.col("time").dt.date() != date(2021, 4, 7))
    bars = bars.filter(~(pl.col("time").dt.date() == date(2021, 4, 8))
                       | (pl.col("time").dt.hour() < 12))  # fmt: skip
    text, tags = rendered(bars)
    classes = [attrs["class"] for tag, attrs in tags.seen if tag == "rect"]
    legend = 8
    assert classes[legend:] == ["s4", "s4", "none warning", "s1 warning", "s4", "s4"]
    assert "Wed 2021-04-07: 0 of 107 bars" in text
    assert "Thu 2021-04-08: 36 of 107 bars" in text


def test_page_of_several_years_has_a_row_each() -> None:
    first = frame(walk(5, 3, first=date(2020, 12, 29)))
    second = first.with_columns(pl.col("time") + timedelta(days=364))
    text, _ = rendered(pl.concat([first, second]), "XYZ")
    assert [f"{year}: " in text for year in (2020, 2021)] == [True, True]


def test_page_lists_quarantined_rows() -> None:
    bars = frame(walk(5, 2))
    bad = bars[:1].with_columns(time=pl.lit(datetime(1970, 1, 1)))
    text, _ = rendered(pl.concat([bars, bad]))
    assert "Quarantined rows" in text
    assert "time outside 1990-2100" in text


def test_page_is_written_by_the_command(good: Path, tmp_path: Path, doctor: Doctor) -> None:
    target = tmp_path / "page.html"
    assert doctor(good, "--html", target).returncode == 0
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_real_file_with_its_known_warnings(doctor: Doctor) -> None:
    path = SHARED / "win_n_m5_2020-11_2021-03.parquet"
    if not path.exists():
        pytest.skip("the recorded bars are not beside the project")
    done = doctor(path, "--symbol", "WIN$N")
    assert done.returncode == 0
    assert "Warnings (8)" in done.stdout
    assert "and 3 more; --json and --html have all" in done.stdout

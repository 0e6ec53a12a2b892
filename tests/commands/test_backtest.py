"""``python -m runners.backtest`` and ``runners.check``, as their users run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import polars as pl
import pytest

from alertlib.bars.sample import make_sample, sample_path
from alertlib.errors import AlertlibWarning
from runners import _main
from tests.support import report_cards
from tests.support.commands import ROOT, command, one_line, said
from tests.support.old_cards import as_v1
from tests.support.synthetic import frame, walk


def test_an_assumed_symbol_stands_on_every_rendering(tmp_path: Path) -> None:
    frame(walk(5, 12)).write_parquet(tmp_path / "bars.parquet")
    outputs = (
        "--json", str(tmp_path / "card.json"), "--junit", str(tmp_path / "junit.xml"),
        "--html", str(tmp_path / "page.html"), "--annotations", "github",
    )  # fmt: skip
    bars = ("runners.backtest", "--bars", str(tmp_path / "bars.parquet"))

    done = command(*bars, *outputs)
    assert done.returncode == 0, done.stderr
    data = json.loads((tmp_path / "card.json").read_text())["data"]
    assert data["symbol_assumed"]
    assert "assumed_symbol" in [one["kind"] for one in data["quality"]["findings"]]
    page, junit = ((tmp_path / name).read_text() for name in ("page.html", "junit.xml"))
    assert "WIN$N (assumed) M5" in page
    assert "WIN$N (assumed) M5" in junit
    printed = done.stdout.splitlines()
    assert any("WIN$N (assumed) M5" in line for line in printed if not line.startswith("::"))
    assert any("WIN$N (assumed) M5" in line for line in printed if line.startswith("::"))

    done = command(*bars, *outputs, "--symbol", "WIN$N")
    assert not json.loads((tmp_path / "card.json").read_text())["data"]["symbol_assumed"]
    assert "(assumed)" not in done.stdout
    assert "(assumed)" not in (tmp_path / "page.html").read_text()


def test_the_gate_passes_on_the_sample_and_writes_everything(tmp_path: Path) -> None:
    done = command(
        "runners.backtest", "--gate", "--json", str(tmp_path / "a" / "card.json"),
        "--junit", str(tmp_path / "junit.xml"), "--html", str(tmp_path / "page.html"),
        "--alerts", str(tmp_path / "alerts.parquet"), "--annotations", "github",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "SYNTHETIC SAMPLE" in done.stdout
    assert "::" in done.stdout
    assert said(done) == ""
    card = json.loads((tmp_path / "a" / "card.json").read_text())
    assert (card["schema"], card["verdict"]) == ("scorecard.v2", "PASS")
    cases = ET.parse(tmp_path / "junit.xml").getroot().iter("testcase")
    assert len(list(cases)) == len(card["criteria"])
    assert "SYNTHETIC SAMPLE" in (tmp_path / "page.html").read_text()
    alerts = pl.read_parquet(tmp_path / "alerts.parquet")
    counts = card["counts"]
    outcomes = dict(alerts["outcome"].value_counts().iter_rows())
    assert outcomes["tp"] == counts["tp"]
    assert outcomes["fp"] == counts["false_positives"]
    assert outcomes["redundant"] == counts["redundant"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a", "alerts.parquet", "junit.xml", "page.html",
    ]  # fmt: skip


def test_json_on_stdout_is_alone_there_and_the_same_twice() -> None:
    first, second = (
        command("runners.backtest", "--json", "-", SOURCE_DATE_EPOCH="1700000000") for _ in range(2)
    )

    assert first.stdout == second.stdout
    card = json.loads(first.stdout)
    assert card["generated_at"] == "2023-11-14T22:13:20Z"
    assert "Criteria" in first.stderr


def test_csv_and_parquet_of_the_same_bars_score_alike(tmp_path: Path) -> None:
    frame = pl.read_parquet(sample_path())
    frame.write_csv(tmp_path / "bars.csv", datetime_format="%Y-%m-%dT%H:%M:%S")
    cards = [
        json.loads(command("runners.backtest", "--bars", str(bars), "--json", "-").stdout)
        for bars in (sample_path(), tmp_path / "bars.csv")
    ]

    for name in ("counts", "criteria", "spec_hash", "verdict"):
        assert cards[0][name] == cards[1][name]
    assert cards[0]["data"]["sha256"] == cards[1]["data"]["sha256"]


def test_a_failed_gate_is_exit_1_and_without_gate_0(tmp_path: Path) -> None:
    silent = ("--detector", "rsi_divergence")

    assert command("runners.backtest", "--gate", *silent).returncode == 1
    assert command("runners.backtest", *silent).returncode == 0


def test_chance_left_untested_is_exit_1_and_without_gate_0(tmp_path: Path) -> None:
    untested = ("--set", "gate.better_than_chance=false", "--set", "scoring.mirror_runs=19")
    out = tmp_path / "card.json"

    done = command("runners.backtest", "--gate", *untested, "--json", str(out))

    assert done.returncode == 1, done.stderr
    assert "UNTESTED" in done.stdout
    card = json.loads(out.read_text())
    assert (card["verdict"], card["coin_flip"]["runs"]) == ("UNTESTED", 19)
    assert command("runners.backtest", *untested).returncode == 0


def test_the_sessions_of_some_dates_are_scored() -> None:
    done = command(
        "runners.backtest", "--between", "2025-02-03:2025-02-07", "--json", "-",
        "--set", "scoring.mirror_runs=19",
    )  # fmt: skip

    card = json.loads(done.stdout)
    assert [s["date"] for s in card["per_session"]] == [
        f"2025-02-0{day}" for day in (3, 4, 5, 6, 7)
    ]
    assert card["verdict"] == "INSUFFICIENT"


def test_too_few_sessions_are_exit_3_with_the_scorecard_written(tmp_path: Path) -> None:
    rows = make_sample().rows[: 20 * 113]
    frame = pl.DataFrame(rows, schema=["time", "open", "high", "low", "close", "t", "r", "s"],
                         orient="row")  # fmt: skip
    frame.write_parquet(tmp_path / "few.parquet")
    out = tmp_path / "card.json"
    done = command(
        "runners.backtest", "--gate", "--bars", str(tmp_path / "few.parquet"), "--json", str(out)
    )

    assert done.returncode == 3
    assert json.loads(out.read_text())["verdict"] == "INSUFFICIENT"
    without = command("runners.backtest", "--bars", str(tmp_path / "few.parquet"))
    assert without.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--bars", "nowhere.parquet"), 3, ("nowhere.parquet", "no such file")),
        (("--set", "detection.volatility.windw=30"), 2, ("windw", "window")),
        (("--set", "detection.volatility.window=1"), 2, ("got 1", "from 2 to")),
        (("--set", "novalue"), 2, ("novalue",)),
        (("--detector", "volatilty"), 2, ("volatilty", "volatility")),
        (("--detector", "no.such.module:x"), 2, ("no.such.module",)),
        (("--labels", "nowhere.csv"), 3, ("nowhere.csv",)),
        (("--sessions", "x"), 2, ("scoring.sessions", "got x")),
        (("--between", "2025-02-07:2025-02-03"), 2, ("between", "the first not after the last")),
        (("--between", "2025-02-07"), 2, ("between", "a first and a last date")),
        (("--alerts", "alerts.txt"), 2, ("alerts.txt", ".parquet or .csv")),
        (("--bogus",), 2, ("--bogus", "--help")),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path, arguments: tuple[str, ...], status: int, words: tuple[str, ...]
) -> None:
    done = command("runners.backtest", "--gate", *arguments, cwd=tmp_path)

    one_line(done, status, *words)
    assert done.stdout == ""


def test_a_configured_source_that_is_missing_never_becomes_the_sample(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("data:\n  source: gone.parquet\n")

    one_line(
        command("runners.backtest", "--gate", "--config", "mine.yaml", cwd=tmp_path),
        3, "gone.parquet",
    )  # fmt: skip


def test_a_result_that_cannot_be_written_is_exit_4(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    one_line(command("runners.backtest", "--json", str(tmp_path / "file" / "card.json")), 4)


def test_a_failing_import_is_a_bug_and_not_a_failed_gate(tmp_path: Path) -> None:
    (tmp_path / "polars.py").write_text("raise ImportError('broken installation')")
    done = command(
        "runners.backtest", "--gate", cwd=tmp_path, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}"
    )

    assert done.returncode == 70
    assert "broken installation" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_scorecards_are_compared(tmp_path: Path) -> None:
    for name, window in (("a", 20), ("b", 30)):
        command(
            "runners.backtest", "--set", f"detection.volatility.window={window}",
            "--json", str(tmp_path / f"{name}.json"),
        )  # fmt: skip
    done = command(
        "runners.backtest", "--compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")
    )

    assert done.returncode == 0, done.stderr
    assert "win rate" in done.stdout.lower().replace("_", " ")


def test_scorecards_of_two_versions_are_compared(tmp_path: Path) -> None:
    (tmp_path / "new.json").write_text(json.dumps(report_cards.failed()))
    (tmp_path / "old.json").write_text(json.dumps(as_v1(report_cards.failed())))

    for pair in (("old.json", "new.json"), ("new.json", "old.json"), ("old.json", "old.json")):
        done = command("runners.backtest", "--compare", *(str(tmp_path / name) for name in pair))
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("NOT COMPARABLE") == (pair[0] != pair[1])


@pytest.mark.parametrize(
    "options",
    [("--gate",), ("--json", "-"), ("--html", "page.html"), ("--set", "a=b"), ("--sessions", "0"),
     ("--detector", "volatility"), ("--full",)],
)  # fmt: skip
def test_a_comparison_ignores_no_option_of_a_run(tmp_path: Path, options: tuple[str, ...]) -> None:
    """With --gate it was exit 0, which is a PASS, and --html wrote nothing."""
    done = command("runners.backtest", "--compare", "a.json", "b.json", *options, cwd=tmp_path)
    one_line(done, 2, f"{options[0]}: does not go with --compare")


def test_a_scorecard_that_is_missing_is_one_line(tmp_path: Path) -> None:
    one_line(
        command("runners.backtest", "--compare", "a.json", "b.json", cwd=tmp_path), 3, "a.json"
    )


@pytest.mark.parametrize(
    ("text", "word"),
    [("{", "cannot be read"), ('{"schema": "scorecard.v3"}', "scorecard.v1 or scorecard.v2"),
     ('{"schema": "scorecard.v1"}', "spec is missing")],
)  # fmt: skip
def test_what_is_no_scorecard_is_one_line(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)

    one_line(command("runners.backtest", "--compare", str(path), str(path)), 3, "a.json", word)


def test_audits_on_bars_of_an_assumed_symbol_say_so(tmp_path: Path) -> None:
    frame(walk(5, 12)).write_parquet(tmp_path / "bars.parquet")
    bars = ("runners.check", "--bars", str(tmp_path / "bars.parquet"), "--detector", "engulfing")
    done = command(*bars, "--json", str(tmp_path / "audits.json"))
    assert done.returncode == 0, done.stderr
    assert "warning: bars.parquet does not say what its bars are of: read as" in said(done)
    assert "does not say" not in command(*bars, "--symbol", "WIN$N").stderr


def test_a_users_detector_is_backtested_and_audited_from_the_shell(tmp_path: Path) -> None:
    name = "tests.support.user_detectors:follow"
    card = json.loads(command("runners.backtest", "--detector", name, "--json", "-").stdout)
    done = command("runners.check", "--detector", name, "--json", "-")

    assert [d["pattern"] for d in card["per_detector"]] == ["follow_up", "follow_down"]
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["clean"] is True


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("two", "answered the signal 2"),
        ("nothing", "answered None; expected (signal, state)"),
        ("divides", "raised ZeroDivisionError in "),
    ],
)
def test_a_users_step_that_misbehaves_is_its_own_fault_in_one_line(name: str, word: str) -> None:
    done = command("runners.backtest", "--detector", f"tests.support.user_detectors:{name}")

    one_line(done, 2, f"detector '{name}'", word)


def test_labels_by_hand_replace_the_derived_moves(tmp_path: Path) -> None:
    (tmp_path / "moves.csv").write_text(
        "time_start,time_end,direction,note\n"
        "2025-04-01T10:00,2025-04-01T11:00,1,seen\n2025-04-01 12:00:00,2025-04-01T13:00:00,-1,\n"
    )
    done = command("runners.backtest", "--labels", str(tmp_path / "moves.csv"), "--json", "-")

    card = json.loads(done.stdout)
    assert card["counts"]["opportunities"] == 2
    assert card["verdict"] == "INSUFFICIENT"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("2025-04-01T10:00,2025-04-01T09:00,1", ("row 1", "after the start")),
        ("2025-04-01T10:00,2025-04-02T10:00,1", ("row 1", "one session")),
        ("2025-04-01T10:01,2025-04-01T11:00,1", ("row 1", "not the open of a bar")),
        ("2025-04-01T10:00,2025-04-01T11:00,0", ("row 1", "direction 0")),
        ("yesterday,2025-04-01T11:00,1", ("row 1", "yesterday")),
    ],
)
def test_labels_that_do_not_fit_are_one_line(
    tmp_path: Path, row: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "moves.csv").write_text(f"time_start,time_end,direction\n{row}\n")

    one_line(command("runners.backtest", "--labels", str(tmp_path / "moves.csv")), 3, *words)


def test_the_guard_knows_every_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    def raises(error: BaseException) -> int:
        def run(_: object) -> int:
            raise error

        return _main.run(run, [])

    assert raises(KeyboardInterrupt()) == 130
    assert raises(SystemExit(2)) == 2
    assert raises(SystemExit("text")) == 2
    assert raises(SystemExit(None)) == 0
    assert raises(RuntimeError("two\nlines")) == 70
    assert "RuntimeError: two lines (test_backtest.py:" in capsys.readouterr().err


def test_a_traceback_that_was_asked_for_changes_no_status() -> None:
    """Found as exit 1, a failed gate, for every error under ``--debug``."""
    done = command("runners.backtest", "--gate", "--bars", "nowhere.csv", "--debug")

    assert done.returncode == 3
    assert "Traceback" in done.stderr
    assert said(done).splitlines()[-1].startswith("error: nowhere.csv")


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (("--bars", "100%.csv"), 3, "::error title=alertlib::error: 100%25.csv"),
        (("--set", "x=1"), 2, "::error title=alertlib::error: "),
        (("--timeframe",), 2, "::error title=alertlib::error: argument --timeframe"),
    ],
)
def test_errors_are_annotations_where_github_runs_us(
    arguments: tuple[str, ...], status: int, word: str
) -> None:
    done = command("runners.backtest", *arguments, GITHUB_ACTIONS="true")

    annotation, line = said(done).splitlines()
    assert done.returncode == status
    assert annotation.startswith(word)
    assert line.startswith("error: ")
    one_line(command("runners.backtest", *arguments), status)
    silent = ("--annotations", "none", *arguments)
    one_line(command("runners.backtest", *silent, GITHUB_ACTIONS="true"), status)


def test_a_bug_is_an_annotation_as_well(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> int:
        raise RuntimeError("50% of\r\nit")

    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert _main.run(broken, []) == 70
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith("::error title=alertlib::internal error")
    assert "50%25 of it" in first


def test_the_summary_of_a_workflow_is_appended_and_never_decides(tmp_path: Path) -> None:
    page = tmp_path / "summary.md"
    page.write_text("before\n", encoding="utf-8")
    gate = ("runners.backtest", "--gate")

    assert command(*gate, GITHUB_STEP_SUMMARY=str(page)).returncode == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n### PASS: WIN\\$N M5")
    assert "| win rate | 90.6% |" in text
    command(*gate, "--annotations", "none", GITHUB_STEP_SUMMARY=str(page))
    assert page.read_text(encoding="utf-8") == text
    lost = command(*gate, GITHUB_STEP_SUMMARY=str(tmp_path / "no" / "page.md"))
    assert lost.returncode == 0
    assert "cannot be written" in said(lost)


@pytest.mark.parametrize(
    "arguments",
    [
        ("runners.backtest", "--gate"),
        ("runners.backtest", "--bars", str(sample_path())),
        ("runners.sweep", "--grid", "stop_atr=1,2"),
        ("runners.walkforward", "--grid", "stop_atr=1,2"),
    ],
)
def test_made_up_bars_are_refused_where_real_ones_are_required(arguments: tuple[str, ...]) -> None:
    one_line(command(*arguments, "--require-real"), 3, "--require-real", "synthetic", "--bars")


def test_a_warning_of_the_librarys_is_one_line_and_others_are_pythons(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(_: object) -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(AlertlibWarning("said\nonce"), stacklevel=1)
            warnings.warn("other", UserWarning, stacklevel=1)
        return 0

    assert _main.run(run, []) == 0
    first, *others = capsys.readouterr().err.splitlines()
    assert first == "warning: said once"
    assert "test_backtest.py" in others[0]
    assert "UserWarning: other" in others[0]


def test_functions_of_the_package_are_not_hidden_by_modules_of_their_name() -> None:
    code = (
        "import alertlib.backtesting.backtester, alertlib.audits.checking, alertlib as al;"
        "assert callable(al.backtest) and callable(al.check) and callable(al.detector)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_page_to_look_through_is_written_beside_the_verdict(tmp_path: Path) -> None:
    page = tmp_path / "new" / "run.html"

    done = command("runners.backtest", "--gate", "--explore", str(page))

    assert done.returncode == 0, done.stderr
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_without_plotly_the_page_is_refused_at_once_and_the_gate_runs(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['plotly'] = None\n")
    lacking = {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    page = tmp_path / "run.html"

    done = command("runners.backtest", "--bars", "none", "--explore", str(page), **lacking)
    one_line(done, 2, "plotly", "is not installed", "pip install 'alertlib-b3[notebook]'")
    assert not page.exists()

    assert command("runners.backtest", "--gate", **lacking).returncode == 0

"""``python -m runners.sweep`` and ``runners.walkforward``, as their users run them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from alertlib.bars.sample import sample_path
from alertlib.config import load_config
from alertlib.search.ledger.reader import read_ledger
from tests.support.commands import ROOT, command, one_line, said

SMALL = ("--sessions", "30", "--grid", "volatility.window=10,20", "--grid", "stop_atr=1:2:.5")


def test_a_sweep_of_the_sample_writes_everything(tmp_path: Path) -> None:
    found, page, best = (tmp_path / name for name in ("a/sweep.json", "page.html", "best.yaml"))
    done = command(
        "runners.sweep", *SMALL, "--where", "stop_atr <= 1.5", "--top", "2",
        "--json", str(found), "--html", str(page), "--write-config", str(best),
        "--ledger", str(tmp_path / "trials.jsonl"),
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert said(done) == ""
    assert "SYNTHETIC DATA" in done.stdout
    assert "in sample" in done.stdout
    assert "on permuted sessions (99 runs)" in " ".join(done.stdout.split())
    values = json.loads(found.read_text())
    assert values["schema"] == "sweep.v1"
    assert values["data"]["synthetic"] is True
    assert len(values["combinations"]) == values["trials"] == 4
    assert values["combinations"][0]["parameters"] == {
        "detection.volatility.window": 10,
        "trade.stop_atr": 1.0,
    }
    assert values["chance"]["distance"]["p_value"] >= 0.01
    text = page.read_text()
    assert "SYNTHETIC DATA" in text
    assert "<script" not in text
    assert read_ledger(tmp_path / "trials.jsonl").count == 4
    chosen = load_config(best)
    assert chosen.chosen.trials == 4
    assert chosen.chosen.first == values["data"]["first_session"]
    assert best.read_text().startswith("# Chosen by a search: 4 trials on the sessions")


def test_a_written_configuration_fails_the_gate_of_what_it_was_chosen_on(tmp_path: Path) -> None:
    best = tmp_path / "best.yaml"
    assert command("runners.sweep", *SMALL, "--write-config", str(best)).returncode == 0

    gated = command(
        "runners.backtest", "--gate", "--config", str(best), "--json", str(tmp_path / "card.json")
    )

    assert gated.returncode == 1
    card = json.loads((tmp_path / "card.json").read_text())
    (rail,) = (c for c in card["criteria"] if c["name"] == "out_of_sample")
    assert (rail["passed"], rail["value"]) == (False, 30.0)


@pytest.mark.parametrize(
    ("search", "name"),
    [
        (("runners.sweep",), "Sweep"),
        (("runners.walkforward", "--train", "10", "--test", "5"), "Walk-forward"),
    ],
)
def test_an_assumed_symbol_stands_on_all_that_a_search_writes(
    search: tuple[str, ...], name: str, tmp_path: Path
) -> None:
    bars, found, page, best = (
        tmp_path / name for name in ("bars.parquet", "found.json", "page.html", "best.yaml")
    )
    pl.read_parquet(sample_path()).drop("symbol").write_parquet(bars)
    done = command(
        *search, *SMALL, "--bars", str(bars), "--json", str(found), "--html", str(page),
        "--write-config", str(best),
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert json.loads(found.read_text())["data"]["symbol_assumed"] is True
    assert f"{name} of WIN$N (assumed) M5" in done.stdout
    assert f"{name} of WIN$N (assumed) M5" in page.read_text()
    assert "\n# of WIN$N (assumed) M5." in best.read_text()


def test_json_on_stdout_is_all_there_is_on_it() -> None:
    first, second = (command("runners.sweep", *SMALL, "--json", "-") for _ in range(2))

    assert json.loads(first.stdout)["schema"] == "sweep.v1"
    assert first.stdout == second.stdout
    assert "The best combinations" in first.stderr


def test_a_walk_forward_of_the_sample_says_why_it_is_not_proven(tmp_path: Path) -> None:
    done = command(
        "runners.walkforward", "--gate", "--train", "20", "--test", "10",
        "--grid", "volatility.window=10,20", "--grid", "stop_atr=1,1.5",
        "--set", "scoring.mirror_runs=19", "--hold-out", "8",
        "--ledger", str(tmp_path / "trials.jsonl"), "--json", str(tmp_path / "walk.json"),
        "--html", str(tmp_path / "walk.html"), "--write-config", str(tmp_path / "next.yaml"),
    )  # fmt: skip

    assert done.returncode == 1, done.stderr
    assert "UNPROVEN" in done.stdout
    values = json.loads((tmp_path / "walk.json").read_text())
    assert values["schema"] == "walkforward.v1"
    assert values["proven"] is False
    assert values["reasons"]
    assert {"deflated_sharpe", "pbo", "reality_check", "spa", "trials"} <= set(values["selection"])
    assert values["hold_out"]["sessions"] == 8
    assert values["folds"][0]["train"][1] < values["folds"][0]["test"][0]
    assert "held out" in (tmp_path / "walk.html").read_text()
    assert load_config(tmp_path / "next.yaml").chosen.trials == 4


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 2, ("--grid: got none", "expected at least one")),
        (("--grid", "windw=1,2"), 2, ("windw", "did you mean")),
        (("--grid", "volatility.window=0,2"), 2, ("detection.volatility.window", "got 0")),
        (("--grid", "scoring.k=2,3"), 2, ("scoring.k", "goalposts")),
        (("--grid", "slippage_ticks=0,1"), 2, ("trade.slippage_ticks", "cheapest")),
        (("--grid", "stop_atr=1:2:0"), 2, ("stop_atr", "1:2:0")),
        (("--grid", "stop_atr=1,2", "--where", "stop_atr > 5"), 2, ("--where", "none of 2")),
        (("--grid", "stop_atr=1,2", "--where", "nonsense >"), 2, ("where",)),
        (("--grid", "stop_atr=1,2", "--top", "0"), 2, ("--top: got 0",)),
        (("--grid", "stop_atr=1,2", "--search", "random", "--seed", "-1"), 2, ("seed: got -1",)),
        (("--grid", "stop_atr=1,2", "--search", "random", "--trials", "0"), 2, ("trials: got 0",)),
        (("--grid", "stop_atr=1,2", "--bars", "none.csv"), 3, ("none.csv", "no such file")),
        (("--grid", "stop_atr=1,2", "--executor", "cloud"), 2, ("executor: got 'cloud'",)),
        (("--grid", "stop_atr=1,2", "--executor", "dask://127.0.0.1:9"), 3, ("cannot be reached",)),
        (("--grid", "stop_atr=1,2", "--resume"), 2, ("resume: got no ledger",)),
        (("--grid", "stop_atr=1,2", "--ledger", "/proc/none/l.jsonl"), 4, ("/proc/none/l.jsonl",)),
    ],
)
def test_what_cannot_be_is_one_line(
    arguments: tuple[str, ...], status: int, words: tuple[str, ...]
) -> None:
    one_line(command("runners.sweep", *arguments), status, *words)


def test_ledgers_of_something_else_are_refused(tmp_path: Path) -> None:
    ledger = tmp_path / "trials.jsonl"
    grid = ("--grid", "stop_atr=1,2", "--ledger", str(ledger))
    assert command("runners.sweep", *grid).returncode == 0

    one_line(command("runners.sweep", *grid, "--set", "scoring.k=2"), 3, "scoring.k")
    ledger.write_text(ledger.read_text().replace("ledger.v1", "ledger.v9", 1))
    one_line(command("runners.sweep", *grid), 2, "ledger.v9")


def test_a_second_writer_of_a_ledger_is_told(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    import alertlib as al
    from alertlib.bars.sample import sample_path
    from alertlib.search.grid.grid import Grid
    from alertlib.search.ledger.ledger import Ledger
    from alertlib.search.subject import make_subject

    bars, config = al.read_bars(sample_path(), symbol="WIN$N"), al.Config()
    identity = make_subject(bars, config).identity(Grid({"stop_atr": [1, 2]}, config))
    with Ledger.open(tmp_path / "l.jsonl", identity, lambda: datetime.now(UTC)):
        done = command(
            "runners.sweep", "--grid", "stop_atr=1,2", "--ledger", str(tmp_path / "l.jsonl")
        )

    one_line(done, 5, "l.jsonl")


@pytest.mark.skipif(sys.platform == "win32", reason="a signal of POSIX")
def test_an_interrupted_search_keeps_what_is_done(tmp_path: Path) -> None:
    ledger = tmp_path / "trials.jsonl"
    arguments = [
        sys.executable, "-m", "runners.sweep", "--grid", "volatility.window=5:60:1",
        "--grid", "breakout.window=2:20:1", "--grid", "cooldown_bars=0:12:1", "--workers", "1",
        "--ledger", str(ledger),
    ]  # fmt: skip
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    with subprocess.Popen(
        arguments, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        until = time.monotonic() + 60
        while time.monotonic() < until and (not ledger.exists() or ledger.stat().st_size < 100_000):
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)

    assert running.returncode == 130, said
    assert "Traceback" not in said
    assert read_ledger(ledger).count >= 50

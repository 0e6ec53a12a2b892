"""``runners.benchmark``: what it holds the figures against, and a whole run (slow)."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from runners.benchmark import main
from runners.commands import benchmark
from runners.trial.promises import OWN, PROMISES

WHOLE = {"clients": 100, "clients_whole": 100, "peak_mb": 35.0}
GOOD: dict[str, dict[str, Any]] = {
    "mail": WHOLE | {"mail_p99_ms": 40.0},
    "steady": WHOLE | {"p99_ms": 20.0},
    "burst": WHOLE | {"commit_p95_ms": 10.0, "alerts_per_minute_to_each": 40_000},
    "start": {"health_ms": 300},
}


def trials(changes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = copy.deepcopy(GOOD)
    for name, value in changes.items():
        trial, figure = name.split(".")
        found[trial][figure] = value
    return found


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({}, []),
        ({"steady.p99_ms": 500.0}, ["websocket"]),
        ({"burst.commit_p95_ms": float("inf")}, ["detection"]),
        ({"mail.mail_p99_ms": 8_000.0}, ["mail"]),
        ({"mail.peak_mb": 50.0}, ["memory"]),
        ({"mail.peak_mb": None}, []),
        ({"burst.alerts_per_minute_to_each": 100}, ["throughput"]),
        ({"burst.clients_whole": 99}, ["lost"]),
    ],
)
def test_each_limit_is_strict(changes: dict[str, Any], keys: list[str]) -> None:
    found = benchmark.limits(trials(changes))
    assert [one.key for one in found if not one.is_met] == keys


def test_a_figure_short_of_ours_is_told_and_is_no_failure() -> None:
    found = {one.key: one for one in benchmark.limits(trials({"start.health_ms": 900}))}
    assert found["start"].is_met
    assert "not reached" in str(found["start"])
    assert "not reached" not in str(found["memory"])


def test_a_missed_limit_is_exit_1_and_json_goes_to_stdout_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = trials({"mail.mail_p99_ms": float("inf"), "mail.peak_mb": None})
    monkeypatch.setattr(benchmark, "run_trials", lambda seconds, say: bad)
    assert main(["--json", "-"]) == 1
    said = capsys.readouterr()
    found = json.loads(said.out, parse_constant=pytest.fail)
    rows = {row["key"]: row for row in found["criteria"]}
    assert rows.keys() == PROMISES.keys() | OWN.keys()
    assert [key for key, row in rows.items() if not row["met"]] == ["mail"]
    assert rows["mail"]["value"] is None
    assert "MISS bar to mail accepted, p99" in said.err
    assert "?    memory" in said.err


@pytest.mark.slow
def test_a_quick_run(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--quick", "--json", "-"])
    said = capsys.readouterr()
    found = json.loads(said.out)
    values = {row["key"]: row["value"] for row in found["criteria"]}
    assert None not in values.values()
    assert values["lost"] == 0
    assert found["trials"]["mail"]["letters"] > 0
    assert status == int(any(not row["met"] for row in found["criteria"]))

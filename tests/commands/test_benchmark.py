"""``runners.benchmark``: what it holds the figures against, and a whole run (slow)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runners.benchmark import main
from runners.commands import benchmark

GOOD: dict[str, Any] = {
    "p99_ms": 20.0, "commit_p95_ms": 10.0, "mail_ms": {"0.99": 40.0}, "rss_mb": 38.0,
    "alerts_per_minute_to_each": 30_000,
}  # fmt: skip


def missed(**changes: Any) -> list[str]:
    figures = GOOD | changes
    return [
        one.promise.name for one in benchmark.limits(figures, figures, figures) if not one.is_met
    ]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, []),
        ({"p99_ms": 500.0}, ["bar to every one of 100 clients, p99"]),
        ({"commit_p95_ms": float("inf")}, ["bar to alert durable, p95"]),
        ({"mail_ms": {"0.99": 8_000.0}}, ["bar to mail accepted, p99"]),
        ({"rss_mb": 50.0}, ["memory with 100 clients and mail"]),
        ({"rss_mb": None}, []),
        ({"alerts_per_minute_to_each": 100}, ["alerts per minute to each of 10 clients"]),
    ],
)
def test_each_limit_is_strict(changes: dict[str, Any], names: list[str]) -> None:
    assert missed(**changes) == names


def test_a_missed_limit_is_exit_1_and_json_goes_to_stdout_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = GOOD | {"p99_ms": 900.0, "rss_mb": None}
    monkeypatch.setattr(benchmark, "measure_all", lambda seconds: benchmark.limits(bad, bad, bad))
    assert main(["--json", "-"]) == 1
    said = capsys.readouterr()
    assert [row["met"] for row in json.loads(said.out)] == [False, True, True, True, True]
    assert "MISS bar to every one of 100 clients" in said.err
    assert "?    memory" in said.err


@pytest.mark.slow
def test_a_quick_run(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--quick"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert status == int(any(line.startswith("MISS") for line in lines))

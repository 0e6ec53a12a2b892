"""From a fit in the backtest to a daemon that loads it."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from tests.support.running import ENV, ROOT, SAMPLE, Running, command, environment

DETECTOR = """
from typing import NamedTuple
import alertlib as al


class Params(NamedTuple):
    body_ticks: float = 0.0


class State(NamedTuple):
    seen: int = 0


def learn(bars, moves, outcomes):
    return Params(float((bars["close"] - bars["open"]).abs().quantile(0.97)) / 5)


@al.detector("push", patterns=("push_up", "push_down"), state=State(), params=Params(),
             fit=al.Fit(learn, train=10, max_age_days=3000))
def push(state, ring, bar, p):
    body = bar.close - bar.open
    return (1 if body > p.body_ticks else -1 if body < -p.body_ticks else 0), State(state.seen + 1)
"""


def test_a_daemon_runs_what_was_fitted_and_audits_its_span(tmp_path: Path) -> None:
    (tmp_path / "desk.py").write_text(DETECTOR)
    models = tmp_path / "models"
    env = {**ENV, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    config = tmp_path / "alertas.yaml"
    config.write_text(
        f"detection:\n  enabled: [breakout, 'desk:push']\nlive:\n  models: {models}\n"
    )
    replay = ("--config", str(config), "--feed", "replay", "--bars", str(SAMPLE), "--speed", "0")

    with Running(tmp_path / "without", *replay, env=env) as daemon:
        health = ""
        for _ in range(100):
            _, health = daemon.get("/health")
            if '"starting"' not in health:
                break
            time.sleep(0.05)
        assert "push is off on WIN$N M5: it has not been fitted" in health
        assert daemon.signal("SIGTERM") == 0
    assert any("no model at" in entry.get("reason", "") for entry in daemon.log)

    fitted = subprocess.run(
        command("backtest", "--config", str(config), "--models", str(models)),
        cwd=ROOT, env=environment(env), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "push.json: push, learned 2025-" in fitted.stderr
    with Running(tmp_path / "with", *replay, "--exit-at-end", env=env) as daemon:
        assert daemon.wait(60.0) == 0

    shown = subprocess.run(
        command("audit", "export", "--db", str(daemon.database)),
        cwd=ROOT, env=environment(env), capture_output=True, text=True, check=True,
    )  # fmt: skip
    events = [json.loads(line) for line in shown.stdout.splitlines()]
    (model,) = [event["data"] for event in events if event["kind"] == "model"]
    known = json.loads((models / "push.json").read_text())
    assert {key: model[key] for key in ("detector", "first", "last")} == {
        key: known[key] for key in ("detector", "first", "last")
    }
    assert any(event["data"].get("pattern", "").startswith("push") for event in events)

"""What a monitor finds on /metrics, read with Prometheus' own parser and tools."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

import alertlib as al
from alertlib.config import Config
from alertlib.detection.registry import enabled_detectors
from runners.live.delivery.channel import Verdict
from runners.trial.settings import every_bar
from tests.support.running import ROOT, SAMPLE, Running, write_config

RULES = ROOT / "docs/deploy/prometheus-alerts.yml"
LATER = {
    "alertas_delivery_seconds",
    "alertas_last_bar_timestamp_seconds",
    "alertas_feed_trouble",
}
"""What has no value before the first delivery, or before the feed has told its streams."""


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """/metrics of a daemon at its start, and after its last bar; nobody takes its mail."""
    folder = tmp_path_factory.mktemp("metrics")
    settings = every_bar(smtp_port=1) | {"detection": {}}  # the usual detectors
    config = write_config(folder, json.dumps(settings))
    options = ("--feed", "replay", "--bars", str(SAMPLE), "--speed", "0", "--config", config)
    with Running(folder, *options) as daemon:
        first = daemon.get("/metrics")[1]
        daemon.until(lambda: daemon.health()[1]["feed"] == "ended")
        last = daemon.until(lambda: daemon.get("/metrics")[1] if settled(daemon) else None)
        yield first, last


def settled(daemon: Running) -> bool:
    """Whether /metrics, which is filled once a second, has come to the last bar."""
    last = daemon.health()[1]["last_bars"]["WIN$N M5"]
    samples = families(daemon.get("/metrics")[1])["alertas_last_bar_timestamp_seconds"].samples
    expected = datetime.fromisoformat(last).timestamp()
    return [sample.value for sample in samples] == [expected]


def families(text: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def series(text: str) -> set[str]:
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return {line.rpartition(" ")[0] for line in lines}


def test_every_series_is_there_from_the_start(texts: tuple[str, str]) -> None:
    """One that appears with its first event shows no increase to Prometheus."""
    first, last = texts
    new = {name.partition("{")[0] for name in series(last) - series(first)}
    assert new <= LATER
    patterns = {sample.labels["pattern"] for sample in families(first)["alertas_alerts"].samples}
    detectors = enabled_detectors(Config().detection)
    assert patterns == {pattern for each in detectors for pattern in each.patterns}
    attempts = families(first)["alertas_delivery_attempts"].samples
    assert {(sample.labels["channel"], sample.labels["verdict"]) for sample in attempts} == {
        ("email", each.value) for each in Verdict
    }


def test_names_and_labels(texts: tuple[str, str]) -> None:
    for family in families(texts[1]).values():
        assert family.documentation
        keys = {tuple(s.labels) for s in family.samples if not s.name.endswith(("_sum", "_count"))}
        assert len(keys) <= 1, f"{family.name}: series with different labels"
        assert family.type != "unknown"
        if family.type == "counter":
            assert all(sample.name.endswith("_total") for sample in family.samples)


def test_what_a_monitor_asks_first(texts: tuple[str, str]) -> None:
    found = families(texts[1])
    (build,) = found["alertas_build_info"].samples
    assert set(build.labels) == {"version", "python"}
    (bar,) = found["alertas_last_bar_timestamp_seconds"].samples
    assert bar.labels == {"symbol": "WIN$N", "timeframe": "M5"}
    last = al.read_bars(SAMPLE, symbol="WIN$N").frame["time"][-1]
    assert bar.value == last.replace(tzinfo=UTC).timestamp() + 3 * 3_600  # Brasília
    assert found["alertas_start_time_seconds"].samples[0].value > 1.7e9
    assert found["alertas_store_wal_bytes"].samples[0].value > 0


def test_prometheus_finds_nothing_to_lint(texts: tuple[str, str]) -> None:
    checked = promtool("check", "metrics", text=texts[1])
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_the_shipped_rules_are_rules() -> None:
    checked = promtool("check", "rules", str(RULES))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_shipped_rules_ask_for_what_there_is(texts: tuple[str, str]) -> None:
    asked = set(re.findall(r"\b(alertas_\w+)", RULES.read_text(encoding="utf-8")))
    there = {name.partition("{")[0] for name in series(texts[1])}
    assert asked
    assert asked <= there


def promtool(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    if shutil.which("promtool") is None:
        pytest.skip("no promtool (Debian: prometheus)")
    return subprocess.run(
        ["promtool", *arguments], input=text, capture_output=True, text=True, check=False
    )

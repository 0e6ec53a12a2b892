"""A minute of the soak that ``python -m benchmarks.soak`` runs for hours."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.soak import missed, soak


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads memory in /proc")
def test_clients_come_and_go_without_a_trace() -> None:
    found = soak(minutes=1.0, rate=200.0, clients=4)
    assert found["alerts"] > 1_000
    assert min(found[name] for name in ("messages", "visits", "deserted")) > 0
    # A minute is too short to tell growth from caches that fill.
    assert set(missed(found)) <= {"rss_mb_per_100k_alerts"}, found

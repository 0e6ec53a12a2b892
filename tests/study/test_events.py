"""Paths around alerts against loops over bars, and what moving or mirroring prices does to them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from polars.testing import assert_frame_equal

from alertlib.backtesting.run import Run
from alertlib.errors import ConfigError
from alertlib.stats.intervals import session_weights
from alertlib.study.events import BAND_RUNS, By, event_frame, event_paths
from tests import naive
from tests.support.backtests import FORTY_SESSIONS, run_of
from tests.support.steps import mirrored
from tests.support.synthetic import walk

SCORED = ("tp", "fp", "redundant")
OFFSETS = range(-12, 37)
ROWS = walk(92, sessions=12)


def naive_paths(run: Run) -> list[tuple[dict[str, Any], dict[int, float], float]]:
    """Each scored alert with its path in points, by offset, and the average range at its bar."""
    bars, decimals = naive.in_units(FORTY_SESSIONS)
    average = naive.atr(bars)
    place = {bar.time: t for t, bar in enumerate(bars)}
    found = []
    for alert in run.alerts.to_dicts():
        if alert["outcome"] not in SCORED:
            continue
        t = place[alert["bar_time"]]
        path = {}
        for offset in OFFSETS:
            if 0 <= t + offset < len(bars) and bars[t + offset].date == bars[t].date:
                away = bars[t + offset].close - bars[t].close
                path[offset] = alert["direction"] * away / 10**decimals
        found.append((alert, path, average[t] / 10**decimals))
    return found


def test_paths_are_those_of_a_loop_over_the_bars(plain: Run) -> None:
    expected = naive_paths(plain)
    paths = event_paths(plain.scored)

    assert paths.shape == (len(expected), len(OFFSETS))
    for row, (_, path, _) in zip(paths, expected, strict=True):
        known = {o: value for o, value in zip(OFFSETS, row, strict=True) if not np.isnan(value)}
        assert known == pytest.approx(path)
        assert known[0] == 0.0


@pytest.mark.parametrize(
    ("by", "group"),
    [("outcome", "outcome"), ("pattern", "pattern"), ("hour", "time")],
)
def test_means_and_bands_are_those_of_loops_over_paths_and_sessions(
    plain: Run, by: By, group: str
) -> None:
    paths: dict[tuple[str, int], list[tuple[str, float, float]]] = defaultdict(list)
    for alert, path, average in naive_paths(plain):
        own = f"{alert['time'].hour:02d}" if by == "hour" else alert[group]
        for offset, points in path.items():
            for name in ("all", own):
                day = alert["bar_time"].date().isoformat()
                paths[name, offset].append((day, points, points / average))
    settings, sessions = plain.config.scoring, [s["date"] for s in plain.scorecard.per_session]
    rng = np.random.default_rng((settings.seed, 0))
    weights = session_weights(len(sessions), BAND_RUNS, rng)

    frame = plain.events(by)

    assert frame["group"][0] == "all"
    assert len(frame) == len(paths)
    for row in frame.to_dicts():
        seen = paths[row["group"], row["offset"]]
        assert (row["n"], row["sessions"]) == (len(seen), len({day for day, _, _ in seen}))
        assert row["mean_points"] == pytest.approx(sum(p for _, p, _ in seen) / len(seen))
        assert row["mean_atr"] == pytest.approx(sum(a for _, _, a in seen) / len(seen))
        if row["sessions"] < 2:
            assert row["low_atr"] is None
            continue
        sums, counts = np.zeros((2, len(sessions)))
        for day, _, in_atr in seen:
            sums[sessions.index(day)] += in_atr
            counts[sessions.index(day)] += 1
        drawn = weights @ counts
        means = (weights @ sums)[drawn > 0] / drawn[drawn > 0]
        band = row["low_atr"], row["high_atr"]
        assert band == pytest.approx(np.quantile(means, (0.025, 0.975)), abs=1e-12)


def test_the_same_run_has_the_same_bands(plain: Run) -> None:
    assert_frame_equal(plain.events("hour"), plain.events("hour"), check_exact=True)


def test_another_seed_moves_bands_and_no_mean() -> None:
    one, other = (run_of(ROWS, scoring__seed=seed).events() for seed in (1, 2))

    known = ["group", "offset", "n", "sessions", "mean_atr", "mean_points"]
    assert_frame_equal(one.select(known), other.select(known), check_exact=True)
    assert one["low_atr"].to_list() != other["low_atr"].to_list()


def test_prices_moved_by_a_constant_leave_every_path() -> None:
    moved = [(t, *(p + 10_000.0 for p in prices)) for t, *prices in ROWS]
    before, after = run_of(ROWS), run_of(moved)

    assert np.array_equal(event_paths(before.scored), event_paths(after.scored), equal_nan=True)
    assert_frame_equal(before.events("pattern"), after.events("pattern"), check_exact=True)


def test_mirrored_prices_leave_every_path() -> None:
    """Directions turn with the prices, so that what went for an alert still does."""
    before, after = run_of(ROWS), run_of(mirrored(ROWS))

    assert after.scored.alerts.direction.tolist() != before.scored.alerts.direction.tolist()
    assert_frame_equal(before.events("outcome"), after.events("outcome"))


def test_no_alert_has_no_path() -> None:
    frame = event_frame(run_of(walk(1, sessions=2)).scored, "pattern")

    assert frame.is_empty()
    assert frame.columns == run_of(ROWS).events().columns


def test_another_grouping_is_refused(plain: Run) -> None:
    with pytest.raises(
        ConfigError, match=r"^by: got 'day'; expected one of outcome, pattern, hour"
    ):
        plain.events("day")  # type: ignore[arg-type]

"""The page on speed shows what was measured, and the contest is between equals."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import alertlib as al
from alertlib.bars.series import make_series
from alertlib.detection.registry import find_detector
from alertlib.scoring.signals import detect
from alertlib.scoring.true_ranges import true_ranges
from benchmarks.peers import (
    detector_sides,
    detectors,
    digest,
    numpy_forms,
    outcomes,
    sweep_sides,
    table,
    timing,
)
from benchmarks.peers.__main__ import RESULTS
from benchmarks.peers.material import Material, read_material

FIGURES = json.loads(RESULTS.read_text(encoding="utf-8"))
SAMPLE = Material(make_series(al.read_bars(al.sample_path())))


def test_the_tables_are_made_of_the_committed_figures() -> None:
    assert table.shown() == table.render(FIGURES)
    assert digest.DIGEST.shown() == digest.render(FIGURES)


def test_the_short_table_shows_where_others_are_faster() -> None:
    size = str(max(FIGURES["bars"]["sizes"]))
    losses = [
        job
        for job, times in FIGURES["detectors"][size]["ns_per_bar"].items()
        if any(
            timing["median"] < times[table.READY]["median"]
            for name, timing in times.items()
            if not name.startswith("ours")
        )
    ]
    bold = [line for line in digest.DIGEST.shown().splitlines() if "**" in line]
    assert [line.split(",")[0].removeprefix("| ").replace(" ", "_") for line in bold] == losses


def test_every_contestant_that_was_measured_is_shown() -> None:
    page = table.shown()
    measured = {
        name
        for size in FIGURES["detectors"].values()
        for times in size["ns_per_bar"].values()
        for name in times
    }
    measured |= {name for row in FIGURES["sweeps"] for name in row["contestants"]}
    measured |= {name for c in outcome_contests() for name in c["ns_per_entry"]}
    measured |= set(FIGURES["cold_starts_s"])

    assert len(measured) > 15
    assert [name for name in sorted(measured) if f"| {name} |" not in page] == []


def test_a_peer_that_is_faster_is_shown_in_bold() -> None:
    of_detectors = [
        (times, table.READY)
        for size in FIGURES["detectors"].values()
        for times in size["ns_per_bar"].values()
    ]
    contests = of_detectors + [(c["ns_per_entry"], table.OURS) for c in outcome_contests()]
    losses = sum(
        timing["median"] < times[base]["median"]
        for times, base in contests
        for name, timing in times.items()
        if not name.startswith("ours")
    )

    assert table.shown().count("**(") == losses


def outcome_contests() -> list[dict[str, Any]]:
    return [contest for size in FIGURES["outcomes"].values() for contest in size]


@pytest.mark.parametrize("name", detectors.DETECTORS)
def test_the_numpy_forms_find_what_the_steps_find(name: str) -> None:
    found = detector_sides.numpy_same_job(SAMPLE)[name]()
    own = detect(SAMPLE.series, (find_detector(name),)).sign[:, 0]

    assert own.any()
    np.testing.assert_array_equal(found, own)


def test_the_numpy_form_of_the_atr_is_ours_but_for_rounding() -> None:
    found = detector_sides.numpy_same_job(SAMPLE)["atr"]()

    np.testing.assert_allclose(found, true_ranges(SAMPLE.series, 14), rtol=1e-12)


@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=40), st.integers(1, 5))
def test_a_side_is_confirmed_once_a_run(sides: list[int], confirm: int) -> None:
    side = np.array(sides, dtype=np.int8)
    expected = [
        s
        if i + 1 >= confirm
        and set(sides[i + 1 - confirm : i + 1]) == {s}
        and sides[i - confirm : i - confirm + 1] != [s]
        else 0
        for i, s in enumerate(sides)
    ]

    assert numpy_forms.confirmed(side, confirm).tolist() == expected
    assert (sweep_sides.held(side > 0, confirm) == (np.array(expected) > 0)).all()


@pytest.mark.parametrize("spacing", [3, 14, 100])
def test_trades_of_one_column_do_not_overlap(spacing: int) -> None:
    entries = outcomes.make_entries(SAMPLE, spacing)

    assert len(entries) > 50
    for lane in set(entries.lane.tolist()):
        mine = entries.lane == lane
        ends, starts = entries.final[mine][:-1], entries.bar[mine][1:]
        assert (ends < starts).all()
    trades = outcomes.ours(entries)
    assert trades.filled.all()
    assert (trades.exit <= entries.final).all()


def test_the_random_walk_has_the_bars_asked_for_and_is_the_same_each_time() -> None:
    one, other = (read_material(None, "", 1_000) for _ in range(2))

    assert len(one) == 1_000
    assert (one.series.close == other.series.close).all()


def test_contestants_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "TURN_S", 0.0)
    order: list[str] = []
    calls = {name: lambda name=name: order.append(name) for name in "abc"}

    taken = timing.take_turns(calls, rounds=6, scale=1e9)

    assert "".join(order) == "abc" + "abcbcacab" * 2
    assert [t.n for t in taken.values()] == [6, 6, 6]
    assert all(0 < t.min <= t.median for t in taken.values())

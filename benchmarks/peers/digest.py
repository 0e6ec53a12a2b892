"""The short table of the README, made of the same figures as docs/speed.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.generated import GeneratedPart
from benchmarks.peers.table import OURS, PART, READY, count, number, ratio, table
from benchmarks.peers.timing import ROOT

DIGEST = GeneratedPart(ROOT / "README.md", PART.begin)


def render(figures: dict[str, Any]) -> str:
    """Return one row a job, with the fastest peer that does as much or less; losses in bold."""
    size = str(max(figures["bars"]["sizes"]))
    head = ["", "ours", "fastest of the others", "", "times ours"]
    rows = [*_detectors(figures["detectors"][size]["ns_per_bar"]), *_outcomes(figures, size)]
    date, cores = figures["date"], figures["machine"]["cores"]
    return (
        f"\n\nMedians in nanoseconds, {count(size)} bars, measured {date} on {cores} cores "
        f"({figures['machine']['processor']}):\n\n{table(head, rows)}\n\n"
    )


def _detectors(jobs: dict[str, Any]) -> Iterator[list[str]]:
    for job, times in jobs.items():
        yield _row(f"{job.replace('_', ' ')}, a bar", times, READY)


def _outcomes(figures: dict[str, Any], size: str) -> Iterator[list[str]]:
    contest = max(figures["outcomes"][size], key=lambda one: int(one["entries"]))
    yield _row(f"outcome of an alert, {count(contest['entries'])}", contest["ns_per_entry"], OURS)


def _row(job: str, times: dict[str, Any], ours: str) -> list[str]:
    others = {name: t["median"] for name, t in times.items() if not name.startswith(OURS)}
    peer = min(others, key=others.__getitem__)
    mine, theirs = times[ours]["median"], others[peer]
    times_ours = ratio(theirs / mine)
    lost = theirs < mine
    return [job, number(mine), peer, number(theirs), f"**{times_ours}**" if lost else times_ours]

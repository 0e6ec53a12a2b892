"""The tables of docs/speed.md, made of the committed figures alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.generated import GeneratedPart
from benchmarks.peers.timing import ROOT

PART = GeneratedPart(
    ROOT / "docs" / "speed.md", "<!-- made by python -m benchmarks.peers --table -->"
)

OURS, READY = "ours", "ours, bars ready"


def update(figures: dict[str, Any]) -> str:
    """Write the tables into the page and return them."""
    return PART.update(render(figures))


def shown() -> str:
    """Return what the page has between its markers."""
    return PART.shown()


def render(figures: dict[str, Any]) -> str:
    """Return all tables as Markdown."""
    sizes = [str(size) for size in figures["bars"]["sizes"]]
    parts = [_conditions(figures)]
    parts += ["### Detectors", *(_detectors(figures, size) for size in sizes)]
    parts += [_not_done(figures["not_done"]["detectors"]), *_differing(figures, sizes)]
    parts += ["### Outcomes of alerts", _outcomes(figures, sizes)]
    parts += [_not_done(figures["not_done"]["outcomes"]), _agreement(figures, sizes)]
    parts += ["### Sweeps", _sweeps(figures), _not_done(figures["not_done"]["sweeps"])]
    parts += ["### Cold starts", _cold(figures)]
    parts += ["### Floors", *(_floors(figures, size) for size in sizes)]
    return "\n\n" + "\n\n".join(parts) + "\n\n"


def _conditions(figures: dict[str, Any]) -> str:
    machine, versions = figures["machine"], figures["versions"]
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    first, last = figures["load_average"]
    return (
        f"Measured {figures['date']} on {machine['cores']} cores of {machine['processor']}, "
        f"{machine['system']}, load average {first} before and {last} after; "
        f"bars: {figures['bars']['source']}; {figures['rounds']} rounds at most.\n{listed}."
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _detectors(figures: dict[str, Any], size: str) -> str:
    jobs = figures["detectors"][size]["ns_per_bar"]
    names = list(dict.fromkeys(name for times in jobs.values() for name in times))
    rows = [
        [name, *(_cell(times, name, READY) for times in jobs.values())]
        for name in names
    ]  # fmt: skip
    title = f"Nanoseconds per bar, {count(size)} bars; in brackets how many times `{READY}`:"
    return f"{title}\n\n{table(['', *jobs], rows)}"


def _cell(times: dict[str, Any], name: str, base: str) -> str:
    """Return a median and its ratio to ours; bold where ours is the slower one."""
    if name not in times:
        return "–"
    median = times[name]["median"]
    if name == base:
        return number(median)
    times_ours = f"({ratio(median / times[base]['median'])})"
    slower = median < times[base]["median"] and not name.startswith(OURS)
    return f"{number(median)} {f'**{times_ours}**' if slower else times_ours}"


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def ratio(value: float) -> str:
    return f"{value:,.0f}×" if value >= 100 else f"{value:.2g}×"


def _not_done(notes: dict[str, str]) -> str:
    return "\n".join(f"- `{name}`: {note}." for name, note in notes.items())


def _differing(figures: dict[str, Any], sizes: list[str]) -> Iterable[str]:
    for size in sizes[:1]:
        found = dict(figures["detectors"][size]["bars_that_differ"])
        signals = found.pop("signals of ours")
        rows = [["signals of ours", *(count(n) for n in signals.values()), ""]]
        for name, per_job in found.items():
            *counts, apart = per_job.values()
            rows.append([name, *(count(n) for n in counts), f"{apart:.1g}"])
        head = ["", *signals, "atr, largest relative difference"]
        yield f"Bars whose answer is not ours, of {count(size)}:\n\n{table(head, rows)}"


def _outcomes(figures: dict[str, Any], sizes: list[str]) -> str:
    contests = [(size, c) for size in sizes for c in figures["outcomes"][size]]
    head = ["", *(f"{count(c['entries'])} of {count(size)} bars" for size, c in contests)]
    rows = [
        [name, *(_cell(c["ns_per_entry"], name, OURS) for _, c in contests)]
        for name in contests[0][1]["ns_per_entry"]
    ]
    columns = [count(c["columns_of_vectorbt"]) for _, c in contests]
    rows.append(["columns vectorbt needs", *columns])
    return f"Nanoseconds per entry; in brackets how many times ours:\n\n{table(head, rows)}"


def _agreement(figures: dict[str, Any], sizes: list[str]) -> str:
    contest = max((c for size in sizes for c in figures["outcomes"][size]), key=_entries)
    rows = [
        [name, *(count(n) for n in found.values())] for name, found in contest["agreement"].items()
    ]
    exits = ", ".join(f"{count(n)} by {reason}" for reason, n in contest["exits_of_ours"].items())
    head = ["", *next(iter(contest["agreement"].values()))]
    return (
        f"Whether they are the same trades, of {count(_entries(contest))} entries, which with "
        f"ours end {exits}:\n\n{table(head, rows)}"
    )


def _entries(contest: dict[str, Any]) -> int:
    return int(contest["entries"])


def _sweeps(figures: dict[str, Any]) -> str:
    rows = []
    for contest in figures["sweeps"]:
        given = contest["contestants"]
        base = given[OURS].get("median_s")
        for name, found in given.items():
            size = [count(contest["bars"]), count(contest["combinations"])]
            if "not_run" in found:
                rows.append([name, *size, f"not run: {found['not_run']}", "", "", ""])
                continue
            told = "" if base is None or name == OURS else ratio(found["median_s"] / base)
            if told and found["median_s"] < base:
                told = f"**{told}**"
            seconds, memory = number(found["median_s"]), f"{found['extra_mb']:,.1f}"
            rows.append([name, *size, seconds, told, memory, count(found["n"])])
    head = ["", "bars", "combinations", "seconds", "times ours", "peak memory added, MiB", "runs"]
    return table(head, rows)


def _cold(figures: dict[str, Any]) -> str:
    found = figures["cold_starts_s"]
    rows = [[name, f"{t['median']:.3g}", f"{t['min']:.3g}"] for name, t in found.items()]
    return table(["", "median, s", "least, s"], rows)


def _floors(figures: dict[str, Any], size: str) -> str:
    limits, jobs = figures["limits"][size], figures["detectors"][size]["ns_per_bar"]
    rows = []
    for name, floor in limits["floors"].items():
        least = max(floor["bytes_ns"], floor["recursion_ns"] or 0.0)
        reached = jobs[name][READY]["median"]
        chain = "–" if floor["recursion"] is None else f"{floor['recursion_ns']:.2g}"
        rows.append(
            [name, str(floor["bytes_per_bar"]), f"{floor['bytes_ns']:.2g}",
             floor["recursion"] or "none", chain, number(reached), ratio(reached / least)]
        )  # fmt: skip
    head = ["", "bytes per bar", "ns to move them", "recursion", "ns per step",
            f"`{READY}`, ns", "times its floor"]  # fmt: skip
    title = f"{count(size)} bars, {limits['ns_per_byte']:.2g} ns a byte:"
    return f"{title}\n\n{table(head, rows)}"


def count(number: int | str) -> str:
    return f"{int(number):,}"

"""The table of docs/scaling.md, made of the committed figures alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.generated import GeneratedPart

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "search.json"
PART = GeneratedPart(
    ROOT / "docs" / "scaling.md", "<!-- made by python -m benchmarks.search --table -->"
)

# What the page works out on paper.
AIM = 1e12
SYMBOLS = 2_000


def update(figures: dict[str, Any]) -> str:
    """Write what the figures come to into the page, and return it."""
    return PART.update(render(figures))


def shown() -> str:
    """Return what the page has between its markers."""
    return PART.shown()


def render(figures: dict[str, Any]) -> str:
    """Return conditions, measured table and what follows from it, as Markdown."""
    parts = (_conditions(figures), _measured(figures), "On paper:", _on_paper(figures))
    return "\n\n" + "\n\n".join(parts) + "\n\n"


def _conditions(figures: dict[str, Any]) -> str:
    machine = figures["machine"]
    first, last = machine["load_average"]
    return (
        f"Measured {machine['date']} on {machine['cores']} cores of {machine['processor']}, load "
        f"average {first} before and {last} after; medians. Rates per core are of processor time, "
        "so that the load hardly touches them; the ledger and the executors are of the clock, and "
        "it does."
    )


def _measured(figures: dict[str, Any]) -> str:
    rows = figures["rows"]
    sizes = sorted({row["bars"] for row in rows})
    lines = [
        f"| | {' | '.join(f'{size:,} bars' for size in sizes)} | |",
        f"| --- |{' ---: |' * len(sizes)} --- |",
    ]
    for what, unit in dict.fromkeys((row["what"], row["unit"]) for row in rows):
        cells = [_number(_value(figures, size, what, unit)) for size in sizes]
        lines.append(f"| {what} | {' | '.join(cells)} | {unit} |")
    return "\n".join(lines)


def _on_paper(figures: dict[str, Any]) -> str:
    """Return the cores, the time and the disk that the measured rates amount to."""
    few, many = sorted({row["bars"] for row in figures["rows"]})
    rate = "bar-combinations/s and core"
    general = AIM / _value(figures, many, "general path", rate)
    summed = AIM / _value(figures, many, "one pass, totals", rate)
    line = _value(figures, many, "ledger, a trial", "bytes")
    peak = _value(figures, many, "processes, memory of a worker at its peak", "MiB")
    grown = peak - _value(figures, few, "processes, memory of a worker at its peak", "MiB")
    sets = AIM / many
    return "\n".join(
        [
            f"- {AIM:.0e} bar-combinations, such as {sets:,.0f} combinations on {many:,} bars, "
            f"take {general / 3_600:,.1f} hours of one core on the general path, and "
            f"{summed:,.0f} seconds in one pass with totals.",
            f"- {SYMBOLS:,} symbols of {many:,} bars with 1,000 combinations each take "
            f"{SYMBOLS * 1_000 * many / (AIM / general) / 3_600:,.1f} hours of one core, and "
            f"{SYMBOLS * 1_000 * line / 1e9:,.0f} GB of ledgers if sessions are kept apart.",
            f"- A worker's memory grows by {grown * 2**20 / (many - few):,.0f} bytes a bar; 64 "
            f"workers on one machine take {64 * peak / 1_024:,.0f} GiB at {many:,} bars.",
        ]
    )


def _value(figures: dict[str, Any], bars: int, what: str, unit: str) -> float:
    key = (bars, what, unit)
    found: float = next(
        r["value"] for r in figures["rows"] if (r["bars"], r["what"], r["unit"]) == key
    )
    return found


def _number(value: float) -> str:
    if value >= 1e6:
        return f"{value:.2e}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

"""The doctor's page: a calendar of coverage and every finding, in one file without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

from runners.commands.doctor_report import conclusion, summary
from runners.commands.pages import render

CELL = 12  # side of a day, pixels
_SHADES = 5


class Day(NamedTuple):
    """One square of the calendar."""

    x: int
    y: int
    shade: str
    note: str


class Year(NamedTuple):
    """One row of the calendar: 53 weeks of seven days."""

    number: int
    days: list[Day]
    months: list[tuple[int, str]]
    sessions: int


def page(report: dict[str, Any]) -> str:
    """Return the report as a self-contained HTML page."""
    verdict, why = conclusion(report)
    return render(
        "doctor.html",
        report=report,
        facts=summary(report),
        verdict=verdict,
        why=why,
        years=list(_years(report)),
        cell=CELL,
        kinds=_kinds(report["findings"]),
    )


def _years(report: dict[str, Any]) -> Iterator[Year]:
    coverage = report["coverage"]
    marks = _marks(report["findings"])
    for number in sorted({row["date"].year for row in coverage}):
        rows = [row for row in coverage if row["date"].year == number]
        first = date(number, 1, 1)
        months = [
            (_column(date(number, month, 1), first) * CELL, f"{date(number, month, 1):%b}")
            for month in range(1, 13)
        ]
        days = [_day(row, first, marks.get(row["date"].isoformat(), [])) for row in rows]
        yield Year(number, days, months, sum(row["present"] > 0 for row in rows))


def _column(day: date, first: date) -> int:
    return (day - (first - timedelta(days=first.weekday()))).days // 7


def _day(row: dict[str, Any], first: date, findings: list[dict[str, Any]]) -> Day:
    day: date = row["date"]
    share = min(row["present"] / row["expected"], 1.0) if row["expected"] else 0.0
    shade = "none" if not row["present"] else f"s{int(share * _SHADES - 1e-9)}"
    severities = {one["severity"] for one in findings}
    for severity in ("error", "warning"):
        if severity in severities:
            shade += f" {severity}"
            break
    lines = [f"{day:%a %Y-%m-%d}: {row['present']} of {row['expected']} bars"]
    if row["outside"]:
        lines.append(f"{row['outside']} outside the session")
    lines += [f"{one['kind']}: {one['message']}" for one in findings]
    return Day(_column(day, first) * CELL, day.weekday() * CELL, shade, "\n".join(lines))


def _marks(findings: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    marks: dict[str, list[dict[str, Any]]] = {}
    for one in findings:
        if one["date"]:
            marks.setdefault(one["date"], []).append(one)
    return marks


def _kinds(findings: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    order = {"error": 0, "warning": 1, "info": 2}
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in sorted(findings, key=lambda one: order[one["severity"]]):
        groups.setdefault(one["kind"], []).append(one)
    return list(groups.items())

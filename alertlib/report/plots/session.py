"""``run.plot``: a session by its date, or an alert by its id."""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from alertlib._arguments import expect
from alertlib.errors import DataError
from alertlib.report.plots.day import PlottedRun, day_of, days_of
from alertlib.report.plots.day_figure import day_figure
from alertlib.report.plots.look import Theme
from alertlib.report.plots.writing import Writing
from alertlib.texts.words import Language

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def plot_session(run: PlottedRun, what: str | date, theme: Theme, language: Language) -> Figure:
    """Draw a session of a run, or the bars around one of its alerts.

    Parameters
    ----------
    run : Run
    what : str or date
        A date, or the first digits of an alert's id.
    theme : {"light", "dark"}
    language : {"pt-BR", "en"}

    Raises
    ------
    DataError
        If the run has no such session or alert.
    ConfigError
        If there is no such theme or language, or plotly is not installed.
    """
    expected = "a date such as 2021-01-04, or the first digits of an alert's id"
    expect("plot", what, (str, date), expected, DataError)
    grid = run.bars.instrument.grid
    writing = Writing(language, None if grid is None else grid.quantum)
    # An id is hexadecimal: a dash is a date's.
    if isinstance(what, date) or "-" in what:
        return day_figure(day_of(run, _session(run, _day(what, expected)), writing), writing, theme)
    row = _alert(run, what)
    day = day_of(run, _session(run, row["bar_time"].date()), writing)
    chosen = next(mark for mark in day.alerts if mark.id == row["id"])
    return day_figure(day, writing, theme, chosen)


def _day(value: str | date, expected: str) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise DataError(f"plot: got {value!r}; expected {expected}") from error


def _session(run: PlottedRun, day: date) -> int:
    days = days_of(run)
    at = bisect_left(days, day)
    if at < len(days) and days[at] == day:
        return at
    near = [f"{one}" for one in days[max(at - 1, 0) : at + 1]]
    raise DataError(
        f"plot: {run.bars.symbol} has no session on {day}; expected a date from {days[0]} to "
        f"{days[-1]} that has bars, such as {' or '.join(near)}"
        if days
        else f"plot: {run.bars.source} has no bar within a session; nothing can be drawn"
    )


def _alert(run: PlottedRun, alert_id: str) -> dict[str, Any]:
    """Return the row of one alert, delivered or held back."""
    rows = [
        row
        for frame in (run.alerts, run.suppressed)
        for row in frame.filter(frame["id"].str.starts_with(alert_id)).head(2).to_dicts()
    ]
    if len(rows) != 1:
        found = "no alert has" if not rows else "several alerts have"
        raise DataError(
            f"plot: {found} an id that begins with {alert_id!r}; expected the first digits of one "
            "(see run.alerts['id']) or a date such as 2021-01-04"
        )
    return rows[0]

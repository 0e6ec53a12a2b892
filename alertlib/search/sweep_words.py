"""What a search says to people: sentences and tables, for terminal and pages alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from alertlib.report.formats import percent, series_name
from alertlib.report.page.search import Account, Table

if TYPE_CHECKING:
    from alertlib.search.luck import Luck
    from alertlib.search.selection import Selection

IN_SAMPLE = (
    "Chosen and scored on the same sessions: in sample. What the choice is worth only sessions "
    "it has not seen can say (runners.walkforward)."
)
_STATISTICS = {
    "distance": "smallest distance",
    "capture_rate": "highest capture",
    "false_positive_share": "lowest false positives",
    "win_rate": "highest win rate",
    "expectancy_points": "most points a trade",
}


class Found(NamedTuple):
    """What a sweep's account is made of.

    Attributes
    ----------
    data : mapping
    keys : sequence of str
    best : DataFrame
    combinations, trials, met, opportunities : int
    """

    data: Mapping[str, Any]
    keys: Sequence[str]
    best: pl.DataFrame
    combinations: int
    trials: int
    met: int
    opportunities: int


def sweep_account(
    found: Found, luck: Luck | None = None, selection: Selection | None = None
) -> Account:
    """Return what a sweep found: the best combinations, what luck would find, what it is worth."""
    data = found.data
    sentences = [
        f"{data['sessions']} sessions, {data['first_session']} to {data['last_session']}, "
        f"{found.opportunities} opportunities.",
        f"{found.combinations:,} combinations; {found.trials:,} tried on these bars; "
        f"{found.met:,} meet all three criteria.",
        IN_SAMPLE,
        *([] if selection is None else selection_sentences(selection.to_dict())),
    ]
    tables = [best_table(found.best, found.keys)]
    if luck is not None:
        tables.append(luck_table(luck))
    title = f"Sweep of {series_name(data)}"
    return Account(title, bool(data["synthetic"]), sentences, tables)


def best_table(frame: pl.DataFrame, keys: Sequence[str]) -> Table:
    """Return combinations with their rates, one row each."""
    names = [*short_keys(keys), "alerts", "capture", "false", "wins", "points", "far"]
    rows = []
    for row in frame.iter_rows(named=True):
        alerts = row["tp"] + row["fp"] + row["redundant"]
        rows.append(
            [
                *(value_text(row[key]) for key in keys),
                f"{alerts:,}",
                *(percent(row[n]) for n in ("capture_rate", "false_positive_share", "win_rate")),
                points_text(row["expectancy_points"]),
                f"{row['distance']:.1f}",
            ]
        )
    caption = (
        "The best combinations (far: largest shortfall over the three criteria, in percentage "
        "points)"
    )
    return Table(caption, names, rows)


def luck_table(luck: Luck) -> Table:
    """Return the best beside the best of as many combinations on permuted sessions."""
    rows = []
    for name, found in luck.to_dict().items():
        if not isinstance(found, dict):
            continue
        shown = _luck_text(name)
        best, by_luck = shown(found["best"]), shown(found["by_luck"])
        rows.append([_STATISTICS[name], best, by_luck, f"{found['p_value']:.3f}"])
    caption = (
        f"The best of {luck.combinations:,} combinations, and the best of as many on permuted "
        f"sessions ({luck.runs} runs)"
    )
    return Table(caption, ["", "best", "by luck (median)", "p"], rows)


def selection_sentences(found: Mapping[str, Any]) -> list[str]:
    """Return the four answers of ``Selection.to_dict()`` as sentences."""
    asked = {
        "deflated_sharpe": "deflated Sharpe ratio {} (above 0.95 it would be more than the luck "
        "of the best)",
        "pbo": "probability of backtest overfitting {} (0.5: the choice is worth nothing)",
        "reality_check": "reality check p {}",
        "spa": "superior predictive ability p {}",
    }
    answers = [
        text.format("undefined" if found[name] is None else f"{found[name]:.3f}")
        for name, text in asked.items()
    ]
    return [
        f"Selection, over {found['trials']:,} trials and {found['sessions']} sessions: "
        f"{'; '.join(answers)}.",
        *(f"{reason}." for reason in found["reasons"]),
    ]


def _luck_text(name: str) -> Callable[[float | None], str]:
    if name == "distance":
        return lambda value: "n/a" if value is None else f"{value:.1f}"
    return percent if name.endswith(("rate", "share")) else points_text


def short_keys(keys: Sequence[str]) -> list[str]:
    """Return as many last parts of each key as tell it from the others."""
    shown = []
    for key in keys:
        parts = key.split(".")
        for count in range(1, len(parts) + 1):
            short = ".".join(parts[-count:])
            if sum(other == key or other.endswith(f".{short}") for other in keys) == 1:
                break
        shown.append(short)
    return shown


def value_text(value: Any) -> str:
    """Return a parameter's value as text."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def points_text(value: float | None) -> str:
    """Return points per trade as text, signed."""
    return "n/a" if value is None else f"{value:+.1f}"

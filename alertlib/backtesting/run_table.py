"""Runs side by side: a frame with one row a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from alertlib._arguments import expect, shown
from alertlib.backtesting.rendering import Rendered
from alertlib.errors import ConfigError
from alertlib.report import formats
from alertlib.report.page.search import Account, search_fragment
from alertlib.report.page.search import Table as ShownTable
from alertlib.scorecard.card import Scorecard, leaves
from alertlib.scoring.tables import Table

_EXPECTED = "runs, what al.load_run returns, or scorecards"
# By rate, the column that says what chance scores.
_CHANCE = {f"chance_{name}": name for name in formats.RATES}
_SHARES = {*formats.RATES, *_CHANCE}
_HASHES = ("spec_hash", "config_hash", "data_sha256")
_DIGITS = 8


class RunTable(Table):
    """A frame of runs that a notebook shows with figures written as in a scorecard."""

    def _repr_html_(self, *_: Any, **__: Any) -> str:
        return search_fragment(_account(self))


def table(
    runs: Iterable[Rendered | Scorecard], *, names: Sequence[str] | None = None
) -> pl.DataFrame:
    """Return runs side by side, one row each.

    Parameters
    ----------
    runs : iterable of Run, SavedRun or Scorecard
        At least one.
    names : sequence of str, optional
        One a run; else symbol, timeframe and the first digits of the configuration's hash.

    Returns
    -------
    DataFrame
        ``name symbol timeframe verdict proven synthetic`` (an assumed symbol is marked); the
        three rates, each followed by what chance scores; ``expectancy_points``,
        ``expectancy_brl`` (null where R$ are not known), both a trade; ``alerts_per_day``,
        ``sessions opportunities alerts trades``; every
        setting in which the runs differ, by its key; ``spec_hash config_hash data_sha256``.
        Undefined is null.

    Raises
    ------
    ConfigError
        No run at all, something else among them, or another number of names.
    """
    cards = _cards(runs)
    rows = [_row(card) for card in cards]
    labels = _automatic(rows) if names is None else _stated(names, len(cards))
    settings = _differing(cards)
    columns: dict[str, Any] = {"name": labels}
    columns |= {key: [row[key] for row in rows] for key in rows[0] if key not in _HASHES}
    columns |= {key: _column(values) for key, values in settings.items()}
    columns |= {key: [row[key] for row in rows] for key in _HASHES}
    return RunTable(pl.DataFrame(columns, schema_overrides=dict.fromkeys(_FLOATS, pl.Float64)))


_FLOATS = (*_SHARES, "expectancy_points", "expectancy_brl", "alerts_per_day")


def _cards(runs: Any) -> list[Scorecard]:
    if isinstance(runs, (str, Rendered, Scorecard)) or not isinstance(runs, Iterable):
        raise ConfigError(f"table: got {shown(runs)}; expected a list of {_EXPECTED}")
    cards = []
    for place, run in enumerate(runs):
        card = getattr(run, "scorecard", run)
        if not isinstance(card, Scorecard):
            raise ConfigError(f"table: got {shown(run)} at place {place}; expected {_EXPECTED}")
        cards.append(card)
    if not cards:
        raise ConfigError(f"table: got no run; expected a list of {_EXPECTED}")
    return cards


def _row(card: Scorecard) -> dict[str, Any]:
    sessions, counts = card.data["sessions"], card.counts
    row: dict[str, Any] = {
        "symbol": card.data["symbol"] + (" (assumed)" if card.data.get("symbol_assumed") else ""),
        "timeframe": card.data["timeframe"],
        "verdict": card.verdict,
        "proven": card.proven,
        "synthetic": bool(card.data.get("synthetic")),
    }
    criteria = {line.name: line for line in card.criteria}
    for chance, name in _CHANCE.items():
        line = criteria.get(name)
        row |= {name: line and line.value, chance: line and line.chance}
    return row | {
        "expectancy_points": card.trade.get("expectancy_points"),
        "expectancy_brl": card.trade.get("expectancy_brl"),
        "alerts_per_day": counts["alerts"] / sessions if sessions else None,
        "sessions": sessions,
        **{key: counts[key] for key in ("opportunities", "alerts", "trades")},
        "spec_hash": card.spec_hash,
        "config_hash": card.config_hash,
        "data_sha256": card.data["sha256"],
    }


def _stated(names: Any, runs: int) -> list[str]:
    expect("names", names, (list, tuple), "a list of one text a run")
    for name in names:
        expect("names", name, str, "a list of one text a run")
    if len(names) != runs:
        raise ConfigError(f"names: got {len(names)} for {runs} runs; expected one each")
    return list(names)


def _automatic(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return names that differ: runs of one configuration are numbered."""
    made: list[str] = []
    for row in rows:
        name = f"{row['symbol']} {row['timeframe']} {row['config_hash'][:_DIGITS]}"
        before = sum(one == name or one.startswith(f"{name} (") for one in made)
        made.append(f"{name} ({before + 1})" if before else name)
    return made


def _differing(cards: Sequence[Scorecard]) -> dict[str, list[Any]]:
    """Return by key the settings that are not the same in all."""
    trees = [dict(leaves(card.settings)) for card in cards]
    keys = dict.fromkeys(key for tree in trees for key in tree)
    found = {key: [tree.get(key) for tree in trees] for key in keys}
    return {key: values for key, values in found.items() if any(v != values[0] for v in values)}


def _column(values: Sequence[Any]) -> list[Any]:
    """Return a setting as values of one type: texts where they are lists or of several kinds."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return [value if value is None or kinds == {int} else float(value) for value in values]
    return list(values) if len(kinds) == 1 and kinds <= {bool, str} else [_text(v) for v in values]


def _text(value: Any) -> str | None:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return None if value is None else str(value)


def _account(frame: pl.DataFrame) -> Account:
    """Return what a notebook shows; hashes by their first digits."""
    shown_as = [name for name in frame.columns if name not in _CHANCE]
    rows = [[_cell(name, row) for name in shown_as] for row in frame.iter_rows(named=True)]
    heads = [formats.term_name(name) if name in _SHARES else name for name in shown_as]
    sentences = ["Rates beside what chance scores; points and R$ are net, a trade."]
    for key, what in (("spec_hash", "by different rules"), ("data_sha256", "on different bars")):
        if key in frame.columns and frame[key].n_unique() > 1:
            sentences.append(f"Scored {what}: the rows differ in more than their settings.")
    made_up = frame["synthetic"].to_list() if "synthetic" in frame.columns else []
    if any(made_up) and not all(made_up):
        sentences.append("Rows that are synthetic say nothing about a market.")
    title, only_made_up = formats.counted(frame.height, "run"), any(made_up) and all(made_up)
    return Account(title, only_made_up, sentences, [ShownTable("", heads, rows)])


def _cell(name: str, row: dict[str, Any]) -> str:
    value = row[name]
    if name in _SHARES:
        chance = row.get(f"chance_{name}")
        return formats.percent(value) + ("" if chance is None else f" ({formats.percent(chance)})")
    if name in ("expectancy_points", "expectancy_brl"):
        return formats.points(value)
    if name in _HASHES:
        return str(value)[:_DIGITS]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return formats.plain(value, 1) if name == "alerts_per_day" else formats.plain(value)
    return formats.clean(value)

"""Which rows of a source are read, where they say what they are of and are of several series."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import polars as pl

from alertlib.bars.quality.timeframe import declared_timeframe
from alertlib.bars.readers.symbols import exchange_symbol
from alertlib.errors import DataError

_TEXTS = (pl.String, pl.Categorical, pl.Enum)


class Asked(NamedTuple):
    """What is asked for; only where rows are of several does it choose among them.

    Attributes
    ----------
    symbol, timeframe : str or None
        As stated.
    default_symbol : str or None
        Chosen where no symbol is stated.
    """

    symbol: str | None = None
    timeframe: str | None = None
    default_symbol: str | None = None


ANYTHING = Asked()


class Chosen(NamedTuple):
    """What the columns of symbols and of timeframes say.

    Attributes
    ----------
    symbol, timeframe : str or None
        The one of the rows taken.
    rows : polars.Series of bool, or None
        Which rows to take; None for all.
    reason : polars.Series of str, or None
        What is wrong with rows that do not say what they are of; they are taken.
    notes : tuple of str
        What was left out, for people.
    """

    symbol: str | None = None
    timeframe: str | None = None
    rows: pl.Series | None = None
    reason: pl.Series | None = None
    notes: tuple[str, ...] = ()


def choose_rows(columns: Mapping[str, pl.Series], asked: Asked, where: str) -> Chosen:
    """Take the rows of one series.

    Parameters
    ----------
    columns : mapping of str to polars.Series
        Those of the source by what they mean; ``symbol`` and ``timeframe`` are looked at.
    asked : Asked
    where : str
        Name of the source, for messages.

    Raises
    ------
    DataError
        Several symbols or timeframes, and none or another one is asked for.
    """
    symbol = _choose(
        columns.get("symbol"), "symbol", where, asked.symbol or asked.default_symbol,
        asked.symbol, exchange_symbol,
    )  # fmt: skip
    labels = columns.get("timeframe")
    if labels is not None and symbol.rows is not None:
        # Rows of other symbols may be of other timeframes.
        labels = pl.select(pl.when(symbol.rows).then(labels)).to_series().alias(labels.name)
    timeframe = _choose(labels, "timeframe", where, asked.timeframe, asked.timeframe, _timeframe)
    parts = [one for one in (symbol, timeframe) if one.rows is not None]
    if not parts:
        return Chosen(symbol.label, timeframe.label)
    rows, reason = pl.select(
        rows=pl.all_horizontal(*(one.rows for one in parts)),
        reason=pl.coalesce(*(one.reason for one in parts)),
    )
    notes = tuple(one.note for one in parts)
    return Chosen(symbol.label, timeframe.label, rows, reason, notes)


def labels_of(column: pl.Series | None) -> list[str]:
    """Return the different labels of a column, in order; none where it holds no text."""
    if column is None or column.dtype not in _TEXTS:
        return []
    return _trimmed(column).drop_nulls().unique().sort().to_list()


class _Part(NamedTuple):
    """What one column says."""

    label: str | None = None
    rows: pl.Series | None = None
    reason: pl.Series | None = None
    note: str = ""


def _choose(
    column: pl.Series | None,
    what: str,
    where: str,
    wanted: str | None,
    stated: str | None,
    name: Callable[[str], str],
) -> _Part:
    found = labels_of(column)
    if column is None or len(found) < 2:
        return _Part(found[0] if found else None)
    chosen = [label for label in found if wanted is not None and name(label) == name(wanted)]
    if not chosen:
        listed = ", ".join(found[:6]) + ", …" * (len(found) > 6)
        missed = f", and {stated} is none of them" if stated else ""
        raise DataError(
            f"{where}: {len(found)} values in column `{column.name}` ({listed}); expected one "
            f"{what}{missed}; state the {what} whose rows to read"
        )
    values = _trimmed(column)
    # A row that does not say what it is of can be of the one asked for: it is quarantined.
    rows = values.is_in(chosen).fill_null(True)
    reason = pl.select(pl.when(values.is_null()).then(pl.lit(f"no {what}"))).to_series()
    others = ", ".join(label for label in found if label not in chosen)
    return _Part(chosen[0], rows, reason, f"{rows.len() - rows.sum():,} rows of {others} left out")


def _trimmed(column: pl.Series) -> pl.Series:
    return column.cast(pl.String).str.strip_chars().replace("", None)


def _timeframe(label: str) -> str:
    return declared_timeframe(label) or label

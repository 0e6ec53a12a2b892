"""Hive partitions without a manifest: ``symbol=WIN$N/timeframe=M5/year=2026/*.parquet``."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from pathlib import Path

from alertlib.bars.readers.parquet import read_parts
from alertlib.bars.readers.table import Table
from alertlib.errors import DataError


def read_hive(root: Path, symbol: str | None, timeframe: str | None) -> Table:
    """Read one series of a directory of partitions, the whole of it or one partition's folder.

    Names are taken literally, and nothing outside ``symbol=``/``timeframe=`` folders is looked
    at (``quarantine`` in particular).

    Raises
    ------
    DataError
        The directory holds no such series, or several and which one is not stated.
    """
    series: dict[tuple[str, str], list[Path]] = {}
    above = _keys(root.resolve().parts)
    for path in sorted(root.rglob("*.parquet")):
        folders = path.relative_to(root).parts[:-1]
        keys = above | _keys(folders)
        if "quarantine" not in folders and keys.keys() >= {"symbol", "timeframe"}:
            series.setdefault((keys["symbol"], keys["timeframe"]), []).append(path)
    _check_one_root(root, [path for paths in series.values() for path in paths])
    asked = [one for one in series if symbol in (None, one[0]) and timeframe in (None, one[1])]
    if len(asked) != 1:
        wanted = " ".join(name for name in (symbol, timeframe) if name) or "one series"
        held = ", ".join(" ".join(one) for one in series) or "no bars"
        raise DataError(
            f"{root}: {len(asked) or 'no'} series for {wanted}; the directory holds {held}; "
            "state symbol and timeframe of one of them"
        )
    table = read_parts(series[asked[0]], str(root))
    symbol, timeframe = asked[0]
    return replace(table, symbol=symbol, timeframe=timeframe)


def _check_one_root(root: Path, paths: list[Path]) -> None:
    """Refuse a folder above several stores: their partitions are no one series."""
    stores = set()
    for path in paths:
        folders = path.relative_to(root).parts[:-1]
        stores.add(root.joinpath(*takewhile(lambda folder: "=" not in folder, folders)))
    if len(stores) > 1:
        listed = ", ".join(map(str, sorted(stores)[:4]))
        raise DataError(
            f"{root}: holds {len(stores)} bar stores ({listed}); expected the directory of one; "
            "name one of them"
        )


def _keys(folders: tuple[str, ...]) -> dict[str, str]:
    pairs = (folder.partition("=") for folder in folders)
    return {key: value for key, sign, value in pairs if sign}

"""Hive partitions without a manifest: ``symbol=WIN$N/timeframe=M5/year=2026/*.parquet``."""

from __future__ import annotations

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
    asked = [one for one in series if symbol in (None, one[0]) and timeframe in (None, one[1])]
    if len(asked) != 1:
        wanted = " ".join(name for name in (symbol, timeframe) if name) or "one series"
        held = ", ".join(" ".join(one) for one in series) or "no bars"
        raise DataError(
            f"{root}: {len(asked) or 'no'} series for {wanted}; the directory holds {held}; "
            "state symbol and timeframe of one of them"
        )
    table = read_parts(series[asked[0]], str(root))
    return Table(
        table.frame, table.unread, "row", table.layout, *asked[0],
        synthetic=table.synthetic, findings=table.findings,
    )  # fmt: skip


def _keys(folders: tuple[str, ...]) -> dict[str, str]:
    pairs = (folder.partition("=") for folder in folders)
    return {key: value for key, sign, value in pairs if sign}

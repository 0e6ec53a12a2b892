"""The bar store: hive-partitioned Parquet under one manifest, safe against every interruption.

``symbol=WIN$N/timeframe=M5/year=2026/bars.parquet``, and ``manifest.json`` at the root. Bars are
only ever added: one that comes again with other values is a revision, recorded and not applied.
Whoever takes bars out again finds them in quarantine, and the manifest says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl

from alertlib.bars.store.manifest import MANIFEST, Entry, Key, Lost, Manifest
from alertlib.bars.store.partitions import scan_partitions, settled_manifest
from alertlib.errors import DataError


@dataclass(frozen=True, slots=True)
class StoredSeries:
    """The bars of one symbol at one timeframe, as the manifest lists them.

    Attributes
    ----------
    root : Path
        The store's directory.
    symbol, timeframe : str
    partitions : tuple of (Key, Entry)
        In order of time, never empty.
    """

    root: Path
    symbol: str
    timeframe: str
    partitions: tuple[tuple[Key, Entry], ...]

    @property
    def first(self) -> datetime:
        """Open of the first bar."""
        return self.partitions[0][1].first

    @property
    def last(self) -> datetime:
        """Open of the last bar."""
        return self.partitions[-1][1].last

    @property
    def rows(self) -> int:
        """Number of bars."""
        return sum(entry.rows for _, entry in self.partitions)

    @property
    def synthetic(self) -> bool:
        """Whether any of the bars declares itself made up."""
        return any(entry.synthetic for _, entry in self.partitions)

    @property
    def bad_rows(self) -> int:
        """Number of rows that were left out on the way into the store."""
        return sum(sum(entry.bad_rows.values()) for _, entry in self.partitions)

    def scan(self, first: datetime | None = None, last: datetime | None = None) -> pl.LazyFrame:
        """Return the bars that open in ``[first, last]`` as a lazy frame, in order of time.

        Only the partitions of that range are opened, one at a time while the frame is
        collected, each after its hash has been compared; so a scan larger than memory streams.

        Raises
        ------
        DataError
            No bars in that range, or some of them wait to be fetched again. While collecting: a
            partition is missing or damaged.
        """
        asked = []
        for key, entry in self.partitions:
            if entry.lost is not None and _meet(entry.lost, first, last):
                raise DataError(
                    f"{self.root / str(key)}: {entry.lost.rows:,} bars from {entry.lost.first} to "
                    f"{entry.lost.last} were damaged and set aside; fetch or import them again"
                )
            if entry.rows and _meet(entry, first, last):
                asked.append((key, entry))
        if not asked:
            raise DataError(
                f"{self.root}: no bars of {self.symbol} {self.timeframe} between {first} and "
                f"{last}; stored are {self.first} to {self.last}; choose another range"
            )
        return scan_partitions(self.root, asked, first, last)

    def days(self, count: int) -> list[date]:
        """Return the last ``count`` dates that have bars, opening no more files than they need."""
        days: set[date] = set()
        for key, entry in reversed(self.partitions):
            if not entry.rows:
                continue
            bars = scan_partitions(self.root, [(key, entry)], None, None)
            days.update(bars.select(pl.col("time").dt.date().unique()).collect().to_series())
            if len(days) >= count:
                break
        return sorted(days)[-count:]

    def last_sessions(self, count: int) -> pl.DataFrame:
        """Return the bars of the last ``count`` dates, opening no more files than they need."""
        start = self.days(count)[0]
        return self.scan(datetime(start.year, start.month, start.day)).collect()


def _meet(span: Entry | Lost, first: datetime | None, last: datetime | None) -> bool:
    return (last is None or span.first <= last) and (first is None or span.last >= first)


def is_store(path: Path) -> bool:
    """Whether ``path`` is the directory of a bar store."""
    return (path / MANIFEST).is_file()


def open_store(root: str | Path) -> tuple[StoredSeries, ...]:
    """Return every series of the store at ``root``, by symbol and timeframe.

    Raises
    ------
    DataError
        There is no store, or its manifest cannot be understood.
    """
    path = Path(root)
    series = series_of(path, settled_manifest(path)[0])
    if not series:
        raise DataError(
            f"{path}: no bars; expected a bar store with its {MANIFEST}; fill it with "
            "python -m runners.fetch"
        )
    return series


def series_of(root: Path, manifest: Manifest) -> tuple[StoredSeries, ...]:
    """Group the partitions of a manifest by symbol and timeframe."""
    grouped: dict[tuple[str, str], list[tuple[Key, Entry]]] = {}
    for key in sorted(manifest):
        if not manifest[key].rows and manifest[key].lost is None:
            continue  # all its bars were taken out
        grouped.setdefault((key.symbol, key.timeframe), []).append((key, manifest[key]))
    return tuple(
        StoredSeries(root, symbol, timeframe, tuple(partitions))
        for (symbol, timeframe), partitions in grouped.items()
    )


def open_series(
    root: str | Path, symbol: str | None = None, timeframe: str | None = None
) -> StoredSeries:
    """Return one series of the store at ``root``.

    Parameters
    ----------
    root : str or Path
    symbol, timeframe : str, optional
        May be left out where the store holds only one.

    Raises
    ------
    DataError
        No series answers to it, or more than one does.
    """
    everything = open_store(root)
    found = [
        series
        for series in everything
        if symbol in (None, series.symbol) and timeframe in (None, series.timeframe)
    ]
    if len(found) == 1:
        return found[0]
    wanted = " ".join(name for name in (symbol, timeframe) if name) or "one series"
    raise DataError(
        f"{root}: {'no' if not found else len(found)} series for {wanted}; the store holds "
        f"{_names(everything)}; state symbol and timeframe of one of them"
    )


def _names(series: Iterable[StoredSeries]) -> str:
    return ", ".join(f"{one.symbol} {one.timeframe}" for one in series)

"""Writing the bar store: one writer, one partition at a time, each step safe to be killed in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType

import msgspec
import polars as pl

from alertlib._files import replace, write_durably
from alertlib.bars.schema import BAR_SCHEMA
from alertlib.bars.store.entries import Provenance as Provenance
from alertlib.bars.store.entries import extended, make_entry, revisions_of, without
from alertlib.bars.store.lock import StoreLock
from alertlib.bars.store.manifest import (
    MANIFEST,
    QUARANTINE,
    Entry,
    Key,
    Lost,
    Manifest,
    Removal,
    Revision,
    check_names,
    commit_manifest,
    stage_manifest,
)
from alertlib.bars.store.partitions import (
    decode,
    encode,
    partition_file,
    read_partition,
    settled_manifest,
    verified_content,
)
from alertlib.bars.store.store import StoredSeries, series_of
from alertlib.errors import DataError, StorageError


@dataclass
class Written:
    """What became of the bars handed to the store.

    Attributes
    ----------
    added : int
        Bars that were new.
    unchanged : int
        Bars that were stored already, the same.
    revisions : list of Revision
        Bars that were stored already with other values; those were kept.
    """

    added: int = 0
    unchanged: int = 0
    revisions: list[Revision] = field(default_factory=list)

    def __iadd__(self, other: Written) -> Written:
        self.added += other.added
        self.unchanged += other.unchanged
        self.revisions += other.revisions
        return self


class StoreWriter:
    """The one writer of the store at ``root``, from ``__enter__`` to ``__exit__``.

    Raises
    ------
    BusyError
        Another process is writing the store.
    StorageError
        The directory cannot be written.
    DataError
        The manifest cannot be understood.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self._lock = StoreLock(self.root)
        self._manifest: Manifest = {}

    def __enter__(self) -> StoreWriter:
        self._lock.__enter__()
        try:
            self._manifest, staged = settled_manifest(self.root)
            if staged:
                commit_manifest(self.root)
        except BaseException:
            self._lock.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.__exit__(kind, error, trace)

    def series(self, symbol: str, timeframe: str) -> StoredSeries | None:
        """Return what is stored of a series, or None."""
        for one in series_of(self.root, self._manifest):
            if (one.symbol, one.timeframe) == (symbol, timeframe):
                return one
        return None

    def add(
        self, symbol: str, timeframe: str, bars: pl.DataFrame, provenance: Provenance
    ) -> Written:
        """Store the bars that are missing.

        Parameters
        ----------
        symbol, timeframe : str
        bars : polars.DataFrame
            Checked bars: the columns of ``BAR_SCHEMA``, ``time`` sorted and unique.
        provenance : Provenance

        Returns
        -------
        Written
            Each partition is on the disk, with its entry in the manifest, before the next one is
            begun. Known values never count as a revision of unknown (null) ones, nor the reverse.

        Raises
        ------
        DataError
            A name that cannot be one.
        StorageError
            The disk; the partitions before are stored.
        """
        check_names(symbol, timeframe, str(self.root))
        if not (bars["time"].diff().drop_nulls() > timedelta(0)).all():
            raise ValueError("`bars` must be sorted by time, without duplicates")
        written = Written()
        years = bars.select(BAR_SCHEMA.names()).with_columns(pl.col("time").dt.year().alias("year"))
        for part in years.partition_by("year", maintain_order=True):
            key = Key(symbol, timeframe, part["year"][0])
            written += self._add_to(key, part.drop("year"), provenance)
        return written

    def _add_to(self, key: Key, bars: pl.DataFrame, provenance: Provenance) -> Written:
        stored = self._read(key)
        entry = self._manifest.get(key)
        new = bars.join(stored, on="time", how="anti")
        known = bars.join(stored, on="time", suffix="_stored")
        revisions = revisions_of(known, provenance)
        written = Written(new.height, known.height - len(revisions), revisions)
        history = extended(entry, revisions)
        if new.height:
            bars = pl.concat([stored, new]).sort("time")
            content, digest = encode(bars)
            after = make_entry(entry, bars, digest, provenance, history)
            self._commit(key, after, content)
        elif entry is not None and history != entry.revisions:
            # Only the revisions are news: the file stays as it is, byte for byte.
            self._commit(key, msgspec.structs.replace(entry, revisions=history))
        return written

    def shared(self, symbol: str, timeframe: str, bars: pl.DataFrame) -> pl.DataFrame:
        """Return those of ``bars`` that are stored already, with their stored values.

        The last stored bar is left out: it may not have been complete. Nothing is written, and
        damaged partitions count as empty.

        Returns
        -------
        polars.DataFrame
            The columns of ``bars`` and, as ``…_stored``, the values in the store.
        """
        parts = [pl.DataFrame(schema=BAR_SCHEMA)]
        for year in bars["time"].dt.year().unique().sort():
            key = Key(symbol, timeframe, year)
            entry = self._manifest.get(key)
            content = verified_content(self.root, key, entry) if entry and entry.rows else None
            parts += [decode(content).collect()] if content is not None else []
        series = self.series(symbol, timeframe)
        stored = pl.concat(parts)
        if series is not None:
            stored = stored.filter(pl.col("time") < series.last)
        return bars.join(stored, on="time", suffix="_stored")

    def remove(
        self, symbol: str, timeframe: str, since: datetime, until: datetime, at: datetime
    ) -> list[Removal]:
        """Take out the bars that open in ``[since, until]`` and keep them in ``quarantine/``.

        Parameters
        ----------
        symbol, timeframe : str
        since, until : datetime
            Exchange wall clock, both included.
        at : datetime
            Now, for the manifest.

        Returns
        -------
        list of Removal
            One for each partition, as its entry in the manifest records it.

        Raises
        ------
        DataError
            No such bars are stored, or the file they are in is damaged; nothing was taken out.
        """
        whole: dict[Key, tuple[Entry, pl.DataFrame]] = {}
        for key, entry in sorted(self._manifest.items()):
            met = entry.rows and entry.first <= until and entry.last >= since
            if (key.symbol, key.timeframe) == (symbol, timeframe) and met:
                whole[key] = entry, decode(read_partition(self.root, key, entry)).collect()
        taken = pl.col("time").is_between(since, until)
        removals = []
        for key, (entry, bars) in whole.items():
            out = bars.filter(taken)
            if not out.height:
                continue
            content, digest = encode(out)
            name = f"{symbol}_{timeframe}_{key.year}_removed_{digest[:16]}.parquet"
            write_durably(self.root / QUARANTINE / name, content)
            removal = Removal(
                out["time"][0], out["time"][-1], out.height, f"{QUARANTINE}/{name}", at
            )
            rest = bars.filter(~taken)
            content, digest = encode(rest)
            self._commit(key, without(entry, rest, digest, removal), content)
            removals.append(removal)
        if not removals:
            series = self.series(symbol, timeframe)
            held = f"stored are {series.first} to {series.last}" if series else "none are stored"
            raise DataError(
                f"{self.root}: no bars of {symbol} {timeframe} between {since} and {until}; "
                f"{held}; choose another range"
            )
        return removals

    def record_missing(
        self, symbol: str, timeframe: str, time: datetime, provenance: Provenance
    ) -> None:
        """Record that the source no longer has the stored bar that opened at ``time``."""
        key = Key(symbol, timeframe, time.year)
        for stored in self._read(key).filter(pl.col("time") == time).drop("time").to_dicts():
            revision = Revision(time, stored, None, provenance.source, provenance.fetched_at)
            entry = self._manifest[key]
            history = extended(entry, [revision])
            if history != entry.revisions:
                self._commit(key, msgspec.structs.replace(entry, revisions=history))

    def set_aside_bad_rows(
        self, symbol: str, timeframe: str, rows: pl.DataFrame, source: str, near: datetime
    ) -> Path:
        """List rows that are not bars in ``quarantine/`` and count them in the manifest.

        Parameters
        ----------
        symbol, timeframe : str
        rows : polars.DataFrame
            ``row``, ``time``, ``reason``.
        source : str
        near : datetime
            Time of a stored bar: the rows are counted in its partition.
        """
        content = rows.with_columns(source=pl.lit(source)).write_csv().encode()
        name = f"{symbol}_{timeframe}_bad_rows_{hashlib.sha256(content).hexdigest()[:16]}.csv"
        path = self.root / QUARANTINE / name
        write_durably(path, content)
        key = Key(symbol, timeframe, near.year)
        entry = self._manifest[key]
        counted = {**entry.bad_rows, name: rows.height}
        if counted != entry.bad_rows:
            self._commit(key, msgspec.structs.replace(entry, bad_rows=counted))
        return path

    def set_aside_damaged(self, symbol: str, timeframe: str) -> list[tuple[Key, Lost]]:
        """Move the damaged partitions of a series to ``quarantine/``.

        Returns
        -------
        list of (Key, Lost)
            Every partition that waits to be fetched again, those of earlier runs included.
        """
        waiting = []
        for key, entry in list(self._manifest.items()):
            if (key.symbol, key.timeframe) != (symbol, timeframe):
                continue
            if entry.rows and verified_content(self.root, key, entry) is None:
                entry = self._set_aside(key, entry)
            if entry.lost is not None:
                waiting.append((key, entry.lost))
        return sorted(waiting)

    def _set_aside(self, key: Key, entry: Entry) -> Entry:
        path = partition_file(self.root, key)
        target = None
        if path.exists():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
            name = f"{key.symbol}_{key.timeframe}_{key.year}_{digest}.parquet"
            (self.root / QUARANTINE).mkdir(exist_ok=True)
            replace(path, self.root / QUARANTINE / name)
            target = f"{QUARANTINE}/{name}"
        first, last = entry.first, entry.last
        if entry.lost is not None:
            first, last = min(first, entry.lost.first), max(last, entry.lost.last)
        lost = Lost(first, last, entry.rows + (entry.lost.rows if entry.lost else 0), target)
        after = msgspec.structs.replace(entry, rows=0, sha256="", first=first, last=last, lost=lost)
        self._commit(key, after)
        return after

    def settle(self, key: Key) -> None:
        """Stop waiting for what is still missing of a damaged partition: its source has no more."""
        entry = self._manifest[key]
        if entry.rows:
            self._commit(key, msgspec.structs.replace(entry, lost=None))
        else:
            del self._manifest[key]
            self._write_manifest()

    def _read(self, key: Key) -> pl.DataFrame:
        """Return the bars of a partition; a damaged one is set aside and counts as empty."""
        entry = self._manifest.get(key)
        path = partition_file(self.root, key)
        if entry is None and path.exists():
            raise StorageError(
                f"{path}: not in {self.root / MANIFEST}; expected only files the manifest lists, "
                "and adding would replace this one; move it away, then --import it"
            )
        if entry is not None and entry.rows:
            content = verified_content(self.root, key, entry)
            if content is not None:
                return decode(content).collect()
            self._set_aside(key, entry)
        return pl.DataFrame(schema=BAR_SCHEMA)

    def _commit(self, key: Key, entry: Entry, content: bytes | None = None) -> None:
        """Put a partition and its entry in force together.

        The new file and the next manifest are on the disk under other names before either takes
        its place, so at every instant one of the two manifests describes the file.
        """
        path = partition_file(self.root, key)
        staged = path.with_name(path.name + ".tmp")
        if content is not None:
            write_durably(staged, content)
        stage_manifest(self.root, {**self._manifest, key: entry})
        if content is not None:
            replace(staged, path)
        commit_manifest(self.root)
        self._manifest[key] = entry

    def _write_manifest(self) -> None:
        stage_manifest(self.root, self._manifest)
        commit_manifest(self.root)


def write_bars(
    root: str | Path, symbol: str, timeframe: str, bars: pl.DataFrame, provenance: Provenance
) -> Written:
    """Store the bars that are missing; see :meth:`StoreWriter.add`."""
    with StoreWriter(root) as store:
        return store.add(symbol, timeframe, bars, provenance)

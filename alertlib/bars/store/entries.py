"""Entries of the manifest made anew: provenance, revisions, and what a partition now holds."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec
import polars as pl

from alertlib.bars.schema import BAR_SCHEMA
from alertlib.bars.store.manifest import Entry, Removal, Revision

_VALUES = [name for name in BAR_SCHEMA.names() if name != "time"]

# A rewritten (adjusted) history revises every bar it repeats; the first ones tell the story.
_REVISIONS_KEPT = 1_000


class Provenance(NamedTuple):
    """Where bars came from: kept in the manifest beside them."""

    source: str
    fetched_at: datetime
    server_offset: int | None = None
    synthetic: bool = False


def differing(known: pl.DataFrame) -> pl.DataFrame:
    """Return the bars that came with other values than stored ones (columns ``…_stored``).

    A known value never differs from an unknown (null) one.
    """
    differs = [pl.col(name) != pl.col(f"{name}_stored") for name in _VALUES]
    return known.filter(pl.any_horizontal(differs).fill_null(False))


def revisions_of(known: pl.DataFrame, provenance: Provenance) -> list[Revision]:
    """Return the record of each bar that differs from the stored one beside it."""
    return [
        Revision(
            row["time"],
            {name: row[f"{name}_stored"] for name in _VALUES},
            {name: row[name] for name in _VALUES},
            provenance.source,
            provenance.fetched_at,
        )
        for row in differing(known).iter_rows(named=True)
    ]


def extended(entry: Entry | None, revisions: list[Revision]) -> tuple[Revision, ...]:
    """Return the revisions on record with the new ones, each difference once."""
    history = entry.revisions if entry else ()
    seen = {_identity(revision) for revision in history}
    fresh = [revision for revision in revisions if _identity(revision) not in seen]
    return (*history, *fresh)[:_REVISIONS_KEPT]


def _identity(revision: Revision) -> tuple[object, ...]:
    received = revision.received
    return revision.time, tuple(received.items()) if received else None


def make_entry(
    before: Entry | None,
    bars: pl.DataFrame,
    digest: str,
    provenance: Provenance,
    revisions: tuple[Revision, ...],
) -> Entry:
    """Return the entry of a partition that now holds ``bars``, kept from the one before."""
    first, last = bars["time"][0], bars["time"][-1]
    after = Entry(
        source=provenance.source,
        rows=bars.height,
        first=first,
        last=last,
        sha256=digest,
        fetched_at=provenance.fetched_at,
        server_offset=provenance.server_offset,
        synthetic=provenance.synthetic,
        revisions=revisions,
    )
    if before is None:
        return after
    if not before.rows and before.lost is None:  # all its bars were taken out
        return msgspec.structs.replace(after, removed=before.removed)
    lost = before.lost
    if lost is not None and first <= lost.first and last >= lost.last:
        lost = None
    offset = provenance.server_offset
    return msgspec.structs.replace(
        after,
        source=_joined(before.source, provenance.source),
        server_offset=before.server_offset if offset is None else offset,
        synthetic=before.synthetic or provenance.synthetic,
        bad_rows=before.bad_rows,
        lost=lost,
        removed=before.removed,
    )


def without(entry: Entry, bars: pl.DataFrame, digest: str, removal: Removal) -> Entry:
    """Return the entry of a partition of which ``bars`` are left after a removal.

    What was recorded of the removed bars goes with them. Bad rows cannot be told apart by their
    bars: they stay on record while any bar does.
    """
    left = bars.height > 0
    return msgspec.structs.replace(
        entry,
        rows=bars.height,
        first=bars["time"][0] if left else entry.first,
        last=bars["time"][-1] if left else entry.last,
        sha256=digest,
        bad_rows=entry.bad_rows if left else {},
        revisions=tuple(
            one for one in entry.revisions if not removal.first <= one.time <= removal.last
        ),
        removed=(*entry.removed, removal),
    )


def _joined(before: str, source: str) -> str:
    sources = before.split("; ")
    return before if source in sources else "; ".join([*sources, source])

"""Whether a sweep belongs into a ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from alertlib._version import __version__
from alertlib.errors import DataError
from alertlib.search.ledger.identity import Identity
from alertlib.search.ledger.lines import SCHEMA, Header, Sweep
from alertlib.search.ledger.reader import Records

_DIGITS = 12
_MISSING = object()


def check_membership(records: Records, identity: Identity, path: Path) -> None:
    """Refuse a sweep of something else than the ledger's trials; see :class:`Identity`.

    Raises
    ------
    DataError
        One line: what differs.
    """
    header = records.header
    if header is None:
        return
    if header.data != identity.data:
        raise _other(path, "bars", header.data[:_DIGITS], identity.data[:_DIGITS])
    free = records.swept | set(identity.swept)
    changed = {key: value for key, value in changes(identity, header).items() if key not in free}
    for key, value in changed.items():
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise _other(path, f"settings ({key}{more})", header.base.get(key), value)
    if header.spec != identity.spec:
        what = "rules of scoring, hours, tick, fees or labels"
        raise _other(path, what, header.spec[:_DIGITS], identity.spec[:_DIGITS])


def header_of(identity: Identity, when: str) -> Header:
    """Return the first line of a ledger that a sweep begins."""
    return Header(
        schema=SCHEMA,
        data=identity.data,
        spec=identity.spec,
        instrument=dict(identity.instrument),
        base=dict(identity.base),
        created=when,
        alertlib=__version__,
    )


def sweep_of(identity: Identity, header: Header) -> Sweep:
    """Return the line of a sweep, its time apart."""
    return Sweep(
        swept=identity.swept,
        sessions=identity.sessions,
        totals=identity.totals,
        changed=changes(identity, header),
    )


def changes(identity: Identity, header: Header) -> dict[str, Any]:
    """Return the settings in which a base differs from the header's, null for one it has not."""
    base = msgspec.json.decode(msgspec.json.encode(dict(identity.base)))
    return {
        key: base.get(key)
        for key in [*base, *(key for key in header.base if key not in base)]
        if base.get(key, _MISSING) != header.base.get(key, _MISSING)
    }


def _other(path: Path, what: str, there: Any, here: Any) -> DataError:
    return DataError(
        f"{path}: the ledger of other {what}: {_shown(there)} there, {_shown(here)} here; expected "
        "the ones it was begun with; name another ledger for these"
    )


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()

"""The lines of a ledger: JSON, one object each, all of one version.

The first line is the :class:`Header`. Each other names its ``kind``: a ``sweep`` before its
``trial`` lines, a ``touch`` of the hold-out, a ``note``.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import msgspec

from alertlib.errors import ConfigError, DataError
from alertlib.search.grid.axes import Value

SCHEMA = "ledger.v1"
# How every ledger begins, whatever its version.
MAGIC = b'{"schema":"ledger.v'


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all of them are: unchangeable, and of these fields alone."""


class Header(_Line, frozen=True):
    """The first line: what all trials are of.

    ``base`` is that of the first sweep; ``data`` and ``spec`` are whole hashes; ``created`` is
    UTC; ``alertlib`` the version that began the ledger. The rest is as of :class:`Identity`.
    """

    schema: str
    data: str
    spec: str
    instrument: dict[str, Any]
    base: dict[str, Any]
    created: str
    alertlib: str


class Sweep(_Line, frozen=True, tag_field="kind", tag="sweep"):
    """A sweep: what its trials vary, of which sessions they count.

    ``changed`` are the settings in which its base differs from the header's; they were swept by
    this ledger, or are by this sweep.
    """

    swept: tuple[str, ...]
    sessions: tuple[str, ...]
    totals: bool
    changed: dict[str, Any]
    when: str = ""


class Counts(_Line, frozen=True):
    """What a trial came to, one number a session in the order of its sweep, or one in all.

    ``quanta`` is the sum of the trades' results in quanta of price, slippage taken off and fees
    not; ``squares`` that of their squares. They are whole numbers where stops and targets are.
    """

    opportunities: tuple[int, ...]
    captured: tuple[int, ...]
    tp: tuple[int, ...]
    fp: tuple[int, ...]
    redundant: tuple[int, ...]
    trades: tuple[int, ...]
    wins: tuple[int, ...]
    quanta: tuple[int | float, ...]
    squares: tuple[int | float, ...]


class Trial(_Line, frozen=True, tag_field="kind", tag="trial"):
    """One combination, scored.

    Who makes one gives ``config``, ``values``, ``seed`` and ``counts``; the ledger fills in the
    number of the sweep, the first digits of the hashes and the time in UTC.
    """

    config: str
    values: dict[str, Value]
    seed: int
    counts: Counts
    sweep: int = -1
    data: str = ""
    spec: str = ""
    when: str = ""


class Touch(_Line, frozen=True, tag_field="kind", tag="touch"):
    """The hold-out was looked at: its sessions, by which configuration, and when."""

    sessions: tuple[str, ...]
    config: str
    when: str


class Note(_Line, frozen=True, tag_field="kind", tag="note"):
    """A remark, and when it was made."""

    text: str
    when: str


Line = Sweep | Trial | Touch | Note

_ENCODER = msgspec.json.Encoder()
_LINES: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)
_HEADERS: msgspec.json.Decoder[Header] = msgspec.json.Decoder(Header)


class _Version(msgspec.Struct):
    schema: str


def encode(line: Header | Line) -> bytes:
    """Return a line with its end."""
    return _ENCODER.encode(line) + b"\n"


def decode(raw: bytes, where: str) -> Line:
    """Return a line after the first.

    Raises
    ------
    DataError
        It is damaged; ``where`` is file and line number.
    """
    try:
        return _LINES.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise damaged(where, str(error)) from error


def decode_header(raw: bytes, where: str) -> Header:
    """Return the first line.

    Raises
    ------
    DataError
        It is no ledger's, or damaged.
    ConfigError
        It is that of another version.
    """
    try:
        version = msgspec.json.decode(raw, type=_Version).schema
    except (msgspec.MsgspecError, UnicodeDecodeError):
        version = ""
    if not version.startswith("ledger."):
        raise DataError(
            f"{where}: not a ledger; expected one that a search has begun; name another file"
        )
    if version != SCHEMA:
        raise ConfigError(
            f"{where}: got a file of schema {version!r}, expected {SCHEMA}; use the version that "
            "wrote it, or name another file"
        )
    try:
        return _HEADERS.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise damaged(where, str(error)) from error


def damaged(where: str, what: str) -> DataError:
    """Return the error of a line that is damaged."""
    return DataError(
        f"{where}: a damaged line ({what}); expected a ledger as it was written; restore it from "
        "a copy"
    )


def check_trial(trial: Trial, sweep: Sweep) -> str | None:
    """Return what is wrong with the counts of a trial of ``sweep``, None if nothing is."""
    counts, expected = trial.counts, 1 if sweep.totals else len(sweep.sessions)
    for name in Counts.__struct_fields__:
        got = len(getattr(counts, name))
        if got != expected:
            return f"{got} {name}, expected {expected}"
    # JSON has no word for what is not finite, and the line would be a damaged one.
    numbers = [*counts.quanta, *counts.squares, *trial.values.values()]
    if not all(isfinite(number) for number in numbers if isinstance(number, float)):
        return "a number that is not finite"
    return None

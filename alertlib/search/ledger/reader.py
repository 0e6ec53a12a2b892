"""Reading a ledger, without writing to it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from alertlib.errors import AlertlibWarning, DataError, StorageError
from alertlib.search.ledger.lines import (
    MAGIC,
    Header,
    Line,
    Note,
    Sweep,
    Touch,
    Trial,
    check_trial,
    damaged,
    decode,
    decode_header,
)

# The sessions counted, and whether in one sum.
Scope = tuple[tuple[str, ...], bool]


@dataclass
class Records:
    """What a ledger holds.

    Attributes
    ----------
    path : Path
    header : Header or None
        None where not even the first line is whole.
    sweeps, touches, notes : list
        In order.
    configurations : dict of Scope to set of str
        Hashes of the configurations tried on each set of sessions.
    size : int
        Bytes of whole lines.
    torn : bytes
        What follows them: a line whose writer was killed in the middle of it.
    """

    path: Path
    header: Header | None = None
    sweeps: list[Sweep] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    configurations: dict[Scope, set[str]] = field(default_factory=dict)
    size: int = 0
    torn: bytes = b""

    @property
    def count(self) -> int:
        """Number of configurations tried, each counted once."""
        return len(set().union(*self.configurations.values()))

    @property
    def swept(self) -> set[str]:
        """Every key a sweep has varied."""
        return {key for sweep in self.sweeps for key in sweep.swept}

    def trials(self) -> Iterator[Trial]:
        """Yield the trials in order, read anew; a configuration once for each set of sessions."""
        seen: set[tuple[Scope, str]] = set()
        with _opened(self.path) as file:
            for line in _lines(file, self.size, Records(self.path)):
                if isinstance(line, Trial):
                    key = (scope_of(self.sweeps[line.sweep]), line.config)
                    if key not in seen:
                        seen.add(key)
                        yield line

    def take(self, line: Line) -> None:
        """Note what a line says, in memory."""
        match line:
            case Sweep():
                self.sweeps.append(line)
                self.configurations.setdefault(scope_of(line), set())
            case Trial():
                self.configurations[scope_of(self.sweeps[line.sweep])].add(line.config)
            case Touch():
                self.touches.append(line)
            case Note():
                self.notes.append(line)


def read_ledger(path: str | os.PathLike[str]) -> Records:
    """Return what a ledger holds. It may be written meanwhile.

    An unfinished last line is told of by an ``AlertlibWarning``.

    Raises
    ------
    DataError
        There is no such file, it is no ledger, or it is damaged.
    ConfigError
        It is of another version.
    StorageError
        It cannot be read.
    """
    records = read_records(Path(path))
    if records.torn:
        text = f"{path}: the last line is unfinished ({len(records.torn):,} bytes) and left out"
        warnings.warn(AlertlibWarning(text), stacklevel=2)
    if records.header is None:
        raise DataError(f"{path}: an empty ledger; expected one with trials; name another file")
    return records


def read_records(path: Path) -> Records:
    """Return what a ledger holds, an unfinished last line apart."""
    records = Records(path)
    with _opened(path) as file:
        for line in _lines(file, None, records):
            records.take(line)
    return records


def scope_of(sweep: Sweep) -> Scope:
    """Return of which sessions a sweep's trials count."""
    return sweep.sessions, sweep.totals


def _opened(path: Path) -> BinaryIO:
    try:
        return open(path, "rb")
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; expected the ledger of a search") from error
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be read ({error.strerror}); expected the ledger of a search; check "
            "its permissions"
        ) from error


def _lines(file: BinaryIO, size: int | None, records: Records) -> Iterator[Line]:
    """Yield the lines after the first, and note the first, their size and what follows them."""
    sweeps: list[Sweep] = []
    for number, raw in enumerate(file, start=1):
        if size is not None and records.size + len(raw) > size:
            return
        where = f"{records.path}:{number}"
        if not raw.endswith(b"\n"):
            if number == 1 and not _begins(raw):
                decode_header(raw, where)
            records.torn = raw
            return
        records.size += len(raw)
        if number == 1:
            records.header = decode_header(raw, where)
            continue
        line = decode(raw, where)
        if isinstance(line, Sweep):
            sweeps.append(line)
        elif isinstance(line, Trial):
            if not 0 <= line.sweep < len(sweeps):
                raise damaged(where, f"sweep {line.sweep} of {len(sweeps)}")
            wrong = check_trial(line, sweeps[line.sweep])
            if wrong is not None:
                raise damaged(where, wrong)
        yield line


def _begins(raw: bytes) -> bool:
    """Whether ``raw`` is the beginning of a ledger's first line."""
    return raw[: len(MAGIC)] == MAGIC[: len(raw)]

"""The ledger: every trial of every search on the same bars, appended and never changed."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

from msgspec.structs import replace

from alertlib.errors import AlertlibWarning
from alertlib.search.ledger.append_only import AppendOnly
from alertlib.search.ledger.identity import Identity
from alertlib.search.ledger.lines import (
    Line,
    Note,
    Touch,
    Trial,
    check_trial,
    encode,
)
from alertlib.search.ledger.membership import check_membership, header_of, sweep_of
from alertlib.search.ledger.reader import Records, read_records, scope_of

Clock = Callable[[], datetime]

# Of the hashes on each line; the header has them whole.
_SHORT = 12
# Lines gathered for one write.
_CHUNK_BYTES = 1 << 20


class Ledger:
    """A ledger open for one sweep: made by :meth:`open`, written by one process at a time.

    Trials reach the file in whole lines, in the order given, and the disk at the latest with
    :meth:`commit`. A process that is killed loses what it had not yet written and leaves at most
    one unfinished line, which the next one sets aside in a file ``NAME.torn-N``.
    """

    def __init__(
        self,
        file: AppendOnly,
        records: Records,
        identity: Identity,
        clock: Clock,
        commit_lines: int,
        commit_seconds: float,
    ) -> None:
        """Use :meth:`open`."""
        self._file = file
        self._records = records
        self.identity = identity
        self._clock = clock
        self._commit_lines = commit_lines
        self._commit_after = timedelta(seconds=commit_seconds)
        self._uncommitted = 0
        self._committed_at = clock()
        self._sweep = -1

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        identity: Identity,
        clock: Clock,
        *,
        commit_lines: int = 1_000,
        commit_seconds: float = 5.0,
    ) -> Ledger:
        """Open the ledger at ``path`` for a sweep, or begin it.

        Parameters
        ----------
        path : path-like
            Through links as well; the lock is on the file they lead to.
        identity : Identity
            What the sweep is a sweep of.
        clock : callable
            Answers the time now, with its zone.
        commit_lines, commit_seconds : int, float
            Trials that may be on their way to the disk, and for how long, at an append.

        Raises
        ------
        DataError
            It is the ledger of other bars or another definition, no ledger, or damaged.
        ConfigError
            It is of another version.
        BusyError
            Another process is writing it.
        StorageError
            It cannot be read or written.
        """
        file = AppendOnly(Path(path), "ledger")
        try:
            records = read_records(file.real)
            check_membership(records, identity, file.path)
            ledger = cls(file, records, identity, clock, commit_lines, commit_seconds)
            ledger._begin()
        except BaseException:
            file.close()
            raise
        return ledger

    @property
    def records(self) -> Records:
        """Everything the ledger holds, what was appended included."""
        return self._records

    @property
    def count(self) -> int:
        """Number of configurations tried on these bars, each counted once."""
        return self._records.count

    def known(self, config: str) -> bool:
        """Whether a configuration has been tried on the sessions of this sweep."""
        return config in self._tried

    def trials(self) -> Iterator[Trial]:
        """Yield the trials in order, each configuration once for each set of sessions."""
        return self._records.trials()

    def own_trials(self) -> Iterator[Trial]:
        """Yield the trials that count the sessions of this sweep."""
        own = scope_of(self._records.sweeps[self._sweep])
        for trial in self.trials():
            if scope_of(self._records.sweeps[trial.sweep]) == own:
                yield trial

    def append(self, trials: Iterable[Trial]) -> int:
        """Write trials that are not known yet.

        Returns
        -------
        int
            How many were written.

        Raises
        ------
        ValueError
            The counts of one are not those of the sweep's sessions. Those before it are written.
        StorageError
            The disk is full, read-only or broken; what was written before is intact.
        """
        when, added = self._now(), 0
        lines: dict[str, Trial] = {}
        chunk = bytearray()
        try:
            for trial in trials:
                if self.known(trial.config) or trial.config in lines:
                    continue
                lines[trial.config] = line = self._line(trial, when)
                chunk += encode(line)
                if len(chunk) >= _CHUNK_BYTES:
                    added += self._write(bytes(chunk), lines.values())
                    lines, chunk = {}, bytearray()
        finally:
            if chunk:
                added += self._write(bytes(chunk), lines.values())
        if self._is_due():
            self.commit()
        return added

    def touch(self, sessions: Iterable[str], config: str) -> None:
        """Note that the hold-out is about to be looked at, on the disk before this returns.

        Parameters
        ----------
        sessions : iterable of str
            Its dates.
        config : str
            Hash of the configuration it is looked at with.
        """
        self._note(Touch(sessions=tuple(sessions), config=config, when=self._now()))

    def note(self, text: str) -> None:
        """Write a remark."""
        self._note(Note(text=text, when=self._now()))

    def commit(self) -> None:
        """Wait until the disk has everything written."""
        self._file.sync()
        self._uncommitted = 0
        self._committed_at = self._clock()

    def close(self) -> None:
        """Commit and let others write; once more does nothing."""
        try:
            if self._uncommitted:
                self.commit()
        finally:
            self._file.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Ledger {self._records.path}: {self.count:,} configurations>"

    @property
    def _tried(self) -> set[str]:
        return self._records.configurations[scope_of(self._records.sweeps[self._sweep])]

    def _begin(self) -> None:
        """Set an unfinished line aside, and state header and sweep where they are missing."""
        records, identity = self._records, self.identity
        if records.torn:
            self._set_aside()
        opening = b""
        if records.header is None:
            records.header = header_of(identity, self._now())
            opening = encode(records.header)
        sweep = sweep_of(identity, records.header)
        stated = [replace(known, when="") for known in records.sweeps]
        if sweep in stated:
            self._sweep = stated.index(sweep)
        else:
            self._sweep = len(stated)
            sweep = replace(sweep, when=self._now())
            self._write(opening + encode(sweep), [sweep])
            self.commit()
            self._file.sync_name()

    def _set_aside(self) -> None:
        records = self._records
        aside = self._file.set_aside(records.torn)
        text = (
            f"{self._file.path}: the last line was unfinished, its writer killed: its "
            f"{len(records.torn):,} bytes are set aside in {aside.name}"
        )
        records.torn = b""
        warnings.warn(AlertlibWarning(text), stacklevel=4)

    def _line(self, trial: Trial, when: str) -> Trial:
        """Return a trial as it is written."""
        wrong = check_trial(trial, self._records.sweeps[self._sweep])
        if wrong is not None:
            raise ValueError(f"trial {trial.config}: {wrong}")
        return replace(
            trial,
            sweep=self._sweep,
            data=self.identity.data[:_SHORT],
            spec=self.identity.spec[:_SHORT],
            when=when,
        )

    def _note(self, line: Touch | Note) -> None:
        self._write(encode(line), [line])
        self.commit()

    def _write(self, raw: bytes, lines: Iterable[Line]) -> int:
        """Append whole lines by one call, and note what they say once they are written."""
        self._file.append(raw)
        self._records.size += len(raw)
        added = 0
        for line in lines:
            self._records.take(line)
            added += 1
        self._uncommitted += added
        return added

    def _is_due(self) -> bool:
        if not self._uncommitted:
            return False
        waited = self._clock() - self._committed_at
        return self._uncommitted >= self._commit_lines or waited >= self._commit_after

    def _now(self) -> str:
        return self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

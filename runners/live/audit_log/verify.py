"""Does the log still say what was written? The chain, the schema, the numbers, the anchor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from runners.live.audit_log.log import AuditLog, Meta
from runners.live.audit_log.times import Times
from runners.live.database import schema
from runners.live.database.chain import (
    GENESIS,
    MESSAGE_KINDS,
    Record,
    alert_key,
    event_hash,
    parse_canonical,
)
from runners.live.database.errors import READ_ERRORS

_FINDINGS_LIMIT = 100
_MESSAGE_KINDS = frozenset(MESSAGE_KINDS.values())


@dataclass(slots=True)
class Report:
    """What a verification found.

    Attributes
    ----------
    findings : list of str
        One line per defect, empty if the log is intact; at most 100.
    events : int
        Events read.
    first, head : int
        Numbers of the first and last of them; 0 if there are none.
    head_hash : str
        The anchor's other half.
    alerts : int
        Messages numbered so far.
    pruned : int
        Events removed by retention, covered by a tombstone.
    warnings : list of str
        Times that go back or lie in the future: a clock that was set, or somebody who rewrote
        chain and head. They prove nothing by themselves; at most 100.
    """

    findings: list[str] = field(default_factory=list)
    events: int = 0
    first: int = 0
    head: int = 0
    head_hash: str = GENESIS
    alerts: int = 0
    pruned: int = 0
    warnings: list[str] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def add(self, finding: str) -> None:
        """Note a defect, unless there are too many already."""
        if len(self.findings) < _FINDINGS_LIMIT:
            self.findings.append(finding)


class Follower:
    """Follows the chain record by record and says where it breaks.

    Parameters
    ----------
    tombstones : dict of int to str
        Hash of the last event removed, by its number.
    """

    def __init__(self, tombstones: dict[int, str]) -> None:
        self._tombstones = tombstones
        self._last: Record | None = None

    def problem(self, record: Record) -> str | None:
        """Return what is wrong with ``record`` or its place; None if nothing is."""
        last, self._last = self._last, record
        return self._link(last, record) or _content(record)

    def _link(self, last: Record | None, record: Record) -> str | None:
        if last is None:
            return self._start(record)
        if record.seq != last.seq + 1:
            return f"event {record.seq}: follows event {last.seq}; events are missing or moved"
        if record.prev != last.hash:
            return f"event {record.seq}: does not continue event {last.seq}"
        expected = self._tombstones.get(record.seq)
        if expected is not None and expected != record.hash:
            return f"event {record.seq}: not the one its tombstone names"
        return None

    def _start(self, record: Record) -> str | None:
        before = record.seq - 1
        if before == 0:
            return None if record.prev == GENESIS else "event 1: does not begin the chain"
        if before in self._tombstones:
            intact = self._tombstones[before] == record.prev
            return None if intact else f"event {record.seq}: not the one its tombstone leads to"
        if any(through > before for through in self._tombstones):
            return None  # a pruning that was interrupted; the tombstone's own event still follows
        return f"events 1 to {before} are missing and no tombstone covers them"


def _content(record: Record) -> str | None:
    seq, ts, kind, actor, data, prev, digest = record
    try:
        sound = event_hash(prev, seq, ts, kind, actor, data) == digest
    except ValueError:  # text that is not UTF-8
        sound = False
    if not sound:
        return f"event {seq}: content and hash differ"
    if parse_canonical(data) is None:
        return f"event {seq}: its data is not a canonical JSON object"
    return None


def verify(
    log: AuditLog, anchor: tuple[int, str] | None = None, *, now: float | None = None
) -> Report:
    """Check the whole log.

    Parameters
    ----------
    log : AuditLog
        Opened log; it may be in use.
    anchor : (int, str), optional
        Number and hash of an event noted earlier and kept elsewhere.
    now : float, optional
        Unix seconds; without it no time lies in the future.
    """
    times = Times(now)
    report = Report(warnings=times.warnings)
    try:
        with log.snapshot():
            for line in schema.differences(log.connection):
                report.add(line)
            for (line,) in log.connection.execute("PRAGMA integrity_check(10)"):
                if line != "ok":
                    report.add(f"database: {' '.join(line.split())}")
            _walk(log, report, anchor, times)
    except READ_ERRORS as error:
        report.add(f"reading stopped after event {report.head}: {error}")
    return report


def _walk(log: AuditLog, report: Report, anchor: tuple[int, str] | None, times: Times) -> None:
    meta = log.meta()
    covered = tombstones(log, report)
    follower = Follower(covered)
    messages = _Messages(log)
    for record in log.records():
        problem = follower.problem(record)
        for line in (problem, None if problem else messages.problem(record)):
            if line is not None:
                report.add(line)
        times.look(record)
        report.events += 1
        report.first = report.first or record.seq
        report.head, report.head_hash = record.seq, record.hash
    times.end()
    report.pruned = max(report.first - 1, 0)
    if meta is not None and meta.pruned_seq and meta.pruned_seq not in covered:
        report.add(f"events up to {meta.pruned_seq} are free to be removed, without a tombstone")
    _check_end(report, meta, messages)
    mark = log.mark()
    if mark is not None and not log.contains(*mark):
        report.add(f"its mark: {_anchor_problem(mark, report)}")
    if anchor is not None and not log.contains(*anchor):
        report.add(f"anchor {anchor[0]}:{anchor[1]}: {_anchor_problem(anchor, report)}")


def _check_end(report: Report, meta: Meta | None, messages: _Messages) -> None:
    if meta is None:
        report.add("the head the writer noted is missing")
        return
    report.alerts = meta.alert_seq
    if (meta.audit_seq, meta.audit_hash) != (report.head, report.head_hash):
        report.add(
            f"the log ends at {report.head}:{report.head_hash}, the writer had noted "
            f"{meta.audit_seq}:{meta.audit_hash}; the tail was cut, added or changed"
        )
    for line in messages.remaining(meta):
        report.add(line)


def _anchor_problem(anchor: tuple[int, str], report: Report) -> str:
    seq, _ = anchor
    if seq > report.head:
        return f"event {seq} was written, the log ends at event {report.head}; its tail was cut"
    if seq < report.first - 1:
        return f"event {seq} was pruned; use an anchor from {report.first - 1} on"
    return f"event {seq} has another hash; the log was rewritten"


class _Messages:
    """Compares the numbering of messages with the events it points to."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log
        self._rows: Iterator[tuple[Any, Any]] = iter(
            log.connection.execute("SELECT seq, audit_seq FROM alerts ORDER BY seq")
        )
        self._next = next(self._rows, None)
        self._last_seq: int | None = None

    def problem(self, record: Record) -> str | None:
        """Return what is wrong between ``record``, in order, and the numbering."""
        numbered = self._next is not None and self._next[1] == record.seq
        if not numbered:
            lost = record.kind == "alert"
            return f"event {record.seq}: an alert that has no number" if lost else None
        assert self._next is not None
        seq, self._next = self._next[0], next(self._rows, None)
        gap = self._last_seq is not None and seq != self._last_seq + 1
        self._last_seq = seq
        data = json.loads(record.data)
        if record.kind not in _MESSAGE_KINDS or data.get("seq") != seq:
            return f"event {record.seq}: alert number {seq} points to it, but it is another"
        if gap:
            return f"event {record.seq}: alert numbers jump to {seq}"
        if record.kind == "alert" and self._number_of(alert_key(data)) != seq:
            return f"event {record.seq}: its alert id is not kept as number {seq}"
        return None

    def remaining(self, meta: Meta) -> Iterator[str]:
        """Yield what is wrong once all events have been seen."""
        if self._next is not None:
            yield f"alert {self._next[0]} points to event {self._next[1]}, which is missing"
        elif self._last_seq is not None and self._last_seq != meta.alert_seq:
            yield f"alerts end at number {self._last_seq}, the writer had noted {meta.alert_seq}"
        ids = self._log.connection.execute("SELECT count(*) FROM alert_ids").fetchone()[0]
        if ids != meta.alert_seq:
            yield f"{ids} alert ids are kept for {meta.alert_seq} alerts"

    def _number_of(self, key: Any) -> Any:
        rows = self._log.connection.execute("SELECT seq FROM alert_ids WHERE id = ?", (key,))
        row = rows.fetchone()
        return None if row is None else row[0]


def checked(log: AuditLog, problems: list[str]) -> Iterator[Record]:
    """Yield every event, noting in ``problems`` what does not hold; for reading, not for proof.

    For those who print events: none of them is shown as sound because nobody looked. All are of
    one moment, or a pruning meanwhile would look like a gap; a slow reader costs the running
    daemon room in its write-ahead log, never time.
    """
    report = Report()
    with log.snapshot():
        report.findings += schema.differences(log.connection)
        meta = log.meta()
        follower = Follower(tombstones(log, report))
        noted = meta is None or meta.audit_seq == 0
        for record in log.records():
            problem = follower.problem(record)
            if problem is not None:
                report.add(problem)
            noted = noted or (meta is not None and (record.seq, record.hash) == meta[3:5])
            yield record
        if not noted:
            report.add("the log does not reach the head the writer had noted")
        mark = log.mark()
        if mark is not None and not log.contains(*mark):
            report.add(f"event {mark[0]} was acknowledged and is not there")
    problems += report.findings


def tombstones(log: AuditLog, report: Report) -> dict[int, str]:
    """Return what was pruned: hash of the last event removed, by its number."""
    found = {}
    for record in log.tombstones():
        try:
            data = json.loads(record.data)
            through, digest = int(data["through"]), str(data["hash"])
        except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
            report.add(f"event {record.seq}: not a tombstone anybody could use")
            continue
        if through < record.seq:
            found[through] = digest
    return found

"""The one thread that writes: what queues during an fsync shares the next one.

Nothing is acknowledged before its fsync. After a failed transaction the connection is given up
for good: a second attempt on the same handle can report success for pages the kernel has
already dropped.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from alertlib.errors import StorageError
from runners.live.alert_store.opening import Opened
from runners.live.alert_store.records import Stored, StoreStats
from runners.live.alert_store.transaction import Done, Group, ReadyEvent, Work, read_head
from runners.live.database.errors import storage_error

GROUP_LIMIT = 4_000
"""Most pieces of work in one transaction; bounds memory and the time a reader of WAL waits."""

# When the WAL is worth folding into the database in a quiet moment. A commit dirties about as
# many pages as six events.
_FOLD_AFTER_EVENTS = 1_000
_EVENTS_PER_COMMIT = 6
_QUIET_SECONDS = 0.02
_IDLE_SECONDS = 10.0
_FOLD_BUSY_MS = 500

Listener = Callable[[list[Stored]], None]


class Writer:
    """Owner of the writing connection and its thread."""

    def __init__(
        self,
        opened: Opened,
        clock: Callable[[], float],
        periodic: Callable[[float, bool], tuple[tuple[ReadyEvent, ...], float | None]],
        busy_seconds: float,
    ) -> None:
        self.head = read_head(opened.writer)
        self.stats = StoreStats()
        self.error: StorageError | None = None
        self.listeners: list[Listener] = []
        self._failure_listeners: list[Callable[[StorageError], None]] = []
        self._connection = opened.writer
        self._path = opened.path
        self._mark = opened.mark
        self._clock = clock
        self._periodic = periodic
        self._busy_ms = int(busy_seconds * 1_000)
        self._queue: deque[Work] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._last_words: ReadyEvent | None = None
        self._busy_since: float | None = None
        self._unfolded = 0
        self._files = _identities(opened.path)
        self._wait_for_locks(self._busy_ms)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> Done:
        """Queue ``work``; the future is done after the fsync that holds it, or fails.

        Raises
        ------
        StorageError
            The store has failed or is closed.
        """
        # From here on it will be written; an awaiting task that is cancelled does not undo it.
        work.done.set_running_or_notify_cancel()
        with self._wake:
            if self.error is not None:
                raise StorageError(str(self.error)) from self.error
            if self._closing:
                raise StorageError(f"{self._path}: the store is closed; nothing was written")
            self._queue.append(work)
            self._wake.notify()
        return work.done

    def nudge(self) -> None:
        """Let the thread look at its periodic work again."""
        with self._wake:
            self._wake.notify()

    def on_failed(self, listener: Callable[[StorageError], None]) -> None:
        """Have ``listener`` called once, with the reason; at once if it has failed already."""
        with self._wake:
            error = self.error
            if error is None:
                self._failure_listeners.append(listener)
        if error is not None:
            listener(error)

    def queued(self) -> int:
        """Return how many pieces of work wait for the next transaction."""
        return len(self._queue)

    def waiting_seconds(self) -> float:
        """Return how long the transaction now being written has been going on; 0 if none."""
        since = self._busy_since
        return 0.0 if since is None else max(0.0, time.monotonic() - since)

    def finish(self, last_words: ReadyEvent | None) -> None:
        """Write what is queued, then ``last_words``; end the thread. The caller closes."""
        with self._wake:
            self._closing = True
            self._last_words = last_words
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            while (group := self._next()) is not None:
                if group:
                    self._write_group(group)
                else:
                    self._fold_wal("PASSIVE")
            self._say_last_words()
            self._fold_wal("TRUNCATE")
        except Exception as error:
            self._fail(error)
            # At once, while readers are open: the last connection to close would fold the WAL
            # in, on a handle that is not to be trusted any more.
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()

    def _next(self) -> list[Work] | None:
        """Wait for work. An empty list is a quiet moment with a WAL worth folding in."""
        with self._wake:
            while True:
                events, pause = self._periodic(time.monotonic(), False)
                if events:
                    self._queue.append(Work(events=events))
                if self._queue:
                    return self._take()
                if self._closing:
                    return None
                quiet = self._fold_pause()
                whole = quiet is None or (pause is not None and pause < quiet)
                if not self._wake.wait(pause if whole else quiet) and not whole:
                    return []

    def _fold_pause(self) -> float | None:
        """Return how long it has to be quiet before the WAL is folded in; None if it is."""
        if not self._unfolded:
            return None
        return _QUIET_SECONDS if self._unfolded >= _FOLD_AFTER_EVENTS else _IDLE_SECONDS

    def _take(self) -> list[Work]:
        return [self._queue.popleft() for _ in range(min(len(self._queue), GROUP_LIMIT))]

    def _write_group(self, group: list[Work]) -> None:
        started = self._busy_since = time.monotonic()
        try:
            self._require_same_files()
            rows, events = self._commit(group)
        except Exception as error:
            self._fail(error, group)
            raise
        finally:
            self._busy_since = None
        self._count(events, time.monotonic() - started)
        try:
            if rows.stored:
                for listener in tuple(self.listeners):
                    listener(rows.stored)
        finally:
            for work in group:
                work.done.set_result(work.numbers)

    def _commit(self, group: list[Work]) -> tuple[Group, int]:
        self._connection.execute("BEGIN IMMEDIATE")
        rows = Group(self._connection, group, self._clock())
        events = rows.write()
        self._connection.execute("COMMIT")
        self.head = rows.head
        self._mark.note(self.head.audit_seq, self.head.audit_hash)
        return rows, events

    def _count(self, events: int, seconds: float) -> None:
        self.stats.commits += 1
        self.stats.events += events
        self.stats.last_commit_seconds = seconds
        self.stats.commit_seconds += seconds
        self._unfolded += events + _EVENTS_PER_COMMIT

    def _require_same_files(self) -> None:
        # Written to a deleted file, everything would look well until the process ends.
        now = _identities(self._path)
        for name, identity in self._files.items():
            if identity is not None and now[name] != identity:
                raise StorageError(
                    f"{name}: the file was removed or replaced while in use; "
                    "nothing more can be written, start again"
                )
        self._files = now

    def _fold_wal(self, mode: str) -> None:
        # After the callers were told and with nothing queued, so that it delays nobody.
        self._unfolded = 0
        self._wait_for_locks(_FOLD_BUSY_MS)
        self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        self._wait_for_locks(self._busy_ms)
        self.stats.checkpoints += 1

    def _wait_for_locks(self, milliseconds: int) -> None:
        self._connection.execute(f"PRAGMA busy_timeout = {milliseconds}")

    def _say_last_words(self) -> None:
        events, _ = self._periodic(time.monotonic(), True)
        if self._last_words is not None:
            events += (self._last_words,)
        if events:
            self._write_group([Work(events=events)])

    def _fail(self, error: Exception, group: Iterable[Work] = ()) -> None:
        with self._wake:
            self.error = self.error or storage_error(self._path, "writing", error)
            failed = [*group, *self._queue]
            self._queue.clear()
            listeners, self._failure_listeners = self._failure_listeners, []
        for work in failed:
            work.done.set_exception(self.error)
        for listener in listeners:
            listener(self.error)


def _identities(path: str) -> dict[str, tuple[int, int] | None]:
    found: dict[str, tuple[int, int] | None] = {}
    for name in (path, f"{path}-wal"):
        try:
            status = os.stat(name)
            found[name] = (status.st_dev, status.st_ino)
        except OSError:
            found[name] = None
    return found

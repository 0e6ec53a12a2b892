"""The durable store of the live runner: one SQLite file, and nothing acknowledged before fsync.

Bar cursors, alerts, outbox and the hash-chained audit log share one file because a WAL
transaction is atomic per file: after a kill or a power cut either all of a bar's consequences
are there or none.

Example
-------
>>> store = Store.open("data/live/alerts.db")                         # doctest: +SKIP
>>> done = store.commit(Batch(cursors=(cursor,), messages=(alert,)))  # doctest: +SKIP
>>> done.result()                                                     # doctest: +SKIP
(Numbered(seq=1, new=True),)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from alertlib.errors import StorageError
from runners.live.alert_store.acks import AckBuffer, Range
from runners.live.alert_store.opening import Opened, open_database
from runners.live.alert_store.outbox import Outbox
from runners.live.alert_store.reader import ActionRow, Reader
from runners.live.alert_store.records import Batch, Cursor, Event, Stored, StoreStats
from runners.live.alert_store.transaction import Done, ReadyEvent, Work, ready_event, ready_message
from runners.live.alert_store.writer import Listener, Writer
from runners.live.database.chain import alert_keys, canonical_json

_WINDOW_SECONDS = 60.0


class Store:
    """The store of one running daemon. All methods may be called from any thread.

    Attributes
    ----------
    path : str
        The real path of the database.
    epoch : str
        The database's own random name; message numbers mean something only together with it.
    outbox : Outbox
        Mails still owed.
    """

    def __init__(
        self,
        opened: Opened,
        clock: Callable[[], float],
        retain_alerts: int,
        retain_days: float,
        busy_seconds: float,
    ) -> None:
        self.path = opened.path
        self._opened = opened
        self._clock = clock
        self._retain_alerts = retain_alerts
        self._retain_seconds = retain_days * 86_400.0
        self._by_age, self._aged_at = 1, float("-inf")
        self._acks = AckBuffer()
        self._reader = Reader(opened.reader, opened.path)
        self._writer = Writer(opened, clock, self._acks.take, busy_seconds)
        self._closed = False
        self.epoch = self._reader.epoch()
        self.outbox = Outbox(self._writer.submit, self._reader)

    @classmethod
    def open(
        cls,
        path: str,
        *,
        create: bool = True,
        retain_alerts: int = 100_000,
        retain_days: float = 30.0,
        busy_seconds: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> Store:
        """Open the database at ``path`` as its only writer, creating it if need be.

        Parameters
        ----------
        path : str
            The file; a new one is 0600, in a new folder that is 0700.
        create : bool
            Whether a missing file is created.
        retain_alerts, retain_days
            How far back a returning client can resume: whichever is reached first.
        busy_seconds : float
            How long a transaction waits for another program's lock before the store fails.
        clock : callable
            Unix seconds, for the time stamps of the audit log.

        Raises
        ------
        DataError
            No such file and ``create`` is false.
        BusyError
            Another process has it open, through this path or any other.
        StorageError
            It cannot be written, is locked by another program, damaged, or something else.
        """
        opened = open_database(path, create=create, now=clock())
        return cls(opened, clock, retain_alerts, retain_days, busy_seconds)

    # ---- writing

    def commit(self, batch: Batch) -> Done:
        """Write ``batch`` in one transaction.

        Returns
        -------
        Future of tuple of Numbered
            Number of each message, once all of it is on disk; or StorageError. A message whose
            key is known keeps its old number, and is neither audited nor mailed again. In
            asyncio: ``await asyncio.wrap_future(store.commit(batch))``.

        Raises
        ------
        ValueError
            A payload that is not JSON, an unknown kind of event, a dry run with mail.
        StorageError
            The store has failed before, or is closed.
        """
        return self._writer.submit(
            Work(
                events=tuple(ready_event(event) for event in batch.events),
                messages=tuple(ready_message(message) for message in batch.messages),
                cursors=batch.cursors,
                state=dict(batch.state),
            )
        )

    def append(self, kind: str, actor: str, data: Mapping[str, Any]) -> Done:
        """Add one event to the audit log. Nobody needs to wait for it."""
        return self._writer.submit(Work(events=(ready_event(Event(kind, actor, data)),)))

    def action(
        self,
        client: str,
        alert_id: str,
        action: Literal["executed", "rejected", "ignored"],
        note: str = "",
    ) -> Done:
        """Audit what an operator did about an alert."""
        return self.append(
            "operator_action", client, {"id": alert_id, "action": action, "note": note}
        )

    def ack(self, client: str, seq: int, delivered: Sequence[Range] = ()) -> None:
        """Note that ``client`` has every message up to ``seq``; written once a second.

        ``delivered`` are the runs of messages, first and last, that it was sent and confirms by
        that; they are audited as such.
        """
        self._acks.add(client, seq, delivered)
        self._writer.nudge()

    def set_legal_hold(self, hold: bool) -> Done:
        """Keep pruning from removing anything, whatever the configuration of whoever prunes."""
        return self._writer.submit(
            Work(statements=(("UPDATE meta SET legal_hold = ?", (int(hold),)),))
        )

    def on_committed(self, listener: Listener) -> Callable[[], None]:
        """Have ``listener`` called, in the writer's thread, with each run of durable messages.

        They come in order of their numbers without gaps. The listener must hand over and
        return (``loop.call_soon_threadsafe``); one that raises fails the store.

        Returns
        -------
        callable
            Ends the subscription.
        """
        self._writer.listeners.append(listener)
        return lambda: self._writer.listeners.remove(listener)

    def on_failed(self, listener: Callable[[StorageError], None]) -> None:
        """Have ``listener`` called, in the writer's thread, should the store fail; once."""
        self._writer.on_failed(listener)

    # ---- reading

    @property
    def head(self) -> int:
        """Number of the last durable message; 0 if there is none."""
        return self._writer.head.alert_seq

    @property
    def audit_head(self) -> tuple[int, str]:
        """Number and hash of the last event this store wrote: the anchor to keep elsewhere."""
        return self._writer.head.audit_seq, self._writer.head.audit_hash

    @property
    def stats(self) -> StoreStats:
        """Running figures for ``/metrics``."""
        return self._writer.stats

    @property
    def queued(self) -> int:
        """How many pieces of work wait for the next transaction."""
        return self._writer.queued()

    def trouble(self, patience: float = 5.0) -> str | None:
        """Return why nothing is being written, for ``/health``; None if all is well.

        Parameters
        ----------
        patience : float
            Seconds a transaction may take before it counts as trouble.
        """
        if self._writer.error is not None:
            return str(self._writer.error)
        waiting = self._writer.waiting_seconds()
        return None if waiting < patience else f"{self.path}: a commit has taken {waiting:.1f} s"

    def cursors(self) -> dict[tuple[str, str], Cursor]:
        """Return the cursor of each ``(symbol, timeframe)``."""
        return self._reader.cursors()

    def state(self, key: str) -> bytes | None:
        """Return the small value kept under ``key``; None if there is none."""
        return self._reader.state(key)

    def read(self, since: int, limit: int = 1_000) -> list[Stored]:
        """Return up to ``limit`` messages after number ``since``, in order."""
        return self._reader.messages(since, limit)

    def place(self, seq: int) -> int:
        """Return the number in the audit log of message ``seq``, or of the newest before it."""
        return self._reader.place(seq)

    @property
    def last_action(self) -> int:
        """Number in the audit log of the newest action of an operator; 0 if there is none."""
        return self._reader.last_action()

    def actions(self, after: int, upto: int, limit: int) -> list[ActionRow]:
        """Return up to ``limit`` operators' actions of a part of the audit log, in order.

        The part is of the events numbered from ``after + 1`` to ``upto``.
        """
        return self._reader.actions(after, upto, limit)

    def action_on(self, identifier: str) -> ActionRow | None:
        """Return the newest action on the alert of this id, None if there is none."""
        return self._reader.action_on(identifier)

    def find(self, key: str) -> Stored | None:
        """Return the message with this key (an alert's id); None if unknown."""
        return self._reader.find(key)

    def has_alert(self, identifier: str) -> bool:
        """Whether there is an alert with this id, of a market or of a replay."""
        return any(self.find(key) is not None for key in alert_keys(identifier))

    @property
    def oldest(self) -> int:
        """The first number a client can still resume from; ``head + 1`` if none.

        Nothing is deleted when the window moves: the audit log keeps the message for years.
        """
        by_count = max(1, self.head - self._retain_alerts + 1)
        now = self._clock()
        if abs(now - self._aged_at) >= _WINDOW_SECONDS:
            # Anew each time: a clock that jumped ahead and back must not have closed the window.
            limit = now - self._retain_seconds
            self._by_age = self._reader.first_since(limit, by_count, self.head)
            self._aged_at = now
        return max(by_count, self._by_age)

    # ---- closing

    def close(self, stop: Mapping[str, Any] | None = None, *, actor: str = "live") -> None:
        """Write everything queued and close; with ``stop``, the log ends with that event.

        Raises
        ------
        StorageError
            The store has failed before, or fails now. It is closed all the same.
        """
        self._close(None if stop is None else ReadyEvent("stop", actor, canonical_json(dict(stop))))

    def withdraw(self) -> None:
        """Close after a start that came to nothing: what opening created is gone again.

        Unless an event was written meanwhile, or may have been.

        Raises
        ------
        StorageError
            As of :meth:`close`.
        """
        self._close(None, is_withdrawn=True)

    def _close(self, last_words: ReadyEvent | None, *, is_withdrawn: bool = False) -> None:
        if self._closed:
            return
        self._closed = True
        self._writer.finish(last_words)
        self._reader.close()
        error = self._writer.error
        is_unused = error is None and self._writer.head.audit_seq == 0
        self._opened.close(whole=error is None, undo=is_withdrawn and is_unused)
        if error is not None:
            raise error

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

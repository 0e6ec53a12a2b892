"""The daemon: parts put together, started in order, ended in order. Decides nothing itself."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from asyncio import wrap_future
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from alertlib._version import __version__
from alertlib.config import Config
from alertlib.errors import AlertlibError, DataError, StorageError
from runners.live.bridge import StoreAudit
from runners.live.core import NOTHING, Core
from runners.live.feed import Bars, Feed, Key, Origin, Position
from runners.live.feed_replay import ReplayFeed
from runners.live.figures import Figures
from runners.live.health import Board, Watch
from runners.live.listen import open_server, raise_descriptor_limit
from runners.live.mail import Mailer
from runners.live.mail_render import Renderer, find_contracts
from runners.live.messages import Row
from runners.live.metrics import Metrics
from runners.live.payloads import Writer, late_event, zoned
from runners.live.secrets import authenticator, mail_credentials, pattern_records
from runners.live.server import SPARE_SOCKETS, AlertServer
from runners.live.stopping import Stop, forget_request
from runners.live.store import Store
from runners.live.store_files import can_write
from runners.live.store_types import Batch, Cursor, Event, Message, Stored
from runners.live.systemd import Notifier

FAILED_SECONDS = 3.0
"""How long a failed store is shown at least before it is tried again."""
DRAIN_SECONDS = 9.0
MAIL_DRAIN_SECONDS = 4.0
WATCH_SECONDS = 1.0

_log = logging.getLogger("alertas.live")


@dataclass(frozen=True)
class Options:
    """What the command line adds to the configuration."""

    database: str
    host: str | None = None
    port: int | None = None
    allow_remote: bool = False
    dry_run: bool = False
    exit_at_end: bool = False
    is_again: bool = False
    """Another run in the same process, which has said READY before."""


class StoreRecovered(Exception):
    """The store had failed and can be written again; a new run takes up from the last commit."""


class Daemon:
    """One run from start to stop.

    Parameters
    ----------
    config : Config
    options : Options
    feed : Feed
    environ : mapping
        Secrets, and what systemd says.
    """

    def __init__(
        self, config: Config, options: Options, feed: Feed, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._config = config
        self._options = options
        self._feed = feed
        self._authenticator = authenticator(config.delivery.websocket, environ)
        self._mails = config.delivery.email.enabled and not options.dry_run
        self._credentials = (
            mail_credentials(config.delivery.email, environ) if self._mails else None
        )
        self._environ = environ
        self._metrics = Metrics()
        self._figures = Figures(self._metrics)
        self._notifier = Notifier(environ)
        self._positions: dict[Key, Position] = {}
        self._mailer: Mailer | None = None
        self._mail_task: asyncio.Task[None]
        self._server: AlertServer
        self._board: Board
        self._writer: Writer

    async def run(self) -> Stop:
        """Serve until told to stop; return why it was."""
        stop = Stop()
        retain = self._config.delivery.websocket.retain
        store = Store.open(
            self._options.database, retain_alerts=retain.alerts, retain_days=retain.days
        )
        forget_request(store.path)
        clean = False
        try:
            with stop.on_signals():
                await self._serve(store, stop)
                clean = True
        finally:
            self._close_store(store, stop, clean)
        return stop

    @property
    def port(self) -> int:
        """Port that is listened on."""
        return self._server.port

    async def _serve(self, store: Store, stop: Stop) -> None:
        self._board = self._make_board(store)
        self._server = await self._open_server(store)
        self._board.server = self._server
        self._server.recent_bars = self._recent_bars
        loop = asyncio.get_running_loop()

        def committed(stored: list[Stored]) -> None:
            loop.call_soon_threadsafe(self._publish, stored)

        store.on_committed(committed)
        tasks: list[asyncio.Task[None]] = []
        try:
            await wrap_future(store.commit(Batch(events=self._first_events(store))))
            self._start_mail(store, tasks)
            self._announce(store)
            tasks += [
                asyncio.create_task(work)
                for work in (
                    stop.watch(store.path),
                    self._watch(store),
                    self._notifier.watchdog(lambda: store.trouble(60.0) is None),
                )
            ]
            await self._follow(store, stop)
        finally:
            await self._drain(tasks)

    # Starting

    def _make_board(self, store: Store) -> Board:
        live = self._config.live
        board = Board(store, live.stale_after_bars, live.grace_seconds)
        board.feed, board.version = self._feed, __version__
        board.is_dry_run = self._options.dry_run
        return board

    async def _open_server(self, store: Store) -> AlertServer:
        settings = self._config.delivery.websocket
        raise_descriptor_limit(2 * settings.max_connections + SPARE_SOCKETS + 64)
        for name in self._authenticator.weak:
            _log.warning("token is short enough to be guessed", extra={"client": name})
        return await open_server(
            store,
            StoreAudit(store),
            self._authenticator,
            settings,
            self._metrics,
            self._board.health,
            host=self._options.host,
            port=self._options.port,
            allow_remote=self._options.allow_remote,
        )

    def _first_events(self, store: Store) -> tuple[Event, ...]:
        started = {
            "version": __version__,
            "pid": os.getpid(),
            "python": ".".join(map(str, sys.version_info[:3])),
            "feed": type(self._feed).__name__,
            "port": self._server.port,
            "dry_run": self._options.dry_run,
        }
        source = self._config.source
        config = {"hash": self._config.hash, "source": None if source is None else str(source)}
        return Event("start", "live", started), Event("config", "live", config)

    def _start_mail(self, store: Store, tasks: list[asyncio.Task[None]]) -> None:
        if not self._mails:
            return
        email = self._config.delivery.email
        records = pattern_records(self._config.live.scorecard)
        renderer = Renderer(email, find_contracts(self._config.data.symbols), records)
        self._mailer = Mailer(email, self._credentials, store.outbox, renderer)
        self._board.mailer = self._mailer
        self._mail_task = asyncio.create_task(self._mailer.run())

    def _announce(self, store: Store) -> None:
        ready = {
            "pid": os.getpid(),
            "port": self._server.port,
            "db": store.path,
            "epoch": store.epoch,
            "seq": store.head,
        }
        if not self._options.is_again:
            print(f"READY {json.dumps(ready, separators=(',', ':'))}", flush=True)
        self._notifier.tell("READY=1", f"STATUS=port {self._server.port}")
        _log.info("ready", extra=ready)

    # Running

    async def _follow(self, store: Store, stop: Stop) -> None:
        """Run bars until told to stop, or until something that ends the daemon."""
        following = asyncio.create_task(self._run_feed(store))
        asked = asyncio.create_task(stop.event.wait())
        try:
            await asyncio.wait((following, asked), return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                if isinstance(error := following.exception(), StorageError):
                    await self._outlast(error, store, stop)
                following.result()
                self._board.is_at_end = True
                _log.info("replay ended")
                if not self._options.exit_at_end:
                    await asked
                stop.ask("end")
        finally:
            self._notifier.tell("STOPPING=1")
            _log.info("stopping", extra={"reason": stop.reason or "error"})
            await self._feed.close()
            asked.cancel()
            with suppress(asyncio.CancelledError, StorageError):
                await following

    async def _outlast(self, error: StorageError, store: Store, stop: Stop) -> None:
        """Tell on ``/health`` why the store failed until it can be tried again.

        Never on the handle that failed: a new run opens the file anew.
        """
        _log.error("store failed", extra={"reason": str(error)})
        begun = time.monotonic()
        while not stop.event.is_set():
            await asyncio.sleep(WATCH_SECONDS)
            if time.monotonic() - begun >= FAILED_SECONDS and can_write(store.path):
                _log.warning("store is tried again")
                raise StoreRecovered from error

    async def _run_feed(self, store: Store) -> None:
        origins = await self._feed.open()
        self._make_cores(store, origins)
        self._writer = Writer(
            self._config.delivery.email,
            find_contracts(self._config.data.symbols),
            store.find,
            dry_run=self._options.dry_run,
        )
        async for batch in self._feed.bars(self._positions):
            await self._take(store, batch)

    def _make_cores(self, store: Store, origins: list[Origin]) -> None:
        cursors = store.cursors()
        for key, instrument in origins:
            core = Core(self._config, *key, instrument=instrument, on_error=self._detector_failed)
            self._positions[key] = self._resume(core, cursors.get(key))
            self._board.cores[key] = core

    def _resume(self, core: Core, cursor: Cursor | None) -> Position:
        if cursor is None:
            return Position()
        try:
            core.restore(cursor.snapshot)
        except DataError as error:
            last = datetime.fromisoformat(cursor.bar_time)
            core.warm_up_until(last)
            _log.warning("bars are run again", extra={"reason": str(error)})
            return Position(last)
        return Position(core.last, core.known_since, is_warm=True)

    async def _take(self, store: Store, batch: Bars) -> None:
        """Run bars through their cores and commit what follows, in one transaction."""
        came, seen = time.perf_counter(), time.time()
        messages: list[Message] = []
        events: list[Event] = []
        late: dict[Key, list[datetime]] = {}
        moved: set[Key] = set()
        for key, bar in batch.bars:
            core = self._board.cores[key]
            before = core.last
            if batch.is_history:
                core.warm_up(bar)
            elif (outcome := core.take(bar, batch.now)) is not NOTHING:
                made = self._writer.write(key, outcome, seen)
                messages += made.messages
                events += made.events
                if outcome.late:
                    late.setdefault(key, []).append(bar.time)
                self._figures.count(outcome)
                moved.add(key)
            if core.last != before:
                moved.add(key)
        if not moved:
            return
        events += [late_event(key, times) for key, times in late.items()]
        cursors = tuple(self._cursor(key) for key in moved)
        await wrap_future(store.commit(Batch(cursors, tuple(messages), tuple(events))))
        self._figures.committed(time.perf_counter() - came, bool(messages))

    def _cursor(self, key: Key) -> Cursor:
        core = self._board.cores[key]
        assert core.last is not None
        self._positions[key] = Position(core.last, core.known_since, is_warm=True)
        return Cursor(*key, core.last.isoformat(), core.snapshot())

    def _recent_bars(self, symbol: str, timeframe: str) -> list[Row]:
        core = self._board.cores.get((symbol, timeframe))
        if core is None:
            return []
        return [(zoned(bar.time), *bar[1:5]) for bar in core.recent.values()]

    def _publish(self, stored: list[Stored]) -> None:
        self._server.publish(stored)
        if self._mailer is not None:
            self._mailer.notify()

    def _detector_failed(self, name: str, error: Exception, disabled: bool) -> None:
        self._figures.detector_failed(name, disabled)
        _log.error(
            "detector raised",
            extra={"detector": name, "error": f"{type(error).__name__}: {error}",
                   "disabled": disabled},
        )  # fmt: skip

    async def _watch(self, store: Store) -> None:
        """Once a second: gauges, and the operator's notices."""
        watch = Watch(self._notice)
        while True:
            reasons = self._board.reasons()
            watch.look(reasons)
            self._figures.look(reasons, store, self._mailer)
            await asyncio.sleep(WATCH_SECONDS)

    def _notice(self, title: str, lines: list[str]) -> None:
        _log.warning("notice", extra={"title": title, "lines": lines})
        if self._mailer is not None:
            self._mailer.notice(title, lines)

    # Ending

    async def _drain(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        started = time.monotonic()
        if self._mailer is not None:
            self._mailer.stop(MAIL_DRAIN_SECONDS)
            await asyncio.wait([self._mail_task], timeout=MAIL_DRAIN_SECONDS + 1.0)
            self._mail_task.cancel()
        await self._server.stop(DRAIN_SECONDS - (time.monotonic() - started))

    def _close_store(self, store: Store, stop: Stop, clean: bool) -> None:
        try:
            store.close({"reason": stop.reason or "error"} if clean else {"reason": "error"})
        except AlertlibError as error:
            _log.error("store closed with an error", extra={"reason": str(error)})


def feed_kind(config: Config, option: str | None, bars: str | None) -> str:
    """Return ``mt5`` or ``replay``: the option, else what ``--bars`` implies, else the setting."""
    return option or ("replay" if bars is not None else config.live.feed)


def make_feed(config: Config, kind: str, source: str | None, speed: float) -> Feed:
    """Return the feed to run; a replay's reader is already at work."""
    if kind == "replay":
        assert source is not None
        replay = ReplayFeed(config, source, speed)
        replay.start()
        return replay
    from runners.live.feed_mt5 import Mt5Feed

    return Mt5Feed(config)

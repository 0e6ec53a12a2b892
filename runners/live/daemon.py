"""The daemon: parts put together, started in order, ended in order. Decides nothing itself."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from asyncio import wrap_future
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Any

from alertlib._version import __version__
from alertlib.config import Config
from alertlib.detection.models import Model, load_models
from alertlib.detection.registry import enabled_detectors
from alertlib.errors import AlertlibError, StorageError
from runners.live.alert_store.opening import can_write
from runners.live.alert_store.records import Batch, Event, Stored
from runners.live.alert_store.store import Store
from runners.live.announcing import announce, first_events
from runners.live.channels import Channels, Keys, make_heartbeat, open_channels, read_keys
from runners.live.client_audit import StoreAudit
from runners.live.feed.base import Feed
from runners.live.feed_status import feed_status
from runners.live.gauges import Figures
from runners.live.health import Board
from runners.live.operator_notices import Operator
from runners.live.pipeline import Pipeline
from runners.live.stopping import Stop, forget_left_over, left_over
from runners.live.tasks import keep_running, watch_loop
from runners.live.telemetry.metrics import Metrics
from runners.live.telemetry.systemd import Notifier
from runners.live.websocket.auth import authenticator
from runners.live.websocket.listening import open_server, raise_descriptor_limit
from runners.live.websocket.server import SPARE_SOCKETS, AlertServer
from runners.live.websocket.tls import Certificate, find_certificate

FAILED_SECONDS = 3.0
"""How long a failed store is shown at least before it is tried again."""
DRAIN_SECONDS = 9.0
CHANNEL_DRAIN_SECONDS = 4.0
SPARE_HANDSHAKES = 2_048
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
        self._keys = Keys() if options.dry_run else read_keys(config, environ)
        self._metrics = Metrics()
        self._figures = Figures(self._metrics)
        self._notifier = Notifier(environ)
        self._certificate: Certificate | None = None
        self._channels = Channels()
        self._has_started = False
        self._models: dict[str, Model] = {}
        self._server: AlertServer
        self._board: Board
        self._pipeline: Pipeline

    async def run(self) -> Stop:
        """Serve until told to stop; return why it was."""
        stop = Stop()
        retain = self._config.delivery.websocket.retain
        # Of an earlier daemon; a run that takes up again has been asked itself.
        old = None if self._options.is_again else left_over(self._options.database)
        store = Store.open(
            self._options.database, retain_alerts=retain.alerts, retain_days=retain.days
        )
        forget_left_over(store.path, old)
        reason = "error"
        try:
            with stop.on_signals():
                await self._serve(store, stop)
                reason = stop.reason
        finally:
            _close_store(store, reason if self._has_started else None)
        return stop

    @property
    def port(self) -> int:
        """Port that is listened on."""
        return self._server.port

    async def _serve(self, store: Store, stop: Stop) -> None:
        detectors = enabled_detectors(self._config.detection)
        self._figures.started(time.time(), detectors)
        self._models, missing = load_models(detectors, self._config.live.models)
        for name, why in missing.items():
            _log.error("detector is off", extra={"detector": name, "reason": why})
        self._pipeline = Pipeline(
            self._config, store, self._figures, dry_run=self._options.dry_run, models=self._models
        )
        self._board = self._make_board(store)
        watch_loop(self._board.task_errors)
        self._server = await self._open_server(store)
        self._board.server, self._board.certificate = self._server, self._certificate
        self._server.recent_bars = self._pipeline.recent_bars
        self._server.stream_facts = self._pipeline.stream_facts
        loop = asyncio.get_running_loop()

        def committed(stored: list[Stored]) -> None:
            loop.call_soon_threadsafe(self._publish, stored)

        store.on_committed(committed)
        tasks: list[asyncio.Task[None]] = []
        self._deadline = inf
        try:
            store.set_legal_hold(self._config.audit.legal_hold)
            await wrap_future(store.commit(Batch(events=await self._first_events())))
            self._has_started = True
            self._start_channels(store)
            tasks += self._start_heartbeat()
            announce(store, self.port, has_said=self._options.is_again)
            self._notifier.tell("READY=1", f"STATUS=port {self.port}")
            if self._certificate is not None:
                tasks.append(self._keep("certificate", self._certificate.watch))
            tasks += [
                self._keep("stop", lambda: stop.watch(store.path)),
                self._keep("watch", lambda: self._watch(store)),
                self._keep("watchdog", self._notifier.watchdog),
            ]
            await self._follow(store, stop)
        finally:
            await self._drain(tasks)

    # Starting

    def _make_board(self, store: Store) -> Board:
        live = self._config.live
        board = Board(store, live.stale_after_bars, live.grace_seconds)
        board.feed, board.version = self._feed, __version__
        board.cores, board.positions = self._pipeline.cores, self._pipeline.positions
        board.is_dry_run = self._options.dry_run
        return board

    async def _open_server(self, store: Store) -> AlertServer:
        settings = self._config.delivery.websocket
        self._certificate = find_certificate(settings)
        # A TLS handshake that is not made yet is no connection that could be sent away.
        handshakes = 0 if self._certificate is None else SPARE_HANDSHAKES
        raise_descriptor_limit(2 * settings.max_connections + SPARE_SOCKETS + handshakes + 64)
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
            tls=None if self._certificate is None else self._certificate.context,
            allow_remote=self._options.allow_remote,
            language=self._config.delivery.email.language,
        )

    async def _first_events(self) -> tuple[Event, ...]:
        known = {"feed": type(self._feed).__name__, **await self._feed.source()}
        known |= {"port": self.port, "dry_run": self._options.dry_run}
        return first_events(self._config, self._models.values(), known)

    def _start_channels(self, store: Store) -> None:
        self._channels = open_channels(self._config, self._keys, store)
        self._board.couriers = self._channels.couriers
        for courier in self._channels.couriers:
            self._figures.expect_channel(courier.name)
        self._channels.start(self._keep)

    def _start_heartbeat(self) -> list[asyncio.Task[None]]:
        # A trial run beside the real one would hide that the real one is dead.
        url = None if self._options.dry_run else self._config.live.heartbeat_url
        if (heartbeat := make_heartbeat(url)) is None:
            return []
        self._pipeline.on_bar, self._board.heartbeat = heartbeat.beat, heartbeat
        return [self._keep("heartbeat", heartbeat.run)]

    def _keep(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        return asyncio.create_task(keep_running(name, work, self._board.task_errors))

    # Running

    async def _follow(self, store: Store, stop: Stop) -> None:
        """Run bars until told to stop, or until something that ends the daemon."""
        following = asyncio.create_task(self._pipeline.run(self._feed))
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
            self._deadline = time.monotonic() + DRAIN_SECONDS
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

    def _publish(self, stored: list[Stored]) -> None:
        self._server.publish(stored)
        self._channels.notify()

    async def _watch(self, store: Store) -> None:
        """Once a second: gauges, the operator's notices, and what clients are told of the feed."""
        operator = Operator(store, self._channels.mailer, self._config.delivery.email)
        while True:
            reasons = self._board.reasons()
            try:
                operator.look(reasons)
                self._figures.look(reasons, store, self._board)
                self._server.tell_status(feed_status(self._board))
            except StorageError as error:
                _log.error("store cannot be read", extra={"reason": str(error)})
            await asyncio.sleep(WATCH_SECONDS)

    # Ending

    async def _drain(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        left = min(self._deadline - time.monotonic(), DRAIN_SECONDS)
        left -= await self._channels.drain(max(0.0, min(CHANNEL_DRAIN_SECONDS, left / 2.0)))
        await self._server.stop(max(1.0, left))


def _close_store(store: Store, reason: str | None) -> None:
    try:
        if reason is None:
            store.withdraw()
        else:
            store.close({"reason": reason})
    except AlertlibError as error:
        _log.error("store closed with an error", extra={"reason": str(error)})

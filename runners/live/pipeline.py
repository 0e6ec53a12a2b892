"""From the feed's bars to a durable transaction: cores, cursors, messages, events."""

from __future__ import annotations

import logging
import time
from asyncio import wrap_future
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from alertlib.config import Config
from alertlib.detection.intake import NOTHING, Core
from alertlib.detection.models import Model
from alertlib.detection.stream_facts import stream_facts
from alertlib.errors import DataError
from alertlib.market.clock import utc_stamp, with_offset
from alertlib.texts.contracts import find_contracts
from runners.live.alert_store.records import Batch, Cursor
from runners.live.alert_store.store import Store
from runners.live.delivery.routes import routes
from runners.live.feed.base import Bars, Feed, Key, Origin, Position
from runners.live.gauges import Figures
from runners.live.payloads import Made, Writer, late_event
from runners.live.websocket.protocol import Row

_log = logging.getLogger("alertas.live")


class Pipeline:
    """Runs every bar of a feed through the core of its stream.

    Parameters
    ----------
    config : Config
    store : Store
    figures : Figures
    dry_run : bool
    models : mapping of str to Model, optional
        Learned parameters of the detectors that are fitted.

    Attributes
    ----------
    cores : dict of Key to Core
    positions : dict of Key to Position
        Where each stream stands on disk: what is being committed does not count yet.
    on_bar : callable, optional
        Called when closed bars are on disk; not for history, revisions and refused bars.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        figures: Figures,
        *,
        dry_run: bool = False,
        models: Mapping[str, Model] | None = None,
    ) -> None:
        self.cores: dict[Key, Core] = {}
        self.on_bar: Callable[[], None] | None = None
        self._config = config
        self._store = store
        self._figures = figures
        self._models = models
        self.positions: dict[Key, Position] = {}
        self._writer = Writer(
            config.delivery.email.language,
            routes(config.delivery),
            find_contracts(config.data.symbols),
            store.find,
            dry_run=dry_run,
        )
        self._origins: dict[Key, Origin] = {}

    async def run(self, feed: Feed) -> None:
        """Take what the feed gives until it has no more. Each batch is durable before the next."""
        self._make_cores(await feed.open())
        async for batch in feed.bars(self.positions):
            await self._take(batch)

    def recent_bars(self, symbol: str, timeframe: str) -> list[Row]:
        """Return the newest bars for a chart; none of a stream that is not followed."""
        core = self.cores.get((symbol, timeframe))
        if core is None:
            return []
        return [(with_offset(bar.time), *bar[1:5]) for bar in core.recent.values()]

    def stream_facts(self, symbol: str, timeframe: str) -> dict[str, Any]:
        """Return what a chart needs beside the bars, and the server's time; see `recent_bars`."""
        key = symbol, timeframe
        core = self.cores.get(key)
        now = {"now": utc_stamp(time.time())}
        if core is None:
            return now
        return now | stream_facts(core, self._config.trade, self._origins[key].marks)

    def _make_cores(self, origins: list[Origin]) -> None:
        cursors = self._store.cursors()
        for origin in origins:
            key = origin.key
            core = Core(
                self._config, *key, instrument=origin.instrument, models=self._models,
                on_error=self._detector_failed,
            )  # fmt: skip
            self._origins[key] = origin
            self.positions[key] = _resume(core, cursors.get(_cursor_key(origin)))
            self.cores[key] = core

    async def _take(self, batch: Bars) -> None:
        """Run bars through their cores and commit what follows, in one transaction."""
        came = time.perf_counter()
        made, touched, has_new = self._run(batch)
        if not touched:
            return
        # While bars are run again, the cursor stays where the earlier run was: a kill half-way
        # would have the next start take the rest of them for new.
        standing = {key for key in touched if self._is_standing(key)}
        moved = touched - standing
        cursors = tuple(self._cursor(key) for key in moved)
        if cursors or made.messages or made.events:
            whole = Batch(cursors, tuple(made.messages), tuple(made.events))
            await wrap_future(self._store.commit(whole))
        self.positions |= {key: _position(self.cores[key]) for key in moved}
        if batch.is_all:
            self.positions |= {key: self._as_warm_as_it_gets(key) for key in standing}
        self._figures.committed(time.perf_counter() - came, bool(made.messages))
        if self.on_bar is not None and has_new and not batch.is_history:
            self.on_bar()

    def _run(self, batch: Bars) -> tuple[Made, set[Key], bool]:
        """Return what bars led to, the streams that they changed, and whether any was new."""
        seen, found = time.time(), Made([], [])
        late: dict[Key, list[datetime]] = {}
        touched: set[Key] = set()
        has_new = False
        for key, bar in batch.bars:
            core = self.cores[key]
            before = core.last
            outcome = (core.warm_up if batch.is_history else core.take)(bar, batch.now)
            if outcome is not NOTHING:
                made = self._writer.write(self._origins[key], outcome, seen)
                found.messages.extend(made.messages)
                found.events.extend(made.events)
                if outcome.late:
                    late.setdefault(key, []).append(bar.time)
                self._figures.count(outcome)
            if outcome is not NOTHING or core.last != before:
                touched.add(key)
            has_new |= core.last != before and outcome.refused is None
        found.events.extend(late_event(key, times) for key, times in late.items())
        return found, touched, has_new

    def _is_standing(self, key: Key) -> bool:
        core = self.cores[key]
        return core.is_catching_up or core.last is None

    def _as_warm_as_it_gets(self, key: Key) -> Position:
        """Return the position where the history at hand ends before the earlier run did."""
        return Position(self.positions[key].last, self.cores[key].known_since, is_warm=True)

    def _cursor(self, key: Key) -> Cursor:
        core = self.cores[key]
        assert core.last is not None
        return Cursor(*_cursor_key(self._origins[key]), core.last.isoformat(), core.snapshot())

    def _detector_failed(self, name: str, error: Exception, disabled: bool) -> None:
        self._figures.detector_failed(name, disabled)
        reason = f"{type(error).__name__}: {error}"
        _log.error(
            "detector raised", extra={"detector": name, "error": reason, "disabled": disabled}
        )


def _cursor_key(origin: Origin) -> Key:
    """Return the name of a stream's cursor; of a replay one of its own for the same bars only."""
    symbol, timeframe = origin.key
    return (f"replay:{origin.replay}:{symbol}" if origin.replay else symbol), timeframe


def _resume(core: Core, cursor: Cursor | None) -> Position:
    if cursor is None:
        return Position()
    try:
        core.restore(cursor.snapshot)
    except DataError as error:
        last = datetime.fromisoformat(cursor.bar_time)
        core.warm_up_until(last)
        _log.warning("bars are run again", extra={"reason": str(error)})
        return Position(last)
    return _position(core)


def _position(core: Core) -> Position:
    return Position(core.last, core.known_since, is_warm=True)

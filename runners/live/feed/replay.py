"""A file of bars, played back at any speed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from alertlib import errors
from alertlib.config import Config
from alertlib.detection.bar import Bar
from alertlib.errors import ConfigError, DataError, StorageError
from alertlib.market.instruments import Instrument, find_instrument
from alertlib.market.sessions import FixedHours
from alertlib.market.ticks import Grid
from runners._extras import hint_for_bars
from runners.live.feed.base import Bars, Key, Origin, Position, configured_streams
from runners.live.feed.replay_wire import read_head, read_rows

CHUNK = 64
"""Bars in one transaction where nothing is waited for."""
MANIFEST = "manifest.json"
"""At the root of a bar store. (The store's own module for it takes a megabyte and a half.)"""
_HASH_SHOWN = 16


class ReplayFeed:
    """Bars of a file or a store in order of their close.

    Parameters
    ----------
    config : Config
    source : path
    speed : float
        Multiple of bar time: each bar lasts its timeframe / speed, time between sessions is
        skipped. 0 waits for nothing.
    """

    pid: int | None = None

    def __init__(self, config: Config, source: str, speed: float) -> None:
        if not Path(source).exists():
            raise DataError(
                f"{source}: no such file; expected a bar file or the directory of a bar store "
                "to replay; give another with --bars"
            )
        if not (Path(source).is_file() or Path(source).is_dir()):
            raise DataError(
                f"{source}: a pipe or a device, expected a bar file or the directory of a bar "
                "store, read more than once; write the bars to a file"
            )
        self._config = config
        self._source = source
        self._speed = speed
        self._file: BinaryIO = _temporary_file()
        self._process: subprocess.Popen[bytes] | None = None
        self._origins: list[Origin] = []
        self._closed = asyncio.Event()

    def start(self) -> None:
        """Have the reader begin, long before :meth:`open` needs what it reads."""
        if self._process is not None:
            return
        if (hint := hint_for_bars()) is not None:
            raise ConfigError(f"--feed replay: {hint}")
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "runners.live.feed.replay_reader"],
                stdin=subprocess.PIPE,
                stdout=self._file,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                env={**os.environ, "PYTHONPATH": path},
            )
        except OSError as error:
            raise DataError(
                f"{self._source}: its reader cannot be started ({error.strerror or error}); "
                "expected room for one more process; end others, then start again"
            ) from error
        assert self._process.stdin is not None
        with suppress(OSError), self._process.stdin as stdin:
            stdin.write(json.dumps(self._request()).encode())

    async def open(self) -> list[Origin]:
        """Wait for the reader, and return what it found."""
        self.start()
        assert self._process is not None
        process = self._process
        while process.poll() is None and not self._closed.is_set():
            await asyncio.sleep(0.01)
        if self._closed.is_set():
            return []
        self._file.seek(0)
        head = read_head(self._file)
        if head is None or process.returncode:
            raise DataError(
                f"{self._source}: its reader ended with status {process.returncode}; expected a "
                "bar file or the directory of a bar store; look at it with runners.doctor"
            )
        if "error" in head:
            raise getattr(errors, head["error"], DataError)(head["message"])
        self._origins = [self._origin(facts) for facts in head["series"]]
        return self._origins

    async def source(self) -> dict[str, object]:
        """Return the file and the SHA-256 of its bytes; of a store those of its manifest, which
        has a hash of every part."""
        path = Path(self._source)
        whole = path / MANIFEST if path.is_dir() else path
        digest = _hash_of(whole) if whole.exists() else None  # before anybody is served
        return {"file": str(path.resolve()), "sha256": digest}

    def trouble(self, key: Key) -> str | None:
        """Return None: what keeps a replay from going on ends it."""
        return None

    def is_loading(self, key: Key) -> bool:
        """Return False: a replay misses nothing."""
        return False

    async def bars(self, positions: Mapping[Key, Position]) -> AsyncIterator[Bars]:
        """Yield the bars at their times; those dealt with before are not waited for."""
        if self._closed.is_set():
            return
        loop = asyncio.get_running_loop()
        due = loop.time()
        pending: list[tuple[Key, Bar]] = []
        previous: datetime | None = None
        for key, bar, length in self._rows():
            position = positions.get(key, Position())
            is_old = position.last is not None and bar.time <= position.last
            if is_old and position.is_warm:
                continue
            end = bar.time + length
            if self._speed and not is_old:
                step = length if previous is None else min(end - previous, length)
                due += max(step.total_seconds(), 0.0) / self._speed
                previous = end
            if pending and (len(pending) >= CHUNK or due > loop.time()):
                yield Bars(pending)
                pending = []
            if due > loop.time() and await self._is_closed_within(due - loop.time()):
                return
            if self._closed.is_set():
                return
            pending.append((key, bar))
        if pending:
            yield Bars(pending)

    def now(self) -> datetime | None:
        """Return None: a replay has no time of its own."""
        return None

    async def close(self) -> None:
        """End the reader and any waiting."""
        self._closed.set()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._file.close()

    async def _is_closed_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        return self._closed.is_set()

    def _rows(self) -> Iterator[tuple[Key, Bar, timedelta]]:
        lengths = [
            timedelta(minutes=find_instrument(*origin.key).minutes) for origin in self._origins
        ]
        for number, bar in read_rows(self._file):
            yield self._origins[number].key, bar, lengths[number]

    def _request(self) -> dict[str, Any]:
        data = self._config.data
        streams = configured_streams(self._config)
        return {
            "source": self._source,
            "data": {**asdict(data), "symbols": [asdict(spec) for spec in data.symbols]},
            "streams": streams,
            "symbol": None,
        }

    def _origin(self, facts: dict[str, Any]) -> Origin:
        symbol, timeframe = facts["symbol"], facts["timeframe"]
        instrument: Instrument = find_instrument(symbol, timeframe, self._config.data.symbols)
        hours = facts["hours"]
        numerator, denominator, per_tick, on_tick = facts["grid"]
        instrument = replace(
            instrument,
            grid=Grid(numerator, denominator, per_tick, on_tick),
            sessions=FixedHours(*hours) if hours else instrument.sessions,
        )
        marks = ("replay", "synthetic") if facts["synthetic"] else ("replay",)
        return Origin((symbol, timeframe), instrument, marks, facts["sha256"][:_HASH_SHOWN])


def _temporary_file() -> BinaryIO:
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise StorageError(
            f"{tempfile.gettempdir()}: a replay needs a temporary file there ({error}); expected "
            "a folder with room; free space, or name another in TMPDIR"
        ) from error


def _hash_of(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror or error}); expected bars to replay; give "
            "others with --bars"
        ) from error

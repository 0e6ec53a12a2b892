"""What the daemon asks of a feed, and what it gets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from alertlib.config import Config
from alertlib.detection.bar import Bar
from alertlib.market.instruments import Instrument

Key = tuple[str, str]
"""Symbol and timeframe."""


class Origin(NamedTuple):
    """One stream as the feed knows it.

    Attributes
    ----------
    key : Key
    instrument : Instrument or None
        Only where it was read off the bars.
    marks : tuple of str
        What every alert of it is marked with: ``replay``, ``synthetic``.
    replay : str
        Hash of the bars that are replayed: they have a cursor, and alerts, of their own. Empty
        for a live stream.
    """

    key: Key
    instrument: Instrument | None = None
    marks: tuple[str, ...] = ()
    replay: str = ""


class Position(NamedTuple):
    """Where a stream stands.

    Attributes
    ----------
    last : datetime or None
        Open of the last bar that was dealt with; None if there was none yet.
    since : datetime or None
        Open of a bar shortly before, to read on from.
    is_warm : bool
        Whether the detectors know the bars up to ``last``; otherwise history has to come first.
    """

    last: datetime | None = None
    since: datetime | None = None
    is_warm: bool = False


class Bars(NamedTuple):
    """Closed bars in order of their close.

    Attributes
    ----------
    bars : list of (Key, Bar)
    now : datetime or None
        Exchange wall clock when they were seen; None in a replay, where nothing is late.
    is_history : bool
        They only warm the detectors up.
    is_all : bool
        There is no more history than this: the detectors are as warm as they get.
    """

    bars: list[tuple[Key, Bar]]
    now: datetime | None = None
    is_history: bool = False
    is_all: bool = False


class Feed(Protocol):
    """A source of closed bars."""

    async def open(self) -> list[Origin]:
        """Return the streams there are. Raises what keeps the feed from starting."""

    def bars(self, positions: Mapping[Key, Position]) -> AsyncIterator[Bars]:
        """Yield what comes; ends only if there is no more. ``positions`` is kept up to date."""

    def now(self) -> datetime | None:
        """Return the exchange's wall clock; None in a replay."""

    async def source(self) -> dict[str, object]:
        """Return what the bars are read from, for the audit log."""

    def trouble(self, key: Key) -> str | None:
        """Return why bars of a stream are not coming; None if all is well."""

    def is_loading(self, key: Key) -> bool:
        """Whether what a stream missed so far is still on its way."""

    @property
    def pid(self) -> int | None:
        """Process that does the feed's work, if there is one."""

    async def close(self) -> None:
        """End what is going on, an iteration included."""


def configured_streams(config: Config) -> list[Key]:
    """Return every symbol and timeframe to follow: ``data.symbols``, else the default one."""
    listed = [(spec.symbol, t) for spec in config.data.symbols for t in spec.timeframes]
    return list(dict.fromkeys(listed)) or [(config.data.symbol, config.data.timeframe)]

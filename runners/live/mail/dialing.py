"""A TCP connection to the first address of a host that answers.

References
----------
RFC 8305 (Happy Eyeballs): both families in turn, a quarter of a second apart, so that a dead
address costs that and not the whole attempt.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from itertools import zip_longest
from typing import Any, NamedTuple

STAGGER_SECONDS = 0.25


class Place(NamedTuple):
    """One address of a host."""

    family: int
    sockaddr: tuple[Any, ...]

    def __str__(self) -> str:
        address, port = self.sockaddr[:2]
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Dialer:
    """Connects to a host, and remembers which of its addresses were of no use.

    Attributes
    ----------
    tried : tuple of Place
        What the last :meth:`connect` began to connect to, in order.
    """

    def __init__(self, host: str, port: int) -> None:
        self.tried: tuple[Place, ...] = ()
        self._host = host
        self._port = port
        self._blamed: dict[Place, int] = {}

    def blame(self, place: Place) -> None:
        """Have an address tried last from now on: it takes connections and then says nothing."""
        self._blamed[place] = max(self._blamed.values(), default=0) + 1

    async def connect(self) -> tuple[socket.socket, Place]:
        """Return a connected, non-blocking socket, which is the caller's to close.

        Raises
        ------
        OSError
            There is no such host, or none of its addresses answers; each is named.
        """
        self.tried = ()
        waiting = self._in_order(await self._addresses())
        tasks: dict[asyncio.Task[socket.socket], Place] = {}
        failures: list[str] = []
        won: socket.socket | None = None
        try:
            while waiting or not all(task.done() for task in tasks):
                if waiting:
                    place = waiting.pop(0)
                    self.tried = (*self.tried, place)
                    tasks[asyncio.create_task(_connected(place))] = place
                done, _ = await asyncio.wait(
                    [task for task in tasks if not task.done()],
                    timeout=STAGGER_SECONDS if waiting else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for task in done:
                    if (error := task.exception()) is None:
                        won = task.result()
                        return won, tasks[task]
                    failures.append(f"{tasks[task]} {_said(error)}")
        finally:
            _abandon(tasks, won)
        raise OSError("; ".join(failures) or f"{self._host} has no address")

    async def _addresses(self) -> list[Place]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise OSError(f"{self._host}: {_said(error)}") from None
        return list(dict.fromkeys(Place(family, sockaddr) for family, *_, sockaddr in found))

    def _in_order(self, places: list[Place]) -> list[Place]:
        """Families in turn, the one the system prefers first; what was blamed last comes last."""
        first = [place for place in places if place.family == places[0].family]
        other = [place for place in places if place.family != places[0].family]
        mixed = [place for pair in zip_longest(first, other) for place in pair if place]
        return sorted(mixed, key=lambda place: self._blamed.get(place, 0))


async def _connected(place: Place) -> socket.socket:
    connection = socket.socket(place.family, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, place.sockaddr)
    except BaseException:
        connection.close()
        raise
    return connection


def _abandon(tasks: dict[asyncio.Task[socket.socket], Place], won: socket.socket | None) -> None:
    """Close every connection but the one that won, whether it stands already or not."""

    def close(task: asyncio.Task[socket.socket]) -> None:
        with suppress(OSError, asyncio.CancelledError):
            if task.result() is not won:
                task.result().close()

    for task in tasks:
        task.cancel()
        task.add_done_callback(close)


def _said(error: BaseException) -> str:
    text = str(getattr(error, "strerror", None) or error or type(error).__name__)
    if text.startswith("Connect call failed") and isinstance(error, OSError):
        # asyncio's words for it repeat the address and leave out why.
        return os.strerror(error.errno or 0).lower()
    return text

"""Tell systemd how the service is doing: a datagram, where it asks for one."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping


class Notifier:
    """Speaks to the socket in ``$NOTIFY_SOCKET``; without one, and on Windows, to nobody.

    References
    ----------
    sd_notify(3), sd_watchdog_enabled(3).
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the NUL of an abstract address.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        for_us = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        microseconds = environ.get("WATCHDOG_USEC", "")
        self.period = int(microseconds) / 2e6 if for_us and microseconds.isdigit() else None

    def tell(self, *lines: str) -> None:
        """Send assignments such as ``READY=1``."""
        family = getattr(socket, "AF_UNIX", None)
        if not self._address or family is None:
            return
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            try:
                sock.setblocking(False)
                sock.sendto("\n".join(lines).encode(), self._address)
            except OSError:
                return  # a supervisor that does not listen is no reason to stop

    async def watchdog(self) -> None:
        """Show twice per period that the loop turns, and nothing else.

        What a restart does not mend, such as a full disk, must not lead to one: the daemon that
        is killed is the one that would have taken up again. Such things are for ``/health``.
        """
        while self.period:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self.period)

"""A call after every closed bar, for a dead man's switch that misses it when bars stop."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from urllib.parse import urlsplit

from runners.live.delivery.channel import Result, Verdict
from runners.live.delivery.http import Answer, Http, failed, trusted

TIMEOUT_SECONDS = 5.0
NEXT_ADDRESS_SECONDS = 0.25
LASTING = 2
"""One call that fails is a blip, so many in a row are a reason on ``/health``."""

_log = logging.getLogger("alertas.heartbeat")


class Heartbeat:
    """Calls an address, and never keeps anybody waiting.

    Beats that come while a call is under way are one: it is the last bar that counts.

    Parameters
    ----------
    url : str
        Who knows it can keep the switch quiet, so it is in no log.

    Attributes
    ----------
    failures : int
        Calls that were not accepted, since the start.
    accepted_at : float
        When the last one was, Unix seconds; 0 before the first.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = Http(TIMEOUT_SECONDS)
        self._due = asyncio.Event()
        self._failure = ""
        self._failed_in_a_row = 0
        self.failures = 0
        self.accepted_at = 0.0

    @property
    def reason(self) -> str:
        """Why nobody hears the beats, one line for ``/health``; empty while somebody does."""
        if self._failed_in_a_row < LASTING:
            return ""
        return f"{self._failure}; {self._failed_in_a_row} calls in a row were not accepted"

    def beat(self) -> None:
        """Say that a bar is closed and on disk."""
        self._due.set()

    async def run(self) -> None:
        """Call until cancelled."""
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                await self._call()
        finally:
            await self.close()

    async def look(self) -> Result:
        """Look whether somebody is there, without a call: that would count as a beat."""
        url = urlsplit(self._url)
        tls = trusted() if url.scheme == "https" else None
        port = url.port or (80 if tls is None else 443)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                # A dead IPv6 address is not waited for.
                _, writer = await asyncio.open_connection(
                    url.hostname, port, ssl=tls, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS
                )
        except TimeoutError:
            return Result(Verdict.lost, "connect", f"no reply within {TIMEOUT_SECONDS:g} s")
        except (OSError, ValueError) as error:  # the last, of a name that no resolver takes
            return failed("connect", error)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return Result(Verdict.answered, "look", "connected, not called")

    async def close(self) -> None:
        """Let go of every connection."""
        await self._http.close()

    async def _call(self) -> None:
        answer = await self._http.ask("GET", self._url)
        is_taken = isinstance(answer, Answer) and 200 <= answer.status < 300
        failure = "" if is_taken else str(answer if isinstance(answer, Answer) else answer.reason)
        # Once, not after every bar: the switch itself says the rest.
        if failure and not self._failure:
            _log.warning("heartbeat failed", extra={"reason": failure})
        elif self._failure and not failure:
            _log.warning("heartbeat works again")
        self._failure = failure
        if failure:
            self.failures += 1
            self._failed_in_a_row += 1
        else:
            self._failed_in_a_row, self.accepted_at = 0, time.time()

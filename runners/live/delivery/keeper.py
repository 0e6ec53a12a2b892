"""Watches over a channel: what it is known to be, and when to look at the server again."""

from __future__ import annotations

import logging
import time
from math import ceil
from typing import Any

from runners.live.delivery.channel import BRIEF, Channel, Result, Verdict, after_result
from runners.live.delivery.transport import Transport

LOOK_SECONDS = 30.0

log = logging.getLogger("alertas.delivery")


class Keeper:
    """The channel's health, kept up to date by letters and, when there are none, by looks.

    A look keeps a connection open for the next alert, and finds out that a password or a
    certificate no longer holds before an alert does.

    Attributes
    ----------
    channel : Channel
    """

    def __init__(self, name: str, transport: Transport[Any]) -> None:
        self._name = name
        self.channel = Channel()
        self._broken_by = ""
        self._transport = transport
        self._look_at = 0.0
        self._is_looking = False

    def reason(self, *, is_trying: bool) -> str:
        """Return why letters do not leave; empty while they do. A long pause is said, too.

        That a server answers mends nothing yet for the letter that is tried then (``is_trying``).
        """
        channel = self.channel
        if channel.step and not channel.is_open and is_trying:
            return self._broken_by
        if channel.retry_at is None or channel.pause is BRIEF:
            return channel.reason
        minutes = max(1, ceil((channel.retry_at - time.monotonic()) / 60.0))
        return f"{channel.reason}; tried again within {minutes} min"

    def judge(self, result: Result) -> None:
        """Let an attempt count for the channel, and log when it breaks or mends."""
        before, self.channel = self.channel, after_result(self.channel, result, time.monotonic())
        if self.channel.is_open:
            self._broken_by = self.channel.reason
        if self.channel.is_open and not before.step:
            log.error(
                "channel broken", extra={"channel": self._name, "reason": self.channel.reason}
            )
        elif before.step and not self.channel.step:
            log.warning("channel works again", extra={"channel": self._name})

    def begin_look(self) -> bool:
        """Whether :meth:`look` has to be called now; if so, it must be."""
        now = time.monotonic()
        if self.seconds_to_look() > 0.0:
            return False
        self._look_at = now + LOOK_SECONDS
        self._is_looking = self.channel.is_open or not self._transport.is_in_use
        return self._is_looking

    async def look(self) -> None:
        """Look at the server, whatever the letters do."""
        try:
            result = await self._transport.look()
            if result.verdict is Verdict.lost:
                # No letter was involved, so it is the channel that fails.
                result = result._replace(verdict=Verdict.channel)
            elif result.verdict is Verdict.deferred:
                # Only a letter can tell.
                result = result._replace(verdict=Verdict.answered)
            self.judge(result)
        finally:
            self._is_looking = False

    def seconds_to_look(self) -> float:
        """Return how long until the next look; as long as there is one it does not count."""
        if self._is_looking:
            return LOOK_SECONDS
        due = self.channel.retry_at if self.channel.retry_at is not None else self._look_at
        return due - time.monotonic()

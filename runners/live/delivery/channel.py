"""Health of a channel as a whole: a circuit breaker, without a clock of its own."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from alertlib._backoff import capped_wait

LOST_LIMIT = 3
"""One lost conversation is a blip, this many in a row are a broken channel."""


STATUS = re.compile(r"^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b")
"""A mail server's reply with its enhanced status code."""


class Pause(NamedTuple):
    """How long a broken channel is left alone, in seconds: twice as long each time."""

    first: float
    cap: float


BRIEF = Pause(1.0, 15.0)
"""The server is away, or busy."""
QUOTA = Pause(60.0, 900.0)
"""It takes no more from us for now; who asks again at once is locked out for longer."""
LOGIN = Pause(900.0, 900.0)
"""It refused the login: a few wrong ones in a row lock the account."""


class Verdict(Enum):
    """How an attempt ended.

    ``delivered`` is the server's yes to the message, ``refused`` and ``deferred`` are its
    permanent and its temporary no. ``lost``: no reply (refused connection, timeout, reset,
    noise). ``channel``: greeting, TLS or login, so that nobody's letter can leave. ``answered``:
    no letter was sent, the server was looked at and is well.
    """

    delivered = "delivered"
    refused = "refused"
    deferred = "deferred"
    lost = "lost"
    channel = "channel"
    answered = "answered"


class Result(NamedTuple):
    """One attempt: ``stage`` is the last command, ``reason`` one printable line.

    ``pause`` is for how long nothing else may leave, if the verdict is that nothing can.
    """

    verdict: Verdict
    stage: str
    reason: str
    code: int | None = None
    pause: Pause = BRIEF

    @property
    def is_unknown(self) -> bool:
        """Whether the server may have taken the message although no reply says so."""
        return self.verdict is Verdict.lost and self.stage in ("data", "reply")

    @property
    def is_recipients(self) -> bool:
        """Whether a refusal is about this recipient or message, and says nothing of the next.

        MAIL names nobody but us, and a server that has no room now takes nobody's message.
        """
        if self.verdict is Verdict.refused:
            return self.stage != "mail"
        return self.verdict is Verdict.deferred and self.stage == "rcpt"


class Channel(NamedTuple):
    """Health of one channel.

    Attributes
    ----------
    reason : str
        Why the last attempt failed; empty while all is well. What a server has against a
        recipient or a message is not the channel's.
    lost : int
        Conversations lost in a row.
    step : int
        Times in a row the channel was found broken; decides the next delay.
    retry_at : float or None
        When to look again, on a clock that never jumps; None while letters may leave.
    pause : Pause
        What it is left alone for; ``step`` counts within it.
    """

    reason: str = ""
    lost: int = 0
    step: int = 0
    retry_at: float | None = None
    pause: Pause = BRIEF

    @property
    def is_open(self) -> bool:
        """Whether the breaker is open: nothing may leave."""
        return self.retry_at is not None


def after_result(channel: Channel, result: Result, now: float) -> Channel:
    """Return the channel's health after an attempt or a look at the server.

    A channel that was broken and answers again lets one letter go first (:func:`allowance`).
    Until that one gets a reply the step is kept: a server that greets well and then hangs is
    not hammered.

    Parameters
    ----------
    now : float
        Seconds of a monotonic clock.
    """
    if result.verdict is Verdict.answered:
        if not channel.is_open:
            # That it answers says nothing of letters it lost or refused.
            return channel
        return channel._replace(retry_at=None, reason="", lost=LOST_LIMIT - 1)
    if result.verdict is Verdict.channel:
        return _opened(channel, result, now)
    if result.verdict is Verdict.lost:
        channel = channel._replace(lost=channel.lost + 1, reason=_told(result))
        return _opened(channel, result, now) if channel.lost >= LOST_LIMIT else channel
    if result.verdict is Verdict.delivered or result.is_recipients:
        return Channel()
    return Channel(_told(result))


def allowance(channel: Channel, max_concurrent: int) -> int:
    """Return how many letters may be under way at once."""
    if channel.is_open:
        return 0
    return 1 if channel.step else max_concurrent


def _opened(channel: Channel, result: Result, now: float) -> Channel:
    pause, reason = result.pause, _told(result)
    step = channel.step if pause is channel.pause else 0
    retry_at = now + capped_wait(step, first=pause.first, factor=2.0, cap=pause.cap)
    is_waiting = channel.retry_at is not None and now < channel.retry_at
    if is_waiting and (pause is channel.pause or retry_at <= (channel.retry_at or 0.0)):
        # A letter that was under way when the breaker opened: no news about the next look,
        # unless it learned that the pause has to be longer.
        return channel._replace(reason=reason)
    return Channel(reason, channel.lost, step + 1, retry_at, pause)


def _told(result: Result) -> str:
    return f"{result.stage}: {result.reason}"


def cause(stage: str, code: int | None, reply: str) -> str:
    """Return stage, code and status of a refusal: what may be shown to anybody who looks."""
    found = STATUS.match(reply)
    return " ".join(filter(None, (stage, str(code or ""), found[1] if found else "")))


def printable(text: str, limit: int = 200) -> str:
    """Return a server's words as one line that any log, terminal or JSON can hold."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(shown.split())[:limit]

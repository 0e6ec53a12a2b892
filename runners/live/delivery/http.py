"""HTTP requests within limits: what came back, or how it failed, and never an address in a log.

References
----------
RFC 9110, section 10.2.3, of ``Retry-After``.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from alertlib._version import __version__
from runners.live.delivery.channel import BRIEF, Pause, Result, Verdict, printable
from runners.live.delivery.lean_httpx import httpx

MAX_ANSWER = 16_384
"""Bytes of an answer that are read: a server may go on for ever."""
LONGEST_PAUSE = 900.0

# It logs every address, and in some of them stands a secret.
logging.getLogger("httpx").setLevel(logging.WARNING)


class Answer(NamedTuple):
    """What a server said; ``retry_after`` in seconds, None if it did not say."""

    status: int
    phrase: str
    body: bytes = b""
    retry_after: float | None = None

    def __str__(self) -> str:
        return printable(f"HTTP {self.status} {self.phrase}")


class Http:
    """A client of one server that keeps its connections.

    Follows no redirects, and takes neither proxies nor logins from the environment: a message
    goes to the address the configuration names, or nowhere.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._client: httpx.AsyncClient | None = None

    async def ask(
        self,
        method: str,
        url: str,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer | Result:
        """Return the answer, or else how there was none; raises no error."""
        stage = "connect"

        async def follow(event: str, _: Mapping[str, Any]) -> None:
            nonlocal stage
            if event.endswith("send_request_headers.started"):
                stage = "reply"

        try:
            async with (
                asyncio.timeout(self._seconds),
                self._opened(url).stream(
                    method, url, content=content, headers=headers, extensions={"trace": follow}
                ) as response,
            ):
                return await _read(response)
        except TimeoutError:
            return Result(Verdict.lost, stage, f"no reply within {self._seconds:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return failed(stage, error)

    async def close(self) -> None:
        """Let go of every connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _opened(self, url: str) -> httpx.AsyncClient:
        if self._client is None:
            is_tls = url.startswith("https:")
            self._client = httpx.AsyncClient(
                # What trusts nobody is small, and is not asked on this machine.
                verify=trusted() if is_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
                timeout=None,  # the whole attempt has one, which no trickle can stretch
                follow_redirects=False,
                trust_env=False,
                headers={"User-Agent": f"alertlib/{__version__}"},
            )
        return self._client


@cache
def trusted() -> ssl.SSLContext:
    """Return the system's authorities, once for all channels: each copy takes a megabyte."""
    return ssl.create_default_context()


async def _read(response: httpx.Response) -> Answer:
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk[: MAX_ANSWER - len(body)]
        if len(body) >= MAX_ANSWER:
            break
    wait = response.headers.get("retry-after", "")
    # A date would be of the server's clock; nobody has seen one from a webhook.
    seconds = float(wait) if wait.isascii() and wait.isdigit() else None
    return Answer(response.status_code, response.reason_phrase, body, seconds)


def failed(stage: str, error: BaseException) -> Result:
    """Return how an attempt ended for which there is no answer."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return Result(Verdict.channel, "tls", printable(f"TLS: {cause.reason or cause}"))
        cause = cause.__cause__ or cause.__context__
    return Result(Verdict.lost, stage, printable(str(error) or type(error).__name__))


def asked_to_wait(seconds: float | None, otherwise: Pause = BRIEF) -> Pause:
    """Return the pause a server asked for, at most a quarter of an hour."""
    if seconds is None:
        return otherwise
    bounded = min(max(1.0, seconds), LONGEST_PAUSE)
    return Pause(bounded, bounded)

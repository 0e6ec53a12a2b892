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
    """What a server said; ``retry_after`` in seconds, None if it did not say.

    The status is its word even where the body after it stops half-way: then not ``is_whole``.
    """

    status: int
    phrase: str
    body: bytes = b""
    retry_after: float | None = None
    is_whole: bool = True

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
        *,
        reply_seconds: float | None = None,
    ) -> Answer | Result:
        """Return the answer, or else how there was none; raises no error.

        ``reply_seconds`` is for the answer alone, once the request is sent: who gives up too soon
        on a server that works first and answers then sends it the same again, and again.
        """
        stage, seconds = "connect", self._seconds
        heard: Answer | None = None

        async def follow(event: str, _: Mapping[str, Any]) -> None:
            nonlocal stage, seconds
            if event.endswith("send_request_headers.started"):
                stage = "reply"
            elif event.endswith("send_request_body.complete") and reply_seconds is not None:
                seconds = reply_seconds
                limit.reschedule(asyncio.get_running_loop().time() + seconds)

        try:
            async with (
                asyncio.timeout(seconds) as limit,
                self._opened(url).stream(
                    method, url, content=content, headers=headers, extensions={"trace": follow}
                ) as response,
            ):
                heard = _head(response)
                return heard._replace(body=await _body(response), is_whole=True)
        except TimeoutError:
            return heard or Result(Verdict.lost, stage, f"no reply within {seconds:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            # The last is of a host name that no resolver takes.
            return heard or failed(stage, error)

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


async def _body(response: httpx.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk[: MAX_ANSWER - len(body)]
        if len(body) >= MAX_ANSWER:
            break
    return body


def _head(response: httpx.Response) -> Answer:
    wait = response.headers.get("retry-after", "")
    # A date would be of the server's clock; nobody has seen one from a webhook.
    seconds = float(wait) if wait.isascii() and wait.isdigit() else None
    status, phrase = response.status_code, response.reason_phrase
    return Answer(status, phrase, retry_after=seconds, is_whole=False)


def failed(stage: str, error: BaseException) -> Result:
    """Return how an attempt ended for which there is no answer."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return Result(Verdict.channel, "tls", printable(f"TLS: {cause.reason or cause}"))
        cause = cause.__cause__ or cause.__context__
    has_addresses = stage == "connect" and not isinstance(error, ValueError)
    said = _told(error) if has_addresses else str(error)
    return Result(Verdict.lost, stage, printable(said or type(error).__name__))


def _told(error: BaseException) -> str:
    """Return what a connection failed with, at each address that was tried."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(dict.fromkeys(map(_told, error.exceptions)))
    cause = error.__cause__ or error.__context__
    return str(error) if cause is None else _told(cause)


def asked_to_wait(seconds: float | None, otherwise: Pause = BRIEF) -> Pause:
    """Return the pause a server asked for, at most a quarter of an hour."""
    if seconds is None:
        return otherwise
    bounded = min(max(1.0, seconds), LONGEST_PAUSE)
    return Pause(bounded, bounded)

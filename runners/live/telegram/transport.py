"""The way to chats through the Bot API, and what its answers mean.

References
----------
https://core.telegram.org/bots/api: ``sendMessage`` (4096 characters), ``getMe``, and
``ResponseParameters.retry_after``.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from alertlib.config.schema import Telegram
from runners.live.delivery.channel import LOGIN, QUOTA, Result, Verdict, printable
from runners.live.delivery.http import LONGEST_PAUSE, Answer, Http, asked_to_wait

IDLE_SECONDS = 25.0


def judged(stage: str, answer: Answer) -> Result:
    """Return what an answer of the Bot API means for the message and for the channel.

    401 and 404 are about the token. 403 (blocked, or put out of the group) and 400 are about the
    chat or the message.
    """
    body = _object(answer.body)
    told = printable(str(body.get("description") or answer.phrase))
    status = answer.status
    if status == 200 and body.get("ok") is True:
        return Result(Verdict.delivered, stage, "ok", status)
    reason = f"HTTP {status} {told}"
    if status == 200 and not answer.is_whole:
        return Result(Verdict.lost, stage, f"{reason}: the answer breaks off", status)
    if status == 429:
        wait = _parameter(body, "retry_after")
        seconds = answer.retry_after if wait is None else float(max(0, min(wait, LONGEST_PAUSE)))
        return Result(Verdict.channel, stage, reason, status, asked_to_wait(seconds, QUOTA))
    if (moved_to := _parameter(body, "migrate_to_chat_id")) is not None:
        reason += f" (now the chat {moved_to})"
    if status in (401, 404):
        return Result(Verdict.channel, stage, f"{reason} (is the token right?)", status, LOGIN)
    if 400 <= status < 500 and body.get("ok") is False:
        return Result(Verdict.refused, stage, reason, status)
    if 200 <= status < 500:
        # A proxy or a wrong base_url: nobody there who speaks for the chat.
        return Result(Verdict.channel, stage, f"{reason}: not the Bot API", status, QUOTA)
    return Result(Verdict.deferred, stage, reason, status)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _parameter(body: dict[str, Any], name: str) -> int | None:
    parameters = body.get("parameters")
    found = parameters.get(name) if isinstance(parameters, dict) else None
    return found if isinstance(found, int) else None


class TelegramTransport:
    """Sends texts to chats as one bot.

    Parameters
    ----------
    settings : Telegram
    token : str
        Part of every address; it is never shown.
    """

    def __init__(self, settings: Telegram, token: str) -> None:
        self._base = f"{settings.base_url.rstrip('/')}/bot{token}"
        self._http = Http(settings.timeout_seconds)
        self._reply_seconds = settings.reply_timeout_seconds
        self._used_at = float("-inf")

    @property
    def is_in_use(self) -> bool:
        """Whether something was sent just now."""
        return asyncio.get_running_loop().time() - self._used_at < IDLE_SECONDS

    async def send(self, message: str, recipient: str) -> Result:
        """Send one text to ``telegram:CHAT``."""
        self._used_at = asyncio.get_running_loop().time()
        chat = int(recipient.rpartition(":")[2])
        plain = {"chat_id": chat, "text": message, "link_preview_options": {"is_disabled": True}}
        return await self._ask("sendMessage", "reply", plain, reply_seconds=self._reply_seconds)

    async def look(self) -> Result:
        """Ask the bot who it is."""
        result = await self._ask("getMe", "look", {})
        if result.verdict is Verdict.delivered:
            return result._replace(verdict=Verdict.answered)
        if result.verdict in (Verdict.refused, Verdict.deferred):
            return result._replace(verdict=Verdict.channel)
        return result

    async def close(self) -> None:
        """Let go of every connection."""
        await self._http.close()

    async def _ask(
        self,
        method: str,
        stage: str,
        parameters: dict[str, Any],
        *,
        reply_seconds: float | None = None,
    ) -> Result:
        content, kind = json.dumps(parameters).encode(), {"Content-Type": "application/json"}
        answer = await self._http.ask(
            "POST", f"{self._base}/{method}", content, kind, reply_seconds=reply_seconds
        )
        return judged(stage, answer) if isinstance(answer, Answer) else answer

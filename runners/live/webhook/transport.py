"""The way to one webhook, and what its answers mean."""

from __future__ import annotations

from alertlib.config.schema import Webhook
from runners.live.delivery.channel import BRIEF, QUOTA, Result, Verdict
from runners.live.delivery.http import Answer, Http, asked_to_wait
from runners.live.webhook.signing import Signed

_LATER = (408, 425)
_MISSING = (404, 405)
_CLOSED = (401, 402, 403, 407, 410)
"""Signature, payment, proxy, or gone for good: nothing that asking often would mend."""
_TOO_MANY, _UNAVAILABLE = 429, 503


def judged(answer: Answer) -> Result:
    """Return what an answer means for the message and for the channel.

    A redirect, a wrong address or a signature that is refused says nothing of the message: all
    of them wait until somebody has put it right, or they are too old.
    """
    status, told = answer.status, str(answer)

    def result(verdict: Verdict) -> Result:
        return Result(verdict, "reply", told, status)

    if 200 <= status < 300:
        return result(Verdict.delivered)
    if status == _TOO_MANY or (status == _UNAVAILABLE and answer.retry_after is not None):
        return result(Verdict.channel)._replace(pause=asked_to_wait(answer.retry_after, QUOTA))
    if status in _CLOSED:
        return result(Verdict.channel)._replace(pause=QUOTA)
    if 300 <= status < 400:
        why = f"{told}: redirects are not followed"
        return Result(Verdict.channel, "reply", why, status, QUOTA)
    if status in _MISSING:
        return result(Verdict.channel)._replace(pause=BRIEF)
    if 400 <= status < 500 and status not in _LATER:
        return result(Verdict.refused)
    return result(Verdict.deferred)


class WebhookTransport:
    """Posts to one webhook."""

    def __init__(self, settings: Webhook) -> None:
        self._url = settings.url
        self._http = Http(settings.timeout_seconds)
        self._reply_seconds = settings.reply_timeout_seconds

    @property
    def is_in_use(self) -> bool:
        """Always: a webhook that works is not asked how it is."""
        return True

    async def send(self, message: Signed, recipient: str) -> Result:
        """Post one message."""
        answer = await self._http.ask(
            "POST", self._url, message.body, message.headers, reply_seconds=self._reply_seconds
        )
        return judged(answer) if isinstance(answer, Answer) else answer

    async def look(self) -> Result:
        """Ask for the headers of the address: whatever it answers, somebody is there.

        Deferred is who takes the question and says nothing: it may know no HEAD.
        """
        answer = await self._http.ask("HEAD", self._url)
        if isinstance(answer, Answer):
            return Result(Verdict.answered, "look", str(answer), answer.status)
        if answer.stage == "reply" and answer.verdict is Verdict.lost:
            return answer._replace(verdict=Verdict.deferred)
        return answer

    async def close(self) -> None:
        """Let go of every connection."""
        await self._http.close()

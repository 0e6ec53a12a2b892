"""To whom a message goes, by which channel: what its transaction puts into the outbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from alertlib.config.schema import Delivery, Email, Telegram, Webhook
from alertlib.kernels.alerting import SEVERITIES
from runners.live.alert_store.records import Mail
from runners.live.delivery.policy import copy_id, expires_at, message_id

TELEGRAM = "telegram"


class Route(NamedTuple):
    """One recipient of a channel.

    Attributes
    ----------
    recipient : str
        As the outbox knows it.
    ttl_seconds : float
        Age at which an undelivered alert is given up.
    identify : callable
        Takes what identifies a message and the recipient; returns what the copy is known by.
    min_severity : str
        The least grave alerts it is sent.
    """

    recipient: str
    ttl_seconds: float
    identify: Callable[[str, str], str]
    min_severity: str = SEVERITIES[0]

    def copies(self, key: str, payload: Mapping[str, Any], seen: float) -> list[Mail]:
        """Return the copy of a message for this recipient, if it gets one."""
        if SEVERITIES.index(payload["severity"]) < SEVERITIES.index(self.min_severity):
            return []
        name = self.identify(key, self.recipient)
        return [Mail(self.recipient, name, seen, expires_at(payload, seen, self.ttl_seconds))]


def routes(delivery: Delivery) -> tuple[Route, ...]:
    """Return everybody who is to get alerts, by any channel that is enabled."""
    found = [*_mail_routes(delivery.email), *_telegram_routes(delivery.telegram)]
    return (*found, *map(_webhook_route, delivery.webhook))


def webhook_channel(settings: Webhook) -> str:
    """Return what the outbox calls a webhook: channel and recipient in one."""
    return f"webhook:{settings.name}"


def _webhook_route(settings: Webhook) -> Route:
    return Route(
        webhook_channel(settings), 60.0 * settings.ttl_minutes, copy_id, settings.min_severity
    )


def _telegram_routes(telegram: Telegram) -> Sequence[Route]:
    found = telegram.chat_ids if telegram.enabled else ()
    return [Route(f"{TELEGRAM}:{chat}", 60.0 * telegram.ttl_minutes, copy_id) for chat in found]


def _mail_routes(email: Email) -> Sequence[Route]:
    def identify(key: str, recipient: str) -> str:
        return message_id(key, recipient, email.sender)

    ttl_seconds = 60.0 * email.ttl_minutes
    found = email.recipients if email.enabled else ()
    return [Route(recipient, ttl_seconds, identify) for recipient in found]

"""The channels a configuration enables: what opens them, and each with its parts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from alertlib.config import Config
from alertlib.config.schema import Delivery, Telegram, Webhook
from alertlib.config.secrets import read_secret
from alertlib.errors import ConfigError
from alertlib.texts.contracts import find_contracts
from runners._extras import require_extra
from runners.live.delivery.routes import TELEGRAM, webhook_channel
from runners.live.delivery.transport import Manner
from runners.live.mail.settings import Access, mail_access
from runners.live.mail.track_record import pattern_records
from runners.live.webhook.signing import Signer, signing_key

if TYPE_CHECKING:
    from runners.live.alert_store.store import Store
    from runners.live.delivery.courier import Courier
    from runners.live.delivery.transport import Server
    from runners.live.heartbeat import Heartbeat
    from runners.live.mail.mailer import Mailer
    from runners.live.telegram.transport import TelegramTransport
    from runners.live.webhook.transport import WebhookTransport


Work = Callable[[], Coroutine[Any, Any, None]]


class Keys(NamedTuple):
    """What opens the channels; ``repr`` shows none of it.

    Attributes
    ----------
    mail : Access or None
    webhooks : mapping of name to bytes
    telegram : str or None
    """

    mail: Access | None = None
    webhooks: Mapping[str, bytes] = {}
    telegram: str | None = None

    def __repr__(self) -> str:
        return "Keys(…)"


def needs_http(config: Config) -> bool:
    """Whether something is enabled that calls a server by HTTP."""
    delivery = config.delivery
    return bool(delivery.webhook or delivery.telegram.enabled or config.live.heartbeat_url)


def read_keys(config: Config, environ: Mapping[str, str]) -> Keys:
    """Return what opens every channel that is enabled: all that a start can know of it.

    Raises
    ------
    ConfigError
        A secret is missing or is none.
    MissingExtraError
        What an enabled channel needs is not installed.
    """
    delivery = config.delivery
    if needs_http(config):
        require_extra("channels")
    return Keys(
        mail_access(delivery.email, environ) if delivery.email.enabled else None,
        {
            one.name: signing_key(
                read_secret(one.secret_env, one.secret_file, environ=environ),
                one.secret_file or f"${one.secret_env}",
            )
            for one in delivery.webhook
        },
        _telegram_token(delivery.telegram, environ) if delivery.telegram.enabled else None,
    )


def _telegram_token(telegram: Telegram, environ: Mapping[str, str]) -> str:
    token = read_secret(telegram.token_env, telegram.token_file, environ=environ)
    if not (token.isascii() and token.replace(":", "").replace("-", "").replace("_", "").isalnum()):
        raise ConfigError(
            f"{telegram.token_file or f'${telegram.token_env}'}: got something else, expected a "
            "bot's token such as 12345:AB-cd"
        )
    return token


class Channels:
    """The channels that are open, of which the one of mails carries notices as well."""

    def __init__(self, couriers: Sequence[Courier[Any]] = (), mailer: Mailer | None = None) -> None:
        self.couriers = couriers
        self.mailer = mailer
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, keep: Callable[[str, Work], asyncio.Task[None]]) -> None:
        """Have each work in a task of its own, which ``keep`` makes."""
        self._tasks = [keep(one.name, one.run) for one in self.couriers]

    def notify(self) -> None:
        """Say that alerts were committed."""
        for courier in self.couriers:
            courier.notify()

    async def drain(self, seconds: float) -> float:
        """Try what is due, for so long at the most, and end; return how long that was."""
        if not self._tasks:
            return 0.0
        begun = time.monotonic()
        for courier in self.couriers:
            courier.stop(seconds)
        await asyncio.wait(self._tasks, timeout=seconds + 0.5)
        for task in self._tasks:
            task.cancel()
        return time.monotonic() - begun


def open_channels(config: Config, keys: Keys, store: Store) -> Channels:
    """Return the channels of a configuration that there are keys for: none in a dry run."""
    delivery = config.delivery
    couriers: list[Courier[Any]] = []
    mailer = None
    if keys.mail is not None:
        mailer = _mailer(config, keys.mail, store)
        couriers.append(mailer)
    if keys.telegram is not None:
        couriers.append(_telegram(config, keys.telegram, store))
    couriers += _webhooks(delivery, keys, store)
    return Channels(couriers, mailer)


def make_heartbeat(url: str | None) -> Heartbeat | None:
    """Return what calls a dead man's switch, if one is configured."""
    return None if url is None else _heartbeat(url)


def http_servers(config: Config, environ: Mapping[str, str]) -> dict[str, Callable[[], Server]]:
    """Return by name what makes each server that is called by HTTP, for a look at it."""
    delivery, url = config.delivery, config.live.heartbeat_url
    found: dict[str, Callable[[], Server]] = {
        f"webhook {one.name}": partial(_webhook_transport, one) for one in delivery.webhook
    }
    if delivery.telegram.enabled:
        found["telegram"] = lambda: _telegram_transport(
            delivery.telegram, _telegram_token(delivery.telegram, environ)
        )
    if url is not None:
        found["heartbeat"] = lambda: _heartbeat(url)
    return found


def _mailer(config: Config, access: Access, store: Store) -> Mailer:
    # Four megabytes that a daemon without mail does without; httpx has five.
    from runners.live.mail.mailer import Mailer
    from runners.live.mail.render import Renderer

    email = config.delivery.email
    records = pattern_records(config.live.scorecard)
    renderer = Renderer(email, find_contracts(config.data.symbols), records)
    # Now, before anybody waits: in a thread it would take 0.7 MB more, which stay.
    renderer.load()
    return Mailer(email, access, store.outbox, renderer)


def _telegram(config: Config, token: str, store: Store) -> Courier[Any]:
    from runners.live.delivery.courier import Courier
    from runners.live.mail.letters import Letters
    from runners.live.telegram.texts import TelegramTexts

    delivery = config.delivery
    records = pattern_records(config.live.scorecard)
    letters = Letters(delivery.email, find_contracts(config.data.symbols), records)
    letters.load(".txt.j2")
    return Courier(
        # One after the other: a chat takes about one message a second.
        Manner(TELEGRAM, TELEGRAM, TELEGRAM, 1),
        _telegram_transport(delivery.telegram, token),
        store.outbox.of(TELEGRAM),
        TelegramTexts(letters),
    )


def _webhooks(delivery: Delivery, keys: Keys, store: Store) -> list[Courier[Any]]:
    opened = [one for one in delivery.webhook if one.name in keys.webhooks]
    if not opened:
        return []
    from runners.live.delivery.courier import Courier

    return [
        Courier(
            Manner("webhook", webhook_channel(one), f"webhook {one.name}", one.max_concurrent),
            _webhook_transport(one),
            store.outbox.of(webhook_channel(one)),
            Signer(store.epoch, keys.webhooks[one.name]),
        )
        for one in opened
    ]


def _telegram_transport(settings: Telegram, token: str) -> TelegramTransport:
    from runners.live.telegram.transport import TelegramTransport

    return TelegramTransport(settings, token)


def _webhook_transport(settings: Webhook) -> WebhookTransport:
    from runners.live.webhook.transport import WebhookTransport

    return WebhookTransport(settings)


def _heartbeat(url: str) -> Heartbeat:
    from runners.live.heartbeat import Heartbeat

    return Heartbeat(url)

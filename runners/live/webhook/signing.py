"""Messages as Standard Webhooks sign them.

References
----------
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: the
headers ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``; the signature is
HMAC-SHA256 over ``id.timestamp.body``; a secret is ``whsec_`` and Base64 of 24 to 64 bytes.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import NamedTuple

from alertlib.errors import ConfigError
from runners.live.alert_store.records import OutboxRow
from runners.live.delivery.policy import Letter
from runners.live.websocket.protocol import envelope

PREFIX = "whsec_"
KEY_BYTES = range(24, 65)


class Signed(NamedTuple):
    """A request: what is in it and the headers that say who sent it."""

    body: bytes
    headers: dict[str, str]


def signing_key(secret: str, where: str) -> bytes:
    """Return the key that a secret stands for.

    Raises
    ------
    ConfigError
        It is none. The message says ``where`` it is from, never what it is.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in KEY_BYTES:
        raise ConfigError(
            f"{where}: got something else, expected a webhook's secret: {PREFIX} and Base64 of 24 "
            f"to 64 bytes; make one with: echo {PREFIX}$(openssl rand -base64 32)"
        )
    return key


def signed(identifier: str, body: bytes, key: bytes, now: float) -> Signed:
    """Return a request; by ``now``, Unix seconds, a receiver knows one that is sent again."""
    stamp = str(int(now))
    digest = hmac.digest(key, f"{identifier}.{stamp}.".encode() + body, "sha256")
    return Signed(
        body,
        {
            "Content-Type": "application/json",
            "webhook-id": identifier,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        },
    )


class Signer:
    """Writes letters as WebSocket clients get them: ``{"type": "alert", "seq": …}``.

    Parameters
    ----------
    epoch : str
        The store's.
    key : bytes
    """

    def __init__(self, epoch: str, key: bytes) -> None:
        self._epoch = epoch
        self._key = key

    def message(self, letter: Letter, now: float) -> Signed:
        """Return the request of one alert or correction."""
        seq, kind, payload = letter.rows[0].message
        body = envelope(self._epoch, (seq, kind, payload), now)
        return signed(letter.message_id, body, self._key, now)

    def flaw(self, row: OutboxRow) -> str:
        """Return nothing: what is in the store is JSON."""
        return ""

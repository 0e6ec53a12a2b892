"""Receive alerts: :class:`AlertClient`, and ``python -m runners.client`` to print them."""

from runners.client.position import Position
from runners.client.stream import AlertClient, Message
from runners.client.token import first_token

__all__ = ["AlertClient", "Message", "Position", "first_token"]

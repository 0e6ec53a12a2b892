"""Receive alerts: :class:`AlertClient`, and ``python -m runners.client`` to print them."""

from runners.client.position import Position
from runners.client.stream import AlertClient, Message

__all__ = ["AlertClient", "Message", "Position"]

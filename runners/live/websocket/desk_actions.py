"""Who did what about an alert: told to every client, and once more to those who come later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from runners.live.websocket.protocol import Action

KEPT = 200
"""Alerts whose newest action is told to a client that connects."""


class Acted(NamedTuple):
    """An action with its actor, and when it came: UTC, ISO with ``Z``."""

    actor: str
    done: Action
    at: str


class DeskActions:
    """The newest action on each alert.

    Attributes
    ----------
    knows : callable
        Whether there is an alert of this id.
    """

    def __init__(self, knows: Callable[[str], bool] = lambda identifier: True) -> None:
        self.knows = knows
        self._newest: dict[str, Acted] = {}

    def load(self, acted: Iterable[Acted]) -> None:
        """Take what was done in earlier runs, the oldest first."""
        for one in acted:
            self._keep(one)

    def take(self, acted: Acted) -> bool:
        """Note an action; False if the same one, by the same actor, stands already.

        A client that lost its connection sends what it does not know to have arrived again.
        """
        before = self._newest.get(acted.done.id)
        if before is not None and before[:2] == acted[:2]:
            return False
        self._keep(acted)
        return True

    def recent(self) -> list[Acted]:
        """Return what a client that connects has to be told, the oldest first."""
        return list(self._newest.values())

    def _keep(self, acted: Acted) -> None:
        self._newest.pop(acted.done.id, None)
        self._newest[acted.done.id] = acted
        if len(self._newest) > KEPT:
            del self._newest[next(iter(self._newest))]

"""Who did what about an alert: once, and told of only when it is written down."""

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
        self._coming: dict[str, Acted] = {}
        """Being written, newer than what is written."""

    def load(self, acted: Iterable[Acted]) -> None:
        """Take what was done in earlier runs, the oldest first."""
        for one in acted:
            self._keep(one)

    def standing(self, acted: Acted) -> Acted | None:
        """Return the same action by the same actor, if it is the newest on its alert.

        A client that lost its connection sends what it does not know to have arrived again.
        """
        identifier = acted.done.id
        before = self._coming.get(identifier) or self._newest.get(identifier)
        return before if before is not None and before[:2] == acted[:2] else None

    def is_coming(self, acted: Acted) -> bool:
        """Whether it is still being written."""
        return self._coming.get(acted.done.id) is acted

    def begin(self, acted: Acted) -> None:
        """Note an action that is being written."""
        self._coming[acted.done.id] = acted

    def written(self, acted: Acted) -> None:
        """Note that it has been; from now on it is told."""
        self._forget_coming(acted)
        self._keep(acted)

    def failed(self, acted: Acted) -> None:
        """Note that it could not be; sent again, it is tried again."""
        self._forget_coming(acted)

    def recent(self) -> list[Acted]:
        """Return what a client that connects has to be told, the oldest first."""
        return list(self._newest.values())

    def _forget_coming(self, acted: Acted) -> None:
        if self.is_coming(acted):
            del self._coming[acted.done.id]

    def _keep(self, acted: Acted) -> None:
        self._newest.pop(acted.done.id, None)
        self._newest[acted.done.id] = acted
        if len(self._newest) > KEPT:
            del self._newest[next(iter(self._newest))]

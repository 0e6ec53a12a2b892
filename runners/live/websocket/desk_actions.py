"""Who did what about an alert: once, and told of only when it is written down."""

from __future__ import annotations

from typing import NamedTuple

from runners.live.websocket.broadcast import History
from runners.live.websocket.protocol import Acted, Action


class Deed(NamedTuple):
    """An action with its actor, as the log names them."""

    actor: str
    action: Action


class DeskActions:
    """Actions on their way into the log, and what it says already.

    Parameters
    ----------
    history : History
        Where they are once they are written.
    """

    def __init__(self, history: History) -> None:
        self.knows = history.has_alert
        self._history = history
        self._coming: dict[str, Deed] = {}
        """By alert, being written: newer than what is written."""

    def is_coming(self, deed: Deed) -> bool:
        """Whether the same is being written, and nothing newer on its alert."""
        return self._coming.get(deed.action.id) == deed

    def standing(self, deed: Deed) -> Acted | None:
        """Return the same action by the same actor, if it is the newest on its alert.

        A client that lost its connection sends what it does not know to have arrived again.
        """
        if deed.action.id in self._coming:
            return None
        row = self._history.action_on(deed.action.id)
        newest = None if row is None else Acted._make(row)
        is_same = newest is not None and deed == (newest.actor, Action(*newest[3:6]))
        return newest if is_same else None

    def begin(self, deed: Deed) -> None:
        """Note an action that is being written."""
        self._coming[deed.action.id] = deed

    def settle(self, deed: Deed) -> None:
        """Note that it has been, or could not be; sent again in that case, it is tried again."""
        if self._coming.get(deed.action.id) is deed:
            del self._coming[deed.action.id]

"""What clients are told beside the numbered messages: the feed's state, and who did what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runners.live.websocket.broadcast import Broadcaster
from runners.live.websocket.client_journal import Journal
from runners.live.websocket.connection import Peer
from runners.live.websocket.desk_actions import Deed, DeskActions
from runners.live.websocket.protocol import Action, acted, status
from runners.live.websocket.session import Session


class Bulletins:
    """Tells every client the newest, and those who come later what still holds.

    Parameters
    ----------
    actions : DeskActions
    broadcaster : Broadcaster
        Tells of actions.
    journal : Journal
        Where they go.
    """

    def __init__(self, actions: DeskActions, broadcaster: Broadcaster, journal: Journal) -> None:
        self._actions = actions
        self._broadcaster = broadcaster
        self._journal = journal
        self._status: Sequence[Mapping[str, Any]] = ()
        self._status_number = 0

    def tell_status(self, feed: Sequence[Mapping[str, Any]]) -> None:
        """Have every client told of the feed's streams, if anything about them has changed."""
        if feed != self._status:
            self._status = feed
            self._status_number += 1

    def offer_status(self, peer: Peer, session: Session, wall: float) -> None:
        """Send a client the feed's state, unless it has it already."""
        if session.status_seen < self._status_number and peer.offer(status(self._status, wall)):
            session.status_seen = self._status_number

    def act(self, sender: Peer, name: str, action: Action) -> None:
        """Have an action written down, and tell everybody once it is.

        A repeat is answered to whoever sent it: what was told the first time may have been lost
        with a connection.
        """
        deed = Deed(self._journal.actor(name), action)
        if self._actions.is_coming(deed):
            return
        if (before := self._actions.standing(deed)) is not None:
            sender.offer(acted(before))
            return
        self._actions.begin(deed)
        self._journal.acted(name, action, lambda is_written: self._settle(deed, is_written))

    def _settle(self, deed: Deed, is_written: bool) -> None:
        self._actions.settle(deed)
        if is_written:
            self._broadcaster.publish_actions()

"""What clients are told beside the numbered messages: the feed's state, and who did what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alertlib.market.clock import utc_stamp
from runners.live.websocket.client_journal import Journal
from runners.live.websocket.connection import Peer
from runners.live.websocket.desk_actions import Acted, DeskActions
from runners.live.websocket.protocol import Action, acted, status
from runners.live.websocket.session import Session


class Bulletins:
    """Tells every client the newest, and those who come later what still holds.

    Parameters
    ----------
    clients : mapping of Peer to Session
        Looked at whenever there is something to tell.
    journal : Journal
        Where actions go.

    Attributes
    ----------
    actions : DeskActions
    """

    def __init__(self, clients: Mapping[Peer, Session], journal: Journal) -> None:
        self.actions = DeskActions()
        self._clients = clients
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

    def greet(self, peer: Peer, session: Session, wall: float) -> None:
        """Send a client that has just authenticated what holds."""
        self.offer_status(peer, session, wall)
        for one in self.actions.recent():
            _tell(peer, one)

    def act(self, sender: Peer, name: str, action: Action, wall: float) -> None:
        """Have an action written down, and tell everybody once it is.

        A repeat is answered to whoever sent it: what was told the first time may have been lost
        with a connection.
        """
        one = Acted(name, action, utc_stamp(wall))
        if (before := self.actions.standing(one)) is None:
            self.actions.begin(one)
            self._journal.acted(name, action, lambda is_written: self._settle(one, is_written))
        elif not self.actions.is_coming(before):
            _tell(sender, before)

    def _settle(self, one: Acted, is_written: bool) -> None:
        if not is_written:
            self.actions.failed(one)
            return
        self.actions.written(one)
        for peer, session in self._clients.items():
            if session.identity is not None and peer.is_open:
                _tell(peer, one)


def _tell(peer: Peer, one: Acted) -> None:
    peer.offer(acted(one.done, one.actor, one.at))

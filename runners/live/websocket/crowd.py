"""Connections whose clients have not said who they are, and which of them make room."""

from __future__ import annotations

from collections.abc import Callable

from runners.live.websocket.connection import Peer
from runners.live.websocket.limits import Strangers


class Crowd:
    """All connections of a port, and the strangers among them.

    Parameters
    ----------
    max_sockets : int
        Connections held open, clients' or not.
    reject : callable
        Told ``(reason, address, now)`` of each that makes room.
    """

    def __init__(self, max_sockets: int, reject: Callable[[str, str, float], None]) -> None:
        self.peers: set[Peer] = set()
        self._max_sockets = max_sockets
        self._reject = reject
        self._silent: Strangers[Peer] = Strangers()
        """No request yet, answered, or pending."""
        self._pending: Strangers[Peer] = Strangers()
        """Of these, the ones that hold a client's place."""

    def opened(self, peer: Peer) -> bool:
        """Note a TCP connection; False if there are too many, and none that says nothing.

        With the last place taken, whoever has been silent longest makes room: silence must not
        keep out those who have something to say.
        """
        self.peers.add(peer)
        if len(self.peers) > self._max_sockets:
            silent = self._silent.oldest()
            gives_way = peer if silent is None else silent
            self._reject("no_socket_left", gives_way.address, peer.loop.time())
            if silent is None:
                return False
            self._silent.remove(silent)
            silent.cut()
        self._silent.add(peer, peer.address)
        return True

    def admitted(self, peer: Peer) -> None:
        """Note one that holds a place and has yet to say whose."""
        self._silent.add(peer, peer.address)
        self._pending.add(peer, peer.address)

    def known(self, peer: Peer) -> None:
        """Note one that has said who it is."""
        self._silent.remove(peer)
        self._pending.remove(peer)

    def lost(self, peer: Peer) -> None:
        """Forget one that is gone."""
        self.peers.discard(peer)
        self.known(peer)

    def give_up_pending(self) -> Peer | None:
        """Return one whose place somebody else is to have; None if all have said who they are."""
        peer = self._pending.oldest()
        if peer is not None:
            self._pending.remove(peer)
            self._reject("no_place_left", peer.address, peer.loop.time())
        return peer

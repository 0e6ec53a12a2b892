"""Every request to the port meets this first: answer it, refuse it, or let it in.

No socket and no clock: a parsed request, an address and the time go in; a response, or the
admission of a WebSocket client, comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import NamedTuple, get_args
from urllib.parse import parse_qs

from websockets.http11 import Request, Response

from alertlib.config.types import Origin, Pattern, is_loopback
from runners.live.telemetry.metrics import CONTENT_TYPE, Metrics
from runners.live.websocket.auth import (
    SUBPROTOCOL,
    Authenticator,
    Credentials,
    Identity,
    find_credentials,
    split_subprotocols,
)
from runners.live.websocket.dashboard.page import Page
from runners.live.websocket.forwarding import Proxies, is_forwarded
from runners.live.websocket.limits import Rejections, Roster
from runners.live.websocket.protocol import Resume, resume_from_query
from runners.live.websocket.refusals import Refusals
from runners.live.websocket.responses import Health, health, method_not_allowed, refuse, reply

_MAX_QUERY_FIELDS = 16
_MAX_ADVICE = 8
_ORIGINS: Pattern = get_args(Origin)[1]
_HEADERS_OF_STATUS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
    HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": "1"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "5"},
    HTTPStatus.UPGRADE_REQUIRED: {"Upgrade": "websocket"},
}


class Admission(NamedTuple):
    """A WebSocket handshake to complete. It holds a place on the roster."""

    identity: Identity | None
    resume: Resume | None
    offers_subprotocol: bool


class Endpoints(NamedTuple):
    """What plain requests are answered with."""

    health: Callable[[], Health]
    details: Callable[[], dict[str, object]]
    metrics: Metrics
    page: Page | None


class Door:
    """Admits WebSocket clients and answers everybody else.

    Parameters
    ----------
    authenticator : Authenticator
    origins : collection of str
        Origins that pages may connect from. Clients that are not browsers send none.
    paths : collection of str
        Paths of the WebSocket.
    roster : Roster
    failures_per_second : float
        Refused credentials allowed per address, in the handshake and after it. Good credentials
        and pages always pass: what is limited is the cost of bad ones, and neighbours behind
        one address are not locked out.
    endpoints : Endpoints
    on_rejection : callable
        Told of refusals, condensed.
    proxies : Proxies
        Those that are believed.
    is_proxied : bool
        A proxy is known to stand in front, so that nobody is local.
    origins_at : callable
        Own origins of a page that was fetched from a local address: known only then to a
        server that listens on all of them.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        origins: Collection[str],
        paths: Collection[str],
        roster: Roster,
        failures_per_second: float,
        endpoints: Endpoints,
        on_rejection: Callable[[Rejections], None],
        *,
        proxies: Proxies = Proxies(),  # noqa: B008  # it cannot be changed
        is_proxied: bool = False,
        origins_at: Callable[[str], Collection[str]] = lambda address: (),
    ) -> None:
        self._authenticator = authenticator
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self._paths = frozenset(paths)
        self.roster = roster
        self.refusals = Refusals(failures_per_second, endpoints.metrics, on_rejection)
        self._proxies = proxies
        self._is_proxied = is_proxied
        self._origins_at = origins_at
        self._advised: set[str] = set()
        self._endpoints = endpoints
        self.is_closing = False
        self.make_room: Callable[[], bool] = lambda: False
        """Asked, when full, to give up a client that has not authenticated; True if it did."""
        self.advise: Callable[[str, dict[str, object]], None] = lambda message, details: None
        """Told what whoever runs this would want to set, once each."""

    def client(self, request: Request, address: str) -> str:
        """Return the address of whoever is behind a request that came from ``address``."""
        if is_forwarded(request.headers) and address not in self._proxies:
            self._advise(
                "requests come through a proxy; if it is yours, set delivery.websocket."
                "trusted_proxies, for until then all its clients count as one",
                {"address": address},
            )
        return self._proxies.client(address, request.headers)

    def answer(
        self, request: Request, address: str, now: float, wall: float, local: str = ""
    ) -> Response | Admission:
        """Decide on one request.

        Parameters
        ----------
        request : Request
            As parsed by ``websockets``. Credentials are removed from it once read.
        address : str
            The peer's, from :meth:`client`.
        now, wall : float
            Monotonic seconds, and Unix time.
        local : str
            Own address that the request came to.
        """
        if request.method != "GET":
            return method_not_allowed(request.method)
        if len(request.headers.get_all("Host")) > 1:
            return _refuse(HTTPStatus.BAD_REQUEST)
        path, _, query = request.path.partition("?")
        if path in self._paths and _wants_upgrade(request):
            return self._admit(request, query, address, now, wall, local)
        match path:
            case "/health":
                return health(self._endpoints.health(), self._endpoints.details())
            case "/metrics":
                return self._metrics(request, address, now, wall)
            case "/" if self._endpoints.page is not None:
                return self._endpoints.page.response()
            case _ if path in self._paths - {"/"}:
                return _refuse(HTTPStatus.UPGRADE_REQUIRED)
            case _:
                return _refuse(HTTPStatus.NOT_FOUND)

    def identify(self, token: str, wall: float) -> Identity | None:
        """Return whose token this is, for a first message."""
        return self._authenticator.identify(token, wall)

    def sign(self, name: str, address: str, now: float) -> bool:
        """Put a name to a place taken without one; False if the name has too many."""
        if self.roster.sign(name):
            return True
        self.refusals.reject("token_limit", address, now)
        return False

    def _admit(
        self, request: Request, query: str, address: str, now: float, wall: float, local: str
    ) -> Response | Admission:
        origins = request.headers.get_all("Origin")
        if not self._accepts_origin(origins, local):
            self.refusals.reject("foreign_origin", address, now)
            self._advise_origin(origins[0])
            return _refuse(HTTPStatus.FORBIDDEN)
        try:
            fields = parse_qs(query, keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS)
        except ValueError:
            return _refuse(HTTPStatus.BAD_REQUEST)
        offers = split_subprotocols(request.headers.get_all("Sec-WebSocket-Protocol"))
        found = _take_credentials(request, offers, tuple(fields))
        identity = self._identify_all(found, wall)
        if identity is None and (found.tokens or found.is_malformed):
            return _refuse(self.refusals.failed("wrong_credentials", address, now))
        # A page comes without credentials, and what its neighbours got wrong is not its fault.
        if identity is None and not origins and self.refusals.is_blocked(address, now):
            self.refusals.reject("too_many_failures", address, now)
            return _refuse(HTTPStatus.TOO_MANY_REQUESTS)
        reason = self._take_place(identity)
        if reason is not None:
            self.refusals.reject(reason, address, now)
            return _refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        return Admission(identity, resume_from_query(fields), SUBPROTOCOL in offers)

    def _accepts_origin(self, origins: list[str], local: str) -> bool:
        if not origins:
            return True
        origin = origins[0].lower()
        is_known = origin in self._origins or origin in self._origins_at(local)
        return len(origins) == 1 and is_known

    def _advise_origin(self, origin: str) -> None:
        if origin in _ORIGINS:
            self._advise(
                f"a page was refused; if it is yours, set delivery.websocket.origins: [{origin}]",
                {},
            )

    def _advise(self, message: str, details: dict[str, object]) -> None:
        if message not in self._advised and len(self._advised) < _MAX_ADVICE:
            self._advised.add(message)
            self.advise(message, details)

    def _identify_all(self, found: Credentials, wall: float) -> Identity | None:
        """Return the one client that all credentials belong to."""
        if found.is_malformed or not found.tokens:
            return None
        identities = {self._authenticator.identify(token, wall) for token in found.tokens}
        return identities.pop() if len(identities) == 1 else None

    def _take_place(self, identity: Identity | None) -> str | None:
        """Take a place on the roster; returns why not if there is none."""
        if self.is_closing:
            return "closing"
        # Whoever sends no credentials can hold places for seconds; newcomers get theirs.
        if self.roster.is_full and not self.make_room():
            return "full"
        if identity is not None and not self.roster.sign(identity.name):
            return "token_limit"
        self.roster.enter()
        return None

    def _metrics(self, request: Request, address: str, now: float, wall: float) -> Response:
        found = _take_credentials(request, [], ())
        is_local = not self._is_proxied and _is_local(request, address)
        if not is_local and self._identify_all(found, wall) is None:
            status = HTTPStatus.UNAUTHORIZED
            if found.tokens or found.is_malformed:
                status = self.refusals.failed("wrong_credentials", address, now)
            return _refuse(status)
        return reply(HTTPStatus.OK, self._endpoints.metrics.render(), CONTENT_TYPE)


def _refuse(status: HTTPStatus) -> Response:
    return refuse(status, _HEADERS_OF_STATUS.get(status))


def _wants_upgrade(request: Request) -> bool:
    return any("websocket" in value.lower() for value in request.headers.get_all("Upgrade"))


def _take_credentials(
    request: Request, subprotocols: list[str], query_keys: tuple[str, ...]
) -> Credentials:
    """Read the credentials and remove them, for the request outlives the handshake."""
    headers = request.headers
    found = find_credentials(headers.get_all("Authorization"), subprotocols, query_keys)
    for name in ("Authorization", "Sec-WebSocket-Protocol"):
        if name in headers:
            del headers[name]
    return found


def _is_local(request: Request, address: str) -> bool:
    """Whether a request comes from this machine itself, not through a proxy or a web page.

    A proxy on this machine announces whom it forwards; a page that rebinds its name to
    127.0.0.1 still sends that name as ``Host``.
    """
    hosts = request.headers.get_all("Host")
    return (
        is_loopback(address)
        and not is_forwarded(request.headers)
        and all(is_loopback(_without_port(host)) for host in hosts)
    )


def _without_port(host: str) -> str:
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]

"""Open the port: sockets, TLS, and the server on them."""

from __future__ import annotations

import errno
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from websockets.asyncio.server import Server, serve
from websockets.server import ServerProtocol

from alertlib.errors import BusyError, ConfigError
from alertlib.texts.words import Language
from runners.live.telemetry.logs import quiet_websockets
from runners.live.telemetry.metrics import Metrics
from runners.live.websocket.admission import Door, Endpoints
from runners.live.websocket.auth import Authenticator, own_origins, require_safe_bind
from runners.live.websocket.broadcast import History
from runners.live.websocket.client_journal import Audit
from runners.live.websocket.connection import CLOSE_SECONDS, WRITE_LIMIT, Peer
from runners.live.websocket.dashboard.page import Page
from runners.live.websocket.forwarding import Proxies
from runners.live.websocket.limits import Roster
from runners.live.websocket.responses import Health
from runners.live.websocket.server import AlertServer
from runners.live.websocket.tls import shrink_tls_buffers

if TYPE_CHECKING:
    from alertlib.config.schema import WebSocket

OPEN_SECONDS = 3.0
MAX_QUEUED_MESSAGES = 4
BACKLOG = 1_024
#: The kernel hides a stalled reader behind its buffers: with the usual 2.5 MB, thousands of
#: alerts. With 16 KiB (Linux doubles it) a stall shows after some thirty.
SEND_BUFFER = 16_384
#: Clients say little. A small receive buffer bounds what one read can bring, and so how long
#: the loop is busy with one flooding client.
RECEIVE_BUFFER = 8_192
PAGE = Path(__file__).with_name("dashboard") / "index.html"


async def open_server(
    history: History,
    audit: Audit,
    authenticator: Authenticator,
    settings: WebSocket,
    metrics: Metrics,
    health: Callable[[], Health],
    *,
    host: str | None = None,
    port: int | None = None,
    tls: ssl.SSLContext | None = None,
    allow_remote: bool = False,
    page: Path = PAGE,
    language: Language = "pt-BR",
) -> AlertServer:
    """Start serving ``alertas.v1``.

    Parameters
    ----------
    history, audit : History, Audit
        The store.
    authenticator : Authenticator
    settings : WebSocket
        The configuration's section; ``url`` gives host, port and path.
    metrics : Metrics
        Rendered at ``/metrics``; the caller may declare more.
    health : callable
        What ``/health`` says at this moment.
    host, port : optional
        Override the URL's. Port 0 picks a free one.
    tls : ssl.SSLContext, optional
        From :mod:`runners.live.websocket.tls`.
    allow_remote : bool
        Permit an address that other machines reach, without TLS.
    page : Path
        The dashboard's.
    language : {"pt-BR", "en"}
        Its language until somebody chooses another.

    Returns
    -------
    AlertServer
        Serving; ``port`` is the one it listens on. Call ``publish`` on the loop's thread after
        every commit, and ``await stop()`` at the end.

    Raises
    ------
    BusyError
        Another process has the port.
    ConfigError
        The address cannot be listened on, or should not be.
    """
    url = urlsplit(settings.url)
    host = host or url.hostname or "localhost"
    require_safe_bind(host, tls=tls is not None, allow_remote=allow_remote)
    sockets = bind(host, (url.port or 8765) if port is None else port)
    bound_port: int = sockets[0].getsockname()[1]
    if tls is not None:
        shrink_tls_buffers()
    is_tls = tls is not None
    origins = own_origins({host, url.hostname or host}, bound_port, tls=is_tls)
    server: AlertServer

    door = Door(
        authenticator,
        origins | set(settings.origins),
        {"/", "/alertas", url.path or "/"},
        Roster(settings.max_connections, settings.max_connections_per_token),
        settings.handshakes_per_second,
        Endpoints(health, lambda: server.stats(), metrics, Page.load(page, origins, language)),
        lambda rejections: server.rejected(rejections),
        proxies=Proxies(settings.trusted_proxies),
        is_proxied=_is_proxied(settings),
        origins_at=lambda address: own_origins({address}, bound_port, tls=is_tls),
    )
    server = AlertServer(
        history,
        audit,
        door,
        metrics,
        messages_per_second=settings.messages_per_second,
        max_connections=settings.max_connections,
    )
    server.port = bound_port
    for sock in sockets:
        server.servers.append(await _serve(server, sock, settings.max_message_bytes, tls))
    server.tick()
    return server


async def _serve(
    owner: AlertServer, sock: socket.socket, max_bytes: int, tls: ssl.SSLContext | None
) -> Server:
    def make_peer(protocol: ServerProtocol, server: Server, **limits: Any) -> Peer:
        return Peer(owner, protocol, server, **limits)

    return await serve(
        owner.handle,
        sock=sock,
        ssl=tls,
        backlog=BACKLOG,
        compression=None,  # deflate costs three times the CPU and the memory
        process_request=owner.process_request,
        process_response=owner.process_response,
        server_header=None,
        open_timeout=OPEN_SECONDS,
        **_tls_limits(tls),
        ping_interval=None,  # sessions ping; the library would close with 1011
        close_timeout=CLOSE_SECONDS,
        max_size=max_bytes,
        max_queue=MAX_QUEUED_MESSAGES,
        write_limit=WRITE_LIMIT,
        logger=quiet_websockets(),
        create_connection=make_peer,  # type: ignore[arg-type]  # called, never subclassed
    )


def _is_proxied(settings: WebSocket) -> bool:
    """Whether the configuration speaks of a proxy in front of this port.

    A page of an https origin could not reach a port without TLS in any other way.
    """
    is_plain = settings.certificate_file is None
    pages = any(origin.startswith("https:") for origin in settings.origins)
    return bool(settings.trusted_proxies) or (is_plain and pages)


def _tls_limits(tls: ssl.SSLContext | None) -> dict[str, Any]:
    """Times for the two ends of TLS, a minute and half of one by default."""
    if tls is None:
        return {}
    return {"ssl_handshake_timeout": OPEN_SECONDS, "ssl_shutdown_timeout": CLOSE_SECONDS}


def bind(host: str, port: int) -> list[socket.socket]:
    """Return sockets bound to ``host``: two for ``localhost``, IPv4 and IPv6, on one port."""
    hosts = ["127.0.0.1", "::1"] if host.lower().rstrip(".") == "localhost" else [host]
    attempts = 10 if port == 0 else 1
    for attempt in range(1, attempts + 1):
        sockets: list[socket.socket] = []
        try:
            for each in hosts:
                wanted = sockets[0].getsockname()[1] if sockets else port
                sockets.extend(_bind_one(each, wanted))
        except OSError as error:
            for sock in sockets:
                sock.close()
            # A free port of one family may be taken in the other: pick again.
            if error.errno == errno.EADDRINUSE and attempt < attempts:
                continue
            raise _bind_error(host, port, error) from None
        if sockets:
            return sockets
    raise ConfigError(f"host {host} has no address to listen on; use 127.0.0.1")


def _bind_one(host: str, port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError:  # no resolver is asked for such a name
        raise socket.gaierror(socket.EAI_NONAME, "this can be no name of a host") from None
    for family, kind, protocol, _, address in dict.fromkeys(found):
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError:
            continue  # a family this machine does not have
        try:
            _prepare(sock)
            sock.bind(address)
        except OSError as error:
            sock.close()
            if family == socket.AF_INET6 and host == "::1" and error.errno == errno.EADDRNOTAVAIL:
                continue  # IPv6 exists but is switched off; IPv4 loopback is enough
            for other in sockets:
                other.close()
            raise
        sockets.append(sock)
    return sockets


def _prepare(sock: socket.socket) -> None:
    if sys.platform == "win32":
        # There SO_REUSEADDR would let any process take the port over.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    # Accepted connections inherit these.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)


def _bind_error(host: str, port: int, error: OSError) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return BusyError(
            f"port {port} on {host} is in use, expected it to be free; stop the other process "
            "(runners.live --stop) or choose another with --port"
        )
    reason = error.strerror or str(error)
    return ConfigError(
        f"cannot listen on {host} port {port}: {reason}; expected an address of this machine "
        "and a port this user may open"
    )


def raise_descriptor_limit(wanted: int) -> int:
    """Allow this process ``wanted`` open files if it may; returns how many it can have."""
    try:
        import resource
    except ImportError:  # Windows has no such limit on sockets
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft

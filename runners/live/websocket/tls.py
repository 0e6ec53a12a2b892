"""TLS on the port itself: the certificate, its renewal, and what a connection costs."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from asyncio import sslproto
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from alertlib.errors import ConfigError

if TYPE_CHECKING:
    from alertlib.config.schema import WebSocket

#: asyncio's default of 256 KiB per direction makes a TLS connection cost 294 KB; this, 54 KB.
TLS_BUFFER = 16_384
RENEWAL_SECONDS = 10.0
"""Between looks at the files."""

_log = logging.getLogger("alertas.websocket")

Stamp = tuple[tuple[int, int, int], ...]

_NO_CHECK_TIME = 0x20_0000
"""Of OpenSSL, which Python has no name for: who wants the dates wants them of any certificate."""


_DATES = ("notBefore", "notAfter")


class Validity(NamedTuple):
    """From when until when a certificate holds, Unix seconds."""

    since: float
    until: float


class Certificate:
    """A certificate and its key, read again when the files change.

    Attributes
    ----------
    context : ssl.SSLContext
        To serve with. Every handshake is made under the newest certificate; connections that
        are open keep theirs.

    Raises
    ------
    ConfigError
        The files are no certificate and its key.
    """

    def __init__(self, certificate: str, key: str) -> None:
        self._paths = certificate, key
        self._stamp = _stamp(self._paths)
        self.context = tls_context(*self._paths)
        self._newest = self.context
        self._validity = validity(self.context, certificate)
        self._not_renewed = ""
        # A new context rather than new files in the old one, which would keep an old
        # certificate of another kind of key and go on showing it.
        self.context.sni_callback = self._use_newest

    def renew(self) -> bool:
        """Read the files again if they have changed; True if a new certificate is in use.

        A pair that does not fit (yet: one file is written before the other) changes nothing.
        """
        stamp = _stamp(self._paths)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self._newest = tls_context(*self._paths)
        except ConfigError as error:
            self._not_renewed = str(error)
            _log.error("certificate not renewed", extra={"reason": str(error)})
            return False
        self._validity, self._not_renewed = validity(self._newest, self._paths[0]), ""
        _log.info("certificate renewed", extra={"certificate": self._paths[0]})
        return True

    def trouble(self, now: float) -> str:
        """Return why clients refuse the certificate, or will; empty if nothing is known of it.

        ``now`` is Unix seconds.
        """
        valid = self._validity
        if valid is not None and now > valid.until:
            return f"expired on {_moment(valid.until)}, so that clients refuse it; renew it"
        if valid is not None and now < valid.since:
            return (
                f"holds from {_moment(valid.since)} only, and it is {_moment(now)}; correct this "
                "machine's clock, or the certificate"
            )
        return self._not_renewed and f"not renewed: {self._not_renewed}"

    @property
    def until(self) -> str:
        """Until when the certificate holds; empty if that is not known."""
        return "" if self._validity is None else _moment(self._validity.until)

    async def watch(self) -> None:
        """Renew whenever it is time, for ever."""
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            self.renew()

    def _use_newest(
        self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext
    ) -> None:
        connection.context = self._newest


def find_certificate(settings: WebSocket) -> Certificate | None:
    """Return what ``wss://`` is served with; None for ``ws://``."""
    if settings.certificate_file is None or settings.key_file is None:
        return None
    return Certificate(settings.certificate_file, settings.key_file)


def tls_context(certificate: str | os.PathLike[str], key: str | os.PathLike[str]) -> ssl.SSLContext:
    """Return a server's TLS context (1.2 and later) from PEM files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # Without a password OpenSSL would ask for that of the key on the terminal, and wait.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"certificate {os.fspath(certificate)} with key {os.fspath(key)}: {error}; expected "
            "a PEM certificate chain and its private key, without a passphrase"
        ) from None
    return context


def validity(context: ssl.SSLContext, certificate: str) -> Validity | None:
    """Return when the certificate of a server's context holds: what a client is shown of it.

    None where a client learns nothing from it, dates left aside.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        client.load_verify_locations(certificate)
        ends = (
            context.wrap_bio(to_server, to_client, server_side=True),
            client.wrap_bio(to_client, to_server),
        )
        done = [False, False]
        while not all(done):
            for number in (1, 0):
                try:
                    ends[number].do_handshake()
                    done[number] = True
                except ssl.SSLWantReadError:
                    pass
        shown = ends[1].getpeercert() or {}
        since, until = (ssl.cert_time_to_seconds(str(shown[key])) for key in _DATES)
    except (OSError, ValueError, KeyError):
        return None
    return Validity(since, until)


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def shrink_tls_buffers() -> bool:
    """Make asyncio's TLS connections small; False if this Python keeps the size elsewhere.

    ``max_size`` is not a documented attribute, so nothing depends on it but memory.
    """
    if not isinstance(getattr(sslproto.SSLProtocol, "max_size", None), int):
        return False
    sslproto.SSLProtocol.max_size = TLS_BUFFER
    return True


def _stamp(paths: tuple[str, ...]) -> Stamp:
    """What changes when a file does: links are followed, for certbot moves those."""
    found = []
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            found.append((0, 0, 0))
        else:
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)

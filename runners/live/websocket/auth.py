"""Who may connect: tokens, the places a token may stand, origins and addresses.

Everything here is a function of its arguments; no socket, no clock, no environment.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from alertlib.config.schema import WebSocket
from alertlib.config.secrets import find_secret, split_token
from alertlib.config.types import is_loopback
from alertlib.errors import ConfigError
from runners.live.websocket import jwt

#: 256 bits in base64, the densest of the usual spellings. Shorter tokens are reported as weak.
STRONG_TOKEN_LENGTH = 43
SUBPROTOCOL = "alertas.v1"
_BEARER_SUBPROTOCOL = "bearer."

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_TOKEN = re.compile(r"[!-+\--~]{1,512}")  # visible ASCII without the comma
_AUTHORIZATION = re.compile(r"bearer +([!-~]{1,4096})", re.IGNORECASE)
#: Query keys under which people put tokens. What stands in a URL ends up in logs, histories
#: and Referer headers, so it is refused rather than overlooked.
_URL_TOKEN_KEYS = frozenset(
    {"token", "access_token", "auth", "authorization", "bearer", "jwt", "api_key", "apikey"}
)


class Identity(NamedTuple):
    """A client that proved who it is; ``expires`` in Unix time, None for static tokens."""

    name: str
    expires: float | None = None


class TokenEntry(NamedTuple):
    """A static token: its owner, its SHA-256, and whether it looks guessable."""

    name: str
    digest: bytes
    is_weak: bool


class JwtKey(NamedTuple):
    """What HS256 tokens are verified with."""

    secret: bytes
    audience: str


def parse_tokens(text: str, variable: str = "WEBSOCKET_TOKEN") -> tuple[TokenEntry, ...]:
    """Read ``name:token,name2:token2`` or one bare token (whose owner is ``client``).

    One name may have several tokens, so that they can be rotated without a gap. Messages name
    ``variable`` and the entry's place, never its value.
    """
    pieces = [piece.strip() for piece in text.split(",")]
    expected = "expected name:token,name2:token2 or one bare token"
    if pieces == [""]:
        raise ConfigError(f"{variable} is empty, {expected}; set it to a random token")
    entries: list[TokenEntry] = []
    for place, piece in enumerate(pieces, start=1):
        where = f"{variable}: entry {place} of {len(pieces)}"
        stated, token = split_token(piece)
        if stated is None and len(pieces) > 1:
            raise ConfigError(f"{where} has no name, {expected}; write it as name:token")
        name = "client" if stated is None else stated
        if _NAME.fullmatch(name) is None:
            raise ConfigError(
                f"{where} has an invalid name, expected 1-64 letters, digits or . _ @ -; "
                "correct it (its value is not shown here)"
            )
        if _TOKEN.fullmatch(token) is None:
            raise ConfigError(
                f"{where} ({name}) has an invalid token, expected 1-512 visible ASCII "
                "characters without comma or blank; make one with "
                "python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
        entry = TokenEntry(name, _digest(token), len(token) < STRONG_TOKEN_LENGTH)
        if any(entry.digest == other.digest for other in entries):
            raise ConfigError(f"{where} ({name}) repeats the token of an earlier entry; change one")
        entries.append(entry)
    return tuple(entries)


class Authenticator:
    """Turns a token into an identity. Holds digests of the static tokens, never the tokens."""

    def __init__(self, tokens: Sequence[TokenEntry], key: JwtKey | None = None) -> None:
        if not tokens and key is None:
            raise ConfigError(
                "no WebSocket token and no JWT secret are set, expected at least one; "
                "set WEBSOCKET_TOKEN"
            )
        self._tokens = tuple(tokens)
        self._key = key

    @property
    def weak(self) -> tuple[str, ...]:
        """Owners of tokens short enough to be guessed, for a warning at start."""
        return tuple(sorted({entry.name for entry in self._tokens if entry.is_weak}))

    def identify(self, token: str, now: float) -> Identity | None:
        """Return whose ``token`` this is at Unix time ``now``, or None.

        Every entry is compared, whether or not an earlier one matched, so that the time taken
        tells nothing about the tokens.
        """
        digest = _digest(token)
        name: str | None = None
        for entry in self._tokens:
            if hmac.compare_digest(entry.digest, digest):
                name = entry.name
        if name is not None:
            return Identity(name)
        if self._key is None:
            return None
        claims = jwt.verify(token, self._key.secret, self._key.audience, now)
        return None if claims is None else Identity(claims.subject, claims.expires)


class Credentials(NamedTuple):
    """Tokens found in a handshake.

    ``is_malformed`` marks credentials that cannot be right whatever the token: a second
    Authorization header, another scheme, a token in the URL.
    """

    tokens: tuple[str, ...] = ()
    is_malformed: bool = False


def find_credentials(
    authorization: Sequence[str], subprotocols: Sequence[str], query_keys: Sequence[str]
) -> Credentials:
    """Collect the credentials of a handshake from the three places they may be put.

    Parameters
    ----------
    authorization : sequence of str
        Values of all ``Authorization`` headers.
    subprotocols : sequence of str
        Subprotocols offered, as split by :func:`split_subprotocols`.
    query_keys : sequence of str
        Keys of the URL's query, decoded.
    """
    if len(authorization) > 1 or any(key.lower() in _URL_TOKEN_KEYS for key in query_keys):
        return Credentials(is_malformed=True)
    tokens = [
        offer.removeprefix(_BEARER_SUBPROTOCOL)
        for offer in subprotocols
        if offer.startswith(_BEARER_SUBPROTOCOL)
    ]
    if len(tokens) > 1 or "" in tokens:
        return Credentials(is_malformed=True)
    for value in authorization:
        match = _AUTHORIZATION.fullmatch(value)
        if match is None:
            return Credentials(is_malformed=True)
        tokens.append(match.group(1))
    return Credentials(tuple(tokens))


def split_subprotocols(headers: Sequence[str]) -> list[str]:
    """Split ``Sec-WebSocket-Protocol`` values leniently.

    A strict parser refuses ``bearer.`` with a base64 token, whose ``=`` and ``/`` are not
    allowed in a subprotocol's name, before anybody can look at the token.
    """
    return [item.strip() for value in headers for item in value.split(",") if item.strip()]


def own_origins(hosts: Collection[str], port: int, *, tls: bool) -> frozenset[str]:
    """Origins a page served from this very port has.

    Taken from the addresses we know, never from the request's ``Host``: a page that rebinds
    its own name to 127.0.0.1 sends an ``Origin`` and a ``Host`` that agree with each other.
    """
    scheme, default = ("https", 443) if tls else ("http", 80)
    names = set(hosts)
    if any(is_loopback(host) for host in hosts):
        names |= {"localhost", "127.0.0.1", "::1"}
    origins: set[str] = set()
    for name in names:
        host = f"[{name}]" if ":" in name else name.lower()
        origins.add(f"{scheme}://{host}:{port}")
        if port == default:
            origins.add(f"{scheme}://{host}")
    return frozenset(origins)


def require_safe_bind(host: str, *, tls: bool, allow_remote: bool) -> None:
    """Refuse to listen where tokens would cross a network in clear, unless told to."""
    if is_loopback(host) or tls or allow_remote:
        return
    raise ConfigError(
        f"host {host} is reachable from other machines and the connection is not encrypted, "
        "expected a loopback address such as 127.0.0.1; configure TLS, put a TLS proxy in "
        "front of 127.0.0.1, or pass --allow-remote if the network is trusted"
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


JWT_VARIABLE = "WEBSOCKET_JWT_SECRET"
MIN_JWT_SECRET = 32


def authenticator(settings: WebSocket, environ: Mapping[str, str]) -> Authenticator:
    """Return who may connect.

    Raises
    ------
    ConfigError
        Neither a token nor a JWT secret is set, or one of them cannot be one.
    """
    tokens = find_secret(settings.token_env, settings.token_file, environ=environ)
    secret = find_secret(JWT_VARIABLE, settings.jwt_secret_file, environ=environ)
    if tokens is None and secret is None:
        raise ConfigError(
            f"${settings.token_env}: got nothing, expected name:token for each client; set it, for "
            "example to desk:$(python -c 'import secrets; print(secrets.token_urlsafe(32))')"
        )
    if secret is not None and len(secret) < MIN_JWT_SECRET:
        raise ConfigError(
            f"${JWT_VARIABLE}: got {len(secret)} characters, expected at least {MIN_JWT_SECRET}; "
            "use a random secret"
        )
    key = None if secret is None else JwtKey(secret.encode(), settings.jwt_audience)
    entries = () if tokens is None else parse_tokens(tokens, settings.token_env)
    return Authenticator(entries, key)

"""Verify the one kind of JSON Web Token that is accepted: HS256, compact form.

The algorithm is a constant here and never read from the token to choose anything, so there is
no ``none``, no key confusion and nothing to negotiate. ``exp``, ``aud`` and ``sub`` are
required, ``nbf`` is honoured.

References
----------
RFC 7515 (JWS), RFC 7519 (JWT), RFC 8725 (best current practices).
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, NamedTuple, TypeGuard

from runners.live.websocket.strict_json import load_object

MAX_LENGTH = 4_096
MAX_SUBJECT = 128


class Claims(NamedTuple):
    """What a verified token says: who, and until when (Unix time)."""

    subject: str
    expires: float


def verify(token: str, secret: bytes, audience: str, now: float) -> Claims | None:
    """Return the claims of ``token``, or None if anything at all is wrong with it.

    Parameters
    ----------
    token : str
        ``header.payload.signature``, base64url without padding.
    secret : bytes
        The HMAC key.
    audience : str
        What ``aud`` must be, or contain when it is a list.
    now : float
        Unix time. A token is good while ``nbf <= now < exp``; there is no leeway.
    """
    if len(token) > MAX_LENGTH or not token.isascii():
        return None
    signed, _, encoded_signature = token.rpartition(".")
    encoded_header, dot, encoded_payload = signed.partition(".")
    if not dot or "." in encoded_payload:
        return None
    signature = _decode(encoded_signature)
    expected = hmac.digest(secret, signed.encode(), hashlib.sha256)
    if signature is None or not hmac.compare_digest(signature, expected):
        return None
    header = _object(encoded_header)
    payload = _object(encoded_payload)
    if header is None or payload is None or not _header_is_ours(header):
        return None
    return _claims(payload, audience, now)


def _header_is_ours(header: dict[str, Any]) -> bool:
    kind = header.get("typ", "JWT")
    # An extension named in `crit` must be understood, and none is (RFC 7515 section 4.1.11).
    return (
        header.get("alg") == "HS256"
        and "crit" not in header
        and isinstance(kind, str)
        and kind.upper() == "JWT"
    )


def _claims(payload: dict[str, Any], audience: str, now: float) -> Claims | None:
    subject = payload.get("sub")
    expires = payload.get("exp")
    audiences = payload.get("aud")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        return None
    if not subject.isprintable():
        return None
    if not _is_time(expires) or now >= expires:
        return None
    if "nbf" in payload and not (_is_time(payload["nbf"]) and payload["nbf"] <= now):
        return None
    if isinstance(audiences, str):
        audiences = [audiences]
    if not isinstance(audiences, list) or audience not in audiences:
        return None
    return Claims(subject, float(expires))


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and value < 1e15


def _decode(text: str) -> bytes | None:
    """Strict base64url: no padding, no foreign characters, one spelling per value."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return raw if urlsafe_b64encode(raw).rstrip(b"=").decode() == text else None


def _object(text: str) -> dict[str, Any] | None:
    raw = _decode(text)
    if raw is None:
        return None
    try:
        return load_object(raw.decode())
    except UnicodeDecodeError:
        return None

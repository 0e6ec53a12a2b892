"""Answers to plain HTTP requests on the WebSocket's port."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from websockets.datastructures import Headers
from websockets.http11 import Response

_TEXT = "text/plain; charset=utf-8"


class Health(NamedTuple):
    """What ``/health`` says.

    ``is_serving`` is false only when feed or store fail; a failing mail channel is a reason
    beside a 200. ``details`` must hold no secret.
    """

    is_serving: bool
    reasons: tuple[str, ...] = ()
    details: Mapping[str, object] = {}


def reply(
    status: HTTPStatus,
    text: str,
    content_type: str = _TEXT,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a complete response after which the connection is closed."""
    body = text.encode()
    fields = {
        "Content-Type": content_type,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Connection": "close",
        **(headers or {}),
    }
    return Response(status.value, status.phrase, Headers(fields), body)


def refuse(status: HTTPStatus, headers: Mapping[str, str] | None = None) -> Response:
    """Return a refusal; its body is the same whatever the cause, and so tells nothing."""
    return reply(status, f"{status.phrase}\n", headers=headers)


def method_not_allowed(method: str) -> Response:
    """Return a 405; without a body for HEAD, which must not have one."""
    allow = {"Allow": "GET"}
    if method == "HEAD":
        return reply(HTTPStatus.METHOD_NOT_ALLOWED, "", headers=allow)
    return refuse(HTTPStatus.METHOD_NOT_ALLOWED, allow)


def health(state: Health, details: Mapping[str, object]) -> Response:
    """Return 200 or 503 with the reasons as JSON."""
    status = HTTPStatus.OK if state.is_serving else HTTPStatus.SERVICE_UNAVAILABLE
    body = {
        "status": "ok" if state.is_serving else "failing",
        "reasons": list(state.reasons),
        **details,
        **state.details,
    }
    return reply(status, json.dumps(body, ensure_ascii=False) + "\n", "application/json")

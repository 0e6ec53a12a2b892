"""Read a JSON object from somebody who may mean harm."""

from __future__ import annotations

import json
from typing import Any


def load_object(text: str) -> dict[str, Any] | None:
    """Return the object in ``text``, or None if it is not exactly one well-formed object.

    Stricter than :func:`json.loads`: a repeated key, ``NaN``, ``Infinity``, numbers that
    overflow, lone surrogates (which no UTF-8 file could hold) and nesting deep enough to
    exhaust the interpreter's stack are refused too.
    """
    try:
        value = json.loads(
            text,
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse,
            parse_float=_finite,
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text} overflows")
    return value

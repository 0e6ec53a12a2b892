"""Types of command-line options."""

from __future__ import annotations

from argparse import ArgumentTypeError
from math import isfinite


def speed(text: str) -> float:
    """Read a speed: a finite number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not isfinite(value) or value < 0.0:
        raise ArgumentTypeError(f"got {text!r}, expected a number of at least 0 such as 60")
    return value


def port(text: str) -> int:
    """Read a port number: 0 to 65535."""
    if not (text.isascii() and text.isdigit()) or int(text) > 65_535:
        raise ArgumentTypeError(f"got {text!r}, expected a port from 0 to 65535")
    return int(text)

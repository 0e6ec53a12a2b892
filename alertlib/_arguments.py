"""Arguments of the library's functions: what cannot be meant is refused where it is handed in."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from alertlib.errors import AlertlibError, ConfigError


def expect(
    name: str,
    value: Any,
    kinds: type | tuple[type, ...],
    expected: str,
    error: type[AlertlibError] = ConfigError,
) -> None:
    """Refuse a value that is not of the kinds an argument takes.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : object
    kinds : type or tuple of type
    expected : str
        What is, and what to do, for the message.
    error : type of AlertlibError
        Decides the exit status.
    """
    if not isinstance(value, kinds):
        raise error(f"{name}: got {shown(value)}; expected {expected}")


def expect_whole(name: str, value: Any, least: int, of: str = "") -> None:
    """Refuse with a ConfigError what is no whole number (of something), or less than ``least``."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        kind = f"a whole number of {of}" if of else "a whole number"
        raise ConfigError(f"{name}: got {shown(value)}; expected {kind}")
    if int(value) < least:
        raise ConfigError(f"{name}: got {value}, expected at least {least} {of}".rstrip())


def expect_one_of(name: str, value: Any, choices: Sequence[str]) -> None:
    """Refuse a word that an argument does not know."""
    if not isinstance(value, str) or value not in choices:
        raise ConfigError(f"{name}: got {shown(value)}; expected one of {', '.join(choices)}")


def shown(value: Any) -> str:
    """Return a value as a message quotes it: a word or number itself, of all else the type."""
    if value is None or isinstance(value, (bool, int, float, str)):
        text = repr(value)
        return text if len(text) <= 60 else f"{text[:57]}..."
    return f"a value of type {type(value).__name__}"

"""Forked processes: Polars' threads are not there any more, and what needs them waits for ever."""

from __future__ import annotations

import os
import warnings

from alertlib.errors import AlertlibWarning, ConfigError

_SPAWN = 'start processes by multiprocessing.get_context("spawn")'

_state = {"used": False, "forked": False}


def expect_no_fork() -> None:
    """Refuse to work in a process forked from one that has worked already; note that this has.

    Raises
    ------
    ConfigError
    """
    if _state["forked"]:
        raise ConfigError(
            "alertlib: called in a process forked after bars were used, in which Polars waits for "
            f"ever; expected one that was spawned; {_SPAWN}"
        )
    _state["used"] = True


def _warn() -> None:
    if _state["used"]:
        warnings.warn(
            f"forking after bars were used: in the child Polars waits for ever; {_SPAWN}",
            AlertlibWarning,
            stacklevel=2,
        )


def _note_fork() -> None:
    _state["forked"] = _state["used"]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_warn, after_in_child=_note_fork)

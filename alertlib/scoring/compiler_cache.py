"""Compiled loops on disk, found by a hash of all their sources.

A cache that cannot be used costs time and never a result: what cannot be read is compiled again,
what cannot be written is compiled in every process.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from alertlib.errors import AlertlibWarning

COMPILING = "compiling once for this machine, which takes a few seconds"

_told: list[bool] = []


def keyed_cache(loop: Callable[..., Any], key: str) -> Any:
    """Return numba's file cache for ``loop``, found by ``key``; None where no folder can be used.

    The first loop of a process that is not in it is told of by an ``AlertlibWarning``.
    """
    from numba.core.caching import FunctionCache

    class KeyedCache(FunctionCache):
        def _index_key(self, sig: Any, codegen: Any) -> Any:
            return (sig, codegen.magic_tuple(), key)

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            numbas: Any = super()
            try:
                found = numbas.load_overload(sig, target_context)
            except Exception:  # a damaged file may make numba's unpickling raise anything
                found = None
            if found is None:
                _tell()
            return found

        def save_overload(self, sig: Any, data: Any) -> None:
            numbas: Any = super()
            try:
                numbas.save_overload(sig, data)
            except Exception:  # a full disk, or an index that is damaged
                return

    make: Any = KeyedCache
    try:
        return make(loop)
    except RuntimeError:
        # Neither beside the sources nor in the user's cache may anything be written.
        _tell()
        return None


def _tell() -> None:
    if not _told:
        _told.append(True)
        warnings.warn(AlertlibWarning(COMPILING), stacklevel=3)

"""Compiled loops on disk, found by a hash of all their sources.

A cache that cannot be used costs time and never a result: what cannot be read, or is not what was
written, is compiled again, what cannot be written is compiled in every process.
"""

from __future__ import annotations

import hashlib
import pickle
import warnings
from collections.abc import Callable
from typing import Any

from alertlib.errors import AlertlibWarning

COMPILING = "compiling once for this machine, which takes a few seconds"
COMPILING_HERE = (
    "compiling for this process alone, which takes a few seconds: no folder for compiled code can "
    "be written; name one that can in NUMBA_CACHE_DIR"
)

_told: list[bool] = []


def keyed_cache(loop: Callable[..., Any], key: str) -> Any:
    """Return numba's file cache for ``loop``, found by ``key``; None where no folder can be used.

    The first loop of a process that is not in it is told of by an ``AlertlibWarning``.
    """
    from numba.core.caching import FunctionCache

    class KeyedCache(FunctionCache):
        def __init__(self, py_func: Any) -> None:
            numbas: Any = super()
            numbas.__init__(py_func)
            stamp = self._impl.locator.get_source_stamp()
            self._cache_file = _sealed_file()(self._cache_path, self._impl.filename_base, stamp)

        def _index_key(self, sig: Any, codegen: Any) -> Any:
            return (sig, codegen.magic_tuple(), key)

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            numbas: Any = super()
            try:
                found = numbas.load_overload(sig, target_context)
            except Exception:  # a damaged file may make numba's unpickling raise anything
                found = None
            if found is None:
                _tell(COMPILING)
            return found

        def save_overload(self, sig: Any, data: Any) -> None:
            numbas: Any = super()
            try:
                numbas.save_overload(sig, data)
            except Exception:  # a full disk
                return

    make: Any = KeyedCache
    try:
        return make(loop)
    except RuntimeError:
        # Neither beside the sources nor in the user's cache may anything be written.
        _tell(COMPILING_HERE)
        return None


def _sealed_file() -> Any:
    """Return numba's cache file with a seal on what it holds.

    Numba hands whatever unpickles to LLVM: machine code with one byte flipped ends the process,
    or computes something else.
    """
    from numba.core.caching import IndexDataCacheFile

    class SealedFile(IndexDataCacheFile):
        def save(self, key: Any, data: Any) -> None:
            numbas: Any = super()
            content: bytes = numbas._dump(data)
            sealed = _seal(key, content) + content
            try:
                numbas.save(key, sealed)
            except Exception:  # unpickling a damaged index may raise anything
                numbas.flush()
                numbas.save(key, sealed)

        def load(self, key: Any) -> Any:
            numbas: Any = super()
            sealed = numbas.load(key)
            if not isinstance(sealed, bytes):
                return None
            seal, content = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
            return pickle.loads(content) if seal == _seal(key, content) else None

    return SealedFile


_SEAL_BYTES = hashlib.sha256().digest_size


def _seal(key: Any, content: bytes) -> bytes:
    # The key as well: a damaged index may lead to the code of another signature.
    return hashlib.sha256(str(key).encode() + content).digest()


def _tell(text: str) -> None:
    if not _told:
        _told.append(True)
        warnings.warn(AlertlibWarning(text), stacklevel=3)

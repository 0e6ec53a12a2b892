"""websockets without the metadata of installed packages: 1 MB, read in builds of its authors only.

Loaded before anything of websockets, by the room's face.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from types import ModuleType

_METADATA = "importlib.metadata"


def _load_version() -> None:
    """Load ``websockets.version``, which imports the metadata and, once released, uses none."""
    if _METADATA in sys.modules:
        return
    sys.modules[_METADATA] = ModuleType(_METADATA)
    try:
        # A build that was not released finds nothing in it, and is loaded in full afterwards.
        with suppress(ImportError, AttributeError):
            import websockets.version  # noqa: F401
    finally:
        del sys.modules[_METADATA]


_load_version()

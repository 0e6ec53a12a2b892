"""httpx without its command line, which loads click, rich and pygments: 5.5 MB where they are."""

from __future__ import annotations

import sys

# As if what the command line needs were not installed, which httpx is prepared for.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

import httpx  # noqa: E402

__all__ = ["httpx"]

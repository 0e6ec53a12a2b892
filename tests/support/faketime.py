"""A machine clock that a test sets while the programs under it run; skips without libfaketime."""

from __future__ import annotations

from pathlib import Path

import pytest

_LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib")


class MachineClock:
    """The clock that processes started with ``env`` see; the one that never jumps stays theirs."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.set_by(0)
        self.env = {
            "LD_PRELOAD": _library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def set_by(self, seconds: float) -> None:
        """Have the clock show so much more than it should."""
        partial = self._file.with_suffix(".new")
        partial.write_text(f"{seconds:+.0f}")
        partial.replace(self._file)


def _library() -> str:
    for folder in _LIBRARIES:
        for name in ("faketime", "*/faketime"):
            for path in Path(folder).glob(f"{name}/libfaketimeMT.so.1"):
                return str(path)
    pytest.skip("needs libfaketime (Debian: libfaketime)")

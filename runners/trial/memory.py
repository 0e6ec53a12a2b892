"""The most memory a process ever had, by the operating system."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

MEGABYTE = 1e6


def peak_megabytes(pid: int) -> float | None:
    """Return the resident memory of a running process at its peak, in MB.

    Linux keeps it (``VmHWM``), Windows too (``PeakWorkingSetSize``). Elsewhere ``ps`` tells what
    it is now. None where nothing tells.
    """
    if sys.platform == "win32":
        return _peak_on_windows(pid)
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        lines = status.read_text().splitlines()
        line = next((line for line in lines if line.startswith("VmHWM")), None)
        return None if line is None else int(line.split()[1]) * 1_024 / MEGABYTE
    return _now_by_ps(pid)


def _now_by_ps(pid: int) -> float | None:
    try:
        said = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout.strip()
    except OSError:
        return None
    return int(said) * 1_024 / MEGABYTE if said.isdigit() else None


class _Counters(ctypes.Structure):
    """``PROCESS_MEMORY_COUNTERS``."""

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("page_faults", ctypes.c_uint32),
        ("peak_working_set", ctypes.c_size_t),
        ("rest", ctypes.c_size_t * 7),
    ]


if sys.platform == "win32":

    def _peak_on_windows(pid: int) -> float | None:
        query_limited, read = 0x1000, 0x0010
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = ctypes.c_void_p
        handle = kernel.OpenProcess(query_limited | read, False, pid)
        if not handle:
            return None
        try:
            counters = _Counters(size=ctypes.sizeof(_Counters))
            found = kernel.K32GetProcessMemoryInfo(
                ctypes.c_void_p(handle), ctypes.byref(counters), counters.size
            )
            return counters.peak_working_set / MEGABYTE if found else None
        finally:
            kernel.CloseHandle(ctypes.c_void_p(handle))

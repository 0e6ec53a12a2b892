"""Whether there is room for a trial, asked before it begins."""

from __future__ import annotations

import shutil
import tempfile

from alertlib.errors import StorageError


def require_room(megabytes: int) -> None:
    """Refuse to begin what the disk of temporary files would not hold.

    Raises
    ------
    StorageError
        There is no folder for temporary files, or not enough space in it.
    """
    try:
        folder = tempfile.gettempdir()
        free = shutil.disk_usage(folder).free // 1_000_000
    except OSError as error:
        raise StorageError(
            f"temporary files: no folder to write them to ({error.strerror or error}); expected "
            "one with room; name it in TMPDIR"
        ) from error
    if free < megabytes:
        raise StorageError(
            f"{folder}: got {free:,} MB free, expected {megabytes:,} MB for the trial's files; "
            "free space, or name another folder in TMPDIR"
        )

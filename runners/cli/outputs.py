"""Results written whole or not at all."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from alertlib.errors import StorageError

if TYPE_CHECKING:
    import polars as pl


def write_text(path: str, text: str) -> None:
    """Write a result whole or not at all."""
    with _replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def write_alert_table(path: str, alerts: pl.DataFrame) -> None:
    """Write an alert table whole or not at all; the ending says how."""
    from alertlib.scoring.frames import write_alerts

    with _replacing(path) as partial:
        write_alerts(alerts, partial)


@contextmanager
def _replacing(path: str) -> Iterator[Path]:
    """Give a name to write to, and put what is there in the place of ``path`` at the end.

    A device or a pipe is written into: a new file in its place would be the end of ``/dev/null``.
    A link keeps leading to its file.
    """
    try:
        if _is_special(path):
            with TemporaryDirectory() as folder:
                partial = Path(folder) / Path(path).name
                yield partial
                _copy(partial, path)
            return
        target = Path(os.path.realpath(path))
        partial = target.with_name(f".{os.getpid()}.{target.name}")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            partial.replace(target)
        except OSError:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error}); expected a writable file on "
            "a disk with space; choose another path"
        ) from error


def _is_special(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    # /dev/stdout may be a regular file, to which others write as well.
    is_descriptor = os.path.abspath(path).startswith(("/dev/", "/proc/"))
    return is_descriptor or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _copy(source: Path, target: str) -> None:
    with source.open("rb") as content, open(target, "ab", buffering=0) as out:
        shutil.copyfileobj(content, out)

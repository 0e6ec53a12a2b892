"""Results written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
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
    target = Path(path)
    partial = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(target)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error}); expected a writable file on "
            "a disk with space; choose another path"
        ) from error

"""Standard streams that do not fail a command for what happens at their other end.

Standard library only. A reader that leaves (``| head``) and a stderr that cannot be written
change no exit status: a verdict stays the verdict. A stdout that cannot take its results is a
disk's failure.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from typing import Any, TextIO

# Columns that a terminal can have and a table can be read in.
_FROM_WIDTH, _TO_WIDTH = 20, 10_000


class OutputError(OSError):
    """Standard output that cannot be written."""

    exit_status = 4


class _Descriptor(io.FileIO):
    """A descriptor that drops what nobody reads any more.

    Parameters
    ----------
    number : int
    is_result : bool
        Whether what cannot be written is an error.
    ends_with_reader : bool
        Whether a reader that leaves ends the command, as one that never ends by itself.
    """

    def __init__(self, number: int, is_result: bool, ends_with_reader: bool) -> None:
        super().__init__(number, "wb", closefd=False)
        self._is_result, self._ends_with_reader = is_result, ends_with_reader
        self._is_dead = False
        self.failure: OutputError | None = None
        """Why results could not be written, also where the writer took no notice."""

    def write(self, data: Any) -> Any:
        """Write, or say that all is written where nobody can read it."""
        if self._is_dead:
            return len(data)
        try:
            return super().write(data)
        except OSError as error:
            self._is_dead = True
            if _is_left_by_reader(error):
                if self._ends_with_reader:
                    raise
            elif self._is_result:
                self.failure = OutputError(
                    f"stdout: cannot be written ({error.strerror or error}); expected room for "
                    "the results; free some space or send them elsewhere"
                )
                raise self.failure from error
            return len(data)


def _is_left_by_reader(error: OSError) -> bool:
    # Windows knows no broken pipe of its own.
    return isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == errno.EINVAL)


def guard_streams(*, ends_with_reader: bool = False) -> Callable[[], OutputError | None]:
    """Put streams as above in the place of stdout and stderr, and nothing in that of closed ones.

    Terminals and streams that somebody else has put there stay as they are.

    Returns
    -------
    callable
        Answers why results could not be written; None while they could.
    """
    _fill_descriptors()
    results: list[_Descriptor] = []
    stands = (sys.stdout, sys.__stdout__), (sys.stderr, sys.__stderr__)
    for number, name, (stream, original) in zip((1, 2), ("stdout", "stderr"), stands, strict=True):
        if stream is original and not (stream is not None and stream.isatty()):
            raw = _Descriptor(number, name == "stdout", ends_with_reader)
            results += [raw] if name == "stdout" else []
            setattr(sys, name, _as_text(raw, stream))
    _accept_any_text()
    _forget_impossible_width()
    return lambda: next((raw.failure for raw in results), None)


def _as_text(raw: _Descriptor, like: Any) -> TextIO:
    if like is None:  # pythonw, or a closed descriptor
        return io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", "replace")
    like.flush()
    unbuffered = isinstance(like.buffer, io.RawIOBase)  # python -u
    return io.TextIOWrapper(
        raw if unbuffered else io.BufferedWriter(raw),
        like.encoding,
        "replace",
        line_buffering=like.line_buffering,
        write_through=like.write_through,
    )


def _fill_descriptors() -> None:
    """Open nothing in the place of standard streams that are closed.

    Otherwise the next file opened, a database perhaps, would take that number, and what a child
    process writes to its stderr would go there.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _accept_any_text() -> None:
    """Let a cp1252 console print what it can instead of raising UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _forget_impossible_width() -> None:
    """Take ``COLUMNS=0`` and the like for no statement: rich would print nothing, or cut all."""
    stated = os.environ.get("COLUMNS", "")
    if stated.isdigit() and not (
        stated.isascii() and len(stated) < 6 and _FROM_WIDTH <= int(stated) <= _TO_WIDTH
    ):
        del os.environ["COLUMNS"]

"""Text files as UTF-8 lines: encodings, byte order marks and line endings."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alertlib.bars.readers.archives import unpack
from alertlib.errors import DataError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8 with BOM"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16 LE"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16 BE"),
)
_NOT_TEXT = (
    (b"\xd0\xcf\x11\xe0", "an Excel workbook"),
    (b"Rar!", "a rar archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"ARROW1", "Arrow IPC (Feather)"),
    (b"SQLite format 3", "an SQLite database"),
    (b"PAR1", "Parquet"),
)
_EXPECTED = "expected Parquet, or text in UTF-8, UTF-16 with BOM or Latin-1"


@dataclass(frozen=True, eq=False, slots=True)
class Text:
    """The lines of a text file that are not blank.

    Attributes
    ----------
    body : bytes
        UTF-8, every line ending in ``\\n``, no byte order mark.
    numbers : array of int, one per line
        Number of each line in the file, counted from 1. A CR CR LF counts as one ending.
    encoding : str
        As found, and how it was packed, for people.
    """

    body: bytes
    numbers: NDArray[np.int64]
    encoding: str


def load_text(path: Path) -> Text:
    """Read and decode a text file.

    Raises
    ------
    DataError
        It is empty, not text, or text in no encoding that bars come in.
    """
    raw, packed = unpack(path.read_bytes(), str(path))
    if not raw.strip():
        raise DataError(f"{path}: empty; {_EXPECTED}; export the history again")
    for magic, what in _NOT_TEXT:
        if raw.startswith(magic):
            raise DataError(f"{path}: is {what}; {_EXPECTED}; export the bars as CSV or Parquet")
    body, encoding = decoded(raw, str(path))
    if body.count(b"\0") > len(body) // 100:
        raise DataError(f"{path}: is full of NUL bytes; {_EXPECTED}; export the history again")
    return _lines(body, f"{encoding}, {packed}" if packed else encoding)


def decoded(raw: bytes, where: str, *, notes: bool = False) -> tuple[bytes, str]:
    """Return a text as UTF-8 without a byte order mark, and its encoding as found.

    Parameters
    ----------
    raw : bytes
    where : str
        Name of the file, for messages.
    notes : bool
        Whether people write below the header: Latin-1 is believed there as well.
    """
    for mark, codec, name in _MARKS:
        if raw.startswith(mark):
            try:
                return raw[len(mark) :].decode(codec).encode(), name
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{where}: marked as {name}, but byte {error.start + len(mark)} cannot be "
                    f"decoded; {_EXPECTED}; export it again"
                ) from error
    try:
        raw.decode()
        return raw, "UTF-8"
    except UnicodeDecodeError as error:
        if notes:
            return raw.decode("latin-1").encode(), "Latin-1"
        return _latin(raw, error.start, where), "Latin-1"


def _latin(raw: bytes, first_bad: int, where: str) -> bytes:
    """Decode Latin-1, which any bytes are: believed only where the header alone needs it."""
    header, _, rest = raw.partition(b"\n")
    if not rest.isascii():
        line = raw.count(b"\n", 0, first_bad) + 1 if first_bad > len(header) else 2
        raise DataError(
            f"{where}: line {line} or later holds bytes that are not UTF-8; {_EXPECTED}; "
            "save the file as UTF-8"
        )
    return header.decode("latin-1").encode() + b"\n" + rest


def one_ending(body: bytes) -> bytes:
    """Return a text whose lines all end in ``\\n``; a CR CR LF is one ending."""
    if b"\r" not in body:
        return body
    return body.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _lines(body: bytes, encoding: str) -> Text:
    body = one_ending(body)
    if not body.endswith(b"\n"):
        body += b"\n"
    numbers = np.arange(1, body.count(b"\n") + 1)
    # Only a line that starts like a blank one can be blank; looking for that is 20 times faster
    # than a regular expression for the whole of it.
    if body[:1].isspace() or any(start in body for start in (b"\n\n", b"\n ", b"\n\t")):
        lines = body.splitlines(keepends=True)
        written = np.array([bool(line.strip()) for line in lines])
        body = b"".join(line for line, keep in zip(lines, written, strict=True) if keep)
        numbers = numbers[written]
    return Text(body, numbers, encoding)

"""Text that comes packed."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from alertlib.bars.opening import from_frame, read_bars
from alertlib.errors import DataError
from tests.support.synthetic import frame, walk

BARS = frame(walk(7, 1, bars=20))
TEXT = BARS.write_csv().encode()


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def in_tar(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        entry = tarfile.TarInfo("bars.csv")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


PACKED: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "gzip": ("bars.csv.gz", gzip.compress, "UTF-8, gzip"),
    "gzip by another name": ("bars.csv", gzip.compress, "UTF-8, gzip"),
    "bzip2": ("bars.csv.bz2", bz2.compress, "UTF-8, bzip2"),
    "xz": ("bars.csv.xz", lzma.compress, "UTF-8, xz"),
    "zip": ("bars.zip", lambda raw: zipped(bars=raw), "UTF-8, zip"),
    "zip of a Mac": (
        "bars.zip",
        lambda raw: zipped(**{"bars.csv": raw, "__MACOSX/._bars.csv": b"junk"}),
        "UTF-8, zip",
    ),
    "gzip of UTF-16": (
        "bars.gz",
        lambda raw: gzip.compress(b"\xff\xfe" + raw.decode().encode("utf-16-le")),
        "UTF-16 LE, gzip",
    ),
}


@pytest.mark.parametrize("kind", PACKED)
def test_packed_text_is_read_as_the_text_in_it(kind: str, tmp_path: Path) -> None:
    name, pack, encoding = PACKED[kind]
    path = tmp_path / name
    path.write_bytes(pack(TEXT))
    bars = read_bars(path, symbol="WIN$N")
    assert bars.sha256 == from_frame(BARS, symbol="WIN$N").sha256
    assert bars.quality.layout == f"plain CSV, comma separated, {encoding}"


REFUSED: dict[str, tuple[bytes, str]] = {
    "cut gzip": (gzip.compress(TEXT)[:-20], r"gzip that cannot be unpacked \(.+\); expected an un"),
    "damaged gzip": (b"\x1f\x8bjunk", "gzip that cannot be unpacked"),
    "cut zip": (zipped(bars=TEXT)[:-30], "zip that cannot be unpacked"),
    "cut xz": (lzma.compress(TEXT)[:-8], "xz that cannot be unpacked"),
    "two files": (zipped(a=TEXT, b=TEXT), r"a zip archive of 2 files \(a, b\); expected one file"),
    "no file": (zipped(), r"a zip archive of 0 files \(nothing\)"),
    "workbook": (zipped(**{"[Content_Types].xml": b"", "xl/a": b""}), "is an Excel workbook"),
    "packed nothing": (gzip.compress(b""), "empty; expected Parquet, or text"),
    "packed Parquet": (gzip.compress(b"PAR1..."), "gzip of Parquet; expected packed text"),
    "tar": (in_tar(TEXT), "gzip of a tar archive; expected packed text; unpack it before"),
    "rar": (b"Rar!\x1a\x07", "is a rar archive"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_archive_that_holds_no_one_text_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    content, message = REFUSED[kind]
    path = tmp_path / "bars.csv.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_bars(path, symbol="WIN$N")
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_zip_with_a_password_is_refused(tmp_path: Path) -> None:
    raw = bytearray(zipped(bars=TEXT))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(mark) + at] |= 1  # the bit that says encrypted
    (tmp_path / "bars.zip").write_bytes(raw)
    with pytest.raises(DataError, match=r"zip that cannot be unpacked \(.*password"):
        read_bars(tmp_path / "bars.zip", symbol="WIN$N")

"""Text that comes packed: gzip, bzip2, xz, and zip archives of one file."""

from __future__ import annotations

import io
from collections.abc import Callable

from alertlib.errors import DataError

_TAR_AT = 257


def unpack(raw: bytes, where: str) -> tuple[bytes, str]:
    """Return the content of a packed file, or the file itself, and how it was packed.

    Parameters
    ----------
    raw : bytes
        The file.
    where : str
        Its name, for messages.

    Returns
    -------
    content : bytes
    packed : str
        ``"gzip"`` and the like; empty where it was not.

    Raises
    ------
    DataError
        The archive is damaged, locked or holds more than one file.
    """
    packing = next((one for one in _PACKINGS if raw.startswith(one[0])), None)
    if packing is None:
        return raw, ""
    _, name, read = packing
    try:
        content = read(raw, where)
    except DataError:
        raise
    except Exception as error:  # each of the packers has errors of its own for damage
        raise DataError(
            f"{where}: {name} that cannot be unpacked ({str(error) or type(error).__name__}); "
            "expected an undamaged archive without a password; copy or pack it again"
        ) from error
    if content.startswith(b"PAR1") or content[_TAR_AT:].startswith(b"ustar"):
        held = "Parquet" if content.startswith(b"PAR1") else "a tar archive"
        raise DataError(f"{where}: {name} of {held}; expected packed text; unpack it before")
    return content, name


def _gzip(raw: bytes, where: str) -> bytes:
    import gzip

    return gzip.decompress(raw)


def _bzip2(raw: bytes, where: str) -> bytes:
    import bz2

    return bz2.decompress(raw)


def _xz(raw: bytes, where: str) -> bytes:
    import lzma

    return lzma.decompress(raw)


def _zip(raw: bytes, where: str) -> bytes:
    import zipfile

    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        names = [one.filename for one in archive.infolist() if not one.is_dir()]
        if "[Content_Types].xml" in names:
            raise DataError(
                f"{where}: is an Excel workbook; expected Parquet or text; save the sheet as CSV"
            )
        # What a Mac adds of its own.
        files = [name for name in names if not name.startswith("__MACOSX/")]
        if len(files) != 1:
            held = ", ".join(files[:4]) or "nothing"
            raise DataError(
                f"{where}: a zip archive of {len(files)} files ({held}); expected one file of "
                "bars; unpack it and name one of them"
            )
        return archive.read(files[0])


_PACKINGS: tuple[tuple[bytes, str, Callable[[bytes, str], bytes]], ...] = (
    (b"\x1f\x8b", "gzip", _gzip),
    (b"PK\x03\x04", "zip", _zip),
    (b"PK\x05\x06", "zip", _zip),
    (b"BZh", "bzip2", _bzip2),
    (b"\xfd7zXZ\0", "xz", _xz),
)

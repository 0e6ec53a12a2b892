"""Self-signed certificates, made by openssl."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def make_certificate(
    folder: Path, name: str, *, kind: str = "ec", passphrase: str | None = None, days: int = 2
) -> tuple[Path, Path]:
    """Make a certificate for ``name`` and 127.0.0.1, and its key; skip where openssl is absent."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command to make a certificate with")
    paths = folder / "cert.pem", folder / "key.pem"
    curve = ("-pkeyopt", "ec_paramgen_curve:prime256v1") if kind == "ec" else ()
    locked = ("-nodes",) if passphrase is None else ("-passout", f"pass:{passphrase}")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-days", str(days), "-subj", f"/CN={name}"),
            *("-newkey", kind, *curve, *locked),
            *("-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"),
            *("-out", str(paths[0]), "-keyout", str(paths[1])),
        ],
        check=True,
        capture_output=True,
    )
    return paths


def expire(paths: tuple[Path, Path]) -> None:
    """Put yesterday's end on a certificate; skip where this openssl refuses to."""
    certificate, key = map(str, paths)
    again = ("openssl", "x509", "-in", certificate, "-signkey", key, "-days", "-1")
    done = subprocess.run(again, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this openssl makes no certificate that has expired")
    paths[0].write_bytes(done.stdout)

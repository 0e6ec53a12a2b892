"""Secrets: from the environment or a private file, never in a message."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from alertlib.config import find_secret, read_secret
from alertlib.errors import ConfigError

NAME = "EMAIL_SMTP_PASSWORD"
SECRET = "hunter2"

posix = pytest.mark.skipif(os.name != "posix", reason="files have no mode bits on Windows")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_bytes(SECRET.encode())
    path.chmod(0o600)
    return path


def test_from_the_environment() -> None:
    assert read_secret(NAME, environ={NAME: SECRET}) == SECRET
    assert read_secret(NAME, environ={NAME: " a b "}) == " a b "


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_from_a_file_less_one_line_end(file: Path, end: bytes) -> None:
    file.write_bytes(b" a b " + end)
    assert read_secret(NAME, file, environ={}) == " a b "
    assert read_secret(NAME, str(file), environ={NAME: ""}) == " a b "


def test_the_byte_order_mark_of_an_editor_is_no_part_of_it(file: Path) -> None:
    file.write_bytes("\ufeffsenha-ç\n".encode())
    assert read_secret(NAME, file, environ={}) == "senha-ç"


@pytest.mark.parametrize("environ", [{}, {NAME: ""}])
def test_a_missing_one_is_named(environ: dict[str, str]) -> None:
    assert find_secret(NAME, environ=environ) is None
    with pytest.raises(
        ConfigError, match=r"^\$EMAIL_SMTP_PASSWORD: got nothing, expected a secret"
    ):
        read_secret(NAME, environ=environ)


def _refusal(file: Path | str, environ: dict[str, str] | None = None) -> str:
    """Return the message of a refusal, which must not repeat the secret."""
    with pytest.raises(ConfigError) as caught:
        find_secret(NAME, file, environ=environ or {})
    message = str(caught.value)
    assert "\n" not in message
    assert SECRET not in message
    assert NAME in message
    return message


def test_two_at_once_are_refused(file: Path) -> None:
    assert "expected one of the two" in _refusal(file, {NAME: SECRET})


@posix
@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o620, 0o601, 0o777])
def test_a_file_that_others_can_open_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert f"got mode {mode:04o}, expected 0600 or 0400" in _refusal(file)


@posix
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_private_file_is_accepted(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert read_secret(NAME, file, environ={}) == SECRET


@posix
def test_a_link_is_judged_by_the_file_it_leads_to(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)
    assert read_secret(NAME, link, environ={}) == SECRET
    file.chmod(0o644)
    assert "got mode 0644" in _refusal(link)


@posix
def test_credentials_of_systemd_are_private_whatever_their_mode(file: Path) -> None:
    """Access is given by an ACL there, whose mask shows as rights of the group."""
    file.chmod(0o440)
    environ = {"CREDENTIALS_DIRECTORY": str(file.parent)}
    assert read_secret(NAME, file, environ=environ) == SECRET
    assert "got mode 0440" in _refusal(file, {"CREDENTIALS_DIRECTORY": str(file.parent.parent)})
    assert "got mode 0440" in _refusal(file, {"CREDENTIALS_DIRECTORY": ""})


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "got an empty file"),
        (b"\n", "got an empty file"),
        (b"hunter2\nhunter2\n", "got line ends or control characters"),
        (b"hunter2\r\n\r\n", "got line ends or control characters"),
        (b"hunter2\0", "got line ends or control characters"),
        (b"hunter2\xff", "got bytes that are not UTF-8"),
        (b"hunter2" * 10_000, "got more than 65,536 bytes"),
    ],
)
def test_what_is_no_secret_is_refused(file: Path, raw: bytes, message: str) -> None:
    file.write_bytes(raw)
    assert message in _refusal(file)


def test_a_stray_carriage_return_in_the_environment_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^\$EMAIL_SMTP_PASSWORD: got line ends") as caught:
        read_secret(NAME, environ={NAME: f"{SECRET}\r"})
    assert SECRET not in str(caught.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert "got no such file or directory" in _refusal(tmp_path / "none")
    # Windows denies the permission, and does not say why.
    assert re.search("got (a directory|permission denied), expected a readable file of mode 0600",
                     _refusal(tmp_path))  # fmt: skip
    assert "an impossible path" in _refusal("a\0b")

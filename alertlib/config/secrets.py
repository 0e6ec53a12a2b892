"""Passwords and tokens, which the configuration names but never holds."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from alertlib.errors import ConfigError

_MAX_BYTES = 65_536
_NAME_OR_QUERY = re.compile(r'(?<=://)[^/"]*@|(?<=[?])[^"]+')
_PATH = re.compile(r'(https?://[^/"]*/)[^"]+')


def without_secrets(text: str) -> str:
    """Return a text to be shown, each web address in it cut off after its host.

    The path of a webhook or a heartbeat is often all that protects it.
    """
    if "://" not in text:
        return text
    return _PATH.sub(r"\1…", _NAME_OR_QUERY.sub("…", text))


def read_secret(
    env_name: str, file: str | os.PathLike[str] | None = None, *, environ: Mapping[str, str]
) -> str:
    """Return a secret from the environment or from a private file.

    Parameters
    ----------
    env_name : str
        The variable, as named by a ``*_env`` setting.
    file : path-like, optional
        The file, as named by a ``*_file`` setting: readable by its owner only (mode 0600 or
        0400; not checked on Windows), one trailing newline ignored. Files in the folder that
        systemd names in ``$CREDENTIALS_DIRECTORY`` are private whatever their mode.
    environ : mapping
        The environment, usually ``os.environ``.

    Returns
    -------
    str
        Never empty.

    Raises
    ------
    ConfigError
        The secret is missing, given twice or not kept private. Names the variable and the
        file, never the value.
    """
    secret = find_secret(env_name, file, environ=environ)
    if secret is None:
        raise ConfigError(
            f"${env_name}: got nothing, expected a secret; set the variable, or name a file of "
            "mode 0600 that holds it in the *_file setting beside its *_env"
        )
    return secret


def find_secret(
    env_name: str, file: str | os.PathLike[str] | None = None, *, environ: Mapping[str, str]
) -> str | None:
    """Return a secret that may be left out: as :func:`read_secret`, but None if it is missing.

    A file that is named has to exist and hold something.
    """
    value = environ.get(env_name)
    if file is None:
        return _one_line(value, f"${env_name}") if value else None
    if value:
        raise ConfigError(
            f"${env_name}: got a value and the file {os.fspath(file)}, expected one of the two; "
            "unset the variable or the *_file setting"
        )
    return _read_private(Path(file), env_name, environ)


def split_token(entry: str) -> tuple[str | None, str]:
    """Return owner and token of an entry of the clients' tokens; of a bare token no owner.

    ``name:token`` is split at its first colon: a token may hold some, a name may not.
    """
    name, colon, token = entry.partition(":")
    return (name, token) if colon else (None, entry)


def _read_private(path: Path, env_name: str, environ: Mapping[str, str]) -> str:
    where = f"{path} (the secret otherwise in ${env_name})"
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if _is_exposed(mode) and not _is_credential(path, environ):
                raise ConfigError(
                    f"{where}: got mode {stat.S_IMODE(mode):04o}, expected 0600 or 0400; "
                    "run chmod 600 on it, and change the secret if others may have read it"
                )
            raw = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{where}: got {got_instead(error)}, expected a readable file of mode 0600"
        ) from None
    return _text(raw, where)


def got_instead(error: OSError | ValueError) -> str:
    """Return what there was in place of a file that can be read, to be put behind ``got``."""
    if isinstance(error, IsADirectoryError):
        return "a directory"
    return str(getattr(error, "strerror", None) or "an impossible path").lower()


def _is_exposed(mode: int) -> bool:
    return os.name == "posix" and bool(mode & 0o077)


def _is_credential(path: Path, environ: Mapping[str, str]) -> bool:
    # Under User=, systemd grants access by an ACL, whose mask shows as group bits in the mode.
    folder = environ.get("CREDENTIALS_DIRECTORY")
    return bool(folder) and path.resolve().parent == Path(str(folder)).resolve()


def _text(raw: bytes, where: str) -> str:
    if len(raw) > _MAX_BYTES:
        raise ConfigError(f"{where}: got more than {_MAX_BYTES:,} bytes, expected one secret")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: got bytes that are not UTF-8, expected text") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ConfigError(f"{where}: got an empty file, expected a secret in it")
    return _one_line(text, where)


def _one_line(text: str, where: str) -> str:
    # A stray carriage return of a Windows file would otherwise be part of the password.
    if any(sign < " " or sign == "\x7f" for sign in text):
        raise ConfigError(f"{where}: got line ends or control characters, expected one line")
    return text

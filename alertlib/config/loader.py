"""Finding and reading the configuration file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from alertlib._arguments import expect
from alertlib.config.config import Config
from alertlib.config.convert import convert, hints_of
from alertlib.config.document import MAX_BYTES, decode, parse
from alertlib.config.problem import Problem
from alertlib.config.schema import Settings
from alertlib.config.secrets import got_instead
from alertlib.errors import ConfigError

PATH_VARIABLE = "ALERTAS_CONFIG_PATH"
DEFAULT_PATH = Path("config/alertas.yaml")


def load_config(
    path: str | os.PathLike[str] | None = None,
    overrides: Mapping[str, object] | Iterable[str] = (),
) -> Config:
    """Read the configuration.

    Parameters
    ----------
    path : path-like, optional
        The file. Left out, it is ``$ALERTAS_CONFIG_PATH``, else the first
        ``config/alertas.yaml`` in the current directory and those above it, else the built-in
        defaults alone.
    overrides : mapping or iterable of str
        Settings that beat the file's, by dotted path, or as ``key=value`` texts of a command
        line, where the last one for a key counts.

    Returns
    -------
    Config
        What the file does not state has its default; ``source`` is the file that was read.

    Raises
    ------
    ConfigError
        One line: ``file:line: key.path: got …, expected …``; for an override without the file.
    """
    if path is not None:
        expect("load_config", path, (str, os.PathLike), "the path of a settings file")
        if not str(path).strip():
            raise ConfigError(
                f"load_config: got the path {str(path)!r}; expected that of a settings file; name "
                "one, or leave it out"
            )
    changes = overrides if isinstance(overrides, Mapping) else dict(map(_split, overrides))
    config = _read(*_choose(path))
    return config.update(changes) if changes else config


@cache
def get_config() -> Config:
    """Return ``load_config()``, read once; ``get_config.cache_clear()`` forgets it."""
    return load_config()


def shipped_path() -> Path:
    """Return where the commented settings file of this version is, in a checkout or installed."""
    package = Path(__file__).parents[1]
    installed = package / "_config" / DEFAULT_PATH.name
    return installed if installed.is_file() else package.parent / DEFAULT_PATH


def _choose(path: str | os.PathLike[str] | None) -> tuple[Path | None, str]:
    """Return the file to read and who named it."""
    if path is not None:
        return Path(path), ""
    named = os.environ.get(PATH_VARIABLE)
    if named is not None:
        if not named.strip():
            raise ConfigError(
                f"${PATH_VARIABLE}: got an empty value, expected the path of a settings file; "
                "name one, or unset the variable"
            )
        return Path(named), f" (named by ${PATH_VARIABLE})"
    return _nearest_default(), ""


def _nearest_default() -> Path | None:
    """Return the default file of the current directory, or of the first above that has one."""
    # A link to nowhere has to be reported, not taken for no file at all.
    if os.path.lexists(DEFAULT_PATH):
        return DEFAULT_PATH
    try:
        above = Path.cwd().parents
    except OSError:  # the directory is gone
        return None
    return next((d / DEFAULT_PATH for d in above if os.path.lexists(d / DEFAULT_PATH)), None)


def _read(path: Path | None, named_by: str) -> Config:
    if path is None:
        return Config()
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path}{named_by}: got {got_instead(error)}, expected a readable settings file; "
            "name another one, or none for config/alertas.yaml or the built-in defaults"
        ) from None
    lines: dict[str, int] = {}
    try:
        tree, lines = parse(decode(raw))
        settings = convert(Settings, tree, "")
        return Config(**_sections(settings), source=path)
    except Problem as problem:
        raise problem.within(str(path), lines) from None


def _sections(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in hints_of(Settings)}


def _split(override: str) -> tuple[str, str]:
    expect("load_config overrides", override, str, "texts such as scoring.seed=2, or a mapping")
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(
            f"--set {override!r}: got no key or no '=', expected key=value, such as "
            "detection.volatility.window=30"
        )
    return key.strip(), value.strip()

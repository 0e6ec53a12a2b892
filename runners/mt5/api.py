"""Finding the MetaTrader 5 API, and what it is asked to connect to."""

from __future__ import annotations

import importlib.util
import ntpath
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from alertlib.errors import ConfigError, DataError
from runners._extras import install

VARIABLE = "ALERTAS_MT5_MODULE"
_PACKAGE = "MetaTrader5"


class Credentials(NamedTuple):
    """What the connection is pinned to; what is None is not checked.

    ``path`` is the terminal's program, ``server`` the broker's server. The password has no place
    in a message or a log.
    """

    login: int | None = None
    password: str | None = None
    server: str | None = None
    path: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.login}, {self.server}, {self.path})"


UNPINNED = Credentials()


def load_api(name: str | None) -> Any:
    """Return the object that has the API of the MetaTrader5 package.

    Parameters
    ----------
    name : str or None
        ``package.module`` or ``package.module:attribute``; a class is called without arguments,
        as ``mt5linux:MetaTrader5`` wants it. None for the package itself.

    Raises
    ------
    ConfigError
        ``name`` names nothing that can be imported.
    DataError
        The package is not installed, or the object finds no terminal.
    """
    module, _, attribute = (name or _PACKAGE).partition(":")
    try:
        api: Any = importlib.import_module(module)
        for part in attribute.split(".") if attribute else ():
            api = getattr(api, part)
        return api() if isinstance(api, type) else api
    except (ImportError, AttributeError, ValueError) as error:
        if name is None:
            raise DataError(_no_package(sys.platform)) from error
        raise ConfigError(
            f"${VARIABLE}: got {name!r}, which cannot be imported ({error}); expected "
            "package.module or package.module:attribute; correct it or unset it"
        ) from error
    except (OSError, EOFError) as error:
        raise DataError(
            f"{name}: finds no terminal ({error}); expected its server to be running; start it, "
            "then run again"
        ) from error


def require_package(environ: Mapping[str, str], platform: str) -> None:
    """Refuse to go on where there is nothing to talk to a terminal with."""
    if not environ.get(VARIABLE) and importlib.util.find_spec(_PACKAGE) is None:
        raise DataError(_no_package(platform))


def _no_package(platform: str) -> str:
    if platform == "win32":
        return (
            "the MetaTrader5 package is not installed; expected it beside a MetaTrader 5 "
            f"terminal; run {install('mt5')}, or export the bars from the terminal and use "
            "runners.fetch --import FILE"
        )
    return (
        f"no MetaTrader 5 terminal on {platform}: the MetaTrader5 package is for Windows only; "
        "export the bars there and use runners.fetch --import FILE, or run the terminal under "
        f"Wine with mt5linux and set {VARIABLE}=mt5linux:MetaTrader5"
    )


def same_path(folder: str, program: str) -> bool:
    """Whether a terminal in ``folder`` is the one that ``program`` (its file or folder) names."""
    wanted = _normal(program)
    return _normal(folder) in (wanted, ntpath.dirname(wanted))


def _normal(path: str) -> str:
    return ntpath.normcase(ntpath.normpath(path))

"""What an install without extras lacks, and how to get it.

Standard library only: the guard asks when an import has failed.
"""

from __future__ import annotations

from importlib.util import find_spec

EXTRAS = {
    "live": ("websockets", "aiosmtplib"),
    "channels": ("httpx",),
    "search": ("optuna",),
    "dask": ("dask", "distributed"),
    "notebook": ("plotly",),
}
"""By extra the packages a command may ask for."""


class MissingExtraError(ImportError):
    """A package that an extra installs and that is not there."""

    exit_status = 2


def install(extra: str) -> str:
    """Return the command that adds an extra: in an environment that has us, pip asks no index."""
    return f"pip install 'alertlib-b3[{extra}]'"


def require_extra(extra: str) -> None:
    """Refuse to begin what would fail half-way for want of a package.

    Raises
    ------
    MissingExtraError
        If a package of the extra is not installed.
    """
    for package in EXTRAS[extra]:
        if find_spec(package) is None:
            raise MissingExtraError(_hint(package, extra))


def hint_for(error: BaseException) -> str | None:
    """Return what to do about a failed import of an extra's package; None for anything else."""
    if not isinstance(error, ModuleNotFoundError):
        return None
    package = (error.name or "").partition(".")[0]
    return next(
        (_hint(package, extra) for extra, known in EXTRAS.items() if package in known), None
    )


def _hint(package: str, extra: str) -> str:
    return f"{package}: is not installed, expected the extra {extra}; run {install(extra)}"

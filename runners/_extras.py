"""What an install without extras, or of the daemon alone, lacks, and how to get it.

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

RESEARCH = ("numba", "llvmlite", "numpy", "polars", "pyarrow", "rich")
"""What pip installs with ours, and the daemon does without."""

_READING = ("numpy", "polars", "pyarrow")


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
    """Return what to do about a failed import of a package we need; None for anything else."""
    if not isinstance(error, ModuleNotFoundError):
        return None
    package = (error.name or "").partition(".")[0]
    if package in RESEARCH:
        return _research_hint(package)
    return next(
        (_hint(package, extra) for extra, known in EXTRAS.items() if package in known), None
    )


def hint_for_bars() -> str | None:
    """Return what to do where nothing can read bars; None where all is there."""
    return next((_research_hint(name) for name in _READING if find_spec(name) is None), None)


def _research_hint(package: str) -> str:
    return (
        f"{package}: is not installed, expected what comes with alertlib-b3 where more than "
        "the daemon is used; run pip install alertlib-b3"
    )


def _hint(package: str, extra: str) -> str:
    return f"{package}: is not installed, expected the extra {extra}; run {install(extra)}"

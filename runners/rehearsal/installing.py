"""A wheel, built here or given, in an environment of its own."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import venv
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from alertlib.errors import ConfigError
from runners.rehearsal.checklist import FailedCheck

ROOT = Path(__file__).parents[2]
PATIENCE = ("--disable-pip-version-check", "--retries", "1", "--timeout", "15")
EXTRAS = "live,channels"


class Installed(NamedTuple):
    """An environment with a wheel in it.

    Attributes
    ----------
    python : str
        Its interpreter.
    version : str
        What it says of itself.
    borrowed : str
        Why its dependencies are this environment's; empty where pip fetched them.
    """

    python: str
    version: str
    borrowed: str


def wheel_to_try(stated: str | None, folder: Path) -> Path:
    """Return the wheel that was named, or one built from the checkout this runs in.

    Raises
    ------
    ConfigError
        It is not there, or there is nothing to build it from or with.
    """
    if stated is not None:
        return named_wheel(stated, "--wheel")
    if not (ROOT / "pyproject.toml").is_file():
        raise ConfigError(
            "--wheel: got none, expected the wheel to try: this is an installed version, not a "
            "checkout that one could be built from; name it with --wheel F"
        )
    require_pip()
    built = _pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    if built.returncode and find_spec("hatchling") is not None:
        built = _pip(
            sys.executable, "wheel", "--no-deps", "--no-build-isolation", "--no-index",
            "--wheel-dir", str(folder), str(ROOT),
        )  # fmt: skip
    if built.returncode:
        raise ConfigError(
            f"{ROOT}: no wheel could be built ({reason(built)}), expected pip to reach the build's "
            "requirements; install hatchling, or name a wheel with --wheel F"
        )
    return next(folder.glob("*.whl"))


def named_wheel(path: str, option: str) -> Path:
    """Return a wheel that a user named.

    Raises
    ------
    ConfigError
        There is none.
    """
    wheel = Path(path)
    if not wheel.is_file() or wheel.suffix != ".whl":
        raise ConfigError(
            f"{option} {path}: got no wheel there, expected a file NAME.whl; build one with "
            "python -m build --wheel"
        )
    return wheel.resolve()


def require_pip() -> None:
    """Refuse to begin without what a fresh environment is made with.

    Raises
    ------
    ConfigError
        ``pip`` or ``ensurepip`` is not there.
    """
    for name in ("pip", "ensurepip"):
        if find_spec(name) is None:
            raise ConfigError(
                f"{name}: is not installed for {sys.executable}, expected it to make a fresh "
                "environment with; install python3-venv and python3-pip, or use another Python"
            )


def install(wheel: Path, folder: Path) -> Installed:
    """Install a wheel into a fresh environment below ``folder``.

    Where pip cannot fetch what it depends on, this environment's packages stand in for it.

    Raises
    ------
    ConfigError
        This Python makes no environments.
    FailedCheck
        It cannot be installed, or does not run.
    """
    try:
        venv.create(folder, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigError(
            f"{folder}: no environment could be made ({error}), expected python -m venv to work "
            "here; repair this Python's ensurepip, or use another"
        ) from error
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    python = str(scripts / ("python.exe" if os.name == "nt" else "python"))
    done = _pip(python, "install", "--quiet", f"{wheel}[{EXTRAS}]")
    borrowed = ""
    if done.returncode:
        borrowed = reason(done)
        done = _pip(python, "install", "--quiet", "--no-deps", "--no-index", str(wheel))
        _lend(folder)
    if done.returncode:
        raise FailedCheck(f"{wheel.name} cannot be installed: {reason(done)}")
    told = subprocess.run(
        [python, "-m", "runners.live", "--version"],
        cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if told.returncode:
        raise FailedCheck(f"{wheel.name} does not run: {reason(told)}")
    return Installed(python, told.stdout.strip(), borrowed)


def clean_environment() -> dict[str, str]:
    """Return what of this environment a fresh one may see: no paths of ours, no settings."""
    ours = ("PYTHON", "ALERTAS_", "WEBSOCKET_", "EMAIL_", "MT5_", "TELEGRAM_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"PYTHONNOUSERSITE": "1", "PYTHONIOENCODING": "utf-8"}


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """Return the line of a failed command that says why."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or [f"it ended with {done.returncode}"])[-1]


def _pip(python: str, action: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command: Sequence[str] = (python, "-m", "pip", action, *PATIENCE, *arguments)
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
        command, env=kept, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def _lend(folder: Path) -> None:
    """Have a fresh environment find this one's packages, after its own."""
    target = next(folder.glob("Lib/site-packages" if os.name == "nt" else "lib/*/site-packages"))
    own = [path for path in site.getsitepackages() if Path(path).is_dir()]
    (target / "borrowed.pth").write_text("\n".join(own) + "\n", encoding="utf-8")

"""Run a part of the tests on other Pythons, and with the lowest versions of what is needed.

python .ci/versions.py [--full]

Interpreters that are not on this machine are skipped and named. `--full` runs all that `pytest`
runs; without it the parts that meet the interpreter and the dependencies most. Needs `uv`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"
QUICK = (
    "--hypothesis-profile=few",
    "tests/kernels",
    "tests/config/test_config.py",
    "tests/bars/readers",
    "tests/detection/test_detectors.py",
    "tests/commands/test_commands.py",
    "tests/live/alert_store/test_store.py",
    "tests/live/websocket/test_broadcast.py",
)


class Setting(NamedTuple):
    """A Python, and which versions of the dependencies it is tried with."""

    python: str
    versions: str


SETTINGS = (Setting("3.11", "lowest"), Setting("3.12", "locked"), Setting("3.13", "locked"))


def main(arguments: list[str]) -> int:
    """Try every setting; return 1 if one of them fails."""
    failed = []
    for setting in SETTINGS:
        print(f"== Python {setting.python}, {setting.versions} versions", flush=True)
        python = interpreter(setting.python)
        if python is None:
            print(f"skipped: no Python {setting.python} on this machine", flush=True)
        elif not passes(python, setting.versions, [] if "--full" in arguments else [*QUICK]):
            failed.append(f"{setting.python} with {setting.versions} versions")
    if failed:
        print(f"failed: {'; '.join(failed)}")
    return int(bool(failed))


def interpreter(version: str) -> str | None:
    """Return an interpreter of the version that runs: a shim may only say where there is one."""
    for candidate in candidates(version):
        program = "import sys; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([candidate, "-c", program], capture_output=True, text=True)
        if done.stdout.strip() == version:
            return candidate
    return None


def candidates(version: str) -> Iterator[str]:
    """Yield what may be an interpreter of the version."""
    yield sys.executable
    if found := shutil.which(f"python{version}"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from map(str, sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True))


def passes(python: str, versions: str, tests: list[str]) -> bool:
    """Install the checkout into an environment of its own, and run the tests there."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        constraints = LOCK
        if versions == "lowest":
            constraints = home / "lowest.txt"
            lowest = [sys.executable, ROOT / ".ci" / "lowest.py", "dev"]
            constraints.write_bytes(subprocess.check_output(lowest))
        uv = [sys.executable, "-m", "uv"]
        inside = home / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        install = ["pip", "install", "--quiet", "--python", inside, "-c", constraints]
        return all(
            subprocess.run(command, cwd=ROOT).returncode == 0
            for command in (
                [
                    *uv,
                    "venv",
                    "--quiet",
                    "--no-python-downloads",
                    "--python",
                    python,
                    home / "venv",
                ],
                [*uv, *install, "--editable", ".[dev]"],
                [inside, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", *tests],
            )
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

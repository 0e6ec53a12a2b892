"""An install of each kind in an environment of its own, used from a folder with nothing in it."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("alertlib", "runners")
COMMANDS = sorted(
    path.stem
    for path in (ROOT / "runners").iterdir()
    if (path.suffix == ".py" and not path.stem.startswith("_")) or (path / "__main__.py").is_file()
)
SETTINGS = ("PYTHONPATH", "ALERTAS_CONFIG_PATH")  # what could help an install, or hinder it
IMPORT_SECONDS = 0.1

pytestmark = pytest.mark.slow


class Dist(NamedTuple):
    """An sdist of the checkout, and the wheel that was built from it."""

    sdist: Path
    wheel: Path


class Install(NamedTuple):
    """The interpreter of an environment, and an empty folder to run it in."""

    python: Path
    folder: Path

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the interpreter; its failure, if it may not fail, shows what it said."""
        done = subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            env={name: value for name, value in os.environ.items() if name not in SETTINGS}
            | {"PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Dist:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", folder, ROOT], check=True)
    return Dist(next(folder.glob("*.tar.gz")), next(folder.glob("*.whl")))


@pytest.fixture(scope="module", params=["wheel", "editable"])
def install(
    request: pytest.FixtureRequest, dist: Dist, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Install]:
    home = tmp_path_factory.mktemp(request.param)
    venv.create(home / "venv", with_pip=True)
    python = home / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    what = [str(dist.wheel)] if request.param == "wheel" else ["--editable", str(ROOT)]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *what], check=True)
    (home / "empty").mkdir()
    yield Install(python, home / "empty")
    assert list((home / "empty").iterdir()) == []  # nothing is written where it was not asked for


def test_the_library_is_imported_and_reads_its_sample(install: Install) -> None:
    program = "import alertlib as al; print(al.read_bars(al.sample_path()).frame.height)"
    assert int(install.run("-c", program).stdout) > 7000


def test_the_gate_passes(install: Install) -> None:
    assert "PASS" in install.run("-m", "runners.backtest", "--gate").stdout


def test_the_settings_of_this_version_are_printed(install: Install) -> None:
    printed = install.run("-m", "runners.config").stdout
    assert printed == (ROOT / "config/alertas.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_there(install: Install, command: str) -> None:
    assert f"runners.{command}" in install.run("-m", f"runners.{command}", "--help").stdout


def test_nothing_else_of_the_checkout_is_importable(install: Install) -> None:
    """tests/, benchmarks/, docs/ …: any folder is a package to Python."""
    names = sorted({path.stem for path in ROOT.iterdir() if path.stem.isidentifier()})
    program = (
        "import sys; from importlib.util import find_spec;"
        "print(*(name for name in sys.argv[1:] if find_spec(name)))"
    )
    assert {"tests", "benchmarks", *PACKAGES} <= set(names)
    assert install.run("-c", program, *names).stdout.split() == list(PACKAGES)


def test_importing_the_library_is_quick(install: Install) -> None:
    program = (
        "from time import perf_counter; start = perf_counter();"
        "import alertlib; print(perf_counter() - start)"
    )
    # The best of five: the first also compiles, and another process may be in the way.
    assert min(float(install.run("-c", program).stdout) for _ in range(5)) < IMPORT_SECONDS


def test_the_wheel_has_every_file_of_the_packages_and_the_sample(dist: Dist) -> None:
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    } | {
        "alertlib/_sample/win_m5.parquet",
        "alertlib/_sample/truth.json",
        "alertlib/_config/alertas.yaml",
    }
    with zipfile.ZipFile(dist.wheel) as wheel:
        found = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert {f"{package}/py.typed" for package in PACKAGES} <= found
    assert found == expected


def test_the_sdist_has_the_typed_markers_and_the_tests(dist: Dist) -> None:
    with tarfile.open(dist.sdist) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames()}

    assert {"alertlib/py.typed", "runners/py.typed", "tests/system/test_install.py"} <= names

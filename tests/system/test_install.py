"""An install of each kind in an environment of its own, used from a folder with nothing in it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from runners._extras import install as how_to_install

ROOT = Path(__file__).parents[2]
PACKAGES = ("alertlib", "runners")
COMMANDS = sorted(
    path.stem
    for path in (ROOT / "runners").iterdir()
    if (path.suffix == ".py" and not path.stem.startswith("_")) or (path / "__main__.py").is_file()
)
EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}
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
    return build(ROOT, tmp_path_factory.mktemp("dist"))


def build(source: Path, folder: Path, *kinds: str) -> Dist:
    """Build an sdist and a wheel; the wheel from the sdist, if no kinds are named."""
    subprocess.run(
        [sys.executable, "-m", "build", *kinds, "--outdir", folder, source],
        env=os.environ | EPOCH,
        check=True,
    )
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


def test_the_script_does_what_the_modules_do(install: Install) -> None:
    script = shutil.which("alertas", path=str(install.python.parent))
    assert script is not None
    for options in ([], ["doctor", "--help"], ["doctor", "nowhere.csv"], ["nonsense"]):
        by_script = subprocess.run([script, *options], cwd=install.folder, capture_output=True)
        usual = subprocess.run(
            [install.python, "-m", "runners", *options], cwd=install.folder, capture_output=True
        )
        assert by_script.returncode == usual.returncode
        assert (by_script.stdout, by_script.stderr) == (usual.stdout, usual.stderr)


def test_the_licences_are_those_of_what_pip_installed(install: Install) -> None:
    listed = json.loads(install.run("-m", "runners.licences", "--json", "-").stdout)["packages"]
    frozen = json.loads(install.run("-m", "pip", "list", "--format", "json").stdout)

    versions = {row["name"]: row["version"] for row in frozen}
    assert {row["name"]: row["version"] for row in listed}.items() <= versions.items()
    assert set(versions) - {row["name"] for row in listed} <= {"pip", "setuptools"}
    assert {row["name"]: row["licence"] for row in listed}["alertlib-b3"] == "MIT"


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


def test_what_is_unpacked_from_the_sdist_builds_both_again_to_the_bit(
    dist: Dist, tmp_path: Path
) -> None:
    """In another folder, with other times and permissions, the wheel straight from the source."""
    with tarfile.open(dist.sdist) as sdist:
        sdist.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    (source / "PKG-INFO").unlink()  # the build adds it, at another place where it is there already
    for path in source.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
        os.utime(path)
    again = build(source, tmp_path / "again", "--sdist", "--wheel")

    assert [path.name for path in again] == [path.name for path in dist]
    assert again.sdist.read_bytes() == dist.sdist.read_bytes()
    assert again.wheel.read_bytes() == dist.wheel.read_bytes()


def test_an_index_would_take_both(dist: Dist) -> None:
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *dist], check=True)


def test_a_hint_installs_what_was_missing(install: Install) -> None:
    """Of what is installed, not of what an index may have under the name."""
    before = install.run("-m", "runners.licences").stdout
    pip, *arguments = shlex.split(how_to_install("live"))
    install.run("-m", pip, *arguments, "--quiet")

    after = install.run("-m", "runners.licences").stdout
    assert "websockets" not in before
    assert {"websockets", "aiosmtplib"} <= {line.split()[0] for line in after.splitlines()}
    ours = [line for line in before.splitlines() if line.startswith("alertlib-b3 ")]
    assert len(ours) == 1
    assert ours[0].split() in [line.split() for line in after.splitlines()]


def test_the_daemon_alone_runs_without_what_the_research_needs(dist: Dist, tmp_path: Path) -> None:
    """As docs/deploy says: a fortieth of the size."""
    page = (ROOT / "docs/deploy/windows.md").read_text(encoding="utf-8")
    line = next(line for line in page.splitlines() if "pip install msgspec" in line)
    names = [name for name in line.split()[2:] if name not in ("MetaTrader5", "tzdata")]
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    (tmp_path / "empty").mkdir()
    daemon = Install(python, tmp_path / "empty")
    daemon.run("-m", "pip", "install", "--quiet", "--no-deps", str(dist.wheel))
    daemon.run("-m", "pip", "install", "--quiet", *names)

    checked = daemon.run("-m", "runners.live", "--check", check=False).stdout
    gate = daemon.run("-m", "runners.backtest", "--gate", check=False)

    assert [line for line in checked.splitlines() if line.startswith("ok    imports")]
    assert "ok    detectors" in checked
    assert gate.returncode == 2
    assert gate.stderr.startswith("error: rich: is not installed")


def test_the_lock_is_what_the_project_asks_for(tmp_path: Path) -> None:
    """Its versions stay while they fit; new ones come when somebody asks for them."""
    lock = tmp_path / "requirements.lock"
    shutil.copy(ROOT / lock.name, lock)
    subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "pyproject.toml",
         "--universal", "--all-extras", "--python-version", "3.11", "--output-file", lock],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip

    def pins(path: Path) -> list[str]:
        return [line for line in path.read_text().splitlines() if not line.startswith("#")]

    assert len(pins(lock)) > 100
    assert pins(lock) == pins(ROOT / lock.name)

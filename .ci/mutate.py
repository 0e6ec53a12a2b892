"""Change the code in one place at a time, and see whether the tests of its module notice.

python .ci/mutate.py alertlib/kernels --sample 60 --seed 1
python .ci/mutate.py alertlib/kernels/legs.py@12 alertlib/kernels/legs.py@40

The first line tries a random sample of all places of a folder or file, the same one for the same
seed and sources; the second the places named, by the numbers a run prints. Each mutant is run in a
copy of the checkout against its module's own tests alone, the quickest first: the file of its
name, what `tests/support/coverage_map.py` names for it, and the laws about all modules. Loops are
compiled once, but plain Python where it is in their rooms that something is changed. A run that
fails or never ends has killed its mutant.
Exit status 1 says that one lived: either a test is missing or no test can tell the two apart.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from mutants import Mutant, chosen, mutated

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.coverage_map import files_testing  # noqa: E402  # found by the line above

# What is about the compiler is seen with the compiler on.
COMPILED = {"alertlib.scoring.engine", "alertlib.scoring.compiler_cache"}
# Where compiled loops, what they call and what looks after them are written.
LOOPS = ("alertlib.kernels.", "alertlib.detection.", "alertlib.scoring.", "alertlib.search.")
# Held for all modules at once.
LAWS = ("tests/laws/test_values.py",)
LOADED_ONCE = (
    "pytest",
    "hypothesis.strategies",
    "numpy",
    "polars",
    "scipy.stats",
    "numba",
    "talib",
)
# A failing example is enough: none is kept for another mutant, none is made smaller.
PROFILE = """
from hypothesis import Phase
settings.register_profile("mutation", settings.get_profile("alertlib"), database=None,
                          phases=[Phase.explicit, Phase.generate])
settings.load_profile("mutation")
"""


class Outcome(NamedTuple):
    """Whether a mutant lived, and what was changed."""

    lived: bool
    change: str


def copy_checkout(to: Path) -> None:
    """Copy what git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    with open(to / "tests/conftest.py", "a", encoding="utf-8") as conftest:
        conftest.write(PROFILE)


class Costs:
    """A plugin of pytest: the seconds of each test, kept in a file, the quickest run first."""

    def __init__(self, kept: Path) -> None:
        self.kept = kept
        self.known: dict[str, float] = json.loads(kept.read_text()) if kept.exists() else {}
        self.seen: dict[str, float] = {}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Order files and, in them, tests by what they cost without any change."""
        files: dict[str, float] = {}
        for name, seconds in self.known.items():
            file = name.partition("::")[0]
            files[file] = files.get(file, 0.0) + seconds
        items.sort(
            key=lambda item: (
                files.get(item.nodeid.partition("::")[0], 0.0),
                self.known.get(item.nodeid, 0.0),
            )
        )

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Add up preparing, running and clearing away."""
        self.seen[report.nodeid] = self.seen.get(report.nodeid, 0.0) + report.duration

    def pytest_sessionfinish(self) -> None:
        """Keep what a run without any change has cost; later runs are of mutants."""
        if not self.kept.exists():
            self.kept.write_text(json.dumps(self.seen))


class Laboratory:
    """A copy of the checkout in which one file at a time is another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.limits: dict[tuple[str, ...], float] = {}
        copy_checkout(folder)

    def try_out(self, mutant: Mutant, stamp: int) -> Outcome:
        """Run the module's tests on a mutant of it."""
        self.check_unchanged(mutant.path)
        path = self.folder / mutant.path
        source = path.read_text(encoding="utf-8")
        changed, words = mutated(source, mutant.number)
        try:
            path.write_text(changed, encoding="utf-8")
            # Python knows bytecode that is out of date by size and whole seconds.
            os.utime(path, (stamp, stamp))
            return Outcome(self.passes(mutant.path, self.limits[how_to_test(mutant.path)]), words)
        finally:
            path.write_text(source, encoding="utf-8")
            os.utime(path, (stamp + 1, stamp + 1))

    def check_unchanged(self, path: str) -> None:
        """Make sure that the tests pass without any change, and see how long they take."""
        how = how_to_test(path)
        if how not in self.limits:
            begun = time.monotonic()
            if not self.passes(path, limit=None):
                sys.exit(f"{path}: its tests fail as it is; mend that first")
            self.limits[how] = 20.0 + 5.0 * (time.monotonic() - begun)

    def passes(self, path: str, limit: float | None) -> bool:
        mode, *tests = how = how_to_test(path)
        options = ["-x", "-q", "-n0", "--hypothesis-seed=0", "-p", "no:cacheprovider", "--tb=no"]
        # Of what this process has loaded before pytest.
        options += ["-W", "ignore:Module already imported"]
        costs = Costs(self.folder / f"costs_{'_'.join(how).replace('/', '_')}.json")
        process = multiprocessing.get_context("fork").Process(
            target=run_pytest, args=(self.folder, [*options, *tests], mode, costs)
        )
        process.start()
        process.join(limit)
        if process.exitcode is None:
            process.kill()
            process.join()
            return False
        if process.exitcode in (4, 5):
            sys.exit(f"{path}: pytest found no test in {', '.join(tests)}")
        return process.exitcode == 0


def how_to_test(path: str) -> tuple[str, ...]:
    """Return how the tests of a module are run, and their files."""
    module = path.removesuffix(".py").replace("/", ".")
    tests = (*(f"tests/{test}" for test in files_testing(module)), *LAWS)
    if module in COMPILED:
        return ("anew", *tests)
    return ("interpreted" if module.startswith(LOOPS) else "compiled", *tests)


def run_pytest(folder: Path, arguments: list[str], mode: str, costs: Costs) -> None:
    """Run tests in this process, which is a fork of one that has loaded what they need."""
    os.chdir(folder)
    sys.path[:] = [str(folder), *(entry for entry in sys.path if entry != str(ROOT))]
    for name in [name for name in sys.modules if name.split(".")[0] == "tests"]:
        del sys.modules[name]
    os.environ["PYTHONPATH"] = str(folder)
    os.environ["NUMBA_DISABLE_JIT"] = str(int(mode == "interpreted"))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    if mode == "anew":  # the compiler's own modules: nothing of another process
        command = [sys.executable, "-m", "pytest", *arguments]
        sys.exit(subprocess.run(command, check=False).returncode)
    import numba
    import pytest

    numba.config.DISABLE_JIT = int(mode == "interpreted")
    if mode == "compiled":
        from alertlib.scoring import engine

        # No loop depends on what has been changed.
        engine._library_hash = lambda: b"of the checkout"  # type: ignore[assignment]
    sys.exit(int(pytest.main(arguments, plugins=[costs])))


def load_what_tests_need() -> None:
    """Load the slow ones of other people's packages once, for every fork of this process."""
    os.environ["NUMBA_DISABLE_JIT"] = "0"
    for name in LOADED_ONCE:
        importlib.import_module(name)


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("where", nargs="+", metavar="PLACE", help="folder, file or FILE@NUMBER")
    parser.add_argument("--sample", type=int, default=60, help="how many mutants (60)")
    parser.add_argument("--seed", type=int, default=0, help="which of them (0)")
    options = parser.parse_args()
    if options.sample < 1:
        parser.error(f"--sample: got {options.sample}, expected at least 1")
    mutants = chosen(options.where, options.sample, options.seed)
    load_what_tests_need()
    stamp = 1_000_000_000
    lived = 0
    with tempfile.TemporaryDirectory() as folder:
        laboratory = Laboratory(Path(folder))
        for count, mutant in enumerate(mutants):
            outcome = laboratory.try_out(mutant, stamp + 2 * count)
            lived += outcome.lived
            print(
                f"{'LIVED ' if outcome.lived else 'killed'} {mutant} {outcome.change}", flush=True
            )
    killed = len(mutants) - lived
    print(f"{killed} of {len(mutants)} killed ({killed / max(len(mutants), 1):.0%})")
    return int(lived > 0)


if __name__ == "__main__":
    sys.exit(main())

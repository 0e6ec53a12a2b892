"""Every command that a document shows is run here, or says where else it is tried and why."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from runners.trial.promises import PROMISES
from tests.support.audit_data import ask, filled_log
from tests.support.synthetic import frame, walk

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "notebooks" / "README.md",
    *sorted((ROOT / "docs").glob("**/*.md")),
]

#: What is not run here, and why. Each pattern has to be met somewhere.
ELSEWHERE = {
    r"\bpip install\b|-m venv": "the commands of an install are run by the tests of installs",
    r"^(pytest|ruff) |-m pytest": "they are what runs this",
    r"\.ci/versions\.py": "CI runs it, on every Python it finds",
    r"^uv pip compile": "the tests of installs compile the lock, into a folder of their own",
    r"\.ci/mutate\.py": "many minutes; tests/laws/test_mutants.py tries one",
    r"^NUMBA_DISABLE_JIT=1 coverage ": "an hour: the whole suite in plain Python",
    r"jupyter lab": "a kernel runs the notebooks themselves",
    r"^(apt-get|useradd|install|systemctl|journalctl|umask|touch|echo|/opt/)": "for root, on a "
    "machine that may be changed",
    r"runners\.benchmark": "a minute, and a verdict about this machine",
    r"runners\.rehearse": "minutes, and a wheel; tests/system rehearses one of this checkout",
    r"runners\.live (?!--check)": "it does not end; tests/system starts it in every way",
    r"\.venv-peers": "peers have an environment of their own",
    r"runners\.sweep .*\.\.\.": "a form, not a command",
}
#: Statuses other than 0: a random walk passes no gate, and no real scorecard is here to sign.
STATUS = {r"--gate .*bars": 1}


MEASURED = {"criteria": [{"key": key, "value": None, "met": True} for key in PROMISES]}


class Shown(NamedTuple):
    """A command of a page."""

    page: str
    line: str


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def lines_of(page: Path) -> Iterator[str]:
    """Yield the commands of the shell blocks, comments and continuations taken out."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```bash\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if command := re.sub(r"\s{2,}# .*$", "", line).strip():
                yield re.sub(r"\s+", " ", command)


def elsewhere(line: str) -> bool:
    return any(re.search(pattern, line) for pattern in ELSEWHERE)


SHOWN = [Shown(name_of(page), line) for page in PAGES for line in lines_of(page)]
# The page on CI has tests of its own, which look at what its commands leave.
RUN = [shown for shown in SHOWN if not elsewhere(shown.line) and shown.page != "docs/ci.md"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the documents take for granted."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("docs", "data/sample", "tests", ".ci", "pyproject.toml"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(ROOT / name)
    _write(frame(walk(91, sessions=80)), folder / "bars.csv")
    for contract, carry in (("WINJ26", 0), ("WINM26", 400)):  # around the roll of 15 April
        bars = frame(walk(3, 6, first=date(2026, 4, 13), bars=113, price=27_000 + carry))
        _write(bars, folder / f"{contract}_M5.csv")
    scenario = folder / "scenario.json"
    scenario.write_text(json.dumps({"now": "2026-03-10 14:00"}))
    (folder / "data" / "live").mkdir()
    filled_log(folder / "data" / "live")
    models = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    code = re.findall(r"^```python\n(.*?)^```", models, flags=re.DOTALL | re.MULTILINE)[0]
    (folder / "desk_models.py").write_text(code.partition("\nrun = ")[0], encoding="utf-8")
    (folder / "benchmark.json").write_text(json.dumps(MEASURED), encoding="utf-8")
    # What one page leaves another uses, and each may be read alone.
    for first in (
        "python -m runners.summary --db data/live/alerts.db --json last.json",
        "python -m runners.fetch --symbol 'WIN$N' --timeframe M5 --sessions 60",
    ):
        assert run(first, folder).returncode == 0
    return folder


def _write(bars: pl.DataFrame, path: Path) -> None:
    bars.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%S")


@cache
def anchor(database: str) -> str:
    return ask("head", "--db", database).out.strip()


def run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a shell does, with a terminal that answers and an anchor noted."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=240,
        check=False,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            # As a user's shell has it: in plain Python the nulls of a gate take minutes.
            "NUMBA_DISABLE_JIT": "0",
            "WEBSOCKET_TOKEN": f"mesa:{'t' * 43}",
            "EMAIL_SMTP_USER": "u",
            "EMAIL_SMTP_PASSWORD": "p",
            "ALERTAS_MT5_MODULE": "tests.support.fake_mt5",
            "FAKE_MT5": str(folder / "scenario.json"),
            "ANCHOR": anchor(str(folder / "data" / "live" / "alerts.db")),
        },
    )


@pytest.mark.parametrize("page", sorted({shown.page for shown in RUN}))
def test_the_commands_of_a_page_run(page: str, desk: Path) -> None:
    if shutil.which("bash") is None:
        pytest.skip("no bash on this machine")
    for line in (shown.line for shown in RUN if shown.page == page):
        expected = next((s for pattern, s in STATUS.items() if re.search(pattern, line)), 0)
        done = run(line, desk)
        assert done.returncode == expected, f"{line}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr


def test_what_is_tried_elsewhere_is_still_shown() -> None:
    lines = [shown.line for shown in SHOWN]
    assert [p for p in ELSEWHERE if not any(re.search(p, line) for line in lines)] == []


@cache
def help_of(module: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False,
        env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    return done.stdout if done.returncode == 0 else ""


def named(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each command named anywhere on a page, with its long options."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for found in re.finditer(r"-m (runners\.\w+)([^\n`|&#;]*)", text):
        yield found.group(1), re.findall(r"(?<= )--[a-z][a-z-]*", found.group(2))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_and_option_that_is_named_exists(page: Path) -> None:
    for module, options in named(page):
        text = help_of(module)
        assert text, f"{module} has no help"
        assert [option for option in options if option not in text] == [], module


def test_links_between_documents_lead_somewhere() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (page.parent / target).exists(), f"{name_of(page)}: {target}"


def test_the_places_that_the_documents_name_are_there() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for place in re.findall(r"`((?:alertlib|runners|tests|docs|config)/[\w./-]+)`", text):
            path = ROOT / (place if "NAME" not in place else Path(place).parent)
            assert path.exists() or path.with_suffix(".py").exists(), f"{name_of(page)}: {place}"


def test_the_tests_that_ci_runs_on_other_pythons_are_there() -> None:
    text = (ROOT / ".ci" / "versions.py").read_text(encoding="utf-8")
    named = re.findall(r'"(tests/[\w/.]+)"', text)
    assert len(named) > 5
    assert [place for place in named if not (ROOT / place).exists()] == []


@pytest.mark.slow
def test_the_rates_on_real_bars_are_what_the_command_prints() -> None:
    data = ROOT.parent / "shared" / "data"
    files = [data / "win_n_m5_2020-11_2021-03.parquet", data / "winfut_m5_2021-08_2022-01.parquet"]
    if not all(file.is_file() for file in files):
        pytest.skip("the recordings are not on this machine")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.detector_sets", *map(str, files)],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert len(done.stdout.splitlines()) == 10
    assert done.stdout in (ROOT / "README.md").read_text(encoding="utf-8")

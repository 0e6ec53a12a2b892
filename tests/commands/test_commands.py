"""``python -m runners`` and ``alertas``: the list, and that a command is the same by each way."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from runners.__main__ import about, commands
from runners.live.alert_store.store import Store
from tests.support import house
from tests.support.commands import ROOT, command, one_line

SCRIPT = """import sys
from {module} import {attr}
if __name__ == "__main__":
    sys.exit({attr}())
"""
DETECTOR = """from typing import NamedTuple
import alertlib as al


class State(NamedTuple):
    seen: int = 0


@al.detector("mine", patterns=("up", "down"), params=State(), state=State())
def mine(state, ring, bar, params):
    return 0, state
"""


@pytest.fixture
def alertas(tmp_path: Path) -> Path:
    """The script that pip writes for the entry point, in a folder of its own."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (name, value), *others = project["scripts"].items()
    entry = EntryPoint(name, value, "console_scripts")
    assert (name, others) == ("alertas", [])
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / name
    script.write_text(SCRIPT.format(module=entry.module, attr=entry.attr), encoding="utf-8")
    return script


def by_script(script: Path, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, script, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        timeout=120,
        check=False,
    )


def test_every_shell_is_a_command_and_says_what_it_does() -> None:
    shells = {room for floor in house.RUNNERS if floor.purpose == "shells"
              for room in floor.rooms.split()}  # fmt: skip
    assert set(commands()) == shells | {"client", "live"}
    assert all(10 < len(about(path)) <= 66 for path in commands().values())


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",)])
def test_the_commands_are_listed_with_a_line_each(arguments: tuple[str, ...]) -> None:
    done = command("runners", *arguments)

    listed = [line.split(maxsplit=1) for line in done.stdout.splitlines()[3:-2]]
    assert (done.returncode, done.stderr) == (0, "")
    assert listed == [[name, about(path)] for name, path in commands().items()]


def test_the_version_is_that_of_every_command() -> None:
    assert command("runners", "--version").stdout == command("runners.config", "--version").stdout


@pytest.mark.parametrize("name", commands())
def test_help_is_the_same_by_each_way(alertas: Path, name: str) -> None:
    usual = command(f"runners.{name}", "--help")

    assert usual.returncode == 0
    assert by_script(alertas, name, "--help").stdout == usual.stdout


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("config",), 0), (("config", "--nonsense"), 2), (("doctor", "nowhere.csv"), 3),
        (("audit", "verify", "--db", "nowhere.db"), 3), (("live", "--port", "x"), 2),
    ],
)  # fmt: skip
def test_what_is_said_and_the_status_are_the_same_by_each_way(
    alertas: Path, arguments: tuple[str, ...], status: int
) -> None:
    name, *options = arguments
    ways = [
        command(f"runners.{name}", *options),
        command("runners", name, *options),
        by_script(alertas, name, *options),
    ]
    assert {done.returncode for done in ways} == {status}
    assert len({(done.stdout, done.stderr) for done in ways}) == 1


def test_a_detector_in_the_current_folder_is_found_by_each_way(
    alertas: Path, tmp_path: Path
) -> None:
    """A script's own folder stands where `python -m` has the current one."""
    (tmp_path / "mine.py").write_text(DETECTOR, encoding="utf-8")
    settings = tmp_path / "settings.yaml"
    settings.write_text("detection: {enabled: ['mine:mine']}\n", encoding="utf-8")

    usual = command("runners.config", "--validate", str(settings), cwd=tmp_path)
    done = by_script(alertas, "config", "--validate", str(settings), cwd=tmp_path)

    assert usual.returncode == 0, usual.stderr
    assert (done.returncode, done.stdout) == (0, usual.stdout)


def test_an_unknown_command_is_told_by_the_nearest() -> None:
    one_line(command("runners", "bakctest", "--gate"), 2, "'bakctest'", "perhaps backtest")
    one_line(command("runners", "runners.doctor"), 2, "perhaps doctor")
    one_line(command("runners", "zzz"), 2, "one of audit, backtest", "runners --help")


@pytest.mark.parametrize("name", ["_main", "cli", "live.checks", "commands", "../runners", ""])
def test_what_is_no_command_does_not_run(name: str) -> None:
    one_line(command("runners", name), 2, "expected", "see python -m runners --help")


@pytest.mark.parametrize("name", commands())
def test_a_dash_is_the_name_of_no_file_where_the_help_does_not_say_that_it_is_a_stream(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main = importlib.import_module(commands_module(name)).main
    for option in file_options(main, capsys):
        with pytest.raises(SystemExit) as ended:
            main([option, "-", "-"])
        assert ended.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert re.match(rf"error: argument {option}: got '?-'?, expected (the|a) name", line), line


def test_a_backup_or_a_doctors_bars_called_dash_are_refused(tmp_path: Path) -> None:
    """`audit backup -` wrote a file called -, and told of it as of a copy."""
    database = Store.open(str(tmp_path / "alerts.db"))
    database.close({"reason": "test"})
    done = command("runners.audit", "backup", "-", "--db", "alerts.db", cwd=tmp_path)
    one_line(done, 2, "argument F: got '-'", "expected the name of a file", "./-", "--help")
    one_line(command("runners.doctor", "-"), 2, "BARS: got '-'", "expected the name of a file")
    assert not (tmp_path / "-").exists()

    named = command("runners.audit", "backup", "./-", "--db", "alerts.db", cwd=tmp_path)
    assert (named.returncode, (tmp_path / "-").is_file()) == (0, True), named.stderr


def commands_module(name: str) -> str:
    path = commands()[name]
    return f"runners.{name}.__main__" if path.stem == "__main__" else f"runners.{name}"


def file_options(main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The options whose value is a file or folder and of whose `-` the help says nothing."""
    with pytest.raises(SystemExit):
        main(["--help"])
    described = capsys.readouterr().out.partition("options:")[2]
    found = re.findall(r"^  (--[\w-]+) (?:F|FILE|DIR|F\|DIR|A\.json)\b(.*)$", described, re.M)
    return [option for option, meaning in found if "- for stdout" not in meaning]

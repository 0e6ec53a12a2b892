"""Commands as others run them: closed and full streams, pipes, terminals, missing extras, nothing
where a path should be.
"""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from alertlib.bars.sample import sample_path
from alertlib.config import Config
from alertlib.errors import ConfigError, StorageError
from runners import _main
from runners._extras import EXTRAS, RESEARCH, hint_for
from runners.cli.outputs import write_text
from runners.live.feed.replay import ReplayFeed
from runners.trial.daemon import NotStartedError, daemon
from tests.support.commands import ROOT, command, one_line

SAMPLE = str(sample_path())
POSIX = pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX, and its devices")
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")


def shell(line: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash; ``$D`` is the doctor on the sample, the quickest command there is."""
    doctor = f'"{sys.executable}" -m runners.doctor'
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "B": SAMPLE,
             "D": doctor, "PY": sys.executable, "PYTHONUNBUFFERED": "", **environ},
    )  # fmt: skip


Here = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    """Run a command in this process: for what fails before it has done anything."""

    def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        where = f"runners.{name}.__main__" if name == "live" else f"runners.{name}"
        status = _main.run(import_module(where).main, arguments)
        return subprocess.CompletedProcess(arguments, status, *capsys.readouterr())

    return run


@POSIX
@pytest.mark.parametrize(
    ("line", "status"),
    [
        ('eval $D "$B" ">&-"', 0),
        ('eval $D "$B" "2>&-"', 0),
        ('eval $D "$B" ">&- 2>&-"', 0),
        ('eval $D "$B" "<&-"', 0),
        ('eval $D "$B" --json - "2>&-"', 0),
        ('eval $D "$B" --json - ">&-"', 0),
        ('eval $D nowhere.csv "2>&-"', 3),
        ('eval $D "2>&- >&-"', 2),
    ],
)
def test_closed_streams_change_no_status(line: str, status: int) -> None:
    """`2>&-` was an internal error, exit 70: rich has no file to print to."""
    assert shell(line).returncode == status


@POSIX
def test_what_is_printed_is_whole_without_stderr() -> None:
    closed, usual = shell('eval $D "$B" "2>&-"'), shell('eval $D "$B"')
    assert closed.stdout == usual.stdout
    assert "Safe for scoring" in usual.stdout


@POSIX
@FULL
@pytest.mark.parametrize(
    "options", ['"$B"', '"$B" --json -', "--help", "--version", '"$B" --json /dev/full']
)
@pytest.mark.parametrize("python", ["", "-u"])
def test_a_full_disk_behind_stdout_is_exit_4(options: str, python: str) -> None:
    done = shell(f'"$PY" {python} -m runners.doctor {options} > /dev/full')

    assert done.returncode == 4
    assert "No space left on device" in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in done.stderr


@POSIX
@FULL
@pytest.mark.parametrize(("options", "status"), [('"$B"', 0), ("nowhere.csv", 3), ("", 2)])
def test_a_full_disk_behind_stderr_changes_no_status(options: str, status: int) -> None:
    """An error that could not be printed was exit 1: a failed gate, to a script."""
    assert shell(f'"$PY" -m runners.doctor {options} 2> /dev/full').returncode == status


@POSIX
@pytest.mark.parametrize(
    "options", ['"$B"', '"$B" --json -', "--help", "nowhere.csv 2>&1"]
)  # fmt: skip
@pytest.mark.parametrize("reader", ["head -1", "true"])
@pytest.mark.parametrize("python", ["", "-u"])
def test_a_reader_that_leaves_changes_no_status(options: str, reader: str, python: str) -> None:
    """rich exits 1 when its pipe is closed, which is a failed gate to a script."""
    done = shell(f'"$PY" {python} -m runners.doctor {options} | {reader}')

    assert done.returncode == (3 if "nowhere" in options else 0)
    assert "Broken" not in done.stderr
    assert "Traceback" not in done.stderr


@POSIX
def test_a_verdict_stays_the_verdict_without_a_reader(tmp_path: Path) -> None:
    gate = (
        '"$PY" -m runners.backtest --gate --set gate.capture_rate=1.0 --set '
        "scoring.mirror_runs=19 --set scoring.null_runs=19 --set scoring.bootstrap=100"
    )
    assert shell(f"{gate} 2>/dev/null | true").returncode == 1
    assert shell(f"{gate} >&- 2>&-").returncode == 1


@POSIX
def test_a_client_ends_with_its_reader() -> None:
    program = (
        "import sys\nfrom runners._main import run\n"
        "def forever(_):\n    while True:\n        print('x' * 1000, flush=True)\n"
        "sys.exit(run(forever, [], ends_with_reader=True))"
    )
    assert shell(f'"$PY" -c "{program}" | head -1').returncode == 0


@pytest.mark.parametrize("columns", ["0", "1", "7", "-3", "", "²", "wide", "9" * 30])
def test_a_width_no_terminal_has_is_no_width(columns: str) -> None:
    """COLUMNS=0 printed nothing at all, 1 every word's first letter."""
    usual = command("runners.doctor", SAMPLE, COLUMNS="80")
    done = command("runners.doctor", SAMPLE, COLUMNS=columns)
    assert (done.returncode, done.stdout) == (0, usual.stdout)


def test_a_width_that_terminals_have_counts() -> None:
    narrow = command("runners.doctor", SAMPLE, COLUMNS="40").stdout
    assert max(map(len, narrow.splitlines())) <= 40


@pytest.mark.parametrize(
    "arguments",
    [
        ("backtest", "--bars"), ("backtest", "--config"), ("backtest", "--json"),
        ("backtest", "--symbol"), ("backtest", "--set"), ("backtest", "--labels"),
        ("backtest", "--compare", "a.json"), ("backtest", "--alerts"), ("backtest", "--between"),
        ("sweep", "--ledger"), ("sweep", "--between"), ("doctor",), ("fetch", "--import"),
        ("fetch", "--out"), ("audit", "verify", "--db"), ("live", "--db"), ("summary", "--db"),
        ("check", "--detector"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_value_is_none(here: Here, arguments: tuple[str, ...], value: str) -> None:
    """`--bars "$FILE"` of an unset variable read the current directory."""
    name, *options = arguments
    one_line(here(name, *options, value), 2, f"runners.{name} --help")


@pytest.mark.parametrize("name", ["backtest", "doctor", "live", "audit", "fetch", "sweep"])
def test_an_empty_variable_never_becomes_the_sample(name: str) -> None:
    more = {"doctor": [SAMPLE], "audit": ["verify"], "sweep": ["--grid", "stop_atr=1,2"]}
    done = command(f"runners.{name}", *more.get(name, []), ALERTAS_CONFIG_PATH="")
    one_line(done, 2, "$ALERTAS_CONFIG_PATH", "unset the variable")


@pytest.mark.parametrize("text", ["data:\n  source:\n", "data: {source: }\n", "data: {source: ''}"])
def test_an_empty_source_never_becomes_the_sample(tmp_path: Path, text: str) -> None:
    file = tmp_path / "alertas.yaml"
    file.write_text(text)
    one_line(
        command("runners.backtest", "--gate", "--config", str(file)),
        2, "data.source: got", "expected a path or null", str(file),
    )  # fmt: skip


@pytest.fixture
def core_only(tmp_path: Path) -> dict[str, str]:
    """An environment in which what the extras install cannot be found."""
    hide = "\n".join(
        [
            "import sys",
            f"HIDDEN = {tuple(name for names in EXTRAS.values() for name in names)!r}",
            "class Hide:",
            "    def find_spec(self, name, path=None, target=None):",
            "        if name.partition('.')[0] in HIDDEN:",
            "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)",
            "sys.meta_path.insert(0, Hide())",
        ]
    )
    (tmp_path / "sitecustomize.py").write_text(hide)
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}


@pytest.mark.parametrize(
    "arguments",
    [
        ("live", "--check", "--feed", "replay", "--bars", SAMPLE),
        ("live", "--send-test-mail"),
        ("live", "--feed", "replay", "--bars", SAMPLE),
        ("benchmark", "--quick"),
        ("client",),
    ],
)
def test_without_the_extra_live_the_hint_is_one_line(
    core_only: dict[str, str], arguments: tuple[str, ...]
) -> None:
    """They were internal errors: aiosmtplib missing, or an answer that was no JSON."""
    name, *options = arguments
    done = command(f"runners.{name}", *options, **core_only)
    one_line(done, 2, "websockets", "pip install 'alertlib-b3[live]'")
    assert done.stdout == ""


def test_a_daemon_is_stopped_without_the_extra(core_only: dict[str, str], tmp_path: Path) -> None:
    database = str(tmp_path / "alerts.db")
    done = command("runners.live", "--stop", "--db", database, **core_only)
    assert done.returncode == 0
    assert "no daemon runs" in done.stderr


def test_only_the_extras_packages_have_a_hint() -> None:
    missing = ModuleNotFoundError("No module named 'optuna.samplers'", name="optuna.samplers")
    assert hint_for(missing) == (
        "optuna: is not installed, expected the extra search; run pip install 'alertlib-b3[search]'"
    )
    assert hint_for(ModuleNotFoundError("No module named 'alertlib.x'", name="alertlib.x")) is None
    assert hint_for(ImportError("cannot import name")) is None


@pytest.mark.parametrize("name", RESEARCH)
def test_what_an_install_of_the_daemon_alone_lacks_is_no_bug(name: str) -> None:
    """It was an internal error, exit 70."""
    missing = ModuleNotFoundError(f"No module named '{name}.core'", name=f"{name}.core")
    hint = hint_for(missing)
    assert hint is not None
    assert hint.startswith(f"{name}: is not installed")
    assert hint.endswith("run pip install alertlib-b3")


def test_a_replay_says_what_an_install_of_the_daemon_alone_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its reader ended with status 1 and a traceback."""
    monkeypatch.setitem(sys.modules, "polars", None)
    feed = ReplayFeed(Config(), SAMPLE, 0.0)
    with pytest.raises(ConfigError, match=r"^--feed replay: polars: is not installed"):
        feed.start()
    asyncio.run(feed.close())


def test_a_daemon_that_does_not_start_says_why(tmp_path: Path) -> None:
    said = r"did not start: .*alertas\.yaml:1: nonsense: got an unknown key"
    with pytest.raises(NotStartedError, match=said) as caught, daemon(tmp_path, "nonsense: 1"):
        pytest.fail("it started")
    assert caught.value.exit_status == 2


@POSIX
def test_a_device_is_written_into_and_a_link_followed(tmp_path: Path) -> None:
    """`--json /dev/null` as root put a file in the place of the device."""
    pipe, file, link = (tmp_path / name for name in ("pipe", "file", "link"))
    os.mkfifo(pipe)
    link.symlink_to("file")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    write_text(str(pipe), "into the pipe")
    write_text(str(link), "through the link")

    assert os.read(reader, 100) == b"into the pipe"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert link.is_symlink()
    assert file.read_text() == "through the link"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "link", "pipe"]
    with pytest.raises(StorageError, match="Is a directory"):
        write_text(str(tmp_path), "x")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("backtest", "--set", "detection.directional_change.k=3"), ("directional_change",)),
        (("backtest", "--detector", "breakout", "--set", "detection.volatilidade.window=30"),
         ("volatility", "breakout")),
        (("check", "--detector", "breakout", "--set", "detection.volatility.window=30"),
         ("volatility", "breakout")),
        (("backtest", "--set", "detection.custom.my.steps:momentum.n=30"), ("my.steps:momentum",)),
        (("sweep", "--grid", "breakout.window=10,20", "--detector", "breakout",
          "--set", "detection.volatility={window: 30}"), ("volatility", "breakout")),
    ],
)  # fmt: skip
def test_a_setting_of_a_detector_that_does_not_run_is_refused(
    here: Here, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """It changed nothing, and nobody was told."""
    name, *options = arguments
    one_line(here(name, *options), 2, "does not run", "enable", *words)


def test_a_setting_of_a_detector_that_runs_is_taken() -> None:
    done = command(
        "runners.check", "--detector", "volatility", "--set", "detection.volatility.window=30"
    )
    assert done.returncode == 0

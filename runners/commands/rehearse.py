"""What ``runners.rehearse`` does: a release tried on this machine, go or no-go."""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import socket
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from alertlib.bars.sample import sample_path
from alertlib.config import Config, load_config
from runners._extras import require_extra
from runners._main import FAILED, OK
from runners.cli.inputs import find_bars
from runners.cli.outputs import write_text
from runners.cli.provenance import generated_at
from runners.rehearsal.audience import Audience
from runners.rehearsal.checklist import Checklist, require
from runners.rehearsal.day import Day, cut_day, read_expected, settings, write_settings
from runners.rehearsal.installing import Installed, install, named_wheel, require_pip, wheel_to_try
from runners.rehearsal.play import play
from runners.rehearsal.stage import Stage
from runners.rehearsal.upgrade import rehearse_upgrade
from runners.rehearsal.verifying import verify
from runners.trial.processes import terminated_as_interrupted
from runners.trial.room import require_room

SCHEMA = "rehearsal.v1"
ROOM_MEGABYTES = 1_500
"""An environment with all the packages needs about half of it."""


class Report(NamedTuple):
    """What was tried, on what, and what was found."""

    wheel: Path
    installed: Installed | None
    previous: Installed | None
    day: Day
    checklist: Checklist


def command(args: argparse.Namespace) -> int:
    """Rehearse, print the checklist and the decision, and return the exit status."""
    require_extra("live")
    require_pip()
    config = load_config(args.config)
    for option in ("wheel", "previous"):
        if (path := getattr(args, option)) is not None:
            named_wheel(path, f"--{option}")
    require_room(ROOM_MEGABYTES)
    home = Path(tempfile.mkdtemp(prefix="alertas-rehearsal-"))
    is_kept = False
    try:
        with terminated_as_interrupted():
            report = _rehearse(args, config, home)
        is_kept = not report.checklist.is_go
        _print(report, home if is_kept else None, args.json)
    finally:
        if not is_kept:
            shutil.rmtree(home, ignore_errors=True)
    return OK if report.checklist.is_go else FAILED


def _rehearse(args: argparse.Namespace, config: Config, home: Path) -> Report:
    bars = find_bars(config, args.bars, args.symbol, args.timeframe)
    day = cut_day(bars, home, datetime.fromisoformat(generated_at()))
    _say("building the wheel" if args.wheel is None else f"taking {args.wheel}")
    wheel = wheel_to_try(args.wheel, home)
    checklist = Checklist()
    installed = previous = None
    with checklist.check("test_imports") as said:
        _say("installing it into a fresh environment")
        installed = install(wheel, home / "environment")
        said.append(_installed(wheel, installed))
    if args.previous is not None and installed is not None:
        with checklist.check("upgrade"):
            _say(f"installing {args.previous} beside it")
            previous = install(named_wheel(args.previous, "--previous"), home / "previous")
    if installed is not None:
        _perform(checklist, config, home, day, installed, previous)
    return Report(wheel, installed, previous, day, checklist)


def _perform(
    checklist: Checklist,
    config: Config,
    home: Path,
    day: Day,
    installed: Installed,
    previous: Installed | None,
) -> None:
    """Play everything with an installed version, and fill the checklist."""
    live = home / "live"
    live.mkdir()
    port = _free_port()
    with Audience(live, port) as audience:
        stage = Stage(home, installed, audience.environment)
        path = write_settings(home / "alertas.yaml", settings(config, day, port, *audience.ports))
        of_day = ("--config", path, "--feed", "replay", "--bars", str(day.store))
        options = (*of_day, "--port", str(port))
        database = live / "alerts.db"
        _check(checklist, stage, path, options, database)
        _say("scoring the day, and the gate on the sample")
        with checklist.check("backtest_detector") as said:
            table = home / "expected.csv"
            stage.demand("backtest", "--config", path, "--bars", str(day.store), "--alerts",
                         str(table))  # fmt: skip
            stage.demand("backtest", "--gate", "--bars", str(sample_path()))
            expected = read_expected(table)
            said.append(f"{len(expected)} alerts in {day.bars} bars; the gate passes the sample")
        if checklist.failed("backtest_detector") or checklist.failed("test_imports"):
            return
        _say(f"replaying {day.symbol} {day.timeframe} of {day.last}: backup, kill, restore")
        with checklist.check("monitoring"):
            played = play(
                stage, audience, database, (*options, "--speed", f"{day.speed:g}"), len(expected)
            )
        if not checklist.failed("monitoring"):
            _say("verifying deliveries, parity and the audit log")
            verify(checklist, stage, audience, played, expected, database)
        _say("upgrading an earlier database, and rolling back")
        earlier = None if previous is None else Stage(home, previous, audience.environment)
        _rehearse_upgrade(checklist, stage, earlier, day)


def _rehearse_upgrade(checklist: Checklist, stage: Stage, previous: Stage | None, day: Day) -> None:
    """Upgrade with the settings that every version knows, and no channel but the clients'."""
    values = {"data": {"symbol": day.symbol, "timeframe": day.timeframe}}
    path = write_settings(stage.home / "plain.yaml", values)
    options = ("--config", path, "--feed", "replay", "--bars", str(day.store), "--port", "0")
    rehearse_upgrade(checklist, stage, previous, options)


def _check(
    checklist: Checklist, stage: Stage, path: str, options: tuple[str, ...], database: Path
) -> None:
    with checklist.check("alerta_config") as said:
        first = stage.demand("config", "--validate", path).splitlines()[0]
        said.append(first.removeprefix(f"{path}: "))
    with checklist.check("test_imports") as said:
        done = stage.run("live", "--check", "--db", str(database), *options)
        lines = done.stdout.splitlines() or done.stderr.splitlines() or [""]
        bad = [line for line in lines if not line.startswith("ok")]
        require(done.returncode == 0, f"--check: exit {done.returncode}: {'; '.join(bad)}")
        said.append(f"--check: {len(lines)} lines, nothing found")


def _installed(wheel: Path, installed: Installed) -> str:
    lent = f"with this environment's packages ({installed.borrowed})"
    how = lent if installed.borrowed else "with its dependencies fetched"
    return f"{wheel.name} installed {how}"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _print(report: Report, kept: Path | None, path: str | None) -> None:
    out = sys.stderr if path == "-" else sys.stdout
    day, findings = report.day, report.checklist.findings
    made_up = ", synthetic" if day.synthetic else ""
    print(f"{report.wheel.name}, {day.symbol} {day.timeframe} of {day.last}{made_up}", file=out)
    for number, one in enumerate(findings, start=1):
        print(f"{number:>3} {one.state:<8} {one.name:<26} {one.said}".rstrip(), file=out)
    good = sum(one.state == "ok" for one in findings)
    verdict = "GO" if report.checklist.is_go else "NO-GO"
    where = f"; everything is kept in {kept}" if kept else ""
    print(f"{verdict}: {good} of {len(findings)} checks are well{where}", file=out)
    if path:
        _write(path, _json(report, kept))


def _json(report: Report, kept: Path | None) -> dict[str, Any]:
    day, installed, previous = report.day, report.installed, report.previous
    return {
        "schema": SCHEMA,
        "generated_at": generated_at(),
        "decision": "go" if report.checklist.is_go else "no-go",
        "wheel": {
            "name": report.wheel.name,
            "sha256": hashlib.sha256(report.wheel.read_bytes()).hexdigest(),
            "version": installed.version if installed else None,
            "dependencies": "borrowed" if installed and installed.borrowed else "fetched",
        },
        "previous": previous.version if previous else None,
        "day": {
            "symbol": day.symbol, "timeframe": day.timeframe, "date": day.last, "bars": day.bars,
            "synthetic": day.synthetic,
        },
        "checks": [one.row() for one in report.checklist.findings],
        "kept": str(kept) if kept else None,
    }  # fmt: skip


def _write(path: str, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    if path == "-":
        sys.stdout.write(text)
    else:
        write_text(path, text)

"""A database of an earlier version: brought up to date, and the way back.

One that the first version of the store wrote comes with this package (``alerts_v1.sql``). The
earlier wheel, where there is one, writes another, and takes it back at the end.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from runners._main import STORAGE
from runners.rehearsal.checklist import Checklist, require
from runners.rehearsal.stage import Stage
from runners.trial.daemon import NotStartedError, stopped

FIRST = Path(__file__).with_name("alerts_v1.sql")
STANDING = "0.001"
"""Speed of a replay in which nothing happens for a while."""


class Moved(NamedTuple):
    """A database before its upgrade: where it and its backup are, its head and its alerts."""

    database: Path
    backup: Path
    anchor: str
    alerts: list[dict[str, Any]]


def rehearse_upgrade(
    checklist: Checklist, stage: Stage, previous: Stage | None, options: tuple[str, ...]
) -> None:
    """Fill the checks of the upgrade and of the way back.

    Parameters
    ----------
    previous : Stage, optional
        Of the earlier wheel.
    options : tuple of str
        Of a daemon that replays the day, without ``--speed``.
    """
    moved: list[Moved] = []
    with checklist.check("upgrade") as said:
        moved.append(_before(stage, _written_first(stage.home / "first")))
        if previous is not None:
            moved.append(_before(stage, _written_by(previous, options)))
        said += [_upgrade(stage, one, options) for one in moved]
    if checklist.failed("upgrade"):
        return
    with checklist.check("roll_back") as said:
        said.append(_roll_back(stage, previous, moved[-1], options))


def _written_first(folder: Path) -> Path:
    """Write the database of the first version, with its mark, and return it."""
    folder.mkdir()
    database = folder / "alerts.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(FIRST.read_text(encoding="utf-8"))
        epoch, seq, digest = connection.execute(
            "SELECT epoch, audit_seq, audit_hash FROM meta"
        ).fetchone()
    mark = f"{epoch} {seq:020d} {digest}\n"
    Path(f"{database}-head").write_text(mark, encoding="ascii", newline="\n")
    return database


def _written_by(previous: Stage, options: tuple[str, ...]) -> Path:
    """Have the earlier version replay the day into a database, and return it."""
    folder = previous.home / "earlier"
    folder.mkdir()
    database = folder / "alerts.db"
    previous.demand("live", "--db", str(database), *options, "--speed", "0", "--exit-at-end")
    return database


def _before(stage: Stage, database: Path) -> Moved:
    backup = database.with_name("before.db")
    said = stage.demand("audit", "backup", str(backup), "--db", str(database), "--json")
    return Moved(database, backup, json.loads(said)["head"], _alerts(stage, database))


def _upgrade(stage: Stage, moved: Moved, options: tuple[str, ...]) -> str:
    database = str(moved.database)
    with stopped(stage.daemon(moved.database, *options, "--speed", STANDING)) as running:
        stage.health(running)
        stage.stop(running)
    stage.demand("audit", "verify", "--db", database, "--anchor", moved.anchor)
    kept = _alerts(stage, moved.database)[: len(moved.alerts)]
    require(kept == moved.alerts, "alerts of before the upgrade are not what they were")
    steps = [event["data"]["name"] for event in _events(stage, moved.database, "migration")]
    named = ", ".join(steps) if steps else "no migration was needed"
    return f"{named}; {len(moved.alerts)} earlier alerts and the anchor are kept"


def _roll_back(stage: Stage, previous: Stage | None, moved: Moved, options: tuple[str, ...]) -> str:
    earlier = previous or stage
    refused = "" if previous is None else _is_refused(previous, moved, options)
    earlier.demand("audit", "restore", str(moved.backup), "--db", str(moved.database),
                   "--anchor", moved.anchor)  # fmt: skip
    with stopped(earlier.daemon(moved.database, *options, "--speed", STANDING)) as running:
        earlier.health(running)
        earlier.stop(running)
    earlier.demand("audit", "verify", "--db", str(moved.database), "--anchor", moved.anchor)
    require(_alerts(earlier, moved.database)[: len(moved.alerts)] == moved.alerts,
            "alerts of before the upgrade are not what they were")  # fmt: skip
    if previous is None:
        return "the backup put back and started with this wheel; --previous F tries an earlier one"
    return f"{refused}the backup put back and started with {previous.installed.version}"


def _is_refused(previous: Stage, moved: Moved, options: tuple[str, ...]) -> str:
    """Say what the earlier version says of the database that was upgraded."""
    try:
        with stopped(previous.daemon(moved.database, *options, "--speed", STANDING)):
            return "the earlier version opens the upgraded database; "
    except NotStartedError as error:
        require(error.exit_status == STORAGE, str(error))
        return "the earlier version refuses the upgraded database, as it must; "


def _alerts(stage: Stage, database: Path) -> list[dict[str, Any]]:
    return [event["data"] for event in _events(stage, database, "alert")]


def _events(stage: Stage, database: Path, kind: str) -> list[dict[str, Any]]:
    lines = stage.demand("audit", "export", "--db", str(database)).splitlines()
    return [event for event in map(json.loads, lines) if event["kind"] == kind]

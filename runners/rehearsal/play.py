"""The day itself: replayed, copied, killed, stopped, put back, and replayed to its end."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

from runners.rehearsal.audience import NAMES, RECIPIENTS, Audience
from runners.rehearsal.checklist import require
from runners.rehearsal.stage import Stage, wait
from runners.trial.daemon import Daemon, stopped


class Played(NamedTuple):
    """What happened, for the checks.

    Attributes
    ----------
    anchors : tuple of str
        Heads of the audit log noted on the way, which it has to contain at the end.
    epochs : tuple of str
        Before and after the restore.
    killed_at : float
        Unix time.
    seen : int
        Number of the last alert every client had before the restore.
    letters, calls : int
        Letters and webhook calls before the restore.
    """

    anchors: tuple[str, ...]
    epochs: tuple[str, str]
    killed_at: float
    seen: int
    letters: int
    calls: int


def play(
    stage: Stage, audience: Audience, database: Path, options: tuple[str, ...], alerts: int
) -> Played:
    """Replay a day of so many alerts through a backup, a kill, a stop and a restore."""
    copy = database.with_name("copy.db")
    with stopped(stage.daemon(database, *options)) as first:
        epoch = str(first.ready["epoch"])
        _until(stage, first, alerts // 4)
        anchor = json.loads(
            stage.demand("audit", "backup", str(copy), "--db", str(database), "--json")
        )["head"]
        _until(stage, first, alerts // 2)
        first.kill()
        killed_at = time.time()
    with stopped(stage.daemon(database, *options)) as second:
        require(second.ready["epoch"] == epoch, "a kill gave the database another epoch")
        _until(stage, second, 3 * alerts // 4)
        seen = int(stage.health(second)["seq"])
        wait("clients after the kill", lambda: audience.have(epoch, seen))
        stage.stop(second)
    letters, calls = len(audience.letters), len(audience.calls)
    restored = json.loads(
        stage.demand("audit", "restore", str(copy), "--db", str(database), "--anchor", anchor,
                     "--json")
    )  # fmt: skip
    with stopped(stage.daemon(database, *options)) as third:
        wait("the end of the day", lambda: stage.health(third)["feed"] == "ended")
        head = int(stage.health(third)["seq"])
        wait("clients at the end", lambda: audience.have(restored["epoch"], head))
        wait("letters at the end", lambda: _are_mailed(audience, restored["epoch"]))
        stage.stop(third)
    return Played(
        (anchor, restored["head"]), (epoch, restored["epoch"]), killed_at, seen, letters, calls
    )


def _until(stage: Stage, running: Daemon, number: int) -> None:
    wait(f"alert {number}", lambda: stage.health(running)["seq"] >= number)


def _are_mailed(audience: Audience, epoch: str) -> bool:
    wanted = {one.data["id"] for one in audience.received[NAMES[0]] if one.epoch == epoch}
    mailed: set[Any] = {(one.alert_id, one.recipient) for one in audience.letters}
    return all((alert, to) in mailed for alert in wanted for to in RECIPIENTS)

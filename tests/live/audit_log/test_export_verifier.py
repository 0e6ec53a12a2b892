"""The auditor's own program of docs/audit.md, on exports of real logs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runners.live.alert_store.store import Store
from tests.support.audit_data import ask, filled_log
from tests.support.store_data import batch

PROGRAM = Path(__file__).parents[3] / "docs" / "verify_export.py"
DAY = 86_400.0
Events = list[dict[str, Any]]


def exported(path: str) -> Events:
    answer = ask("export", "--db", path)
    assert answer.status == 0
    return answer.events


def judged(events: Events, folder: Path, *anchor: str) -> tuple[int, str]:
    """Run the program as an auditor does: a file, no package of ours."""
    file = folder / "export.jsonl"
    file.write_text(
        "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events), encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(PROGRAM), str(file), *anchor],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.fixture
def events(tmp_path: Path) -> Events:
    return exported(filled_log(tmp_path))


def test_it_is_fifty_lines_of_the_standard_library() -> None:
    assert len(PROGRAM.read_text(encoding="utf-8").splitlines()) <= 50


def test_an_export_that_nobody_touched_is_intact(events: Events, tmp_path: Path) -> None:
    head = f"{events[-1]['seq']}:{events[-1]['hash']}"
    assert judged(events, tmp_path, head) == (0, "intact\n")


def _reworded(events: Events) -> None:
    events[3]["actor"] += "x"


def _removed(events: Events) -> None:
    del events[3]


def _without_its_beginning(events: Events) -> None:
    del events[:3]


def _swapped(events: Events) -> None:
    events[3], events[4] = events[4], events[3]


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (_reworded, "event 4 is not what was written"),
        (_removed, "event 4 is missing"),
        (_without_its_beginning, "event 1 is missing"),
        (_swapped, "event 4 is missing"),
    ],
)
def test_it_sees_what_was_changed(
    tamper: Callable[[Events], None], says: str, events: Events, tmp_path: Path
) -> None:
    tamper(events)
    status, text = judged(events, tmp_path)
    assert status == 1
    assert text.startswith(says)


def test_only_a_head_noted_earlier_shows_that_the_end_was_cut_off(
    events: Events, tmp_path: Path
) -> None:
    head = f"{events[-1]['seq']}:{events[-1]['hash']}"
    assert judged(events[:-2], tmp_path)[0] == 0
    assert judged(events[:-2], tmp_path, head)[0] == 1


def test_a_pruned_log_goes_on_from_what_its_pruning_says(tmp_path: Path) -> None:
    path = str(tmp_path / "alerts.db")
    now = [time.time() - 8 * 366 * DAY]
    with Store.open(path, clock=lambda: now[0]) as store:
        for number in range(6):
            store.commit(batch(number)).result()
        now[0] = time.time()
        store.commit(batch(6)).result()
    config = tmp_path / "alertas.yaml"
    config.write_text("audit:\n  retention_years: 7\n", encoding="utf-8")
    assert ask("prune", "--db", path, "--config", str(config)).status == 0
    kept = exported(path)

    assert kept[0]["seq"] > 1
    assert judged(kept, tmp_path) == (0, "intact\n")
    assert judged(kept[1:], tmp_path)[0] == 1
    kept[0]["ts"] = kept[0]["ts"].replace("20", "19", 1)
    assert judged(kept, tmp_path)[0] == 1


def test_an_empty_export_is_not_intact(tmp_path: Path) -> None:
    assert judged([], tmp_path) == (1, "no events\n")

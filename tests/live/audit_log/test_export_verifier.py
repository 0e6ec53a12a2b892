"""The auditor's own program of docs/audit.md, on exports of real logs."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

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


class Pruned(NamedTuple):
    """A pruned log, and its events before and after."""

    path: str
    before: Events
    kept: Events


def rechained(events: Events, prev: str) -> Events:
    """Return the events with hashes that fit them, as whoever forges a log would write them."""
    made = []
    for event in events:
        said = {key: event[key] for key in ("seq", "ts", "kind", "actor", "data")}
        text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        digest = hashlib.sha256((prev + text).encode()).hexdigest()
        made.append({**said, "prev": prev, "hash": digest})
        prev = digest
    return made


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


@pytest.fixture
def pruned(tmp_path: Path) -> Pruned:
    """Give a log of which a pruning has taken the beginning, and what was exported before."""
    path = str(tmp_path / "alerts.db")
    now = [time.time() - 8 * 366 * DAY]
    with Store.open(path, clock=lambda: now[0]) as store:
        for number in range(6):
            store.commit(batch(number)).result()
        now[0] = time.time()
        store.commit(batch(6)).result()
    before = exported(path)
    config = tmp_path / "alertas.yaml"
    config.write_text("audit:\n  retention_years: 7\n", encoding="utf-8")
    assert ask("prune", "--db", path, "--config", str(config)).status == 0
    return Pruned(path, before, exported(path))


def test_a_pruned_log_goes_on_from_what_its_pruning_says(pruned: Pruned, tmp_path: Path) -> None:
    kept = pruned.kept
    assert kept[0]["seq"] > 1
    assert judged(kept, tmp_path) == (0, "intact\n")
    assert judged(kept[1:], tmp_path)[0] == 1
    kept[0]["ts"] = kept[0]["ts"].replace("20", "19", 1)
    assert judged(kept, tmp_path)[0] == 1


def test_a_log_that_was_lawfully_pruned_is_not_called_forged(
    pruned: Pruned, tmp_path: Path
) -> None:
    """Of each anchor ever noted the script says what `audit verify --anchor` says."""
    gone = pruned.kept[0]["seq"] - 1
    genesis = {"seq": 0, "hash": "0" * 64}
    for event in [*pruned.before, pruned.kept[-1]]:
        anchor = f"{event['seq']}:{event['hash']}"
        verified = ask("verify", "--db", pruned.path, "--anchor", anchor)
        status, text = judged(pruned.kept, tmp_path, anchor)
        assert status == verified.status == (1 if event["seq"] < gone else 0)
        if status:
            said = f"event {event['seq']} was pruned; use an anchor from {gone} on\n"
            assert text == said
            assert verified.out.endswith(said)
    whole = [genesis, *pruned.before]
    for event in whole:
        assert judged(pruned.before, tmp_path, f"{event['seq']}:{event['hash']}")[0] == 0


def test_no_pruning_excuses_what_was_forged(pruned: Pruned, tmp_path: Path) -> None:
    gone = pruned.kept[0]["seq"] - 1
    old, last = pruned.before[gone - 1], pruned.kept[-1]
    anchor = f"{old['seq']}:{old['hash']}"
    for wrong in (
        f"{gone}:{'f' * 64}",
        f"{last['seq']}:{'f' * 64}",
        f"{last['seq'] + 1}:{'f' * 64}",
    ):
        status, text = judged(pruned.kept, tmp_path, wrong)
        assert (status, text) == (
            1, f"no event is {wrong}: the log was cut or made again since that was noted\n",
        )  # fmt: skip
        assert ask("verify", "--db", pruned.path, "--anchor", wrong).status == 1
    # More is gone than its pruning says, or nothing was pruned at all.
    assert judged(pruned.kept[1:], tmp_path, anchor)[0] == 1
    assert "was pruned" not in judged(pruned.kept[1:], tmp_path, anchor)[1]
    assert judged(pruned.before[gone:], tmp_path, anchor)[0] == 1
    # Made again from the first event on, with every hash right.
    made_again = rechained([{**event, "actor": "x"} for event in pruned.kept], "0" * 64)
    assert judged(made_again, tmp_path, anchor)[0] == 1
    # The pruning may go on from another hash only where that breaks the chain behind it.
    tombstone = {**last, "data": {**last["data"], "hash": "f" * 64}}
    assert last["kind"] == "prune"
    assert judged([*pruned.kept[:-1], tombstone], tmp_path)[0] == 1
    # Whoever makes all of it anew, the tombstone too, is given away by an anchor alone.
    forged = rechained([*pruned.kept[:-1], tombstone], "f" * 64)
    assert judged(forged, tmp_path)[0] == 0
    assert judged(forged, tmp_path, anchor)[0] == 1


def test_an_empty_export_is_not_intact(tmp_path: Path) -> None:
    assert judged([], tmp_path) == (1, "no events\n")

"""A rehearsal's checks, each of which has to be able to fail."""

from __future__ import annotations

import subprocess
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import alertlib as al
from alertlib.errors import ConfigError, DataError
from runners.rehearsal import verifying
from runners.rehearsal.audience import NAMES, RECIPIENTS, Received
from runners.rehearsal.checklist import CHECKS, Checklist, FailedCheck, require
from runners.rehearsal.day import LEAST_ALERTS, cut_day, read_expected, settings
from runners.rehearsal.installing import named_wheel, reason
from runners.rehearsal.play import Played
from runners.trial.mail_sink import Letter
from runners.trial.webhook_sink import Call
from tests.support.commands import ROOT

# ---- the checklist


def test_fourteen_checks_and_go_only_if_all_were_run_and_are_well() -> None:
    checklist = Checklist()
    assert len(CHECKS) == 14
    assert {one.state for one in checklist.findings} == {"not run"}
    for name in CHECKS:
        assert not checklist.is_go
        with checklist.check(name):
            pass
    assert checklist.is_go


def test_the_runbook_lists_the_checks() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    assert "\n".join(f"| `{name}` | {proves} |" for name, proves in CHECKS.items()) in text


@pytest.mark.parametrize("parts", [(True, False), (False, True), (False, True, False)])
def test_a_check_is_well_if_all_its_parts_are(parts: tuple[bool, ...]) -> None:
    checklist = Checklist()
    for part in parts:
        with checklist.check("upgrade") as said:
            said.append("said")
            require(part, "not as expected")
    assert checklist.failed("upgrade")
    assert "not as expected" in checklist.findings[list(CHECKS).index("upgrade")].said


def test_an_error_of_ours_fails_a_check_and_a_bug_is_none() -> None:
    checklist = Checklist()
    with checklist.check("email"):
        raise DataError("no such\nfile")
    assert checklist.failed("email")
    with pytest.raises(ZeroDivisionError), checklist.check("webhook"):
        1 / 0  # noqa: B018


# ---- the wheel


@pytest.mark.parametrize("name", ["none.whl", "alertlib.tar.gz", "."])
def test_what_is_no_wheel_is_a_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "alertlib.tar.gz").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"--wheel .*: got no wheel there, expected a file"):
        named_wheel(str(tmp_path / name), "--wheel")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("WARNING: slow\nERROR: No matching distribution\nnotice: pip\n", "ERROR: No matching"),
        ("first\nlast\n", "last"),
        ("", "it ended with 2"),
    ],
)
def test_of_what_a_command_says_the_reason_is_shown(said: str, why: str) -> None:
    assert reason(subprocess.CompletedProcess([], 2, "", said)).startswith(why)


# ---- the day


def test_a_day_of_the_sample_stays_synthetic_and_leads_to_this_machine(tmp_path: Path) -> None:
    day = cut_day(al.read_bars(al.sample_path()), tmp_path, datetime(2026, 1, 5))
    again = al.read_bars(day.store)
    assert again.synthetic
    assert day.synthetic
    assert (len(again), again.symbol, day.last) == (day.bars, "WIN$N", "2025-04-11")
    changed = (
        al.load_config()
        .set("policy.cooldown_bars", 7)
        .set("delivery.email.smtp_host", "smtp.example.com")
        .set("delivery.email.recipients", ["trader@example.com"])
    )
    found = settings(changed, day, 1, 2, 3)
    assert found["policy"]["cooldown_bars"] == 7
    assert "example.com" not in str(found), "nothing of a rehearsal leaves this machine"


def test_a_day_without_alerts_is_no_rehearsal(tmp_path: Path) -> None:
    header = "id,pattern,severity,direction,confidence,price,entry_min,entry_max,stop,target,"
    row = "a,b,ALTO,1,0.5,100.0,99.0,101.0,98.0,,"
    table = tmp_path / "a.csv"
    table.write_text("\n".join([header + "risk_reward", *[row + "1.5"] * LEAST_ALERTS]))
    assert read_expected(table)[0]["target"] is None
    table.write_text("\n".join([header + "risk_reward", row + "1.5"]))
    with pytest.raises(DataError, match=r"got 1 alerts, expected at least 8 .*--bars"):
        read_expected(table)


# ---- what is verified

ALERT = {"pattern": "engulfing_bullish", "severity": "ALTO", "direction": 1, "confidence": 0.5,
         "price": 100.0, "entry_min": 99.0, "entry_max": 101.0, "stop": 98.0, "target": 104.0,
         "risk_reward": 1.5, "detected_at": "2026-01-05T13:00:00Z"}  # fmt: skip
EXPECTED = [{"id": f"a{n}", **ALERT, "direction": 1.0} for n in range(1, 5)]
for _row in EXPECTED:
    del _row["detected_at"]
PLAYED = Played(("1:x",), ("before", "after"), killed_at=2e9, seen=3, letters=6, calls=3)


def message(epoch: str, number: int, **changes: Any) -> Received:
    return Received(epoch, number, ALERT | {"id": f"a{number}"} | changes, 1e9)


def audience(**changes: Any) -> Any:
    """Everything as it should be: three alerts, a restore, and all four."""
    day = [message("before", n) for n in (1, 2, 3)] + [message("after", n) for n in (1, 2, 3, 4)]
    pairs = [(n, to) for n in (1, 2, 3, 4) for to in RECIPIENTS]
    letters = [Letter(1e9, to, f"<{n}{to}>", "alert", f"a{n}") for n, to in pairs]
    calls = [Call(f"w{n}", f"a{n}", True) for n in (1, 2, 3, 3, 4)]
    found = {"received": {name: list(day) for name in NAMES}, "letters": letters, "calls": calls,
             "errors": []}  # fmt: skip
    return SimpleNamespace(**found | changes)


def with_messages(*places: int, **changed: Any) -> Any:
    """The second client's messages are these of the day's, the last of them changed."""
    found = audience()
    day = found.received[NAMES[1]]
    messages = [day[place] for place in places]
    if changed:
        last = messages[-1]
        messages[-1] = last._replace(data=last.data | changed)
    found.received[NAMES[1]] = messages
    return found


IDS = [row["id"] for row in EXPECTED]
LETTERS = audience().letters


def check(name: str, given: Any) -> str:
    match name:
        case "kill":
            return verifying._over_the_kill(given, PLAYED)
        case "order":
            return verifying._each_once_in_order(given, PLAYED, 4)
        case "restore":
            return verifying._after_the_restore(given, PLAYED, 4)
        case "parity":
            return verifying._parity(given, PLAYED, EXPECTED)
        case "letters":
            return verifying._letters(given, PLAYED, IDS)
        case _:
            return verifying._calls(given, IDS)


@pytest.mark.parametrize("name", ["kill", "order", "restore", "parity", "letters", "calls"])
def test_a_day_as_it_should_be_passes_each_check(name: str) -> None:
    assert check(name, audience())


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("kill", with_messages(0, 2, 3, 4, 5, 6), r"client risk: got \[1, 3\] around the kill"),
        ("kill", with_messages(0, 1, 1, 2, 3, 4, 5, 6), r"got \[1, 2, 2\]"),
        ("order", with_messages(0, 1, 2, 3, 5, 4, 6), r"got numbers \[1, 3, 2, 4\]"),
        ("order", audience(errors=["client desk: 401"]), "client desk: 401"),
        ("restore", with_messages(0, 1, 2, 3, 4, 5), "got 3 alerts after the restore"),
        ("parity", with_messages(0, 1, 2, 3, 4, 5, 6, stop=97.5), "alert 4: stop is not the back"),
        ("parity", with_messages(0, 1, 2, 3, 4, 5), "3 of 4 alerts"),
        ("letters", audience(letters=LETTERS[1:]), "no letter for 1 of the alerts"),
        ("letters", audience(letters=[*LETTERS, LETTERS[0]._replace(message_id="<other>")]),
         "a letter came under two names"),
        ("letters", audience(letters=[*LETTERS, *LETTERS[:1] * 3]), "came 4 times, expected at"),
        ("letters", audience(letters=[*LETTERS, LETTERS[0]._replace(alert_id="b")]),
         "1 letters about no alert"),
        ("calls", audience(calls=[Call("w1", "a1", False)]), "1 of 1 calls have a wrong signature"),
        ("calls", audience(calls=[]), "no call for 4 of the alerts"),
    ],
)  # fmt: skip
def test_each_check_can_fail(name: str, given: Any, said: str) -> None:
    with pytest.raises(FailedCheck, match=said):
        check(name, given)

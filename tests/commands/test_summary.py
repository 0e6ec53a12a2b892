"""The management page: figures counted by hand from a log made for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alertlib.errors import DataError
from runners.live.alert_store.records import Batch, Event, Mail, Message
from runners.live.alert_store.store import Store
from runners.live.audit_log.deliveries import percentile
from runners.summary import main
from tests.support import report_cards
from tests.support.old_cards import as_v1

NOW = 1_700_000_000.0


def alert(number: int, **more: Any) -> Message:
    payload = {"id": f"a{number}", "pattern": "engulfing_bullish",
               "detected_at": "2023-11-14T22:13:19.900000Z", **more}  # fmt: skip
    return Message(payload, mail=(Mail("a@x.example", f"<{number}@x>", NOW, NOW + 60),))


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = str(tmp_path / "alerts.db")
    with Store.open(path, clock=lambda: NOW) as store:
        held = Event("suppressed", "live", {"reason": "cooldown"})
        store.commit(Batch(messages=(alert(1), alert(2, late=True)), events=(held,))).result()
        store.outbox.delivered(store.outbox.due(NOW, 1)).result()
        store.ack("mesa", 2, first=1)
    return path


def test_every_figure_is_counted_from_the_log(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "summary.html"
    assert main(["--db", database, "--html", str(page)]) == 0
    lines = {line[:38].strip(): line[38:].strip() for line in capsys.readouterr().out.splitlines()}
    assert lines["alerts"] == "2 (1 late)"
    assert lines["engulfing_bullish"] == "2"
    assert lines["held back by the policy"] == "cooldown 1"
    assert lines["mails accepted"] == "1"
    assert lines["acknowledged by clients"] == "mesa 2"
    assert lines["seen to durable, p50/p95/p99"] == "100.0 / 100.0 / 100.0 ms of 2"
    assert lines["seen to mail accepted, p50/p95/p99"] == "100.0 / 100.0 / 100.0 ms of 1"
    assert lines["state"] == "intact"
    html = page.read_text(encoding="utf-8")
    assert "engulfing_bullish" in html
    assert "http" not in html.replace("http-equiv", "")


def test_scorecards_of_either_version_stand_beside_the_log(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = report_cards.failed()
    paths = []
    for name, card in (("new.json", new), ("old.json", as_v1(new))):
        (tmp_path / name).write_text(json.dumps(card))
        paths.append(str(tmp_path / name))

    assert main(["--db", database, "--scorecard", *paths]) == 0

    first, second = capsys.readouterr().out.split("Gate: ")[1:]
    assert first.startswith(paths[0])
    rates = [line for line in first.splitlines() if line.startswith("  ")][:5]
    assert rates[0].split() == ["verdict", "FAIL"]
    assert all(line in second for line in rates)
    assert any("capture_rate" in line and "MISSED, by chance" in line for line in rates)


def test_what_is_no_scorecard_is_one_line(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text("{}")

    with pytest.raises(DataError, match=r"a\.json: not a scorecard; expected"):
        main(["--db", database, "--scorecard", str(tmp_path / "a.json")])
    assert capsys.readouterr().out == ""


def test_a_log_that_was_tampered_with_is_exit_1(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import sqlite3

    connection = sqlite3.connect(database)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("UPDATE audit SET actor = 'nobody' WHERE kind = 'alert'")
    connection.commit()
    connection.close()
    assert main(["--db", database]) == 1
    assert "FAILS VERIFICATION" in capsys.readouterr().out


def test_percentiles_are_values_of_the_list() -> None:
    assert percentile([], 0.5) is None
    assert [percentile([1.0, 2.0, 3.0, 4.0], share) for share in (0.0, 0.5, 0.99)] == [
        1.0,
        3.0,
        4.0,
    ]

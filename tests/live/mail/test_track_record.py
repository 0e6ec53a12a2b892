"""What a mail says of a pattern's past: the figures of a card, of all its detectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alertlib.errors import ConfigError
from runners.live.mail.track_record import pattern_records
from tests.support import report_cards
from tests.support.old_cards import as_v1

Row = dict[str, Any]


def row(name: str, pattern: str = "up", **counts: int) -> Row:
    made = {"name": name, "pattern": pattern, "trades": 0, "wins": 0, "tp": 0,
            "false_positives": 0} | counts  # fmt: skip
    judged = made["tp"] + made["false_positives"]
    return {
        **made,
        "win_rate": made["wins"] / made["trades"] if made["trades"] else None,
        "false_positive_share": made["false_positives"] / judged if judged else None,
    }


def written(folder: Path, *rows: Row) -> str:
    card = report_cards.passed() | {"per_detector": list(rows)}
    path = folder / "card.json"
    path.write_text(json.dumps(card), encoding="utf-8")
    return str(path)


LOUD = {"trades": 8, "wins": 6, "tp": 5, "false_positives": 3}


def test_a_pattern_of_two_detectors_has_the_figures_of_both(tmp_path: Path) -> None:
    """Found: the last row stood for all, and a silent ``only`` of it took a pattern's record."""
    quiet = row("volatility.1000-1600")
    found = pattern_records(written(tmp_path, row("volatility", **LOUD), quiet))["up"]
    assert (found["trades"], found["win_rate"], found["false_positive_share"]) == (8, 0.75, 0.375)

    more = row("volatility.1000-1600", trades=2, wins=0, tp=0, false_positives=2)
    found = pattern_records(written(tmp_path, row("volatility", **LOUD), more))["up"]
    assert (found["trades"], found["win_rate"], found["false_positive_share"]) == (10, 0.6, 0.5)


def test_the_record_of_two_is_that_of_one_with_their_alerts(tmp_path: Path) -> None:
    parts = [row("a", trades=3, wins=1, tp=1, false_positives=4), row("b", **LOUD)]
    whole = row("c", "whole", trades=11, wins=7, tp=6, false_positives=7)
    found = pattern_records(written(tmp_path, *parts, whole, row("d", "silent")))

    assert found["up"] == found["whole"]
    assert not {"win_rate", "false_positive_share"} & set(found["silent"])
    assert found["silent"]["trades"] == 0


def test_two_that_are_silent_have_no_rates(tmp_path: Path) -> None:
    found = pattern_records(written(tmp_path, row("a"), row("b")))["up"]

    assert found["trades"] == 0
    assert not {"win_rate", "false_positive_share"} & set(found)


@pytest.mark.parametrize("card", [report_cards.passed(), as_v1(report_cards.passed())])
def test_cards_of_every_version_can_be_read(tmp_path: Path, card: Row) -> None:
    path = tmp_path / "card.json"
    for twice in (1, 2):
        path.write_text(json.dumps(card | {"per_detector": card["per_detector"] * twice}))
        assert set(pattern_records(str(path))) == {r["pattern"] for r in card["per_detector"]}
    assert pattern_records(None) == {}


@pytest.mark.parametrize("wrong", [3, {"pattern": "up"}, {"name": "a"}])
def test_rows_that_are_none_are_one_line(tmp_path: Path, wrong: Any) -> None:
    path = written(tmp_path, row("a"), wrong)
    with pytest.raises(ConfigError, match=r"^live\.scorecard: .*write it again, or set null$"):
        pattern_records(path)

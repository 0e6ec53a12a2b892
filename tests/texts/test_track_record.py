"""What is said of a pattern's past: each figure beside chance, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from alertlib.texts.track_record import Record, record_text


def test_each_figure_stands_beside_its_chance_level() -> None:
    record: Record = {
        "trades": 1212,
        "win_rate": 0.581,
        "win_rate_chance": 0.497,
        "false_positive_share": 0.09,
        "generated_at": "2026-05-01T15:00:00Z",
        "synthetic": True,
    }
    assert record_text(record) == (
        "No último scorecard (01/05/2026, 1.212 operações, dados sintéticos): "
        "acerto 58,1% (ao acaso 49,7%), "
        "falsos positivos 9,0% (nível do acaso não calculado)"
    )


@pytest.mark.parametrize("record", [None, {}, {"trades": 10}, {"win_rate": None}])
def test_nothing_known_is_nothing_said(record: Any) -> None:
    assert record_text(record) == ""

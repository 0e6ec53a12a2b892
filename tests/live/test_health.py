"""What /health says once and the operator is told by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest

from alertlib.config import Config
from alertlib.detection.intake import Core
from runners.live.alert_store.store import Store
from runners.live.feed.base import Feed, Key, Position
from runners.live.health import Board

WIN, WDO = ("WIN$N", "M5"), ("WDO$N", "M5")


class Clock:
    """A feed's clock and trouble, and nothing else of it."""

    pid = None

    def __init__(self, trouble: str | None = None) -> None:
        self._trouble = trouble

    def now(self) -> datetime:
        return datetime(2024, 3, 4, 10, 30, 4)

    def trouble(self, key: Key) -> str | None:
        return self._trouble

    def is_loading(self, key: Key) -> bool:
        return False


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    """Two streams, both with all their bars."""
    config = Config()
    with Store.open(str(tmp_path / "a.db")) as store:
        made = Board(store, config.live.stale_after_bars, config.live.grace_seconds)
        made.feed = cast(Feed, Clock())
        made.cores = {key: Core(config, *key) for key in (WIN, WDO)}
        made.positions = dict.fromkeys((WIN, WDO), Position(datetime(2024, 3, 4, 10, 25)))
        yield made


def test_streams_that_are_stale_are_named_each(board: Board) -> None:
    assert board.reasons() == []
    board.positions[WIN] = Position(datetime(2024, 3, 4, 10, 0))
    assert [one.names for one in board.reasons()] == [("WIN$N M5",)]
    board.positions[WDO] = Position(datetime(2024, 3, 4, 10, 5))
    assert [one.names for one in board.reasons()] == [("WIN$N M5",), ("WDO$N M5",)]


def test_what_keeps_all_streams_is_said_once_and_names_them(board: Board) -> None:
    board.feed = cast(Feed, Clock("no answer from the terminal for 12 s"))
    (reason,) = board.reasons()
    assert reason.text == "feed: no answer from the terminal for 12 s"
    assert reason.names == ("WIN$N M5", "WDO$N M5")
    assert board.health().reasons == (reason.text,)


def test_last_bars_carry_the_offset_of_every_bar_time_in_json(board: Board) -> None:
    """They alone were naive, and until 2019 the offset changed with the season."""
    board.positions[WDO] = Position(datetime(2019, 1, 8, 10, 25))
    assert board.health().details["last_bars"] == {
        "WIN$N M5": "2024-03-04T10:25:00-03:00",
        "WDO$N M5": "2019-01-08T10:25:00-02:00",
    }
    board.positions[WIN] = Position(None)
    last_bars = board.health().details["last_bars"]
    assert isinstance(last_bars, dict)
    assert last_bars["WIN$N M5"] is None


def test_detectors_and_tasks_are_named_each(board: Board) -> None:
    board.cores[WIN].disabled.append("volatility")
    board.cores[WDO].off["mine"] = "no model"
    board.task_errors |= {"email": "OSError: 1", "watch": "OSError: 2"}
    assert [(one.kind, one.text, one.names) for one in board.reasons()] == [
        ("task", "task: email has failed: OSError: 1", ("email",)),
        ("task", "task: watch has failed: OSError: 2", ("watch",)),
        ("detector", "detector: volatility disabled on WIN$N M5", ("volatility WIN$N M5",)),
        ("detector", "detector: mine is off on WDO$N M5: no model", ("mine WDO$N M5",)),
    ]

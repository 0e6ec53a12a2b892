"""Audits of a detector that learns, and of bars that only the batch can read."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

import alertlib as al
from alertlib.audits.parity import streaming_parity
from alertlib.audits.report import AuditItem, AuditReport
from alertlib.backtesting import backtester
from tests.support.synthetic import bars_of, walk


class Params(NamedTuple):
    body_ticks: float = 0.0


class State(NamedTuple):
    seen: int = 0


def learn(bars: Any, moves: Any, outcomes: Any) -> Params:
    return Params(float((bars["close"] - bars["open"]).abs().quantile(0.9)) / 5)


def step(state: State, ring: Any, bar: al.TickBar, p: Params) -> tuple[int, State]:
    body = bar.close - bar.open
    return (1 if body > p.body_ticks else -1 if body < -p.body_ticks else 0), State(state.seen + 1)


@pytest.fixture(scope="module")
def bars() -> al.Bars:
    return bars_of(walk(17, sessions=12, bars=100))


def test_a_detector_that_learns_is_audited_with_what_it_learned(bars: al.Bars) -> None:
    fit = al.Fit(learn, train=5)
    made = al.detector("learns", patterns=("a", "b"), state=State(), params=Params(), fit=fit)(step)

    report = al.check(made, bars, compiled=False)

    found = {item.name: item for item in report.items}
    assert report.clean
    assert "0 alerts and 0 suppressions" not in found["streaming_parity"].detail


def test_a_bar_no_stream_can_take_is_a_fault_of_the_data(
    bars: al.Bars, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "bar of WIN$N at 2021-04-05 10:00:00: got open, high, low, close (1, 2, 0, 1)"
    item = AuditItem("streaming_parity", True, 0, f"not compared: {said}", unreadable=said)
    monkeypatch.setattr(backtester, "audit", lambda *_, **__: AuditReport(("breakout",), (item,)))

    card = al.backtest(bars, chance=False).scorecard

    assert streaming_parity.__name__ == item.name
    assert card.criterion("audit_failures").passed
    assert card.criterion("data_errors").value == 1
    assert card.data["quality"]["findings"][-1]["message"] == said
    assert card.data["quality"]["clean"] is False

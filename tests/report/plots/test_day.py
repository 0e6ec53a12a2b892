"""A session as it is drawn: all its alerts and moves, each where it belongs."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from alertlib.backtesting.run import Run
from alertlib.report.plots.day import Day, day_of, days_of
from alertlib.report.plots.writing import Writing
from tests.support.backtests import FORTY_SESSIONS, run_of

ENGLISH = Writing("en", 5.0)


@pytest.fixture(scope="module")
def run() -> Run:
    return run_of(FORTY_SESSIONS)


@pytest.fixture(scope="module")
def days(run: Run) -> list[Day]:
    return [day_of(run, session, ENGLISH) for session in range(len(days_of(run)))]


def test_every_alert_stands_once_at_its_bar(run: Run, days: list[Day]) -> None:
    shown = {
        mark.id: (day.candles.first[mark.place], mark.outcome)
        for day in days
        for mark in day.alerts
    }

    delivered = run.alerts.select("id", "bar_time", "outcome").rows()
    held = [(*row, "suppressed") for row in run.suppressed.select("id", "bar_time").rows()]
    assert shown == {key: (time, outcome) for key, time, outcome in (*delivered, *held)}
    assert sum(len(day.alerts) for day in days) == len(shown)
    assert sum((day.counts for day in days), Counter()) == Counter(
        outcome for _, outcome in shown.values()
    )


def test_every_trade_begins_and_ends_where_it_did(run: Run, days: list[Day]) -> None:
    shown = {
        mark.id: (
            day.candles.first[mark.entry.place], mark.entry.price,
            day.candles.first[mark.exit.place], mark.exit.price,
        )
        for day in days
        for mark in day.alerts
        if mark.entry is not None and mark.exit is not None
    }  # fmt: skip
    known = run.alerts.drop_nulls("entry_time").select(
        "id", "entry_time", "entry_price", "exit_time", "exit_price"
    )

    assert shown == {row[0]: row[1:] for row in known.rows()}


def test_moves_count_their_alerts(run: Run, days: list[Day]) -> None:
    """Those valid for it by their verdict; false alarms by when they came."""
    alerts, moves = run.alerts.to_dicts(), run.opportunities.to_dicts()
    expected = []
    for move in moves:
        false = [
            alert
            for alert in alerts
            if alert["outcome"] == "fp"
            and move["time_start"] <= alert["bar_time"] < move["time_end"]
        ]
        valid = Counter(
            alert["outcome"]
            for alert in alerts
            if alert["opportunity_id"] == move["opportunity_id"]
        )
        expected.append(
            (
                move["captured"],
                {"tp": valid["tp"], "redundant": valid["redundant"], "fp": len(false)},
                sum(alert["direction"] == -move["direction"] for alert in false),
            )
        )

    shown = [move for day in days for move in day.moves]
    assert [(move.captured, move.alerts, move.against) for move in shown] == expected
    assert any(move.against for move in shown)
    assert any(not move.captured for move in shown)


def test_a_move_runs_from_extreme_to_extreme(days: list[Day]) -> None:
    for day in days:
        for move in day.moves:
            ends = (day.candles.low, day.candles.high)[:: move.direction]
            assert move.start_price == ends[0][move.start]
            assert move.end_price == ends[1][move.end]


def test_only_scored_sessions_have_moves(days: list[Day]) -> None:
    assert {day.scored for day in days} == {True, False}
    assert all(day.moves == () for day in days if not day.scored)
    assert {mark.outcome for day in days if not day.scored for mark in day.alerts} <= {
        "unscored", "suppressed",
    }  # fmt: skip


def test_what_is_said_of_an_alert_is_what_explain_says(run: Run, days: list[Day]) -> None:
    day = next(day for day in days if day.counts["fp"])
    mark = next(mark for mark in day.alerts if mark.outcome == "fp")
    row = run.explain(mark.id).alert

    said = mark.text.replace("<br>", " ")

    assert run.explain(mark.id).why in said
    assert f"id {mark.id[:8]}" in said
    assert f"stop {row['stop']:,.0f}, target {row['target']:,.0f}" in said
    risk = abs(row["price"] - row["stop"])
    assert f"{row['pnl_points']:+,.2f} points ({row['pnl_points'] / risk:+.2f} R)" in said
    assert f"confidence {row['confidence']:.0%}" in said
    assert " ".join(mark.headline).endswith(f"({row['pnl_points'] / risk:+.2f} R)")


def test_a_portuguese_figure_gives_the_verdict_in_portuguese(run: Run) -> None:
    days = [day_of(run, session, Writing("pt-BR", 5.0)) for session in range(len(days_of(run)))]

    texts = [mark.text.replace("<br>", " ") for day in days for mark in day.alerts]

    assert any("não vale para nenhum movimento: o movimento mais próximo" in t for t in texts)
    assert any("capturou um movimento ainda não capturado: movimento" in t for t in texts)
    assert not any("nearest" in text for text in texts)


def test_r_is_that_of_the_trades(run: Run, days: list[Day]) -> None:
    texts = {mark.id: mark.text for day in days for mark in day.alerts}

    for alert_id, r in run.trades.select("alert_id", "r").rows():
        shown = f"{r:+,.2f}".replace("+0.00", "0.00").replace("-0.00", "0.00")
        assert f"({shown} R)" in texts[alert_id]


def test_what_was_held_back_says_why(run: Run, days: list[Day]) -> None:
    held = [mark for day in days for mark in day.alerts if mark.outcome == "suppressed"]

    assert held
    assert set(run.suppressed["reason"]) == {"cooldown", "window"}
    said = {mark.id: mark.text for mark in held}
    for key, reason in run.suppressed.select("id", "reason").rows():
        words = {"cooldown": "pause after an alert of the same side", "window": "outside the hours"}
        assert words[reason] in said[key].replace("<br>", " ")


def test_portuguese_texts_write_numbers_and_words_in_portuguese(run: Run) -> None:
    day = day_of(run, len(days_of(run)) - 2, Writing("pt-BR", 5.0))

    texts = [mark.text for mark in day.alerts if mark.entry is not None]
    assert texts
    for text in texts:
        assert "operação" in text
        assert " pontos (" in text
        assert "," in text.split(" pontos (")[0][-4:]
        assert not {"trade", "target", "agreeing", "valid"} & set(text.replace("<br>", " ").split())


def test_a_day_is_json(days: list[Day]) -> None:
    day = days[-2]

    read = json.loads(json.dumps(day.to_dict(), allow_nan=False))

    assert read["day"] == f"{day.day}"
    assert read["candles"]["high"] == day.candles.high.tolist()
    assert [move["text"] for move in read["moves"]] == [move.text for move in day.moves]
    assert [mark["place"] for mark in read["alerts"]] == [mark.place for mark in day.alerts]

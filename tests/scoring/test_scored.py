"""What the nulls are compared with: the trade of every bar, and the rates of a scored run."""

from __future__ import annotations

import numpy as np
import pytest

from alertlib.backtesting.run import Run
from alertlib.scoring import scored as module
from alertlib.scoring.scored import all_wins
from tests.support.backtests import run_of
from tests.support.synthetic import walk


@pytest.fixture(scope="module")
def run() -> Run:
    """Fourteen sessions of which eight are scored."""
    return run_of(walk(211, sessions=14))


def test_the_trade_of_every_bar_is_that_of_an_alert_there(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored = run.scored
    series, alerts = scored.detected.series, scored.alerts

    wins = all_wins(scored.detected, scored.scope, scored.settings)

    assert wins.shape == (2, len(series) + 1)
    assert (wins[:, -1] == -1).all()
    last_of_session = np.isin(np.arange(len(series)), series.last)
    tradable = scored.scope.scored & ~last_of_session
    assert ((wins[:, :-1] >= 0) == tradable).all()
    found = wins[(alerts.direction < 0).astype(int), alerts.bar]
    assert found.tolist() == np.where(scored.trades.filled, scored.wins, -1).tolist()

    monkeypatch.setattr(module, "BLOCK", 7)
    assert (all_wins(scored.detected, scored.scope, scored.settings) == wins).all()


def test_rates_are_those_of_the_alert_table(run: Run) -> None:
    scored = run.scored
    outcomes = run.alerts["outcome"].to_list()
    false, true = outcomes.count("fp"), outcomes.count("tp")
    points = run.trades["pnl_points"]

    assert scored.false_positive_share == false / (false + true)
    assert scored.capture_rate == run.opportunities["captured"].sum() / len(scored.moves)
    assert scored.win_rate == (points > 0).sum() / len(points)
    assert scored.capture_less_false == scored.capture_rate - scored.false_positive_share
    assert scored.expectancy_points == pytest.approx(points.mean())


def test_without_an_alert_no_rate_is_made_up() -> None:
    silent = run_of(walk(211, sessions=14), detection__enabled=()).scored

    assert silent.capture_rate == 0.0
    assert silent.false_positive_share is None
    assert silent.win_rate is None
    assert silent.expectancy_points is None
    assert silent.capture_less_false is None

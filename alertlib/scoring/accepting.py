"""A user's own filter between merge and policy, asked about every alert of a file."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from alertlib._typing import Bools, Floats
from alertlib.bars.series import Series
from alertlib.detection.alert import Alert
from alertlib.detection.ruleset import ACCEPT_BARS, Accept, Rules
from alertlib.errors import ConfigError
from alertlib.scoring.alert_values import alert_values
from alertlib.scoring.batch import AlertColumns
from alertlib.scoring.engine import INTERPRETED
from alertlib.scoring.step_bars import StepBars


def filter_of(
    series: Series, atr: Floats, rules: Rules, accept: Accept
) -> Callable[[AlertColumns], Bools]:
    """Return which of some alerts ``accept`` lets through.

    It is given the same alert and the same bars as by the live core.
    """

    def accepted(alerts: AlertColumns) -> Bools:
        bars = StepBars(series, atr).by(INTERPRETED)
        values = alert_values(series, rules, alerts)
        symbol, timeframe = series.instrument.symbol, series.instrument.timeframe
        answers = []
        for at, row in zip(alerts.bar.tolist(), zip(*values.values(), strict=True), strict=True):
            given = dict(zip(values, row, strict=True))
            alert = Alert(symbol=symbol, timeframe=timeframe, **given)
            answers.append(_ask(accept, alert, bars[max(0, at + 1 - ACCEPT_BARS) : at + 1]))
        return np.array(answers, dtype=bool)

    return accepted


def _ask(accept: Accept, alert: Alert, bars: list[object]) -> bool:
    try:
        return bool(accept(alert, bars))  # type: ignore[arg-type]  # bars of the plain engine
    except Exception as error:  # a user's function may raise anything
        raise ConfigError(
            f"accept: raised {type(error).__name__} on the alert of {alert.bar_time}: {error}; "
            "expected (alert, bars) -> bool"
        ) from error

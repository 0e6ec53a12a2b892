"""The block forms there are, by the step they stand for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alertlib.kernels.breakout import breakout_step
from alertlib.kernels.engulfing import engulfing_step
from alertlib.kernels.rsi_divergence import rsi_divergence_step
from alertlib.kernels.volatility import volatility_step
from alertlib.scoring.scans import breakout, engulfing, rsi_divergence, volatility
from alertlib.scoring.scans.form import BlockForm
from alertlib.scoring.step_bars import StepBars

BLOCK_FORMS: dict[Callable[..., Any], BlockForm] = {
    volatility_step: BlockForm(volatility.scan, volatility.covers),
    engulfing_step: BlockForm(engulfing.scan),
    breakout_step: BlockForm(breakout.scan, breakout.covers),
    rsi_divergence_step: BlockForm(rsi_divergence.scan),
}


def find_form(step: Callable[..., Any], bars: StepBars, params: Any) -> BlockForm | None:
    """Return the form of a step; None where none covers these bars and parameters."""
    form = BLOCK_FORMS.get(step)
    if form is None or not bars.is_narrow or not form.covers(params, bars.largest):
        return None
    return form

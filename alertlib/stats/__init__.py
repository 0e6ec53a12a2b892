"""Intervals that know alerts cluster by session, what chance would score, luck in selection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertlib._faces import lazy

if TYPE_CHECKING:
    from alertlib.stats.deflated import DeflatedSharpe, deflated_sharpe, effective_trials
    from alertlib.stats.intervals import (
        Interval,
        clustered_interval,
        p_value,
        session_weights,
        weight_blocks,
        wilson,
    )
    from alertlib.stats.nulls import NullRates, Schedule, null_rates
    from alertlib.stats.overfitting import Overfitting, overfitting_probability
    from alertlib.stats.superiority import (
        RealityCheck,
        SuperiorAbility,
        reality_check,
        superior_predictive_ability,
    )
    from alertlib.stats.surrogates import coin_flip_bars, coin_flips, mirror

_HOMES = {
    "DeflatedSharpe": "deflated",
    "Interval": "intervals",
    "NullRates": "nulls",
    "Overfitting": "overfitting",
    "RealityCheck": "superiority",
    "Schedule": "nulls",
    "SuperiorAbility": "superiority",
    "clustered_interval": "intervals",
    "coin_flip_bars": "surrogates",
    "coin_flips": "surrogates",
    "deflated_sharpe": "deflated",
    "effective_trials": "deflated",
    "mirror": "surrogates",
    "null_rates": "nulls",
    "overfitting_probability": "overfitting",
    "p_value": "intervals",
    "reality_check": "superiority",
    "session_weights": "intervals",
    "superior_predictive_ability": "superiority",
    "weight_blocks": "intervals",
    "wilson": "intervals",
}

__all__ = [
    "DeflatedSharpe",
    "Interval",
    "NullRates",
    "Overfitting",
    "RealityCheck",
    "Schedule",
    "SuperiorAbility",
    "clustered_interval",
    "coin_flip_bars",
    "coin_flips",
    "deflated_sharpe",
    "effective_trials",
    "mirror",
    "null_rates",
    "overfitting_probability",
    "p_value",
    "reality_check",
    "session_weights",
    "superior_predictive_ability",
    "weight_blocks",
    "wilson",
]

__getattr__, __dir__ = lazy(__name__, _HOMES)

"""How two runs differ, whether they have just been made or were saved."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import polars as pl

from alertlib._arguments import shown
from alertlib.errors import ConfigError
from alertlib.scorecard.card import Scorecard
from alertlib.scorecard.difference import Difference, compare_scorecards


class ComparedRun(Protocol):
    """What two runs are compared by."""

    @property
    def scorecard(self) -> Scorecard:
        """Its figures and settings."""

    @property
    def alerts(self) -> pl.DataFrame:
        """Its delivered alerts."""


def difference(before: ComparedRun, after: ComparedRun) -> Difference:
    """Compare two runs: settings, figures and delivered alerts."""
    for run in (before, after):
        if not (hasattr(run, "scorecard") and hasattr(run, "alerts")):
            raise ConfigError(
                f"diff: got {shown(run)}; expected a run, or what al.load_run returns; two "
                "scorecards are compared by runners.backtest --compare"
            )
    cards = compare_scorecards(before.scorecard.to_dict(), after.scorecard.to_dict())
    old, new = before.alerts, after.alerts
    place = ["bar_time", "direction"]
    both = new.join(old, on=place, suffix="_before")
    renamed = both.filter(
        (pl.col("pattern") != pl.col("pattern_before"))
        | (pl.col("confidence") != pl.col("confidence_before"))
    )
    return replace(
        cards,
        gained=new.join(old, on=place, how="anti"),
        lost=old.join(new, on=place, how="anti"),
        renamed=renamed,
    )

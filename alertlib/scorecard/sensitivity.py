"""Capture and false positives under other definitions of a move."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

import numpy as np

from alertlib.bars.series import Series
from alertlib.scorecard.sections import defined, mean, ratio
from alertlib.scoring.labels import Opportunities, directional_changes
from alertlib.scoring.matching import (
    FALSE_POSITIVE,
    TRUE_POSITIVE,
    find_candidates,
    find_entries,
)
from alertlib.scoring.scored import Scored
from alertlib.stats.nulls import NullRates, Schedule, null_rates

SENSITIVITY_K = (2.0, 3.0, 4.0)
SENSITIVITY_MOVE_LEFT = (0.0, 0.25, 0.5)


def sensitivity_section(
    scored: Scored, schedule: Schedule | None
) -> tuple[dict[str, float | None], ...]:
    """Return capture and false positives under other definitions of a move.

    Parameters
    ----------
    scored : Scored
    schedule : Schedule, optional
        Alerts moved by chance, for the chance levels; None leaves them out.
    """
    detected, scope = scored.detected, scored.scope
    series, alerts = detected.series, scored.alerts
    early_bars = scored.settings.scoring.early_bars
    rows: list[dict[str, float | None]] = []
    for k in SENSITIVITY_K:
        moves = directional_changes(series, detected.atr, k, detected.engine)
        moves = moves.only(scope.scored[moves.start])
        candidates = find_candidates(series, moves, early_bars, alerts.bar, alerts.direction)
        chances = _chance_rates(schedule, series, moves, early_bars)
        for left, chance in zip(SENSITIVITY_MOVE_LEFT, chances, strict=True):
            found = candidates.match(left)
            tp = int(np.count_nonzero(found.outcome == TRUE_POSITIVE))
            fp = int(np.count_nonzero(found.outcome == FALSE_POSITIVE))
            rows.append(
                {
                    "k": k,
                    "min_move_left": left,
                    "capture_rate": mean(found.captured),
                    "false_positive_share": ratio(fp, tp + fp),
                    "chance_capture": mean(defined(chance.capture_rate)) if chance else None,
                    "chance_fp": mean(defined(chance.false_positive_share)) if chance else None,
                }
            )
    return tuple(rows)


def _chance_rates(
    schedule: Schedule | None, series: Series, moves: Opportunities, early_bars: int
) -> Iterator[NullRates | None]:
    """Yield what chance scores for each share of a move that has to be left."""
    if schedule is None:
        yield from repeat(None, len(SENSITIVITY_MOVE_LEFT))
        return
    entries = find_entries(series, moves, early_bars)
    no_wins = np.full((2, len(series) + 1), -1, dtype=np.int8)
    for left in SENSITIVITY_MOVE_LEFT:
        yield null_rates(schedule, entries.validity(left), no_wins)

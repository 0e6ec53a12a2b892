"""The moves nobody caught, each with the reason."""

from __future__ import annotations

import numpy as np
import polars as pl

from alertlib.kernels.policy import REASONS
from alertlib.scoring.scored import Scored
from alertlib.scoring.tables import Table
from alertlib.study.approaches import approach_text
from alertlib.study.misses import miss_of
from alertlib.study.record import Record

_REASONED = pl.Schema(
    {
        "reason": pl.String(),
        "why": pl.String(),
        "signal_time": pl.Datetime("us"),
        "signal_pattern": pl.String(),
        "signal_direction": pl.Int64(),
        "signal_bars": pl.Int64(),
        "against": pl.Int64(),
        "reachable": pl.Boolean(),
        "near_detector": pl.String(),
        "near": pl.String(),
    }
)


def missed_frame(record: Record, opportunities: pl.DataFrame) -> pl.DataFrame:
    """Return the missed moves, each with why.

    Parameters
    ----------
    record : Record
    opportunities : DataFrame
        Of the same run.

    Returns
    -------
    DataFrame
        Columns of the opportunity frame, and

        - ``suppressed``, ``reasons``: how many alerts valid for the move were held back, and why;
        - ``reason`` (:class:`alertlib.study.misses.Miss`) and ``why``, in words;
        - ``signal_time signal_pattern signal_direction signal_bars``: the signal that tells most,
          delivered or not, by the open of its bar and in bars from the move's first; null where
          there is none;
        - ``against``: signals of the other direction at bars at which an alert would count;
        - ``reachable``: whether any alert that can be delivered would have counted;
        - ``near_detector``, ``near``: the detector that came nearest to a signal without giving
          one, when, and what was wanting; null where none says what it compares.
    """
    missed = np.flatnonzero(~record.scored.match.captured)
    held = _held(record.scored, missed.tolist())
    rows = [_row(record, move) for move in missed.tolist()]
    return Table(opportunities[missed]).with_columns(
        pl.Series("suppressed", [len(reasons) for reasons in held], dtype=pl.Int64),
        pl.Series("reasons", [sorted(set(reasons)) for reasons in held], dtype=pl.List(pl.String)),
        *pl.DataFrame(rows, schema=_REASONED, orient="row").get_columns(),
    )


def _row(record: Record, move: int) -> tuple[object, ...]:
    miss, alerts = miss_of(record, move), record.alerts
    signal: tuple[object, ...] = (None, None, None, None)
    if miss.row is not None:
        bar = int(alerts.bar[miss.row])
        time = record.scored.detected.series.times([bar])[0]
        away = bar - int(record.scored.moves.start[move])
        signal = time, record.pattern(miss.row), int(alerts.direction[miss.row]), away
    near: tuple[object, ...] = (None, None)
    if miss.near is not None:
        near = record.detectors[miss.near.place].name, approach_text(record, miss.near)
    reachable = bool(record.scored.reachable[move])
    return (miss.reason, miss.why, *signal, miss.against, reachable, *near)


def _held(scored: Scored, moves: list[int]) -> list[list[str]]:
    """Return why each alert that is valid for a move was held back, by move."""
    held = scored.detected.suppressed
    found = scored.validity.of(held.bar, held.direction)
    return [
        [REASONS[r] for r in held.reason[(found == move).any(axis=1)].tolist()] for move in moves
    ]

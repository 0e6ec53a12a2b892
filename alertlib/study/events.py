"""How prices moved around alerts: an event study."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl

from alertlib._typing import Floats, Ints
from alertlib.scoring.frames import OUTCOMES
from alertlib.scoring.scored import Scored
from alertlib.study.by_session import percentile_bounds, resampled
from alertlib.study.hours import alert_hours

By = Literal["outcome", "pattern", "hour"]

# Bars before and after an alert.
BEFORE, AFTER = 12, 36
OFFSETS: Ints = np.arange(-BEFORE, AFTER + 1)
# Group of every scored alert.
ALL = "all"
# Runs of the bootstrap that a band is read from: half a thousand means are resampled.
BAND_RUNS = 1_000
# With fewer sessions nothing can be resampled.
MIN_SESSIONS = 2


def event_paths(scored: Scored) -> Floats:
    """Return how far prices lay from each scored alert's close, in its direction.

    Returns
    -------
    float64, shape (alerts, 49)
        Points, at each of :data:`OFFSETS` (bars from the alert's own); positive where the close
        had moved the way the alert says. 0 at the alert's bar; NaN outside its session.
    """
    series, alerts = scored.detected.series, scored.alerts
    bar, session = alerts.bar[:, None], series.session[alerts.bar]
    at = bar + OFFSETS
    inside = (at >= series.first[session][:, None]) & (at <= series.last[session][:, None])
    away = series.close[np.where(inside, at, bar)] - series.close[bar]
    paths: Floats = series.price(away * alerts.direction[:, None].astype(np.float64))
    paths[~inside] = np.nan
    return paths


def event_frame(scored: Scored, by: By) -> pl.DataFrame:
    """Return the mean path of prices around the scored alerts, group by group.

    A path is that of :func:`event_paths` over the average true range at the alert's bar. An
    offset's mean is over the alerts whose session reaches it, so its ``n`` falls towards both
    ends, and the alerts it is over change.

    Outcomes are known from what follows, and their paths part by construction; whether alerts
    foretell anything is read from the group ``all``.

    Parameters
    ----------
    scored : Scored
    by : {"outcome", "pattern", "hour"}
        Hours are those in which the alerts were made, exchange wall clock.

    Returns
    -------
    DataFrame
        ``group`` (``all`` first), ``offset`` (bars), ``n`` (alerts) and ``sessions`` the mean is
        over, ``mean_atr``, ``low_atr`` and ``high_atr`` (its 95 % percentile interval by
        the first thousand runs of the scorecard's bootstrap over sessions; null with fewer than
        two), ``mean_points``.
        Offsets that no alert of a group has are left out.
    """
    paths = event_paths(scored)
    labels = [ALL, *_labels(scored, by)]
    with np.errstate(divide="ignore", invalid="ignore"):
        in_atr = (
            paths / scored.detected.series.price(scored.detected.atr[scored.alerts.bar])[:, None]
        )
    in_atr[~np.isfinite(in_atr)] = np.nan
    known = ~np.isnan(in_atr)
    rows = _members(scored, by, labels)
    totals = np.concatenate([_by_session(scored, np.where(known, in_atr, 0.0), r) for r in rows])
    counts = np.concatenate([_by_session(scored, known.astype(np.float64), r) for r in rows])
    drawn = resampled(scored, np.concatenate([totals, counts]), BAND_RUNS)
    low, high = percentile_bounds(*np.split(drawn, 2))
    n, sessions = counts.sum(axis=1), np.count_nonzero(counts, axis=1)
    return (
        pl.DataFrame(
            {
                "group": np.repeat(labels, len(OFFSETS)),
                "offset": np.tile(OFFSETS, len(labels)),
                "n": n.astype(np.int64),
                "sessions": sessions,
                "mean_atr": _quotient(totals.sum(axis=1), n),
                "low_atr": np.where(sessions < MIN_SESSIONS, np.nan, low),
                "high_atr": np.where(sessions < MIN_SESSIONS, np.nan, high),
                "mean_points": np.concatenate([_mean(paths, known, r) for r in rows]),
            },
            schema_overrides={"group": pl.String},
        )
        .filter(pl.col("n") > 0)
        .with_columns(pl.col(pl.Float64).fill_nan(None))
    )


def _labels(scored: Scored, by: By) -> list[str]:
    """Return the groups that have alerts, in order."""
    found = set(_group_of(scored, by))
    return [name for name in OUTCOMES if name in found] if by == "outcome" else sorted(found)


def _group_of(scored: Scored, by: By) -> list[str]:
    """Return the group of each scored alert."""
    if by == "outcome":
        return [OUTCOMES[o] for o in scored.match.outcome.tolist()]
    if by == "hour":
        return [f"{hour:02d}" for hour in alert_hours(scored).tolist()]
    detectors = scored.detected.rules.detectors
    lead, direction = scored.alerts.lead.tolist(), scored.alerts.direction.tolist()
    return [detectors[place].pattern(side) for place, side in zip(lead, direction, strict=True)]


def _members(scored: Scored, by: By, labels: list[str]) -> list[Ints]:
    """Return the alerts of each label."""
    groups = np.array(_group_of(scored, by), dtype=object)
    every = np.arange(len(groups))
    return [every if label == ALL else np.flatnonzero(groups == label) for label in labels]


def _by_session(scored: Scored, values: Floats, rows: Ints) -> Floats:
    """Return the sums of some alerts' rows by session, shape (offsets, sessions)."""
    table = np.zeros((len(scored.scope.sessions), values.shape[1]))
    if len(rows):
        # Alerts come in order, those of a session side by side.
        session = scored.session_rows(scored.alerts.bar[rows])
        starts = np.flatnonzero(np.diff(session, prepend=-1))
        table[session[starts]] = np.add.reduceat(values[rows], starts, axis=0)
    return table.T


def _mean(paths: Floats, known: Floats, rows: Ints) -> Floats:
    inside = known[rows]
    return _quotient(np.where(inside, paths[rows], 0.0).sum(axis=0), inside.sum(axis=0))


def _quotient(part: Floats, whole: Floats) -> Floats:
    quotient = np.full(len(part), np.nan)
    np.divide(part, whole, out=quotient, where=whole > 0)
    return quotient

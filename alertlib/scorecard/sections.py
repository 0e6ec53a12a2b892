"""From a scored run to the sections of its scorecard."""

from __future__ import annotations

import platform
from dataclasses import fields
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from alertlib._typing import Floats, Ints
from alertlib._version import __version__
from alertlib.bars.bars import Bars
from alertlib.config import Config
from alertlib.config.schema import Settings
from alertlib.detection.builtin import is_built_in
from alertlib.detection.detectors import Detector
from alertlib.kernels.policy import REASONS
from alertlib.market.clock import date_of, day_number, with_offset
from alertlib.market.instruments import hours_of_families
from alertlib.scorecard.card import canonical_hash, leaves
from alertlib.scoring.matching import (
    FALSE_POSITIVE,
    REDUNDANT,
    TRUE_POSITIVE,
)
from alertlib.scoring.scored import SPEC, Scored
from alertlib.scoring.trades import session_fees
from alertlib.stats.nulls import CoinFlipRates


def spec_hash(settings: Settings) -> str:
    """Return the hash of everything that decides a score: spec, its hours, scoring, trade,
    policy and gate."""
    parts = settings_section(settings)
    del parts["detection"]
    return canonical_hash({"spec": SPEC, "hours": hours_of_families(), **parts})


def settings_section(settings: Settings) -> dict[str, Any]:
    """Return the settings that decide alerts and score."""
    values = as_config(settings).to_dict()
    return {name: values[name] for name in ("detection", "policy", "trade", "scoring", "gate")}


def changed_settings(settings: Settings) -> dict[str, list[Any]]:
    """Return the deciding settings that differ from their defaults: path -> [value, default]."""
    values, defaults = (dict(leaves(settings_section(s))) for s in (settings, Config()))
    return {
        path: [value, defaults.get(path)]
        for path, value in values.items()
        if value != defaults.get(path)
    }


def config_hash(settings: Settings) -> str:
    """Return the hash of the whole configuration."""
    return as_config(settings).hash


def config_source(settings: Settings) -> str | None:
    """Return the file the configuration was read from; None where it was none."""
    source = getattr(settings, "source", None)
    return None if source is None else str(source)


def as_config(settings: Settings) -> Config:
    """Return the settings as a checked configuration."""
    if isinstance(settings, Config):
        return settings
    return Config(**{f.name: getattr(settings, f.name) for f in fields(Settings)})


def versions() -> dict[str, str]:
    """Return the versions that could change a figure."""
    return {
        "alertlib": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "polars": pl.__version__,
    }


def data_section(bars: Bars, scored: Scored, quality: dict[str, Any]) -> dict[str, Any]:
    """Return what was scored and how good it is."""
    series, scope = scored.detected.series, scored.scope
    frame = bars.frame
    grid = series.instrument.grid
    assert grid is not None
    return {
        "source": bars.source,
        "synthetic": bars.synthetic,
        "symbol": bars.symbol,
        "symbol_assumed": bars.assumed_symbol,
        "timeframe": bars.timeframe,
        "sha256": bars.sha256,
        "bars": len(bars),
        "sessions": len(scope.sessions),
        "first": with_offset(frame["time"][0]),
        "last": with_offset(frame["time"][-1]),
        "first_session": _date(series.days, scope.sessions[:1]),
        "last_session": _date(series.days, scope.sessions[-1:]),
        "sessions_in_file": len(series.first),
        "quality": {
            **quality,
            "out_of_session": series.removed,
            "short_sessions": [_date(series.days, [s]) for s in scope.short],
            "tick": grid.tick,
            "on_grid": grid.on_tick,
        },
    }


def unreadable_finding(message: str) -> dict[str, Any]:
    """Return the finding about a bar that the batch could read and the live core cannot."""
    return {
        "kind": "bad_row", "severity": "error", "time": None, "date": None, "count": 1,
        "message": message,
    }  # fmt: skip


def _date(days: Ints, sessions: Any) -> str | None:
    for session in sessions:
        return date_of(int(days[session])).isoformat()
    return None


def in_sample_possible(scored: Scored) -> bool:
    """Whether a detector or filter of the user's own may have been fitted on what is scored.

    True where it, or a part of it, says neither how it is fitted here nor until when it was
    elsewhere. A function that filters, of ``only`` or ``accept``, cannot say so.
    """
    rules = scored.detected.rules
    return rules.accept is not None or any(map(_says_nothing, rules.detectors))


def _says_nothing(detector: Detector) -> bool:
    if detector.fit is None and detector.fitted_until is None and not is_built_in(detector):
        return True
    # The date of one part says nothing of another.
    return any(
        _says_nothing(part) if isinstance(part, Detector) else callable(part)
        for part in detector.parts()
    )


def seen_sessions(scored: Scored) -> int:
    """Return how many scored sessions something was learned from before.

    They are not after what a model made elsewhere has seen, or among those that a search chose
    the configuration on.
    """
    days = scored.detected.series.days[scored.scope.sessions]
    ends = [d.fitted_until for d in scored.detected.rules.detectors if d.fitted_until is not None]
    seen = np.zeros(len(days), dtype=bool)
    if ends:
        seen |= days <= max(map(day_number, ends))
    chosen = scored.settings.chosen
    if chosen.first is not None and chosen.last is not None:
        first, last = (day_number(date.fromisoformat(day)) for day in (chosen.first, chosen.last))
        seen |= (days >= first) & (days <= last)
    return int(np.count_nonzero(seen))


def coin_flip_section(found: CoinFlipRates | None) -> dict[str, Any] | None:
    """Return the mean of each rate on coin-flip bars; None where they were not run."""
    if found is None:
        return None
    return {
        **{name: mean(defined(found.of(name))) for name in _COIN_FLIP},
        "alerts": mean(found.alerts),
        "runs": found.runs,
    }


_COIN_FLIP = ("capture_rate", "false_positive_share", "win_rate", "expectancy_points")


def count_section(scored: Scored) -> dict[str, Any]:
    """Return the counts; ``alerts = tp + false_positives + redundant``."""
    held = scored.detected.suppressed
    inside = scored.scope.scored[held.bar]
    by_reason = np.bincount(held.reason[inside], minlength=len(REASONS))
    return {
        "opportunities": len(scored.moves),
        "alerts": len(scored.rows),
        "captured": scored.captured,
        "tp": scored.outcomes(TRUE_POSITIVE),
        "false_positives": scored.outcomes(FALSE_POSITIVE),
        "redundant": scored.outcomes(REDUNDANT),
        "censored": len(scored.censored),
        "trades": int(np.count_nonzero(scored.trades.filled)),
        "wins": int(np.count_nonzero(scored.wins)),
        "ambiguous": int(np.count_nonzero(scored.trades.ambiguous)),
        "suppressed": {reason: int(by_reason[i]) for i, reason in enumerate(REASONS) if i > 0},
    }


def rate_section(scored: Scored) -> dict[str, float | None]:
    """Return the rates printed beside the criteria."""
    tp, fp, redundant = (scored.outcomes(o) for o in (TRUE_POSITIVE, FALSE_POSITIVE, REDUNDANT))
    filled = scored.trades.filled
    return {
        "capture_rate": scored.capture_rate,
        "false_positive_share": scored.false_positive_share,
        "win_rate": scored.win_rate,
        "fp_share_all": ratio(fp, tp + fp + redundant),
        "fp_share_strict": ratio(fp + redundant, tp + fp + redundant),
        "redundant_per_capture": ratio(redundant, scored.captured),
        "oracle_ceiling": scored.oracle_ceiling(),
        "optimistic_win_rate": mean(scored.trades.optimistic[filled] > 0),
        "ambiguous_share": mean(scored.trades.ambiguous[filled]),
    }


def trade_section(scored: Scored) -> dict[str, float | None]:
    """Return what the trades earned, against what they had to."""
    series = scored.detected.series
    grid = series.instrument.grid
    assert grid is not None
    # Column by column: all of a million bars' trades would be copied for the few read here.
    trades, alerts, filled = scored.trades, scored.alerts, np.flatnonzero(scored.trades.filled)
    points, bar = trades.points[filled], alerts.bar[filled]
    close = series.close[bar]
    to_stop = series.price(np.abs(close - alerts.stop[filled]))
    stop, target = mean(to_stop), mean(series.price(np.abs(alerts.target[filled] - close)))
    fees = mean(session_fees(series, scored.settings.trade)[series.session[bar]])
    slippage = scored.settings.trade.slippage_ticks * grid.tick
    expectancy = scored.expectancy_points
    gains, losses = float(points[points > 0].sum()), float(-points[points < 0].sum())
    opened = series.open[trades.entry[filled]]
    outside = (opened < alerts.entry_min[filled]) | (opened > alerts.entry_max[filled])
    return {
        "break_even_win_rate": _break_even(stop, target, fees, slippage),
        "expectancy_points": expectancy,
        "expectancy_brl": None if expectancy is None else _brl(scored, expectancy),
        "expectancy_r": mean(points / to_stop),
        "profit_factor": ratio(gains, losses),
        "total_points": float(points.sum()) if len(points) else None,
        "mean_stop_points": stop,
        "mean_target_points": target,
        "fees_points": fees,
        "mean_favourable_points": mean(trades.best[filled]),
        "mean_adverse_points": mean(trades.worst[filled]),
        "outside_entry_band": mean(outside),
    }


def _break_even(
    stop: float | None, target: float | None, fees: float | None, slippage: float
) -> float | None:
    """Win rate at which the mean distances, fees and slippage earn nothing.

    A target is filled at its price, so a win pays slippage once and a loss twice.
    """
    if stop is None or target is None or fees is None:
        return None
    cost_win, cost_loss = fees + slippage, fees + 2 * slippage
    return ratio(stop + cost_loss, stop + target + cost_loss - cost_win)


def _brl(scored: Scored, points: float) -> float | None:
    """Return R$ per contract; None where a point's value or the fees are not known, or the
    prices are not the traded ones."""
    instrument = scored.detected.series.instrument
    grid = instrument.grid
    assert grid is not None
    fees_known = instrument.fees or scored.settings.trade.fees_points is not None
    if instrument.point_value is None or not fees_known or not grid.on_tick:
        return None
    return points * instrument.point_value


def timeliness_section(scored: Scored) -> dict[str, Any]:
    """Return how early the captures came."""
    left = scored.move_left()
    onset = scored.bars_from_onset()
    quantiles = np.quantile(left, (0.5, 0.25, 0.75)) if len(left) else [None] * 3
    return {
        "bars_from_onset": float(np.median(onset)) if len(onset) else None,
        "move_left": dict(zip(("median", "q25", "q75"), quantiles, strict=True)),
    }


def detector_section(scored: Scored) -> tuple[dict[str, Any], ...]:
    """Return each pattern's share in the alerts, as delivered."""
    rules, alerts = scored.detected.rules, scored.alerts
    rows = []
    for place, detector in enumerate(rules.detectors):
        for pattern in dict.fromkeys(detector.patterns):
            sides = [s for s in (1, -1) if detector.pattern(s) == pattern]
            mine = (alerts.lead == place) & np.isin(alerts.direction, sides)
            rows.append({"name": detector.name, "pattern": pattern, **_counts(scored, mine)})
    return tuple(rows)


def _counts(scored: Scored, mine: Any) -> dict[str, Any]:
    outcome, trades = scored.match.outcome, scored.trades
    tp, fp, redundant = (
        int(np.count_nonzero(mine & (outcome == o)))
        for o in (TRUE_POSITIVE, FALSE_POSITIVE, REDUNDANT)
    )
    filled = mine & trades.filled
    captured = int(np.count_nonzero(np.append(mine, False)[scored.match.captured_by]))
    wins = int(np.count_nonzero(mine & scored.wins))
    return {
        "alerts": int(np.count_nonzero(mine)),
        "tp": tp,
        "false_positives": fp,
        "redundant": redundant,
        "captured": captured,
        "capture_rate": ratio(captured, len(scored.moves)),
        "false_positive_share": ratio(fp, tp + fp),
        "trades": int(np.count_nonzero(filled)),
        "wins": wins,
        "win_rate": ratio(wins, int(np.count_nonzero(filled))),
        "expectancy_points": mean(trades.points[filled]),
    }


def session_section(scored: Scored) -> tuple[dict[str, Any], ...]:
    """Return the counts of each scored session."""
    series, sessions = scored.detected.series, scored.scope.sessions
    counts = {name: column.tolist() for name, column in scored.per_session().items()}
    where = scored.session_rows(scored.alerts.bar)
    points = np.bincount(
        where[scored.trades.filled],
        weights=scored.trades.points[scored.trades.filled],
        minlength=len(sessions),
    )
    bars = (series.last - series.first + 1)[sessions]
    return tuple(
        {
            "date": _date(series.days, [session]),
            "bars": int(bars[i]),
            "expected": int(series.expected[session]),
            **{name: column[i] for name, column in counts.items()},
            "points": float(points[i]),
        }
        for i, session in enumerate(sessions.tolist())
    )


def warnings_of(scored: Scored, bars: Bars) -> tuple[str, ...]:
    """Return what a reader should know although it does not decide the verdict."""
    made = []
    redundant, captured = scored.outcomes(REDUNDANT), scored.captured
    if captured and redundant > captured:
        made.append(
            f"{redundant / captured:.1f} redundant alerts per capture: a trader would be spammed"
        )
    if scored.manual:
        made.append(
            "more_than_geometry and the coin-flip level are measured on directional-change legs, "
            "since coin-flip bars have no manual labels"
        )
    instrument = bars.instrument
    if not instrument.fees and scored.settings.trade.fees_points is None:
        made.append(
            f"fees of {bars.symbol} are not known and count as 0; "
            "state data.symbols[].fees_points or trade.fees_points"
        )
    grid = scored.detected.series.instrument.grid
    if grid is not None and not grid.on_tick:
        made.append(
            f"prices are off the {grid.tick:g}-point grid: points are those of an adjusted "
            "series, and R$ are not stated"
        )
    return tuple(made)


def defined(values: Floats) -> Floats:
    """Return the values that are numbers."""
    return values[~np.isnan(values)]


def mean(values: Any) -> float | None:
    """Return the mean, None of nothing."""
    return float(np.mean(values)) if len(values) else None


def ratio(part: float, whole: float) -> float | None:
    """Return a quotient, None over zero."""
    return part / whole if whole else None

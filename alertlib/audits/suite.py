"""Does a detector tell the truth? Tests for look-ahead, and for live and batch being one."""

from __future__ import annotations

import numpy as np

from alertlib._typing import Progress
from alertlib.audits.lookahead import poisoned_future, prefix_invariance, self_test
from alertlib.audits.memory import memory
from alertlib.audits.parity import streaming_parity
from alertlib.audits.purity import purity
from alertlib.audits.report import AuditItem, AuditReport
from alertlib.audits.warmup import warm_up
from alertlib.bars.bars import Bars
from alertlib.bars.series import Series
from alertlib.config.schema import Settings
from alertlib.detection.ruleset import Rules, make_rules
from alertlib.errors import DetectorError
from alertlib.scoring.engine import INTERPRETED, Engine
from alertlib.scoring.scored import Detected, run_detectors

POISON_CUTS = 40


def audit(
    bars: Bars,
    series: Series,
    settings: Settings,
    *,
    full: bool,
    seed: int = 0,
    engine: Engine = INTERPRETED,
    detected: Detected | None = None,
    rules: Rules | None = None,
    progress: Progress | None = None,
) -> AuditReport:
    """Audit the enabled detectors on these bars.

    Parameters
    ----------
    bars, series
        The same bars, as read and as columns.
    settings : Settings
    full : bool
        Also prefixes at random cuts and at every alert, warm-up, unchanged inputs and the
        audits' own test; otherwise streaming parity, purity, a poisoned
        future and, of detectors not built in, memory.
    seed : int
        Of the random cuts.
    engine : Engine
    detected : Detected, optional
        What the batch found on these bars, if it has run already.
    rules : Rules, optional
        Of a batch that has not; those of ``settings`` when left out. A detector that learns
        comes with what it has learned.
    progress : callable, optional
        Called with the audit's name, cases done and cases ahead.
    """
    before = _fingerprint(series)
    if detected is None:
        grid = series.instrument.grid
        assert grid is not None
        rules = rules or make_rules(settings, grid)
        try:
            detected = run_detectors(series, rules, engine)
        except DetectorError as error:
            # Nothing the other audits could compare.
            wrong = AuditItem("answers", False, 1, str(error))
            return AuditReport(tuple(d.name for d in rules.detectors), (wrong,))
    whole = detected
    rng = np.random.default_rng((seed, 5))
    tell = progress or (lambda name, done, ahead: None)
    framed = any(d.columns is not None for d in whole.rules.detectors)
    items = []
    if not framed:
        items.append(streaming_parity(bars, whole, settings))
    pure = purity(whole, np.random.default_rng((seed, 6)))
    if pure is not None:
        items.append(pure)
    if full or framed:
        items.append(prefix_invariance(whole, engine, rng, tell))
    items.append(poisoned_future(whole, engine, rng, POISON_CUTS if full else 1, tell))
    by_heart = memory(whole, engine, np.random.default_rng((seed, 7)), every=full)
    if by_heart is not None:
        items.append(by_heart)
    if full:
        items.append(warm_up(whole, engine, rng, tell))
        same = before == _fingerprint(series)
        detail = (
            "bars are as they were"
            if same
            else "a detector changed the bars it was given; let it change a copy"
        )
        items.append(AuditItem("unchanged_inputs", same, 1, detail))
        items.append(self_test(series, engine))
    return AuditReport(tuple(d.name for d in whole.rules.detectors), tuple(items))


def _fingerprint(series: Series) -> tuple[bytes, ...]:
    columns = (series.minute, series.open, series.high, series.low, series.close, series.volume)
    return tuple(c.tobytes() for c in columns)

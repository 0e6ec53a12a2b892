"""The batch backtester: bars -> alerts -> trades -> scorecard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Literal, get_args

from alertlib._arguments import expect, expect_one_of
from alertlib._typing import Progress
from alertlib.audits.report import AuditReport
from alertlib.audits.suite import audit
from alertlib.backtesting.chance import (
    NOT_RUN,
    Chance,
    OneConfiguration,
    measure_chance,
    most_runs,
)
from alertlib.backtesting.enabling import enabling
from alertlib.backtesting.manual import manual_moves
from alertlib.backtesting.run import Run
from alertlib.backtesting.span import read_span
from alertlib.bars.arguments import expect_bars
from alertlib.bars.bars import Bars
from alertlib.bars.examination import examine
from alertlib.bars.series import Series, make_series
from alertlib.config import settings_of
from alertlib.config.schema import Settings
from alertlib.detection.detectors import Detector
from alertlib.detection.registry import configured, ranked
from alertlib.detection.ruleset import Accept, Rules, make_rules
from alertlib.errors import DataError
from alertlib.scorecard import gate, sections
from alertlib.scorecard.bootstrap import session_blocks
from alertlib.scorecard.calibration import calibration_section
from alertlib.scorecard.card import Scorecard
from alertlib.scorecard.sensitivity import sensitivity_section
from alertlib.scoring.engine import COMPILED, Engine, choose_engine
from alertlib.scoring.fitting import past_of, sessions_with_past
from alertlib.scoring.refits import Refits
from alertlib.scoring.scored import SPEC, Scored, run_detectors, score
from alertlib.scoring.scored_sessions import choose_scope

Depth = Literal["none", "quick", "full"]
EngineName = Literal["auto", "interpreted", "compiled"]


def backtest(
    bars: Bars,
    config: Settings | None = None,
    *,
    labels: Any = None,
    audits: Depth = "quick",
    full: bool = False,
    chance: bool = True,
    between: tuple[str | date, str | date] | None = None,
    detectors: Sequence[Detector | str] | None = None,
    accept: Accept | None = None,
    engine: EngineName = "auto",
    progress: Progress | None = None,
    generated_at: str | None = None,
    git_rev: str | None = None,
) -> Run:
    """Backtest the enabled detectors on ``bars`` and score what they would have delivered.

    Parameters
    ----------
    bars : Bars
    config : Settings, optional
        Built-in defaults when left out.
    labels : path, or a Polars or pandas frame, optional
        Manual moves instead of directional-change legs; ``scoring.labels_file`` when left out
        and ``scoring.labels`` is ``file``.
    audits : {"quick", "full", "none"}
        How thoroughly the detectors are audited; ``none`` does not pass the gate.
    full : bool
        All audits.
    chance : bool
        Whether the nulls are run; without them a PASS becomes UNTESTED.
    between : (date, date), optional
        First and last date of the sessions to score, both included, as dates or ISO texts;
        earlier bars still feed the indicators. All of them, unless ``scoring.sessions`` says
        how many.
    detectors : sequence of Detector or str, optional
        Run these instead of those that ``config`` enables: a detector with the parameters it
        has, a name with those of ``config``.
    accept : callable, optional
        ``(alert, bars) -> bool`` between merge and policy, as a model of which alerts to take:
        ``bars`` are the last :class:`alertlib.TickBar` up to the alert's own, 600 at most.
        ``detection.accept`` names one for the live side.
    engine : {"auto", "interpreted", "compiled"}
        Plain Python or numba; the figures are the same to the last bit.
    progress : callable, optional
        Called with a stage's name, steps done and steps ahead.
    generated_at, git_rev : str, optional
        Recorded in the scorecard.

    Returns
    -------
    Run

    Raises
    ------
    DataError
        If there is not one bar to read, or the labels do not fit them.
    ConfigError
        If a detector is unknown, or ``between`` is not two dates in order.
    """
    expect_bars(bars)
    expect_one_of("audits", audits, get_args(Depth))
    expect_one_of("engine", engine, get_args(EngineName))
    settings = settings_of(config)
    tell = progress or (lambda stage, done, ahead: None)
    series = make_series(bars)
    if len(series) == 0:
        raise DataError(
            f"{bars.source}: no bar lies within its session; expected bars of "
            f"{bars.symbol} in exchange wall-clock time; check symbol and time zone"
        )
    grid = series.instrument.grid
    assert grid is not None
    if detectors is not None:
        expect(
            "detectors", detectors, (list, tuple),
            "a list of detectors and their names, such as [follow, 'volatility']",
        )  # fmt: skip
        given = tuple(
            d if isinstance(d, Detector) else configured(d, settings.detection) for d in detectors
        )
        settings = enabling(settings, given)
        rules = make_rules(settings, grid, ranked(given), accept)
    else:
        rules = make_rules(settings, grid, accept=accept)
    chosen = _engine(engine, series, settings, full, chance)
    moves = manual_moves(series, settings, labels)
    span = read_span(between)
    past, scope, refits = None, None, None
    if any(d.fit is not None for d in rules.detectors):
        past = past_of(series, settings, rules, chosen, moves)
        ready = sessions_with_past(series, settings, rules)
        enough = settings.gate.min_opportunities
        scope = choose_scope(series, settings.scoring, past.moves, enough, span, ready)
        refits = past.refits(scope, tell)
    detected = run_detectors(series, rules, chosen, refits)
    scored = score(detected, settings, moves, scope=scope, between=span)
    auditable = rules if past is None else _last_learned(rules, refits or {})
    report = None
    if (audits != "none" or full) and (auditable.detectors or not rules.detectors):
        report = audit(
            bars, series, settings, full=full or audits == "full", seed=settings.scoring.seed,
            engine=chosen, progress=tell, detected=detected if past is None else None,
            rules=auditable,
        )  # fmt: skip
    levels = _chance(scored, bars, chosen, tell) if chance else NOT_RUN
    card = make_scorecard(bars, scored, report, levels, generated_at, git_rev)
    return Run(bars, settings, card, scored, report, past, levels.without_schedules())


def _engine(name: str, series: Series, settings: Settings, full: bool, chance: bool) -> Engine:
    if name == "auto" and full:
        # Hundreds of reruns ahead.
        return COMPILED
    reruns = most_runs(settings.scoring.mirror_runs) if chance else 0
    return choose_engine(name, len(series) * len(settings.detection.enabled) * (1 + reruns))


def _last_learned(rules: Rules, refits: Refits) -> Rules:
    """Return rules whose detectors have learned for the last time, as a daemon loads them.

    One that never could, for want of sessions, is left out.
    """
    detectors = tuple(
        d if d.fit is None else d.fitted(refits[d.name][-1].params)
        for d in rules.detectors
        if d.fit is None or refits.get(d.name)
    )
    return replace(rules, detectors=detectors)


def _chance(scored: Scored, bars: Bars, engine: Engine, progress: Progress) -> Chance:
    procedure = OneConfiguration(scored, engine)
    found = measure_chance(scored, bars.sha256, procedure, progress)
    if not scored.settings.gate.better_than_chance:
        return replace(found, untested="gate.better_than_chance is false")
    return found


def make_scorecard(
    bars: Bars,
    scored: Scored,
    report: AuditReport | None,
    chance: Chance,
    generated_at: str | None,
    git_rev: str | None,
) -> Scorecard:
    """Return the scorecard of what was scored, audited and compared with chance."""
    settings = scored.settings
    quality = examine(bars).to_dict()
    if report is not None and report.unreadable is not None:
        quality["findings"].append(sections.unreadable_finding(report.unreadable))
        quality["clean"] = False
    criteria = gate.rate_criteria(scored, settings.gate, session_blocks(scored), chance.rates)
    evidence = gate.Evidence(
        rates=chance.rates,
        observed=chance.observed,
        untested=chance.untested,
        unclean=tuple(i.name for i in report.items if not i.clean) if report else None,
        data_errors=sum(f["severity"] == "error" for f in quality["findings"]),
        seen_sessions=sections.seen_sessions(scored),
    )
    ruling = gate.rule(
        criteria,
        gate.guard_rails(scored, settings.gate, evidence),
        require_proof=settings.gate.require_proof,
        untested=chance.untested,
    )
    return Scorecard(
        spec=SPEC,
        spec_hash=sections.spec_hash(settings),
        config_hash=sections.config_hash(settings),
        git_rev=git_rev,
        versions=sections.versions(),
        settings=sections.settings_section(settings),
        seed=settings.scoring.seed,
        generated_at=generated_at,
        data=sections.data_section(bars, scored, quality),
        counts=sections.count_section(scored),
        rates=sections.rate_section(scored),
        criteria=ruling.criteria,
        verdict=ruling.verdict,
        proven=ruling.proven,
        reasons=ruling.reasons,
        warnings=sections.warnings_of(scored, bars),
        trade=sections.trade_section(scored),
        timeliness=sections.timeliness_section(scored),
        sensitivity=sensitivity_section(scored, chance.sensitivity),
        per_detector=sections.detector_section(scored),
        per_session=sections.session_section(scored),
        audits=report.to_dict() if report else {},
        in_sample_possible=sections.in_sample_possible(scored),
        coin_flip=sections.coin_flip_section(chance.coin_flip),
        calibration=calibration_section(scored),
        changed_settings=sections.changed_settings(settings),
        config_source=sections.config_source(settings),
    )

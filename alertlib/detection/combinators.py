"""Detectors made of detectors."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from alertlib.config.convert import convert
from alertlib.config.types import NAME_RULE, ClockTime, is_name, minute_of_day
from alertlib.detection.declaration import expect_callable, quoted
from alertlib.detection.detectors import REGISTRY, Columns, Detector, detector
from alertlib.detection.homes import calling_module
from alertlib.detection.registry import find_detector
from alertlib.errors import ConfigError
from alertlib.kernels.bar import TickBar
from alertlib.kernels.filters import (
    BothParams,
    BothState,
    Step,
    Where,
    everywhere,
    make_both,
    make_both_evidence,
    make_only,
    make_only_evidence,
    make_only_with_odds,
    signal_evidence,
    without_odds,
)
from alertlib.kernels.reading import Evidence
from alertlib.market.clock import MINUTES_PER_DAY


def only(
    detector: Detector | str,
    *,
    between: tuple[str, str] | None = None,
    where: Where | None = None,
    name: str | None = None,
) -> Detector:
    """Make a detector that signals on some bars only.

    The detector inside runs on every bar, so that its state, and every signal that passes, is
    what it is without the filter. Patterns, parameters, ring, warm-up, confidence and
    probability are its own.

    Parameters
    ----------
    detector : Detector or str
        A detector or its name; a frame detector will do. It runs with the parameters it has
        here, whatever the configuration says of it:
        ``find_detector("volatility").with_params(...)`` gives others, and so does
        ``detection.custom.NAME`` of the detector that is made.
    between : (str, str), optional
        First and last time of day, as ``("10:00", "16:00")``: a signal passes on bars whose open
        lies in [first, last) of the exchange's clock.
    where : callable, optional
        ``bar -> bool``, a plain function of the bar (:class:`alertlib.TickBar`) alone; asked
        about bars with a signal. A frame detector's prices are in points, as in its frame.
    name : str, optional
        Name in the registry, 1-64 letters, digits, ``_ . : -``. Left out it is made of the
        others, as ``volatility.1000-1600``; two functions of one name, such as two lambdas,
        need one each.

    Returns
    -------
    Detector
        Registered like one that :func:`alertlib.detector` makes.

    Raises
    ------
    ConfigError
        If there is no such detector, nothing to filter by, or a time or name is none.

    Examples
    --------
    >>> import alertlib as al
    >>> al.only("volatility", between=("10:00", "16:00")).name
    'volatility.1000-1600'
    """
    inner = _found(detector)
    if between is None and where is None:
        raise ConfigError(
            f"only of {inner.name!r}: got neither between nor where, expected at least one"
        )
    if where is not None:
        expect_callable(f"only of {inner.name!r}: where", where, "a function of a bar")
    first, last = _minutes(between, f"only of {inner.name!r}: between")
    asked = where if where is not None else everywhere
    make = make_only_with_odds if inner.probability else make_only
    columns = inner.columns
    made = replace(
        inner,
        name=_checked_name(name, [inner.name, *_words(between, where)]),
        step=make(inner.step, first, last, asked),
        columns=_filtered(columns, first, last, asked) if columns is not None else None,
        evidence=make_only_evidence(
            _evidence(inner), first, last, asked, getattr(asked, "__name__", "where")
        )
        if columns is None
        else None,
        home=calling_module(),
    )
    recipe = partial(only, inner, between=between, where=where, name=made.name)
    made = replace(made, recipe=recipe)
    REGISTRY[made.name] = made
    return made


def both(
    a: Detector | str,
    b: Detector | str,
    *,
    name: str | None = None,
    patterns: tuple[str, str] | None = None,
    confidence: float | None = None,
) -> Detector:
    """Make a detector that signals where two signal the same direction on the same bar.

    It states no probability, whatever the two state: they are not independent. It has seen what
    either has: ``fitted_until`` is the later of theirs.

    Parameters
    ----------
    a, b : Detector or str
        Detectors with a step, or their names; with the parameters they have here, as in
        :func:`only`. Of one that learns (``fit=``), ``detector.fitted(params)``.
    name : str, optional
        As of :func:`only`; left out it is ``A.and.B``.
    patterns : (str, str), optional
        Names of its ``+1`` and its ``-1`` signal; those of ``a`` when left out.
    confidence : float, optional
        As of :func:`alertlib.detector`; the higher of the two when left out.

    Returns
    -------
    Detector
        Registered like one that :func:`alertlib.detector` makes. Its warm-up is the longer one.

    Raises
    ------
    ConfigError
        If there is no such detector, one is a frame detector or has still to learn its
        parameters, or a name is none.

    Examples
    --------
    >>> import alertlib as al
    >>> al.both("volatility", "breakout").name
    'volatility.and.breakout'
    """
    one, other = _found(a), _found(b)
    for each in (one, other):
        if each.columns is not None:
            raise ConfigError(
                f"both: detector {each.name!r} is a function of a whole frame; write it as a "
                "step with @alertlib.detector"
            )
        if each.fit is not None:
            # Nobody would fit it in there: it would run with the example its params are.
            raise ConfigError(
                f"both: detector {each.name!r} learns its parameters (fit=); expected one that "
                "has learned them; compose detector.fitted(params)"
            )
    split = one.ring

    def ring(params: BothParams) -> int:
        # The step has been made for this length; the second ring is what lies behind it.
        if int(one.ring_size(params.first)) != split:
            raise ConfigError(
                f"both: parameters {params.first} change the ring of {one.name!r}; give it "
                "them before it is composed, with with_params"
            )
        return split + int(other.ring_size(params.second))

    base = max(one.confidence, other.confidence) / 100
    named = _checked_name(name, [one.name, "and", other.name])
    made = detector(
        named,
        patterns=patterns if patterns is not None else one.patterns,
        state=BothState(one.state, other.state),
        params=BothParams(one.params, other.params),
        ring=ring,
        warmup=lambda p: max(one.warmup_size(p.first), other.warmup_size(p.second)),
        confidence=confidence if confidence is not None else base,
        fitted_until=max((d.fitted_until for d in (one, other) if d.fitted_until), default=None),
        evidence=make_both_evidence(
            _evidence(one), _evidence(other), split, (one.name, other.name)
        ),
    )(make_both(_bare(one), _bare(other), split))
    again = partial(both, one, other, name=named, patterns=patterns, confidence=confidence)
    made = REGISTRY[named] = replace(made, home=calling_module(), recipe=again)
    return made


def _found(given: Detector | str) -> Detector:
    return given if isinstance(given, Detector) else find_detector(given)


def _bare(one: Detector) -> Step:
    return without_odds(one.step) if one.probability else one.step


def _evidence(one: Detector) -> Evidence:
    return one.evidence if one.evidence is not None else signal_evidence(one.step)


def _minutes(between: tuple[str, str] | None, path: str) -> tuple[int, int]:
    if between is None:
        return 0, MINUTES_PER_DAY
    times = convert(tuple[ClockTime, ...], between, path)
    if len(times) != 2 or times[0] >= times[1]:
        raise ConfigError(
            f"{path}: got {quoted(between)}, expected two times of day, the later last"
        )
    return minute_of_day(times[0]), minute_of_day(times[1])


def _words(between: tuple[str, str] | None, where: Where | None) -> list[str]:
    """Return what a filter is called in a name."""
    words = ["-".join(between).replace(":", "")] if between is not None else []
    return words + ([getattr(where, "__name__", "where")] if where is not None else [])


def _checked_name(given: str | None, words: list[str]) -> str:
    # Of a function's name only: a lambda's is "<lambda>".
    name = ".".join(words).replace("<", "").replace(">", "") if given is None else given
    if not is_name(name):
        raise ConfigError(
            f"detector name: got {quoted(name)}, expected {NAME_RULE} (name= gives another)"
        )
    return name


def _filtered(columns: Columns, first: int, last: int, where: Where) -> Columns:
    """Return a frame function with signals only where the filter holds."""

    def filtered(frame: Any, params: Any) -> Any:
        found = columns(frame, params)
        if len(found) != frame.height:
            return found  # refused where signals are checked
        bars = map(TickBar._make, frame.select(TickBar._fields).iter_rows())
        return [
            signal if signal != 0 and first <= bar.minute < last and where(bar) else 0
            for signal, bar in zip(found, bars, strict=True)
        ]

    return filtered

"""What the sections of a scorecard's JSON look like, in every version that can be read.

Readers of a card index and format its values; what a damaged or edited file holds is found here,
in one place, before any of them does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]

VERDICTS = ("PASS", "FAIL", "INSUFFICIENT", "UNTESTED")


def is_text(value: Any) -> bool:
    """Whether a value is a text."""
    return isinstance(value, str)


def is_number(value: Any) -> bool:
    """Whether a value is a number: a switch is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _any(value: Any) -> bool:
    return True


def _or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _one_of(*choices: str) -> Check:
    return lambda value: is_text(value) and value in choices


def _list(item: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(item, value))


def _section(rest: Check = _any, **known: Check) -> Check:
    """Return the check of an object that has every ``known`` key; others pass ``rest``."""

    def check(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and all(name in value for name in known)
            and all(known.get(name, rest)(item) for name, item in value.items())
        )

    return check


_figure = _or_null(is_number)
_figures = _section(_figure)
_finding = _section(kind=is_text, severity=is_text, message=is_text)
_criterion = _section(
    name=is_text, value=_figure, op=_one_of("<", "<=", ">", ">="), threshold=is_number,
    passed=_flag, n=_figure, n_eff=_figure, ci_low=_figure, ci_high=_figure, chance=_figure,
    p_value=_figure, nulls=_section(_figures),
)  # fmt: skip
_FORM: dict[str, Check] = {
    "spec": is_text,
    "spec_hash": is_text,
    "config_hash": is_text,
    "config_source": _or_null(is_text),
    "git_rev": _or_null(is_text),
    "generated_at": _or_null(is_text),
    "seed": _whole,
    "verdict": _one_of(*VERDICTS),
    "proven": _flag,
    "in_sample_possible": _flag,
    "versions": _section(is_text),
    "settings": _section(),
    "changed_settings": _section(_list(_any)),
    "data": _section(
        source=is_text, symbol=is_text, timeframe=is_text, sha256=is_text, bars=_whole,
        sessions=_whole, first=_or_null(is_text), last=_or_null(is_text),
        quality=_section(findings=_list(_finding)),
    ),
    "counts": _section(
        _figure, alerts=_whole, opportunities=_whole, trades=_whole, ambiguous=_whole,
        suppressed=_figures,
    ),
    "rates": _figures,
    "criteria": _list(_criterion),
    "reasons": _list(is_text),
    "warnings": _list(is_text),
    "trade": _section(_or_null(lambda value: is_number(value) or is_text(value) or _flag(value))),
    "timeliness": _section(
        _any, bars_from_onset=_figure, move_left=_section(median=_figure, q25=_figure, q75=_figure)
    ),
    "sensitivity": _list(_section(_figure, k=is_number, min_move_left=is_number)),
    "per_detector": _list(_section(name=is_text, pattern=is_text)),
    "per_session": _list(_section(date=is_text)),
    "audits": _section(),
    "calibration": _section(),
    "coin_flip": _or_null(_figures),
}  # fmt: skip


def faulty_section(card: Mapping[str, Any]) -> str | None:
    """Return the first section of a card that is not what it is in every version."""
    return next((name for name, check in _FORM.items() if not check(card[name])), None)

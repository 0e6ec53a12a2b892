"""What a detector may be declared with."""

from __future__ import annotations

from datetime import date, datetime
from numbers import Real
from typing import Any

from alertlib._arguments import expect
from alertlib.config.types import NAME_RULE, is_name
from alertlib.detection.fitting import Fit, Learn
from alertlib.detection.records import is_record, leaves
from alertlib.errors import ConfigError


def learning_of(
    name: str, fit: Fit | Learn | None, fitted_until: date | str | None
) -> tuple[Fit | None, date | None]:
    """Return how parameters are learned here, and what a model made elsewhere has seen.

    Raises
    ------
    ConfigError
        If both are given, or one is not of its form.
    """
    if fit is not None and fitted_until is not None:
        raise ConfigError(
            f"detector {name!r}: got fit and fitted_until; expected one: a model is fitted here "
            "or was fitted elsewhere"
        )
    if fit is not None and not isinstance(fit, Fit):
        expect_callable(
            f"detector {name!r}: fit", fit,
            "a function (bars, moves, outcomes) -> params, or an alertlib.Fit",
        )  # fmt: skip
        fit = Fit(fit)
    return fit, None if fitted_until is None else _last_date(name, fitted_until)


def _last_date(name: str, given: Any) -> date:
    if isinstance(given, str):
        try:
            return date.fromisoformat(given)
        except ValueError:
            pass
    elif isinstance(given, date):
        # Of a moment its date alone: the two kinds cannot be compared.
        return given.date() if isinstance(given, datetime) else given
    raise ConfigError(
        f"detector {name!r}: fitted_until: got {quoted(given)}, expected a date such as 2021-03-31"
    )


def check_declaration(name: Any, patterns: Any, state: Any, params: Any, confidence: Any) -> None:
    """Refuse what a detector cannot be made of.

    Raises
    ------
    ConfigError
    """
    where = f"detector {quoted(name)}"
    if not is_name(name):
        raise ConfigError(f"detector name: got {quoted(name)}, expected {NAME_RULE}")
    # A text of two letters would be two patterns as well.
    named = isinstance(patterns, (tuple, list)) and all(isinstance(p, str) and p for p in patterns)
    if not named or len(patterns) != 2:
        raise ConfigError(
            f"{where}: patterns: got {quoted(patterns)}, expected two names, of the +1 and the -1 "
            "signal"
        )
    for pattern in patterns:
        if not is_name(pattern):
            raise ConfigError(f"{where}: patterns: got {quoted(pattern)}, expected {NAME_RULE}")
    for what, value in (("state", state), ("params", params)):
        if not is_record(value):
            raise ConfigError(
                f"{where}: {what}: got {type(value).__name__}, expected a NamedTuple instance "
                "whose fields are int or float"
            )
    for field, value in leaves(state, "state"):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigError(
                f"{where}: {field}: got {quoted(value)}, expected an int or a float; "
                "write 0/1 for a flag and keep a window in the ring"
            )
    number = isinstance(confidence, Real) and not isinstance(confidence, bool)
    if not number or not 0.0 <= confidence <= 0.95:
        raise ConfigError(f"{where}: confidence: got {quoted(confidence)}, expected 0 to 0.95")


def check_telling(name: str, probability: Any, evidence: Any) -> None:
    """Refuse what does not say whether a step states a probability, and what it compares.

    Raises
    ------
    ConfigError
    """
    expect(f"detector {name!r}: probability", probability, bool, "True or False")
    if evidence is not None:
        expect_callable(
            f"detector {name!r}: evidence", evidence,
            "a function (state, ring, bar, params) -> readings",
        )  # fmt: skip


def expect_callable(where: str, value: Any, expected: str) -> None:
    """Refuse what is no function.

    Raises
    ------
    ConfigError
    """
    if not callable(value):
        raise ConfigError(f"{where}: got {quoted(value)}, expected {expected}")


def quoted(value: Any) -> str:
    """Return a value in one line of a message, long ones cut."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."

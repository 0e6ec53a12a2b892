"""What a detector may be declared with."""

from __future__ import annotations

from datetime import date
from typing import Any

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
    if isinstance(fitted_until, str):
        try:
            fitted_until = date.fromisoformat(fitted_until)
        except ValueError:
            raise ConfigError(
                f"detector {name!r}: fitted_until: got {fitted_until!r}, expected a date such as "
                "2021-03-31"
            ) from None
    if fit is not None and not isinstance(fit, Fit):
        fit = Fit(fit)
    if fit is not None and min(fit.train, fit.every, fit.max_age_days) < 1:
        raise ConfigError(
            f"detector {name!r}: fit: got train {fit.train}, every {fit.every}, max_age_days "
            f"{fit.max_age_days}; expected whole numbers of at least 1"
        )
    return fit, fitted_until


def check_declaration(
    name: str, patterns: tuple[str, str], state: Any, params: Any, confidence: float
) -> None:
    """Refuse what a detector cannot be made of.

    Raises
    ------
    ConfigError
    """
    where = f"detector {name!r}"
    if not is_name(name):
        raise ConfigError(f"detector name: got {name!r}, expected {NAME_RULE}")
    if len(patterns) != 2 or not all(isinstance(p, str) and p for p in patterns):
        raise ConfigError(
            f"{where}: patterns: got {patterns!r}, expected two names, of the +1 and the -1 signal"
        )
    for pattern in patterns:
        if not is_name(pattern):
            raise ConfigError(f"{where}: patterns: got {pattern!r}, expected {NAME_RULE}")
    for what, value in (("state", state), ("params", params)):
        if not is_record(value):
            raise ConfigError(
                f"{where}: {what}: got {type(value).__name__}, expected a NamedTuple instance "
                "whose fields are int or float"
            )
    for field, value in leaves(state, "state"):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigError(
                f"{where}: {field}: got {value!r}, expected an int or a float; "
                "write 0/1 for a flag and keep a window in the ring"
            )
    if not 0.0 <= confidence <= 0.95:
        raise ConfigError(f"{where}: confidence: got {confidence!r}, expected 0 to 0.95")

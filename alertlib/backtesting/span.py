"""Which sessions a caller asks to score, by their dates."""

from __future__ import annotations

from datetime import date

from alertlib.bars.parts import read_dates
from alertlib.errors import ConfigError
from alertlib.scoring.scored_sessions import Span


def read_span(between: tuple[str | date, str | date] | None) -> Span | None:
    """Return the first and the last date, given as dates or as ISO texts.

    Raises
    ------
    ConfigError
        If they are not two dates in order.
    """
    if between is None:
        return None
    if not isinstance(between, (tuple, list)) or len(between) != 2:
        raise ConfigError(
            f"between: got {between!r}; expected a first and a last date, such as 2021-01-04 and "
            "2021-02-26, the first not after the last"
        )
    return read_dates(*between)

"""Sweeps and trials made for the tests of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from alertlib.config import Config
from alertlib.market.instruments import find_instrument
from alertlib.search.grid.axes import Value
from alertlib.search.ledger.identity import Identity, identify
from alertlib.search.ledger.lines import Counts, Trial

DATA = "d" * 64
SESSIONS = ("2021-01-04", "2021-01-05", "2021-01-06")
SIGMA = "detection.volatility.threshold_sigma"


class Clock:
    """A clock that goes on by itself, a second at each look."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def sweep_identity(
    settings: Config | None = None, swept: Sequence[str] = (SIGMA,), **changed: Any
) -> Identity:
    """Return what a sweep of the defaults is a sweep of."""
    usual = {
        "data": DATA, "sessions": SESSIONS, "instrument": find_instrument("WIN$N", "M5")
    }  # fmt: skip
    return identify(settings=settings or Config(), swept=swept, **{**usual, **changed})


def make_trial(identity: Identity, value: float, key: str = SIGMA, offset: int = 0) -> Trial:
    """Return a trial whose counts tell it apart from others."""
    sessions = 1 if identity.totals else len(identity.sessions)
    names = Counts.__struct_fields__
    columns = {
        name: tuple(int(value * 1_000) + offset + 10 * column + at for at in range(sessions))
        for column, name in enumerate(names)
    }
    values: dict[str, Value] = {key: value}
    return Trial(
        config=identity.configuration_hash(values), values=values, seed=1, counts=Counts(**columns)
    )

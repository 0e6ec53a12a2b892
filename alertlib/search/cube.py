"""Counts of many combinations, session by session: what every figure of a search is summed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from alertlib._typing import Bools, Floats, Ints
from alertlib.config.schema import Gate
from alertlib.market.ticks import Grid

COUNTS = ("captured", "tp", "fp", "redundant", "trades", "wins")
MONEY = ("quanta", "squares")


@dataclass(frozen=True)
class Cube:
    """Counts by combination and session, or by combination alone.

    Sessions are scored independently of each other, so that rates of any set of them are sums.

    Attributes
    ----------
    sessions : tuple of str
        Dates of the scored sessions.
    opportunities : int64, shape (sessions,)
    fees : float64, shape (sessions,)
        Of a round trip, in points.
    grid : Grid
        Of the prices.
    counts : int32, shape (combinations, sessions or 1, 6)
        ``captured tp fp redundant trades wins``.
    money : float64, shape (combinations, sessions or 1, 2)
        Sum of the trades' results in quanta, before fees, and of their squares. Whole numbers
        where stops and targets are on the tick.
    paid : float64, shape (combinations,), optional
        Fees of all trades in points, where sessions were not kept apart.
    """

    sessions: tuple[str, ...]
    opportunities: Ints
    fees: Floats
    grid: Grid
    counts: npt.NDArray[np.int32]
    money: Floats
    paid: Floats | None = None

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def per_session(self) -> bool:
        """Whether sessions were kept apart."""
        return self.paid is None

    def only(self, combinations: Ints) -> Cube:
        """Return some of the combinations."""
        paid = None if self.paid is None else self.paid[combinations]
        return replace(
            self, counts=self.counts[combinations], money=self.money[combinations], paid=paid
        )

    def points(self) -> Floats:
        """Return net points of each combination and session: shape (combinations, sessions)."""
        trades = self.counts[:, :, COUNTS.index("trades")]
        net: Floats = self.grid.price(self.money[:, :, 0]) - trades * self.fees  # type: ignore[arg-type]  # of arrays as well
        return net

    def totals(self, sessions: Any = None) -> Totals:
        """Return the sums over some sessions (indices or a mask), all when left out."""
        if sessions is None:
            counts, money = self.counts.sum(axis=1, dtype=np.int64), self.money.sum(axis=1)
            paid = self.paid if self.paid is not None else self._paid(slice(None))
            return Totals(int(self.opportunities.sum()), counts, money, self._net(money, paid))
        assert self.per_session
        counts = self.counts[:, sessions].sum(axis=1, dtype=np.int64)
        money = self.money[:, sessions].sum(axis=1)
        opportunities = int(self.opportunities[sessions].sum())
        return Totals(opportunities, counts, money, self._net(money, self._paid(sessions)))

    def _paid(self, sessions: Any) -> Floats:
        trades = self.counts[:, sessions, COUNTS.index("trades")]
        paid: Floats = trades @ self.fees[sessions]
        return paid

    def _net(self, money: Floats, paid: Floats) -> Floats:
        net: Floats = self.grid.price(money[:, 0]) - paid  # type: ignore[arg-type]  # of arrays as well
        return net


@dataclass(frozen=True)
class Totals:
    """Sums over sessions, one row a combination.

    Attributes
    ----------
    opportunities : int
    counts : int64, shape (combinations, 6)
    money : float64, shape (combinations, 2)
    points : float64, shape (combinations,)
        Net.
    """

    opportunities: int
    counts: Ints
    money: Floats
    points: Floats

    def count(self, name: str) -> Ints:
        """Return the counts of a name in ``COUNTS``."""
        found: Ints = self.counts[:, COUNTS.index(name)]
        return found

    @property
    def alerts(self) -> Ints:
        """Scored alerts."""
        return self.count("tp") + self.count("fp") + self.count("redundant")

    @property
    def capture_rate(self) -> Floats:
        """Captured opportunities over all; NaN where there are none."""
        return _ratio(self.count("captured"), np.full(len(self.counts), self.opportunities))

    @property
    def false_positive_share(self) -> Floats:
        """FP / (TP + FP)."""
        return _ratio(self.count("fp"), self.count("tp") + self.count("fp"))

    @property
    def win_rate(self) -> Floats:
        """Winning trades over all."""
        return _ratio(self.count("wins"), self.count("trades"))

    @property
    def expectancy_points(self) -> Floats:
        """Net points per trade."""
        return _ratio(self.points, self.count("trades"))

    def rates(self) -> Mapping[str, Floats]:
        """Return the three rates and the expectancy by name."""
        names = ("capture_rate", "false_positive_share", "win_rate", "expectancy_points")
        return {name: getattr(self, name) for name in names}


def distance(totals: Totals, gate: Gate, geometry: Bools) -> Floats:
    """Return how far each combination is from the three criteria.

    Parameters
    ----------
    totals : Totals
    gate : Gate
    geometry : bool, one per combination
        Whether the target is nearer than the stop: the win rate then proves nothing.

    Returns
    -------
    float64
        The largest shortfall in percentage points, 0 where all criteria are met. A rate that is
        not defined is the worst there is, and a win rate made by geometry falls short by 100.
    """
    false = np.nan_to_num(totals.false_positive_share, nan=1.0)
    short = [
        gate.capture_rate - np.nan_to_num(totals.capture_rate, nan=0.0),
        false - gate.false_positive_share,
        np.where(geometry, 1.0, gate.win_rate - np.nan_to_num(totals.win_rate, nan=0.0)),
    ]
    # Differences of decimals: 0.1 less 0.1 of another making is no shortfall.
    worst: Floats = np.round(100.0 * np.maximum(0.0, np.max(short, axis=0)), 9)
    return worst


def _ratio(part: npt.NDArray[Any], whole: Ints) -> Floats:
    ratio: Floats = np.full(len(whole), np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio

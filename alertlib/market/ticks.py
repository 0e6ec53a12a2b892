"""Prices as integers: the quantum of a series and its exact conversions."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, gcd


@dataclass(frozen=True, slots=True)
class Grid:
    """The integer scale a series' prices are counted on.

    A price is ``q * numerator / denominator`` for an integer ``q`` of *quanta*. On an unadjusted
    series the quantum is the instrument's tick; an adjusted one lies off the tick grid and is
    counted in a decimal of its own instead.

    Attributes
    ----------
    numerator, denominator : int
        The quantum as a reduced fraction, in points.
    per_tick : int
        Quanta in one tick of the instrument.
    on_tick : bool
        Whether prices are rounded to the tick when levels are made. False for a series whose
        own prices are not on the tick grid.
    """

    numerator: int
    denominator: int
    per_tick: int = 1
    on_tick: bool = True

    @property
    def quantum(self) -> float:
        """Size of one quantum in points."""
        return self.numerator / self.denominator

    @property
    def tick(self) -> float:
        """Size of one tick in points."""
        return self.per_tick * self.numerator / self.denominator

    def quanta(self, price: float) -> int:
        """Return the number of quanta nearest to ``price`` (points)."""
        return floor(price * self.denominator / self.numerator + 0.5)

    def price(self, quanta: float) -> float:
        """Return the price of ``quanta`` in points, correctly rounded for whole quanta."""
        return quanta * self.numerator / self.denominator


def tick_grid(tick: float) -> Grid:
    """Return the grid whose quantum is the tick itself.

    Parameters
    ----------
    tick : float
        Tick size in points, > 0; read as the decimal it prints as (0.01 is 1/100).
    """
    return Grid(*_exact(tick))


def decimal_grid(decimals: int, tick: float) -> Grid:
    """Return a grid of ``10**-decimals`` points for a series that lies off its tick grid.

    Should the tick be finer than that, the quantum is refined until a tick is a whole number
    of quanta.
    """
    numerator, denominator = _exact(tick)
    scale = 10**decimals
    while numerator * scale % denominator:
        scale *= 10
    return Grid(1, scale, per_tick=numerator * scale // denominator, on_tick=False)


def _exact(tick: float) -> tuple[int, int]:
    """Return the decimal a tick prints as, as a reduced fraction.

    The standard library's fractions would do, at 0.7 MB of a daemon's memory.
    """
    whole, _, part = f"{tick:.12f}".rstrip("0").partition(".")
    numerator, denominator = int(whole + part), 10 ** len(part)
    common = gcd(numerator, denominator)
    return numerator // common, denominator // common

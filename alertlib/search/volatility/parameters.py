"""What a sweep of the volatility detector is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

from alertlib._typing import Ints
from alertlib.config.convert import convert, hints_of
from alertlib.config.schema import Trade
from alertlib.errors import ConfigError
from alertlib.kernels.volatility import VolatilityParams


@dataclass(frozen=True)
class VolatilityGrid:
    """Parameters of a sweep, every one with every other. Each axis ascends.

    Attributes
    ----------
    windows : tuple of int
        Bars.
    thresholds : tuple of float
        Standard deviations.
    confirmations : tuple of int
        Bars.
    stops, targets : tuple of float
        Average true ranges.

    Raises
    ------
    ConfigError
        If an axis is empty, does not ascend, or holds what the configuration would refuse.
    """

    windows: tuple[int, ...]
    thresholds: tuple[float, ...]
    confirmations: tuple[int, ...]
    stops: tuple[float, ...]
    targets: tuple[float, ...]

    def __post_init__(self) -> None:
        of_detector, of_trade = hints_of(VolatilityParams), hints_of(Trade)
        limits = (
            of_detector["window"], of_detector["threshold_sigma"], of_detector["confirm_bars"],
            of_trade["stop_atr"], of_trade["target_atr"],
        )  # fmt: skip
        for field, limit in zip(fields(self), limits, strict=True):
            axis = getattr(self, field.name)
            object.__setattr__(self, field.name, _axis(axis, limit, f"grid: {field.name}"))

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Number of windows, thresholds, confirmations, stops and targets."""
        a, b, c, d, e = (len(getattr(self, field.name)) for field in fields(self))
        return a, b, c, d, e


def _axis(values: Any, limit: Any, where: str) -> tuple[Any, ...]:
    axis: tuple[Any, ...] = convert(tuple[limit, ...], values, where)
    if not axis or any(a >= b for a, b in pairwise(axis)):
        raise ConfigError(
            f"{where}: got {values!r}; expected at least one number, each above the last"
        )
    return axis


@dataclass(frozen=True)
class VolatilityCounts:
    """What every combination of a grid comes to, summed over sessions or per scored session.

    Counts of disjoint sessions add up, in any order, to those of all of them.

    Attributes
    ----------
    captured, tp, fp, redundant, trades : int64, shape ([sessions,] W, T, C)
        Opportunities captured; alerts by outcome; trades filled. Neither stops nor targets
        change them.
    wins : int64, shape ([sessions,] W, T, C, S, G)
        Trades that made money after slippage and fees; G is the number of targets.
    points, squares : int64, shape ([sessions,] W, T, C, S, G)
        Sums of the trades' results after slippage and before fees, in quanta, and of their
        squares. On a series off its tick grid, whose levels are no whole quanta, each result
        is rounded to the nearest one, the half upward.
    """

    captured: Ints
    tp: Ints
    fp: Ints
    redundant: Ints
    trades: Ints
    wins: Ints
    points: Ints
    squares: Ints

    def __add__(self, other: VolatilityCounts) -> VolatilityCounts:
        """Return the counts of both."""
        names = (field.name for field in fields(self))
        return VolatilityCounts(*(getattr(self, name) + getattr(other, name) for name in names))

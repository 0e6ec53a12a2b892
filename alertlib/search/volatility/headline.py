"""Sweeps that one pass over the bars answers: volatility alone, every alert delivered."""

from __future__ import annotations

import numpy as np

from alertlib._typing import Floats, Ints
from alertlib.detection.builtin import is_built_in
from alertlib.detection.registry import find_detector
from alertlib.detection.ruleset import policy_params
from alertlib.market.clock import MINUTES_PER_DAY
from alertlib.search.cube import COUNTS, MONEY
from alertlib.search.grid.grid import Grid
from alertlib.search.subject import Subject
from alertlib.search.volatility.one_pass import sweep_volatility
from alertlib.search.volatility.parameters import VolatilityCounts, VolatilityGrid
from alertlib.search.workers.tasks import Counted

# In the order of VolatilityGrid.
KEYS = (
    "detection.volatility.window",
    "detection.volatility.threshold_sigma",
    "detection.volatility.confirm_bars",
    "trade.stop_atr",
    "trade.target_atr",
)


def covers(subject: Subject, grid: Grid) -> bool:
    """Whether :func:`count_headline` gives the counts of a grid.

    It does where only volatility runs and the policy holds nothing back: no cooldown, and every
    scored bar within its hours. One detector gives a bar no second alert of its pattern, and
    none of its severity is refused.
    """
    settings, ground = subject.settings, subject.ground
    prices = ground.series.instrument.grid
    policy = policy_params(settings.policy)
    clock = ground.close_minute[ground.scope.scored] % MINUTES_PER_DAY
    return (
        settings.detection.enabled == ("volatility",)
        and is_built_in(find_detector("volatility"))
        and settings.detection.accept is None
        and set(grid.keys) <= set(KEYS)
        and prices is not None
        and prices.on_tick
        and policy.cooldown_bars == 0
        and bool(((clock >= policy.window_start) & (clock <= policy.window_end)).all())
        and (grid.per_session or len(set(subject.fees.tolist())) == 1)
    )


def count_headline(subject: Subject, grid: Grid, combinations: Ints) -> Counted:
    """Count all combinations of a grid that :func:`covers` accepts, in one pass."""
    ground, codes = subject.ground, grid.codes(combinations)
    axes: list[tuple[float, ...]] = []
    places: list[Ints] = []
    for key in KEYS:
        values, place = _axis(subject, grid, key, codes)
        axes.append(values)
        places.append(place)
    found = sweep_volatility(
        ground.series, ground.atr, ground.scope, ground.moves, ground.validity,
        VolatilityGrid(*axes),  # type: ignore[arg-type]  # windows and confirmations are whole
        subject.settings, by_session=grid.per_session, engine=ground.engine,
    )  # fmt: skip
    return _counted(found, tuple(places), grid.per_session, subject.fees)


def _axis(subject: Subject, grid: Grid, key: str, codes: Ints) -> tuple[tuple[float, ...], Ints]:
    """Return the values of one of the keys, ascending, and the place of each combination's."""
    if key not in grid.keys:
        section, name = key.split(".")[-2:]
        home = (
            subject.settings.trade if section == "trade" else subject.settings.detection.volatility
        )
        return (getattr(home, name),), np.zeros(len(codes), dtype=np.int64)
    at = grid.keys.index(key)
    typed = grid.axes[at].typed
    order = sorted(range(len(typed)), key=typed.__getitem__)
    rank: Ints = np.argsort(np.array(order))
    return tuple(typed[i] for i in order), rank[codes[:, at]]


def _counted(
    found: VolatilityCounts, places: tuple[Ints, ...], apart: bool, fees: Floats
) -> Counted:
    sessions = len(found.captured) if apart else 1
    counts = np.empty((len(places[0]), sessions, len(COUNTS)), dtype=np.int32)
    money = np.empty((len(places[0]), sessions, len(MONEY)))
    signals, whole = (..., *places[:3]), (..., *places)
    for i, name in enumerate(COUNTS):
        table = getattr(found, name)
        counts[:, :, i] = np.atleast_2d(table[whole if name == "wins" else signals]).T
    for i, name in enumerate(("points", "squares")):
        money[:, :, i] = np.atleast_2d(getattr(found, name)[whole]).T
    trades = counts[:, :, COUNTS.index("trades")]
    return Counted(counts, money, trades @ fees if apart else trades[:, 0] * fees[0])

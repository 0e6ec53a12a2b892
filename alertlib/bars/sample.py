"""The bundled sample: made-up WIN-like sessions with planted moves whose truth is known.

Nothing in it is a market's. It exists to run the whole product on a fresh machine and to prove that
the gate can be passed by detecting what is there, and only by that: without the planted moves the
same noise fails.

Only :meth:`random.Random.random`, whose numbers no version of Python changes, and functions that
are rounded to ticks afterwards are used, so that a seed gives the same bars everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import cos, exp, log, pi, sqrt
from pathlib import Path
from random import Random
from typing import NamedTuple

from alertlib.market.calendar import trading_days
from alertlib.market.clock import day_number
from alertlib.market.sessions import B3FuturesHours

SEED = 20_250_102
SYMBOL, TIMEFRAME = "WIN$N", "M5"
FIRST_DAY = date(2025, 1, 2)
SESSIONS = 70
MINUTES = 5
TICK = 5

# What is wrong with real files is in here, too; by number of the session.
ROLL_DAY = date(2025, 2, 12)  # expiry of the February contract
LATE_OPENS = (23, 41)  # the auction ran long: no 09:00 bar
SHORT_DAY = 33  # trading stopped at 13:00: too short to be scored
ROLL_STEP = 0.012

BAR_NOISE = 42.0  # points, one standard deviation of a bar at noon


class MoveKind(NamedTuple):
    """A kind of planted move.

    ``share`` of the moves are of it; ``strength`` is the drift of the first bar in standard
    deviations of the noise (least, most), ``fade`` the part of it left at the end, ``length``
    its bars (least, most).
    """

    name: str
    share: float
    strength: tuple[float, float]
    fade: float
    length: tuple[int, int]


MOVE_KINDS = (
    MoveKind("steady", 0.60, (1.7, 2.5), 1.0, (12, 26)),
    MoveKind("fading", 0.25, (2.4, 3.2), 0.5, (14, 24)),
    MoveKind("impulse", 0.15, (2.6, 3.6), 1.0, (6, 10)),
)
PAUSE_CHANCE, PAUSE = 0.12, (1, 3)  # now and then a pause before the next one, bars
STEPS = 5  # steps of the path within a bar
TAIL = 5  # degrees of freedom of the noise


class Row(NamedTuple):
    """One bar."""

    time: datetime
    open: float
    high: float
    low: float
    close: float
    tick_volume: int
    real_volume: int
    spread: int


@dataclass(frozen=True, slots=True)
class PlantedMove:
    """A drift that was put into the noise.

    Attributes
    ----------
    start, end : datetime
        Opens of its first and last bar.
    direction : int
        +1 or -1.
    kind : str
        ``steady``, ``fading`` (the drift dies away) or ``impulse`` (short and strong).
    strength : float
        Drift of its first bar in standard deviations of the bar's noise.
    """

    start: datetime
    end: datetime
    direction: int
    kind: str
    strength: float


class Sample(NamedTuple):
    """Bars and the moves planted in them."""

    rows: list[Row]
    moves: list[PlantedMove]


def make_sample(seed: int = SEED, *, planted: bool = True) -> Sample:
    """Make the sample.

    Parameters
    ----------
    seed : int
    planted : bool
        False leaves the drift out of the same noise: nothing is left to be detected.

    Returns
    -------
    Sample
    """
    random = Random(seed)
    # The moves are drawn from numbers of their own, so that the noise is the same without them.
    plan = Random(seed + 1)
    rows: list[Row] = []
    moves: list[PlantedMove] = []
    price = 124_000.0
    calm = 0.0
    direction = 1
    last = FIRST_DAY + timedelta(days=2 * SESSIONS)
    for number, day in enumerate(trading_days(FIRST_DAY, last)[:SESSIONS]):
        calm = 0.85 * calm + 0.16 * _normal(random)
        price *= 1 + 0.003 * _heavy(random) + (ROLL_STEP if day == ROLL_DAY else 0.0)
        times = list(_bar_times(number, day))
        drift, direction = _plan(plan, times, direction, moves if planted else None)
        for at, push in zip(times, drift, strict=True):
            scale = BAR_NOISE * _shape(at) * exp(calm)
            row, price = _bar(random, at, price, scale, push if planted else 0.0)
            rows.append(row)
    return Sample(rows, moves)


def _bar_times(number: int, day: date) -> Iterator[datetime]:
    hours = B3FuturesHours().hours(day_number(day))
    opening = hours.open + (MINUTES if number in LATE_OPENS else 0)
    closing = 13 * 60 if number == SHORT_DAY else hours.close
    midnight = datetime.combine(day, time())
    for minute in range(opening, closing, MINUTES):
        yield midnight + timedelta(minutes=minute)


def _plan(
    plan: Random, times: list[datetime], direction: int, moves: list[PlantedMove] | None
) -> tuple[list[float], int]:
    """Return each bar's drift in standard deviations, and the direction of the next move."""
    drift = [0.0] * len(times)
    at = 0
    while at < len(times):
        if plan.random() < PAUSE_CHANCE:
            at += _between(plan, PAUSE)
        kind, strength, fade, ends = _kind(plan)
        length = min(_between(plan, ends), len(times) - at)
        if length < 4:
            break
        for bar in range(length):
            drift[at + bar] = direction * strength * (1 - (1 - fade) * bar / length)
        if moves is not None:
            moves.append(
                PlantedMove(times[at], times[at + length - 1], direction, kind, round(strength, 3))
            )
        direction = -direction
        at += length
    return drift, direction


def _kind(plan: Random) -> tuple[str, float, float, tuple[int, int]]:
    """Draw a move's kind; return it with its strength, how much of that is left at the end of
    the move, and its shortest and longest length."""
    draw = plan.random()
    place = 0
    while place < len(MOVE_KINDS) - 1 and draw >= MOVE_KINDS[place].share:
        draw -= MOVE_KINDS[place].share
        place += 1
    kind = MOVE_KINDS[place]
    low, high = kind.strength
    return kind.name, low + (high - low) * plan.random(), kind.fade, kind.length


def _bar(
    random: Random, at: datetime, price: float, scale: float, push: float
) -> tuple[Row, float]:
    """Walk one bar; return it and where the path, not yet rounded, ended."""
    path = [price]
    for _ in range(STEPS):
        noise = _heavy(random) * scale / sqrt(STEPS)
        path.append(path[-1] + push * scale / STEPS + noise)
    ticks = [int(p / TICK + 0.5) * TICK for p in path]
    activity = scale / BAR_NOISE * exp(0.35 * _normal(random))
    tick_volume = 1 + int(9_000 * activity)
    row = Row(
        at, float(ticks[0]), float(max(ticks)), float(min(ticks)), float(ticks[-1]),
        tick_volume, int(3.1 * tick_volume), TICK,
    )  # fmt: skip
    return row, path[-1]


def _shape(at: datetime) -> float:
    """Volatility over the day: high at the open, low at noon, rising towards the close."""
    minute = at.hour * 60 + at.minute
    return 0.85 + 0.9 * exp(-(minute - 540) / 35) + 0.35 * exp(-(1_105 - minute) / 60)


def _normal(random: Random) -> float:
    # Box and Muller; 1 - u keeps the logarithm away from zero.
    return sqrt(-2.0 * log(1.0 - random.random())) * cos(2.0 * pi * random.random())


def _heavy(random: Random) -> float:
    """Student's t with ``TAIL`` degrees of freedom, scaled to a variance of one."""
    squares = 0.0
    for _ in range(TAIL):
        squares += _normal(random) ** 2
    return _normal(random) / sqrt(squares / TAIL) * sqrt((TAIL - 2) / TAIL)


def _between(random: Random, ends: tuple[int, int]) -> int:
    return ends[0] + int(random.random() * (ends[1] - ends[0] + 1))


def sample_path() -> Path:
    """Return where the sample's bars are, in a checkout or an installed package."""
    package = Path(__file__).parents[1]
    for folder in (package.parent / "data" / "sample", package / "_sample"):
        if (folder / "win_m5.parquet").is_file():
            return folder / "win_m5.parquet"
    return package.parent / "data" / "sample" / "win_m5.parquet"

"""How near each detector came to a signal."""

from __future__ import annotations

from typing import NamedTuple

from alertlib.kernels.reading import Reading, of_side
from alertlib.study.readings import reading_text, shortfall
from alertlib.study.record import Record


class Approach(NamedTuple):
    """The bar at which a detector came nearest to a signal of one side.

    Attributes
    ----------
    place : int
        Of the detector.
    bar : int
    readings : tuple of Reading
        Those of the side, in points where they are prices or distances.
    unmet : int
        Limits that were not met.
    short : float
        By how much in all, in average true ranges or parts of each limit.
    """

    place: int
    bar: int
    readings: tuple[Reading, ...]
    unmet: int
    short: float


def approaches(record: Record, direction: int, first: int, stop: int) -> list[Approach]:
    """Return each detector's nearest approach at bars ``first`` to ``stop - 1`` of a session.

    The nearest detector first. Left out are detectors that say nothing about what they compare,
    and bars at which one did signal this direction or was in its warm-up.
    """
    detected = record.scored.detected
    found = []
    for place, detector in enumerate(record.detectors):
        if detector.evidence is None:
            continue
        nearest: Approach | None = None
        for look in record.replay.looks(place, first, stop):
            compared = [r for r in of_side(look.readings, direction) if r.limit is not None]
            if look.signal == direction or not compared or look.bar <= detector.warmup:
                continue
            atr = detected.series.price(float(detected.atr[look.bar]))
            unmet, short = shortfall(look.readings, direction, atr)
            if nearest is None or (unmet, short) < (nearest.unmet, nearest.short):
                readings = of_side(look.readings, direction)
                nearest = Approach(place, look.bar, readings, unmet, short)
        if nearest is not None:
            found.append(nearest)
    return sorted(found, key=lambda a: (a.unmet, a.short, a.place))


def approach_text(record: Record, approach: Approach) -> str:
    """Return an approach in words: when, and the limits that were not met."""
    grid = record.scored.detected.series.instrument.grid
    assert grid is not None
    short = [r for r in approach.readings if r.limit is not None and not r.met]
    what = ", ".join(reading_text(r, grid.tick) for r in short)
    name = record.detectors[approach.place].name
    return (
        f"{name} at {record.time(approach.bar)}: {what or 'another signal of its bar stood first'}"
    )

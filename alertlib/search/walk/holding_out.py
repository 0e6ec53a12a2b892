"""Sessions kept for one look at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alertlib._typing import Ints
from alertlib.config.schema import Settings
from alertlib.search.cube import COUNTS
from alertlib.search.ledger.ledger import Ledger
from alertlib.search.subject import Subject
from alertlib.search.walk.pooled import Pooled, Stretch
from alertlib.search.walk.result import Rates


@dataclass(frozen=True)
class Look:
    """What the sessions held out said, and when they were looked at before.

    Attributes
    ----------
    rates : Rates
    before : tuple of str
        Times of earlier looks, UTC.
    """

    rates: Rates
    before: tuple[str, ...]


def look(subject: Subject, sessions: Ints, settings: Settings, config: str, ledger: Ledger) -> Look:
    """Score the chosen configuration on the sessions held out, once it is written that one does.

    Parameters
    ----------
    subject : Subject
        Of the whole file.
    sessions : int64
        Numbers of the file's sessions.
    settings : Settings
    config : str
        Hash of the configuration.
    ledger : Ledger
        The touch is on its disk before anything is scored.
    """
    dates = [subject.sessions[at] for at in _places(subject, sessions)]
    before = earlier_looks(ledger, dates)
    ledger.touch(dates, config)
    ground = subject.ground
    pooled = Pooled(
        ground.series, subject.settings, [Stretch(settings, sessions)], subject.moves, ground.scope
    )
    scored = pooled.score()
    counts = scored.per_session()
    filled = scored.trades.filled
    rates = Rates(
        len(sessions),
        int(counts["opportunities"].sum()),
        **{name: int(counts[name].sum()) for name in COUNTS},
        points=float(np.sum(scored.trades.points[filled])),
    )
    return Look(rates, before)


def earlier_looks(ledger: Ledger, dates: Sequence[str]) -> tuple[str, ...]:
    """Return when any of these sessions were looked at before."""
    return tuple(t.when for t in ledger.records.touches if set(t.sessions) & set(dates))


def _places(subject: Subject, sessions: Ints) -> Ints:
    places: Ints = np.searchsorted(subject.ground.scope.sessions, sessions)
    return places

"""The scorecard's bootstrap: whole sessions drawn anew, by the seed of the settings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from alertlib.scoring.scored import Scored
from alertlib.stats.intervals import Counts, weight_blocks


def session_blocks(scored: Scored, most: int | None = None) -> Iterator[Counts]:
    """Return how often each scored session is drawn in each run, some runs at a time.

    The same draws whenever it is called: what is counted by hour or by pattern is resampled
    like the scorecard's own rates.

    Parameters
    ----------
    scored : Scored
    most : int, optional
        Only the first so many of the ``scoring.bootstrap`` runs.

    Yields
    ------
    ndarray of int64, shape (some runs, sessions)
        See :func:`alertlib.stats.weight_blocks`.
    """
    scoring = scored.settings.scoring
    rng = np.random.default_rng((scoring.seed, 0))
    runs = scoring.bootstrap if most is None else min(most, scoring.bootstrap)
    return weight_blocks(len(scored.scope.sessions), runs, rng)

"""What the best of a sweep is worth, given how many combinations were tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from alertlib._typing import Floats
from alertlib.errors import DataError
from alertlib.scoring.scored import SPEC
from alertlib.search.cube import Cube
from alertlib.search.ledger.reader import read_ledger, scope_of
from alertlib.stats.deflated import DeflatedSharpe, deflated_sharpe
from alertlib.stats.overfitting import Overfitting, overfitting_probability
from alertlib.stats.superiority import (
    RealityCheck,
    SuperiorAbility,
    reality_check,
    superior_predictive_ability,
)

BLOCKS = 12

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Selection:
    """Four answers to one question: could the best of so many be luck?

    Attributes
    ----------
    deflated_sharpe : DeflatedSharpe or None
    pbo : Overfitting or None
    reality_check : RealityCheck or None
    spa : SuperiorAbility or None
    trials : int
        Configurations tried on these bars, those of other sessions included.
    compared : int
        Trials whose points by session the answers are made of.
    sessions : int
    reasons : tuple of str
        Why an answer is None.
    """

    deflated_sharpe: DeflatedSharpe | None
    pbo: Overfitting | None
    reality_check: RealityCheck | None
    spa: SuperiorAbility | None
    trials: int
    compared: int
    sessions: int
    reasons: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able values: the probability or p-value of each answer, and the numbers."""
        return {
            "deflated_sharpe": _defined(self.deflated_sharpe, lambda found: found.probability),
            "pbo": _defined(self.pbo, lambda found: found.pbo),
            "reality_check": _defined(self.reality_check, lambda found: found.p),
            "spa": _defined(self.spa, lambda found: found.consistent),
            "trials": self.trials,
            "compared": self.compared,
            "sessions": self.sessions,
            "reasons": list(self.reasons),
        }


def select(
    cube: Cube, chosen: int, trials: int, data_sha256: str, ledger: Path | None, config: str
) -> Selection:
    """Return what a combination is worth, all trials of a ledger considered.

    Parameters
    ----------
    cube : Cube
    chosen : int
        Its row.
    trials : int
        How many were tried on these bars.
    data_sha256 : str
    ledger : Path or None
    config : str
        Hash of its configuration, by which the ledger knows it.
    """
    if not cube.per_session:
        raise DataError(
            f"selection: {len(cube):,} combinations were counted without their sessions; expected "
            "at most 100,000; take a smaller grid"
        )
    if ledger is None:
        return judge(cube.points(), chosen, trials, data_sha256)
    points = points_by_session(ledger, cube)
    return judge(np.array([*points.values()]), list(points).index(config), trials, data_sha256)


def judge(points: Floats, chosen: int, trials: int, data_sha256: str) -> Selection:
    """Ask all four.

    Parameters
    ----------
    points : float64, shape (trials, sessions)
    chosen : int
        Row of the one that was chosen.
    trials : int
        How many were tried, at least as many as there are rows.
    data_sha256 : str
        Hash of the bars, from which the random numbers derive: no seed can be shopped for.
    """
    digest = sha256(f"{SPEC}:selection:{data_sha256}".encode()).digest()
    seed = int.from_bytes(digest[:8])
    reasons: list[str] = []

    def asked(question: Callable[[], Answer]) -> Answer | None:
        try:
            return question()
        except DataError as error:
            reasons.append(str(error))
            return None

    return Selection(
        asked(lambda: deflated_sharpe(points, chosen, float(max(trials, len(points))))),
        asked(lambda: overfitting_probability(points, BLOCKS)),
        asked(lambda: reality_check(points, seed=seed)),
        asked(lambda: superior_predictive_ability(points, seed=seed)),
        max(trials, len(points)),
        len(points),
        points.shape[1],
        tuple(dict.fromkeys(reasons)),
    )


def points_by_session(ledger: Path, cube: Cube) -> dict[str, Floats]:
    """Return net points by session of all trials of a ledger that count a cube's sessions.

    By the hash of their configuration.
    """
    records = read_ledger(ledger)
    found: dict[str, Any] = {}
    for trial in records.trials():
        if scope_of(records.sweeps[trial.sweep]) == (cube.sessions, False):
            quanta: Any = np.array(trial.counts.quanta, dtype=np.float64)
            fees = np.array(trial.counts.trades) * cube.fees
            found[trial.config] = cube.grid.price(quanta) - fees
    return found


def _defined(found: Answer | None, value: Callable[[Answer], float]) -> float | None:
    if found is None or np.isnan(value(found)):
        return None
    return float(value(found))

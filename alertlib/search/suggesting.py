"""Combinations suggested one after another by optuna's tree-structured Parzen estimator."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from alertlib._typing import Ints
from alertlib.errors import ConfigError
from alertlib.search.cube import distance
from alertlib.search.dispatch import empty_cube, fill, typed_values
from alertlib.search.grid.geometry import target_is_nearer
from alertlib.search.grid.grid import Grid
from alertlib.search.subject import Subject
from alertlib.search.workers.tasks import Counted, Counter

# Suggestions in a row that are no new combination before the sampler is taken to be done.
PATIENCE = 200


def suggest(subject: Subject, grid: Grid, trials: int, seed: int) -> Iterator[tuple[int, Counted]]:
    """Yield combinations that promise the smallest distance, and their counts.

    What is minimised is the distance of :func:`alertlib.search.cube.distance`. A suggestion
    that was counted before, or that a condition leaves out, is no trial.

    Parameters
    ----------
    subject : Subject
    grid : Grid
    trials : int
    seed : int

    Raises
    ------
    ConfigError
        If optuna is not installed.
    """
    study = _study(seed)
    counter = Counter(subject.ground, subject.settings, grid.keys, grid.per_session)
    known: dict[int, float] = {}
    idle = 0
    while len(known) < min(trials, len(grid)) and idle < PATIENCE:
        trial = study.ask()
        # Categories by their number: a text, a switch and a number alike.
        values = {
            axis.key: axis.values[trial.suggest_int(axis.key, 0, len(axis) - 1)]
            for axis in grid.axes
        }
        at = grid.find(values)
        if at is None:
            study.tell(trial, state=_pruned())
            idle += 1
            continue
        if at in known:
            study.tell(trial, known[at])
            idle += 1
            continue
        idle = 0
        one: Ints = np.array([at])
        counted = counter.count(typed_values(grid, one))
        cube = empty_cube(subject, grid, 1)
        fill(cube, np.array([0]), counted)
        nearer = target_is_nearer(grid, one)
        known[at] = float(distance(cube.totals(), subject.settings.gate, nearer)[0])
        study.tell(trial, known[at])
        yield at, counted


def _study(seed: int) -> Any:
    try:
        import optuna
    except ImportError as error:
        raise ConfigError(
            "search: optuna is not installed; expected it for tpe; install the extra search, or "
            "take grid or random"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        # Its random numbers take 32 bits of a seed.
        sampler = optuna.samplers.TPESampler(seed=seed % 2**32, multivariate=True)
    return optuna.create_study(sampler=sampler)


def _pruned() -> Any:
    from optuna.trial import TrialState

    return TrialState.PRUNED

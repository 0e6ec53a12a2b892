"""Contest of the detectors: nanoseconds per bar, ours beside the peers' primitives and forms.

Two kinds of peers. ``primitives`` are the peer's own calls with one comparison where the call is
no decision yet; ``same job`` adds in NumPy what the peer leaves out. :data:`NOT_DONE` says what.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from alertlib._typing import Floats, Signals
from alertlib.detection.detectors import Detector
from alertlib.detection.registry import find_detector
from alertlib.scoring.engine import COMPILED
from alertlib.scoring.signals import detect, signals_of
from alertlib.scoring.step_bars import StepBars
from alertlib.scoring.true_ranges import true_ranges
from benchmarks.peers.detector_sides import (
    Call,
    numpy_same_job,
    polars_primitives,
    talib_primitives,
    talib_same_job,
    vectorbt_primitives,
)
from benchmarks.peers.material import ATR_WINDOW, Material
from benchmarks.peers.timing import as_json, take_turns

DETECTORS = ("volatility", "engulfing", "breakout", "rsi_divergence")
JOBS = (*DETECTORS, "atr", "all")

OURS, READY = "ours", "ours, bars ready"
TALIB, TALIB_FULL = "TA-Lib, primitives", "TA-Lib + NumPy, same job"
POLARS, NUMPY = "polars-talib, primitives", "NumPy, same job"
VECTORBT, RUST = "vectorbt, primitives", "vectorbt-rust, primitives"

NOT_DONE = {
    OURS: "everything, the columns of the bars put together in every call",
    READY: "as `ours`, the columns put together beforehand: all detectors share them",
    TALIB: (
        "given the gap-joined prices, without which nights would be moves; volatility without "
        "confirmation, every bar beyond the threshold; engulfing by TA-Lib's own definition, and a "
        "session's first bar against the last one before; breakout without the latch; RSI without "
        "pivots and divergence; ATR from one bar later"
    ),
    TALIB_FULL: (
        "given the gap-joined prices; engulfing by TA-Lib's own definition, for which a body of "
        "zero has a colour and two equal bodies are none; ATR from one bar later"
    ),
    POLARS: "as TA-Lib's primitives; polars may use every core, the others but BLAS use one",
    NUMPY: "given the gap-joined prices; else nothing is left out",
    VECTORBT: "volatility alone, without confirmation: `MA.run`, `MSTD.run` and the comparison",
    RUST: 'as vectorbt, `engine="rust"`',
}


def ours(material: Material) -> dict[str, Call]:
    """Return what a backtest itself calls: the columns are put together in every call."""
    series, atr = material.series, material.atr
    found = tuple(find_detector(name) for name in DETECTORS)

    def everything() -> Any:
        return detect(series, found, COMPILED, true_ranges(series, ATR_WINDOW, COMPILED))

    return {
        **{d.name: partial(_one, material, d, atr) for d in found},
        "atr": partial(true_ranges, series, ATR_WINDOW, COMPILED),
        "all": everything,
    }


def _one(material: Material, detector: Detector, atr: Floats) -> Signals:
    return detect(material.series, (detector,), COMPILED, atr).sign[:, 0]


def ready(material: Material) -> dict[str, Call]:
    """Return the same with the columns put together beforehand."""
    series = material.series
    bars = StepBars(series, material.atr)
    found = tuple(find_detector(name) for name in DETECTORS)

    def one(detector: Detector) -> Any:
        return signals_of(detector, bars, COMPILED)[0]

    def everything() -> None:
        true_ranges(series, ATR_WINDOW, COMPILED)
        for detector in found:
            one(detector)

    return {
        **{d.name: partial(one, d) for d in found},
        "atr": partial(true_ranges, series, ATR_WINDOW, COMPILED),
        "all": everything,
    }


def contestants(material: Material) -> dict[str, dict[str, Call]]:
    """Return every contestant's jobs."""
    return {
        OURS: ours(material),
        READY: ready(material),
        TALIB: talib_primitives(material),
        TALIB_FULL: talib_same_job(material),
        POLARS: polars_primitives(material),
        NUMPY: numpy_same_job(material),
        VECTORBT: vectorbt_primitives(material, "numba"),
        RUST: vectorbt_primitives(material, "rust"),
    }


def differences(calls: dict[str, dict[str, Call]]) -> dict[str, Any]:
    """Return how many bars' answers differ from ours, of those that do the same job.

    Of the ATR it is the largest relative difference after the 600 bars of warm-up.
    """
    found: dict[str, Any] = {}
    for name in (READY, TALIB_FULL, NUMPY):
        jobs = calls[name]
        found[name] = {
            job: int((np.asarray(jobs[job]()) != calls[OURS][job]()).sum()) for job in DETECTORS
        }
        own, other = calls[OURS]["atr"]()[600:], jobs["atr"]()[600:]
        found[name]["atr, relative"] = float(np.max(np.abs(other / own - 1.0), initial=0.0))
    found["signals of ours"] = {job: int((calls[OURS][job]() != 0).sum()) for job in DETECTORS}
    return found


def measure(material: Material, rounds: int) -> dict[str, Any]:
    """Return the contest at one size."""
    calls = contestants(material)
    with np.errstate(invalid="ignore", divide="ignore"):
        differing = differences(calls)
        times = {
            job: as_json(
                take_turns(
                    {name: jobs[job] for name, jobs in calls.items() if job in jobs},
                    rounds,
                    1e9 / len(material),
                )
            )
            for job in JOBS
        }
    return {"ns_per_bar": times, "bars_that_differ": differing}

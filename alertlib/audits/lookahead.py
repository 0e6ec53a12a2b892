"""Does an alert depend on a later bar?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from alertlib._typing import Ints, Progress
from alertlib.audits.report import LOOK_AHEAD, REMEMBER, AuditItem
from alertlib.bars.series import Series
from alertlib.detection.detectors import Detector
from alertlib.errors import DetectorError
from alertlib.scoring.batch import AlertColumns
from alertlib.scoring.engine import Engine
from alertlib.scoring.scored import Detected, run_detectors
from alertlib.scoring.signals import detect

PREFIX_CUTS = 200
# History before, and bars after, the cut of a quick poisoning.
HISTORY, FUTURE = 800, 60


def prefix_invariance(
    whole: Detected,
    engine: Engine,
    rng: np.random.Generator,
    progress: Progress,
) -> AuditItem:
    """Cut the file at random bars and at every alert: what came before must not change."""
    series = whole.series
    random = rng.integers(1, len(series) + 1, size=min(PREFIX_CUTS, len(series)))
    cuts = np.unique(np.concatenate([random, whole.delivered.bar + 1]))
    for done, cut in enumerate(cuts.tolist()):
        progress("prefix_invariance", done, len(cuts))
        try:
            part = run_detectors(series.head(cut), whole.rules, engine)
        except DetectorError as error:
            detail = f"cut after {_when(series, cut - 1)}: {error}"
            return AuditItem("prefix_invariance", False, done + 1, detail)
        changed = _changed(whole.delivered, part.delivered, cut - 1)
        if changed is not None:
            return AuditItem(
                "prefix_invariance", False, done + 1,
                f"cut after {_when(series, cut - 1)}: alerts at {_when(series, changed)} differ "
                f"from those of the whole file; {_advice(whole)}",
            )  # fmt: skip
    return AuditItem("prefix_invariance", True, len(cuts), "alerts of every prefix stay")


def poisoned_future(
    whole: Detected,
    engine: Engine,
    rng: np.random.Generator,
    cuts: int,
    progress: Progress,
) -> AuditItem:
    """Replace everything after a bar: the alerts up to it must not change."""
    series = whole.series
    cases = 0
    for done in range(cuts):
        progress("poisoned_future", done, cuts)
        at = int(rng.integers(min(HISTORY, len(series) - 1), len(series)))
        start = max(0, at - HISTORY)
        part = series.tail(start).head(min(at + FUTURE, len(series)) - start)
        clean = None
        for what, poison in POISONS.items():
            poisoned = _after(part, at - start, poison)
            cases += 1
            try:
                if clean is None:
                    clean = run_detectors(part, whole.rules, engine).delivered
                dirty = run_detectors(poisoned, whole.rules, engine).delivered
            except DetectorError as error:
                detail = f"bars after {_when(series, at)} {what}: {error}"
                return AuditItem("poisoned_future", False, cases, detail)
            changed = _changed(clean, dirty, at - start)
            if changed is not None:
                return AuditItem(
                    "poisoned_future", False, cases,
                    f"bars after {_when(series, at)} {what}: alerts at "
                    f"{_when(part, changed)} changed; {_advice(whole)}",
                )  # fmt: skip
    return AuditItem("poisoned_future", True, cases, "no alert depends on a later bar")


POISONS: dict[str, Callable[[Ints], Ints]] = {
    "replaced by a constant": lambda c: np.full_like(c, 3 * int(c.max(initial=1))),
    "put in reverse order": lambda c: c[::-1],
    "made ten times as large": lambda c: 10 * c,
}


def _after(series: Series, at: int, change: Callable[[Ints], Ints]) -> Series:
    columns = [
        np.concatenate([c[: at + 1], change(c[at + 1 :])])
        for c in (series.open, series.high, series.low, series.close)
    ]
    return series.with_prices(*columns)


def self_test(series: Series, engine: Engine) -> AuditItem:
    """Plant a detector that looks one bar ahead, and a clean one, and see which is caught."""

    def plant(name: str, shift: int) -> Detector:
        def columns(frame: Any, _: Any) -> Any:
            change = frame["close"].diff().shift(shift)
            return change.sign().fill_null(0).cast(int).to_numpy()

        return Detector(
            name, _never, ("planted", "planted"), (), (), lambda _: 0, lambda _: 20, 65, columns
        )

    part = series.tail(max(0, len(series) - HISTORY - FUTURE))
    caught = [
        _sees_future(part, plant(name, shift), engine)
        for name, shift in (("planted look-ahead", -1), ("clean", 0))
    ]
    good = caught == [True, False]
    detail = (
        "a planted look-ahead is caught, a clean detector is not"
        if good
        else f"planted look-ahead caught: {caught[0]}, clean detector caught: {caught[1]}"
    )
    return AuditItem("self_test", good, 2, detail)


def _never(*_: Any) -> Any:
    raise AssertionError("a planted detector has no step")


def _sees_future(series: Series, planted: Detector, engine: Engine) -> bool:
    whole = detect(series, (planted,), engine).sign
    for cut in range(len(series) - FUTURE, len(series)):
        part = detect(series.head(cut), (planted,), engine).sign
        if not np.array_equal(part, whole[:cut]):
            return True
    return False


def _changed(whole: AlertColumns, part: AlertColumns, last: int) -> int | None:
    """Return the bar of the first alert up to ``last`` that is not the same in both."""
    a, b = whole.only(whole.bar <= last), part.only(part.bar <= last)
    for i in range(min(len(a), len(b))):
        if any(getattr(a, n)[i] != getattr(b, n)[i] for n in a.__dataclass_fields__):
            return int(min(a.bar[i], b.bar[i]))
    if len(a) != len(b):
        longer = a if len(a) > len(b) else b
        return int(longer.bar[min(len(a), len(b))])
    return None


def _advice(whole: Detected) -> str:
    # A step is given no later bar: what changed it is something it kept from an earlier run.
    framed = any(d.columns is not None for d in whole.rules.detectors)
    return LOOK_AHEAD if framed else REMEMBER


def _when(series: Series, bar: int) -> str:
    return str(np.datetime64(int(series.minute[bar]), "m"))

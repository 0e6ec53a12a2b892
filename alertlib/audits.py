"""Does a detector tell the truth? Tests for look-ahead, and for live and batch being one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from alertlib._numba import INTERPRETED, Engine
from alertlib.alert import Alert
from alertlib.bars import Bars
from alertlib.batch import AlertColumns, detect
from alertlib.config.schema import Settings
from alertlib.detectors import Detector
from alertlib.errors import AuditError, DataError
from alertlib.policy import REASONS
from alertlib.scoring import Detected, run_detectors
from alertlib.series import Ints, Series
from alertlib.stream import Bar, Stream, Suppressed
from alertlib.tables import alert_values

PREFIX_CUTS = 200
POISON_CUTS = 40
WARMUP_CUTS = 40
# History before, and bars after, the cut of a quick poisoning.
HISTORY, FUTURE = 800, 60
# Bars looked at from each new start when the warm-up is measured.
WARMUP_REACH = 2_000

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class AuditItem:
    """One audit: its name, whether it is clean, on how many cases, and what was seen."""

    name: str
    clean: bool
    cases: int
    detail: str


@dataclass(frozen=True, repr=False)
class AuditReport:
    """What the audits of a set of detectors found."""

    detectors: tuple[str, ...]
    items: tuple[AuditItem, ...]

    @property
    def clean(self) -> bool:
        """Whether every audit is."""
        return all(item.clean for item in self.items)

    @property
    def failures(self) -> int:
        """Number of audits that are not clean."""
        return sum(not item.clean for item in self.items)

    def raise_if_dirty(self) -> AuditReport:
        """Return the report itself if clean.

        Raises
        ------
        AuditError
            Naming the audits that failed.
        """
        if not self.clean:
            failed = "; ".join(f"{i.name}: {i.detail}" for i in self.items if not i.clean)
            raise AuditError(f"detectors {', '.join(self.detectors)}: {failed}")
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-able values."""
        return {
            "clean": self.clean,
            "detectors": list(self.detectors),
            "items": [
                {"name": i.name, "clean": i.clean, "cases": i.cases, "detail": i.detail}
                for i in self.items
            ],
        }

    def __repr__(self) -> str:
        lines = [f"<AuditReport {', '.join(self.detectors)}: {'clean' if self.clean else 'DIRTY'}"]
        lines += [
            f"  {'ok  ' if i.clean else 'FAIL'} {i.name} ({i.cases} cases): {i.detail}"
            for i in self.items
        ]
        return "\n".join(lines) + ">"

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><td>{'✓' if i.clean else '✗'}</td><td>{escape(i.name)}</td>"
            f"<td>{i.cases}</td><td>{escape(i.detail)}</td></tr>"
            for i in self.items
        )
        return (
            f"<b>Audits of {escape(', '.join(self.detectors))}: "
            f"{'clean' if self.clean else 'DIRTY'}</b><table>"
            f"<tr><th></th><th>audit</th><th>cases</th><th>seen</th></tr>{rows}</table>"
        )


def audit(
    bars: Bars,
    series: Series,
    settings: Settings,
    *,
    full: bool,
    seed: int = 0,
    engine: Engine = INTERPRETED,
    detected: Detected | None = None,
    progress: Progress | None = None,
) -> AuditReport:
    """Audit the enabled detectors on these bars.

    Parameters
    ----------
    bars, series
        The same bars, as read and as columns.
    settings : Settings
    full : bool
        Also prefixes at random cuts and at every alert, warm-up, unchanged inputs and the
        audits' own test; otherwise streaming parity and a poisoned future only.
    seed : int
        Of the random cuts.
    engine : Engine
    detected : Detected, optional
        What the batch found on these bars, if it has run already.
    progress : callable, optional
        Called with the audit's name, cases done and cases ahead.
    """
    before = _fingerprint(series)
    whole = detected or run_detectors(series, settings, engine)
    rng = np.random.default_rng((seed, 5))
    tell = progress or (lambda name, done, ahead: None)
    framed = any(d.columns is not None for d in whole.rules.detectors)
    items = []
    if not framed:
        items.append(streaming_parity(bars, whole, settings))
    if full or framed:
        items.append(prefix_invariance(whole, settings, engine, rng, tell))
    items.append(poisoned_future(whole, settings, engine, rng, POISON_CUTS if full else 1, tell))
    if full:
        items.append(warm_up(whole, engine, rng, tell))
        same = before == _fingerprint(series)
        detail = "bars are as they were" if same else "a detector changed the bars it was given"
        items.append(AuditItem("unchanged_inputs", same, 1, detail))
        items.append(self_test(series, settings, engine))
    return AuditReport(tuple(d.name for d in whole.rules.detectors), tuple(items))


def streaming_parity(bars: Bars, whole: Detected, settings: Settings) -> AuditItem:
    """Compare the live core, bar by bar, with the batch: every field of every alert.

    Since a step is given one bar at a time and its own state, agreement for the whole file is
    agreement for each of its prefixes.
    """
    name = "streaming_parity"
    instrument = whole.series.instrument
    stream = Stream(settings, symbol=bars.symbol, timeframe=bars.timeframe, instrument=instrument)
    alerts: list[Alert] = []
    held: list[Suppressed] = []
    columns = ("time", "open", "high", "low", "close", "tick_volume", "real_volume")
    try:
        for bar in map(Bar._make, zip(*(bars.frame[c].to_list() for c in columns), strict=True)):
            decision = stream.decide(bar)
            alerts += decision.alerts
            held += decision.suppressed
    except DataError as error:
        return AuditItem(name, False, stream.bars, f"the stream refused a bar: {error}")
    except Exception as error:  # a user's step may raise anything
        what = f"a step raised {type(error).__name__} at bar {stream.bars}: {error}"
        return AuditItem(name, False, stream.bars, what)
    for field, batch in alert_values(whole, whole.delivered).items():
        live = [getattr(alert, field) for alert in alerts]
        if live != batch:
            return AuditItem(name, False, len(alerts), _first_difference(field, live, batch))
    refused = [(s.alert.bar_time, s.alert.direction, s.reason) for s in held]
    if refused != _suppressions(whole):
        return AuditItem(name, False, len(held), "live and batch suppress different alerts")
    return AuditItem(
        name, True, len(alerts), f"{len(alerts)} alerts and {len(held)} suppressions agree"
    )


def _suppressions(whole: Detected) -> list[tuple[Any, int, str]]:
    held = whole.suppressed
    times = alert_values(whole, held)["bar_time"]
    reasons = [REASONS[r] for r in held.reason.tolist()]
    return list(zip(times, held.direction.tolist(), reasons, strict=True))


def _first_difference(field: str, live: list[Any], batch: list[Any]) -> str:
    if len(live) != len(batch):
        return f"live gives {len(live)} alerts, batch {len(batch)}"
    at = next(i for i, (a, b) in enumerate(zip(live, batch, strict=True)) if a != b)
    return f"alert {at}: {field} is {live[at]!r} live and {batch[at]!r} in batch"


def prefix_invariance(
    whole: Detected,
    settings: Settings,
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
        part = run_detectors(series.head(cut), settings, engine)
        changed = _changed(whole.delivered, part.delivered, cut - 1)
        if changed is not None:
            return AuditItem(
                "prefix_invariance", False, done + 1,
                f"cut after {_when(series, cut - 1)}: alerts at {_when(series, changed)} differ "
                "from those of the whole file",
            )  # fmt: skip
    return AuditItem("prefix_invariance", True, len(cuts), "alerts of every prefix stay")


def poisoned_future(
    whole: Detected,
    settings: Settings,
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
        clean = run_detectors(part, settings, engine).delivered
        for what, poison in POISONS.items():
            poisoned = _after(part, at - start, poison)
            dirty = run_detectors(poisoned, settings, engine).delivered
            cases += 1
            changed = _changed(clean, dirty, at - start)
            if changed is not None:
                return AuditItem(
                    "poisoned_future", False, cases,
                    f"bars after {_when(series, at)} {what}: alerts at "
                    f"{_when(part, changed)} changed",
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


def warm_up(
    whole: Detected, engine: Engine, rng: np.random.Generator, progress: Progress
) -> AuditItem:
    """Start later: after its declared warm-up a detector must not know the difference."""
    series, detectors = whole.series, whole.rules.detectors
    needed = [0] * len(detectors)
    longest = max((d.warmup for d in detectors), default=0)
    latest = max(1, len(series) - longest - 1)
    starts = np.unique(rng.integers(0, latest, size=WARMUP_CUTS)).tolist()
    signals = detect(series, detectors, engine)
    for done, start in enumerate(starts):
        progress("warm_up", done, len(starts))
        reach = min(len(series) - start, longest + WARMUP_REACH)
        late = detect(series.tail(start).head(reach), detectors, engine)
        differs = late != signals[start : start + reach]
        for i in range(len(detectors)):
            where = np.flatnonzero(differs[:, i])
            if len(where):
                needed[i] = max(needed[i], int(where[-1]))
    short = [d.name for d, n in zip(detectors, needed, strict=True) if n > d.warmup]
    seen = ", ".join(
        f"{d.name} needs {n} of {d.warmup} bars" for d, n in zip(detectors, needed, strict=True)
    )
    return AuditItem("warm_up", not short, len(starts), seen)


def self_test(series: Series, settings: Settings, engine: Engine) -> AuditItem:
    """Plant a detector that looks one bar ahead, and a clean one, and see which is caught."""

    def plant(name: str, shift: int) -> Detector:
        def columns(frame: Any) -> Any:
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
    whole = detect(series, (planted,), engine)
    for cut in range(len(series) - FUTURE, len(series)):
        part = detect(series.head(cut), (planted,), engine)
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


def _when(series: Series, bar: int) -> str:
    return str(np.datetime64(int(series.minute[bar]), "m"))


def _fingerprint(series: Series) -> tuple[bytes, ...]:
    columns = (series.minute, series.open, series.high, series.low, series.close, series.volume)
    return tuple(c.tobytes() for c in columns)

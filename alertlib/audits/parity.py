"""Is live the same as batch?"""

from __future__ import annotations

from typing import Any

from alertlib.audits.report import REMEMBER, AuditItem
from alertlib.bars.bars import Bars
from alertlib.config.schema import Settings
from alertlib.detection.alert import Alert
from alertlib.detection.bar import Bar
from alertlib.detection.stream import Stream, Suppressed
from alertlib.errors import DataError, DetectorError
from alertlib.kernels.policy import REASONS
from alertlib.scoring.alert_values import alert_values
from alertlib.scoring.scored import Detected


def streaming_parity(bars: Bars, whole: Detected, settings: Settings) -> AuditItem:
    """Compare the live core, bar by bar, with the batch: every field of every alert.

    Since a step is given one bar at a time and its own state, agreement for the whole file is
    agreement for each of its prefixes.
    """
    name = "streaming_parity"
    instrument = whole.series.instrument
    stream = Stream(
        settings, symbol=bars.symbol, timeframe=bars.timeframe, instrument=instrument,
        rules=whole.rules,
    )  # fmt: skip
    alerts: list[Alert] = []
    held: list[Suppressed] = []
    columns = ("time", "open", "high", "low", "close", "tick_volume", "real_volume")
    try:
        for bar in map(Bar._make, zip(*(bars.frame[c].to_list() for c in columns), strict=True)):
            decision = stream.decide(bar)
            alerts += decision.alerts
            held += decision.suppressed
    except DataError as error:
        # The data's fault, and whoever reads the report has to see it there.
        return AuditItem(
            name, True, stream.bars,
            f"not compared, the stream takes no such bar: {error}; mend the bars",
            unreadable=str(error),
        )  # fmt: skip
    except DetectorError as error:
        return AuditItem(name, False, stream.bars, str(error))
    except Exception as error:  # a user's step may raise anything
        what = f"a step raised {type(error).__name__} at bar {stream.bars}: {error}"
        return AuditItem(name, False, stream.bars, what)
    for field, batch in alert_values(whole.series, whole.rules, whole.delivered).items():
        live = [getattr(alert, field) for alert in alerts]
        if live != batch:
            what = f"{_first_difference(field, live, batch)}; {REMEMBER}"
            return AuditItem(name, False, len(alerts), what)
    refused = [(s.alert.bar_time, s.alert.direction, s.reason) for s in held]
    if refused != _suppressions(whole):
        what = f"live and batch suppress different alerts; {REMEMBER}"
        return AuditItem(name, False, len(held), what)
    return AuditItem(
        name, True, len(alerts), f"{len(alerts)} alerts and {len(held)} suppressions agree"
    )


def _suppressions(whole: Detected) -> list[tuple[Any, int, str]]:
    held = whole.suppressed
    times = alert_values(whole.series, whole.rules, held)["bar_time"]
    reasons = [REASONS[r] for r in held.reason.tolist()]
    return list(zip(times, held.direction.tolist(), reasons, strict=True))


def _first_difference(field: str, live: list[Any], batch: list[Any]) -> str:
    if len(live) != len(batch):
        return f"live gives {len(live)} alerts, batch {len(batch)}"
    at = next(i for i, (a, b) in enumerate(zip(live, batch, strict=True)) if a != b)
    return f"alert {at}: {field} is {live[at]!r} live and {batch[at]!r} in batch"

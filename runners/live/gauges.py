"""The daemon's own figures on ``/metrics``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alertlib._version import __version__
from alertlib.detection.intake import ACCEPT
from alertlib.kernels.policy import REASONS
from alertlib.market.clock import with_offset
from runners.live.delivery.channel import Verdict
from runners.live.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from alertlib.detection.detectors import Detector
    from alertlib.detection.intake import Outcome
    from runners.live.alert_store.store import Store
    from runners.live.delivery.courier import Courier
    from runners.live.health import Board, Reason

KINDS = (
    "store",
    "feed",
    "certificate",
    "email",
    "webhook",
    "telegram",
    "letters",
    "heartbeat",
    "task",
    "websocket",
    "detector",
)
OUTCOMES = ("delivered", "dead", "unwritable", "expired")
Labels = dict[str, Sequence[str]]
QUANTILES = (0.5, 0.95, 0.99)
_COUNTERS: dict[str, tuple[str, Labels]] = {
    "alertas_bars_total": ("Closed bars taken.", {}),
    "alertas_late_bars_total": ("Of these, bars that came long after their close.", {}),
    "alertas_alerts_total": ("Alerts committed, by pattern.", {"pattern": ()}),
    "alertas_suppressed_total": ("Alerts held back, by reason.", {"reason": REASONS[1:]}),
    "alertas_revisions_total": ("Bars revised after their close.", {}),
    "alertas_refused_bars_total": ("Bars that were none.", {}),
    "alertas_detector_errors_total": ("Errors raised by detectors.", {"detector": ()}),
    "alertas_delivery_copies_total": (
        "Copies since the start, by what became of them.",
        {"channel": (), "outcome": ()},
    ),
    "alertas_delivery_attempts_total": (
        "Attempts since the start, by how they ended.",
        {"channel": (), "verdict": ()},
    ),
    "alertas_heartbeat_failures_total": ("Calls of live.heartbeat_url not accepted.", {}),
}
_GAUGES: dict[str, tuple[str, Labels]] = {
    "alertas_build_info": ("1; the versions are its labels.", {"version": (), "python": ()}),
    "alertas_start_time_seconds": ("When this run of the daemon began, Unix time.", {}),
    "alertas_last_bar_timestamp_seconds": (
        "Open of the newest bar on disk, Unix time; 0 before the first.",
        {"symbol": (), "timeframe": ()},
    ),
    "alertas_last_heartbeat_timestamp_seconds": (
        "When live.heartbeat_url last accepted a call, Unix time; 0 before the first.",
        {},
    ),
    "alertas_detector_disabled": ("1 for a detector disabled after errors.", {"detector": ()}),
    "alertas_trouble": ("1 for what is a reason on /health, by kind.", {"kind": KINDS}),
    "alertas_feed_trouble": (
        "1 for a stream that gives no alerts, 0 while it is well.",
        {"symbol": (), "timeframe": ()},
    ),
    "alertas_delivery_trouble": ("1 for a channel that is broken.", {"channel": ()}),
    "alertas_store_queue": ("Pieces of work waiting for the next transaction.", {}),
    "alertas_store_commit_seconds": ("Duration of the last transaction.", {}),
    "alertas_store_wal_bytes": ("Size of the database's write-ahead log.", {}),
    "alertas_audit_seq": ("Number of the last audit event.", {}),
    "alertas_delivery_outbox": ("Copies not settled yet.", {"channel": ()}),
}


class Figures:
    """Declares and counts."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        for name, (meaning, labels) in _COUNTERS.items():
            metrics.declare(name, "counter", meaning, **labels)
        for name, (meaning, labels) in _GAUGES.items():
            metrics.declare(name, "gauge", meaning, **labels)
        metrics.declare(
            "alertas_delivery_seconds",
            "summary",
            "From detection to the server's yes, of the last thousand alerts.",
            channel=(),
            quantile=(),
        )
        metrics.declare_histogram(
            "alertas_detection_seconds", "From bars that came to their alerts committed."
        )

    def started(self, now: float, detectors: Iterable[Detector]) -> None:
        """Note a start at Unix time ``now``, and begin the series of each detector at 0."""
        metrics = self._metrics
        python = ".".join(map(str, sys.version_info[:3]))
        metrics.set("alertas_build_info", 1, version=__version__, python=python)
        metrics.set("alertas_start_time_seconds", now)
        names = [ACCEPT]
        for detector in detectors:
            names.append(detector.name)
            for pattern in detector.patterns:
                metrics.expect("alertas_alerts_total", pattern=pattern)
        for name in names:
            metrics.expect("alertas_detector_errors_total", detector=name)
            metrics.expect("alertas_detector_disabled", detector=name)

    def expect_channel(self, name: str) -> None:
        """Begin the series of a channel at 0."""
        self._metrics.expect("alertas_delivery_outbox", channel=name)
        self._metrics.expect("alertas_delivery_trouble", channel=name)
        for outcome in OUTCOMES:
            self._metrics.expect("alertas_delivery_copies_total", channel=name, outcome=outcome)
        for verdict in Verdict:
            self._metrics.expect(
                "alertas_delivery_attempts_total", channel=name, verdict=verdict.value
            )

    def count(self, outcome: Outcome) -> None:
        """Count what a bar led to."""
        add = self._metrics.add
        if outcome.revision is not None:
            add("alertas_revisions_total")
            return
        add("alertas_bars_total")
        if outcome.late:
            add("alertas_late_bars_total")
        if outcome.refused is not None:
            add("alertas_refused_bars_total")
        for alert in outcome.alerts:
            add("alertas_alerts_total", pattern=alert.pattern)
        for held in outcome.suppressed:
            add("alertas_suppressed_total", reason=held.reason)

    def committed(self, seconds: float, has_alerts: bool) -> None:
        """Note how long bars took from coming to being durable."""
        if has_alerts:
            self._metrics.observe("alertas_detection_seconds", seconds)

    def detector_failed(self, name: str, disabled: bool) -> None:
        """Count an error of a detector."""
        self._metrics.add("alertas_detector_errors_total", detector=name)
        if disabled:
            self._metrics.set("alertas_detector_disabled", 1, detector=name)

    def look(self, reasons: Sequence[Reason], store: Store, board: Board) -> None:
        """Set the gauges."""
        put = self._metrics.set
        self._look_at_reasons(reasons, board)
        put("alertas_store_queue", store.queued)
        put("alertas_store_commit_seconds", store.stats.last_commit_seconds)
        put("alertas_audit_seq", store.audit_head[0])
        with suppress(OSError):  # none yet, or just gone with the last connection
            put("alertas_store_wal_bytes", os.stat(f"{store.path}-wal").st_size)
        for (symbol, timeframe), position in board.positions.items():
            last = 0.0 if position.last is None else _unix(position.last)
            put("alertas_last_bar_timestamp_seconds", last, symbol=symbol, timeframe=timeframe)
        for courier in board.couriers if store.trouble() is None else ():
            put("alertas_delivery_outbox", courier.pending(), channel=courier.name)
            self._look_at_courier(courier)
        if board.heartbeat is not None:
            put("alertas_heartbeat_failures_total", board.heartbeat.failures)
            put("alertas_last_heartbeat_timestamp_seconds", board.heartbeat.accepted_at)

    def _look_at_reasons(self, reasons: Sequence[Reason], board: Board) -> None:
        put = self._metrics.set
        present = {reason.kind for reason in reasons}
        for kind in KINDS:
            put("alertas_trouble", float(kind in present), kind=kind)
        failing = {name for one in reasons if one.kind == "feed" for name in one.names}
        for symbol, timeframe in board.positions:
            is_failing = f"{symbol} {timeframe}" in failing
            put("alertas_feed_trouble", float(is_failing), symbol=symbol, timeframe=timeframe)
        for courier in board.couriers:
            put("alertas_delivery_trouble", float(bool(courier.reason)), channel=courier.name)

    def _look_at_courier(self, courier: Courier[Any]) -> None:
        stats, put, name = courier.stats, self._metrics.set, courier.name
        latencies = sorted(stats.latencies)
        for quantile in QUANTILES if latencies else ():
            place = min(int(quantile * len(latencies)), len(latencies) - 1)
            value = latencies[place]
            put("alertas_delivery_seconds", value, channel=name, quantile=f"{quantile:g}")
        for verdict, count in stats.letters.items():
            put("alertas_delivery_attempts_total", count, channel=name, verdict=verdict)
        for outcome in OUTCOMES:
            count = stats.alerts[outcome]
            put("alertas_delivery_copies_total", count, channel=name, outcome=outcome)


def _unix(bar: datetime) -> float:
    """Exchange wall clock in Unix time."""
    return datetime.fromisoformat(with_offset(bar)).timestamp()

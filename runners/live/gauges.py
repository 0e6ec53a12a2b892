"""The daemon's own figures on ``/metrics``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from runners.live.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from alertlib.detection.intake import Outcome
    from runners.live.alert_store.store import Store
    from runners.live.health import Reason
    from runners.live.mail.mailer import Mailer

KINDS = ("store", "feed", "email", "letters", "task", "websocket", "detector")
OUTCOMES = ("delivered", "dead", "unwritable", "expired")
QUANTILES = (0.5, 0.95, 0.99)
_COUNTERS = {
    "alertas_bars_total": "Closed bars taken.",
    "alertas_late_bars_total": "Of these, bars that came long after their close.",
    "alertas_alerts_total": "Alerts committed, by pattern.",
    "alertas_suppressed_total": "Alerts held back, by reason.",
    "alertas_revisions_total": "Bars revised after their close.",
    "alertas_refused_bars_total": "Bars that were none.",
    "alertas_detector_errors_total": "Errors raised by detectors, by detector.",
}
_GAUGES = {
    "alertas_detector_disabled": "1 for a detector disabled after errors.",
    "alertas_trouble": "1 for what is a reason on /health, by kind.",
    "alertas_store_queue": "Pieces of work waiting for the next transaction.",
    "alertas_store_commit_seconds": "Duration of the last transaction.",
    "alertas_audit_seq": "Number of the last audit event.",
    "alertas_mail_outbox": "Copies not settled yet.",
    "alertas_mail_seconds": "From detection to the server's 250, of the last thousand alerts.",
    "alertas_mail_copies": "Copies since the start, by what became of them.",
    "alertas_mail_attempts": "Attempts since the start, by how they ended.",
}


class Figures:
    """Declares and counts."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        for name, meaning in _COUNTERS.items():
            metrics.declare(name, "counter", meaning)
        for name, meaning in _GAUGES.items():
            metrics.declare(name, "gauge", meaning)
        metrics.declare_histogram(
            "alertas_detection_seconds", "From bars that came to their alerts committed."
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

    def look(self, reasons: Iterable[Reason], store: Store, mailer: Mailer | None) -> None:
        """Set the gauges."""
        present = {reason.kind for reason in reasons}
        put = self._metrics.set
        for kind in KINDS:
            put("alertas_trouble", float(kind in present), kind=kind)
        put("alertas_store_queue", store.queued)
        put("alertas_store_commit_seconds", store.stats.last_commit_seconds)
        put("alertas_audit_seq", store.audit_head[0])
        if mailer is not None and store.trouble() is None:
            put("alertas_mail_outbox", store.outbox.pending())
            self._look_at_mail(mailer)

    def _look_at_mail(self, mailer: Mailer) -> None:
        latencies = sorted(mailer.stats.latencies)
        for quantile in QUANTILES if latencies else ():
            place = min(int(quantile * len(latencies)), len(latencies) - 1)
            self._metrics.set("alertas_mail_seconds", latencies[place], quantile=f"{quantile:g}")
        for verdict, count in mailer.stats.letters.items():
            self._metrics.set("alertas_mail_attempts", count, verdict=verdict)
        for outcome in OUTCOMES:
            self._metrics.set("alertas_mail_copies", mailer.stats.alerts[outcome], outcome=outcome)

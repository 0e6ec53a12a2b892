"""Who was turned away and why: counted, limited by address, and reported condensed.

No clock: the caller passes monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from runners.live.telemetry.metrics import Metrics
from runners.live.websocket.limits import FailureLimiter, RejectionLog, Rejections

#: Why somebody is turned away, by the door or by the server behind it.
REASONS = (
    "closing",
    "foreign_origin",
    "full",
    "no_credentials_in_time",
    "no_place_left",
    "no_socket_left",
    "token_limit",
    "too_many_actions",
    "too_many_failures",
    "wrong_credentials",
    "wrong_first_message",
)


class Refusals:
    """What the door and the server behind it refused.

    Parameters
    ----------
    failures_per_second : float
        Refused credentials allowed per address, in the handshake and after it.
    metrics : Metrics
    on_rejection : callable
        Told of refusals, condensed.
    """

    def __init__(
        self,
        failures_per_second: float,
        metrics: Metrics,
        on_rejection: Callable[[Rejections], None],
    ) -> None:
        self._failures = FailureLimiter(failures_per_second)
        self._later_failures = FailureLimiter(failures_per_second)
        self._metrics = metrics
        self._log = RejectionLog()
        self._on_rejection = on_rejection
        metrics.declare(
            "alertas_websocket_rejected_total",
            "counter",
            "Strangers turned away, by reason.",
            reason=REASONS,
        )

    def failed(self, reason: str, address: str, now: float) -> HTTPStatus:
        """Note refused credentials; returns the status that fits."""
        if self._failures.fail(address, now):
            self.reject(reason, address, now)
            return HTTPStatus.UNAUTHORIZED
        self.reject("too_many_failures", address, now)
        return HTTPStatus.TOO_MANY_REQUESTS

    def failed_later(self, reason: str, address: str, now: float) -> None:
        """Note credentials that were refused, or did not come, after the handshake."""
        is_within = self._later_failures.fail(address, now)
        self.reject(reason if is_within else "too_many_failures", address, now)

    def is_blocked(self, address: str, now: float) -> bool:
        """Whether too much came from an address that never said who it was."""
        return self._later_failures.is_blocked(address, now)

    def reject(self, reason: str, address: str, now: float) -> None:
        """Count a refusal, and report it, condensed."""
        self._metrics.add("alertas_websocket_rejected_total", reason=reason)
        report = self._log.note(reason, address, now)
        if report is not None:
            self._on_rejection(report)

    def tick(self, now: float) -> None:
        """Report refusals whose window has ended."""
        for rejections in self._log.due(now):
            self._on_rejection(rejections)

    def flush(self, now: float) -> None:
        """Report all refusals not reported yet."""
        for rejections in self._log.flush(now):
            self._on_rejection(rejections)

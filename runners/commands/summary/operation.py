"""The light of operation: the log of the market's alerts, and the benchmark, against the limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runners.commands.summary.figures import Figure, Light, Part, Reason
from runners.live.audit_log.deliveries import Deliveries, Tally, percentile
from runners.trial.promises import PROMISES

_SHOWN = 3


@dataclass(frozen=True)
class Operated:
    """What was counted from the log; nothing is counted from one that fails verification."""

    tally: Tally
    pending: int

    @property
    def is_rehearsal(self) -> bool:
        """Whether all there is was replayed, synthetic or of a dry run."""
        return not self.tally.market.alerts and bool(self.tally.rehearsed.alerts)

    @property
    def shown(self) -> Deliveries:
        """The market's alerts; a rehearsal's, marked, where there are no others."""
        return self.tally.rehearsed if self.is_rehearsal else self.tally.market


def operation(operated: Operated | None, benchmark: Mapping[str, float | None] | None) -> Part:
    """Return the light of operation.

    Parameters
    ----------
    operated : Operated or None
        None of a log that fails verification.
    benchmark : mapping or None
        Values by the keys of ``PROMISES``; None if there is no benchmark.
    """
    measured = benchmark or {}
    trials = {key: _figure(key, measured.get(key), "benchmark") for key in PROMISES}
    is_live = operated is not None and bool(operated.tally.market.alerts)
    lived = _lived(operated.tally.market) if is_live and operated is not None else {}
    # Both decide; of what a desk has lived through, the page shows that and not the trial.
    shown = [lived.get(key, figure) for key, figure in trials.items()]
    hidden = [trials[key] for key in lived]
    shown.sort(key=lambda figure: list(Light).index(figure.light))
    reasons = [*_missed([*shown, *hidden]), *_delivered(operated)]
    if benchmark is None:
        reasons.append(Reason(Light.YELLOW, "no_benchmark"))
    else:
        unknown = [key for key in PROMISES if trials[key].met is None]
        reasons += [Reason(Light.YELLOW, "unmeasured", {"names": unknown})] if unknown else []
    reasons.sort(key=lambda reason: list(Light).index(reason.light))
    more = (*shown[_SHOWN:], *(figure for figure in hidden if figure.met is not None))
    return Part("operation", tuple(shown[:_SHOWN]), tuple(reasons), more)


def _lived(market: Deliveries) -> dict[str, Figure]:
    delays = {
        "detection": percentile(market.commit_seconds, 0.95),
        "mail": percentile(market.mail_seconds, 0.99),
    }
    return {
        key: _figure(key, None if seconds is None else 1e3 * seconds, "log")
        for key, seconds in delays.items()
    }


def _figure(key: str, value: float | None, source: str) -> Figure:
    promise = PROMISES[key]
    met = None if value is None else promise.is_kept_by(value)
    return Figure(key, value, promise.op, promise.limit, met, source)


def _missed(figures: list[Figure]) -> list[Reason]:
    return [Reason(Light.RED, "missed", {"figure": one}) for one in figures if one.met is False]


def _delivered(operated: Operated | None) -> list[Reason]:
    if operated is None:
        return [Reason(Light.YELLOW, "not_counted")]
    if operated.is_rehearsal:
        return [Reason(Light.YELLOW, "rehearsed")]
    found = operated.tally.market
    if not found.alerts:
        return [Reason(Light.YELLOW, "no_alerts")]
    counts = {
        "reason_lost": (Light.RED, len(found.lost)),
        "reason_dead_letters": (Light.YELLOW, found.dead_letters),
        "unconfirmed": (Light.YELLOW, len(found.unconfirmed)),
    }
    reasons = [Reason(light, key, {"n": n}) for key, (light, n) in counts.items() if n]
    return reasons if found.mailed else [*reasons, Reason(Light.YELLOW, "no_mail")]

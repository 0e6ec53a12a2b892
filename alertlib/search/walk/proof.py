"""When a walk-forward proves something."""

from __future__ import annotations

from alertlib.scorecard.card import Scorecard
from alertlib.search.selection import Selection

# Of the answers of a selection: what each has to reach.
MIN_DEFLATED, MAX_PBO, MAX_SPA = 0.95, 0.5, 0.05


def reasons_against(pooled: Scorecard, selection: Selection) -> tuple[str, ...]:
    """Return why a walk-forward is not proven; nothing if it is.

    The pooled sessions have to pass the gate with the bounds of their intervals, and the choice
    must not be what luck finds among so many trials.

    Parameters
    ----------
    pooled : Scorecard
        Of the sessions out of sample.
    selection : Selection
        Over all trials.
    """
    reasons = []
    if pooled.verdict != "PASS":
        why = "; ".join(pooled.reasons)
        reasons.append(f"out of sample the gate says {pooled.verdict}: {why}")
    elif not pooled.proven:
        reasons.append("out of sample a one-sided 95 % bound does not clear its threshold")
    found = selection.to_dict()
    deflated, pbo, spa = found["deflated_sharpe"], found["pbo"], found["spa"]
    if deflated is None or deflated <= MIN_DEFLATED:
        reasons.append(
            f"deflated Sharpe ratio {_shown(deflated)}, expected above {MIN_DEFLATED}, of "
            f"{selection.trials:,} trials"
        )
    if pbo is None or pbo >= MAX_PBO:
        reasons.append(f"probability of overfitting {_shown(pbo)}, expected below {MAX_PBO}")
    if spa is None or spa >= MAX_SPA:
        reasons.append(f"superior predictive ability p {_shown(spa)}, expected below {MAX_SPA}")
    return tuple(reasons)


def _shown(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"

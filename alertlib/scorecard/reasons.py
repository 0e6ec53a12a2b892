"""Why a criterion did not pass, each in one sentence that says how far there is to go."""

from __future__ import annotations

from alertlib.scorecard.card import Criterion

# Values of ``Criterion.reason``: why a criterion fails although its figure may look good.
GEOMETRY = "geometry"
UNTESTED = "untested"

# What each null compares with, in words.
NULLS = {
    "session_permutation": "the same alerts on other days",
    "direction_flip": "the same alerts with directions by a coin",
    "timing": "the same alerts up to five bars later",
    "coin_flip": "the same detectors on coin-flip bars",
}

_RATES = {
    "capture_rate": "capture rate",
    "false_positive_share": "false-positive share",
    "win_rate": "win rate",
}
_SIZES = {
    "min_sessions": "scored sessions",
    "min_opportunities": "opportunities",
    "min_alerts": "alerts",
    "min_trades": "trades",
}
_TESTED = {
    "placement_capture": "capture rate",
    "placement_false_positives": "false-positive share",
    "more_than_geometry": "capture rate less false-positive share",
    "win_rate_chance": "win rate",
    "expectancy_chance": "net result per trade",
}
_MORE_DECIMALS = 6


def why_not(criterion: Criterion) -> str:
    """Return one sentence that says why a criterion did not pass."""
    name = criterion.name
    if name in _RATES:
        return _rate(criterion)
    if name in _SIZES:
        return f"{criterion.value:.0f} {_SIZES[name]}, needed at least {criterion.threshold:.0f}"
    if name in _TESTED:
        return _test(criterion)
    if name == "expectancy_points":
        if criterion.value is None:
            return "no trade was made, so none earned anything"
        return f"trades earned {criterion.value:.4g} points net on average, needed more than 0"
    if name == "audit_failures":
        if criterion.value is None:
            return "the detectors were not audited"
        unclean = _counted(criterion, "detector audit is", "detector audits are")
        which = (criterion.reason or "").replace("_", " ")
        return f"{unclean} not clean" + (f": {which}" if which else "")
    if name == "data_errors":
        return _counted(criterion, "finding makes", "findings make") + " the data unsafe to score"
    if name == "out_of_sample":
        seen = _counted(criterion, "scored session is", "scored sessions are")
        return f"{seen} not after what a model was fitted, or the settings were chosen, on"
    return f"{name} {criterion.value}, needed {criterion.op} {criterion.threshold:g}"


def _rate(criterion: Criterion) -> str:
    what, value, limit = _RATES[criterion.name], criterion.value, criterion.threshold
    least = criterion.op == ">="
    needed = f"needed at {'least' if least else 'most'}"
    if value is None:
        return f"{what} is undefined, {needed} {100 * limit:.1f} %"
    decimals = _telling_decimals(value, limit)
    shown = f"{what} {100 * value:.{decimals}f} %"
    if criterion.reason == GEOMETRY:
        return (
            f"{shown} does not count: the target is nearer than the stop, and entries taken at "
            "random would reach it as often; set trade.target_atr to at least trade.stop_atr"
        )
    off = f"{100 * abs(value - limit):.{decimals}f} points {'short' if least else 'over'}"
    return f"{shown}, {needed} {100 * limit:.{decimals}f} % ({off})"


def _telling_decimals(value: float, limit: float) -> int:
    """Return with how many decimals a share differs from its limit, in print as in fact."""
    for decimals in range(1, _MORE_DECIMALS):
        if f"{100 * value:.{decimals}f}" != f"{100 * limit:.{decimals}f}":
            return decimals
    return _MORE_DECIMALS


def _test(criterion: Criterion) -> str:
    what, p, limit = _TESTED[criterion.name], criterion.p_value, criterion.threshold
    if p is None:
        return f"{what} could not be compared with chance: it is undefined"
    against = [NULLS[null] for null, drawn in criterion.nulls.items() if drawn["p_value"] == p]
    return (
        f"{what} does not beat {' or '.join(against)}: chance does as well with probability "
        f"{p:.3g}, needed below {limit:g}"
    )


def _counted(criterion: Criterion, one: str, many: str) -> str:
    return f"{criterion.value:.0f} {one if criterion.value == 1 else many}"

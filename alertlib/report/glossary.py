"""What the words of a scorecard mean, in one sentence each."""

from __future__ import annotations

# By the name a criterion, a section or a figure has in the scorecard.
TERMS = {
    "capture_rate": "Moves with a valid alert, of all moves: an alert in the move's direction and "
    "session, at most two bars before its start, filled not later than its last bar.",
    "false_positive_share": "The customer's share: alerts valid for no move, of these and of those "
    "that captured a new one. Redundant alerts are in neither term; the shares of all alerts, "
    "and with redundant ones as false, stand beside it.",
    "win_rate": "Trades that earned more than nothing after slippage and fees, of all trades. A "
    "criterion only where the target is at least as far as the stop: a nearer one is reached at "
    "random as often.",
    "chance": "What the least favourable of the deciding nulls scores on average, and p, how "
    "probably chance does at least as well.",
    "days": "Session permutation: each session gets the alert schedule of another.",
    "flips": "Direction flip: a coin for each bar with alerts turns all of them round, or none.",
    "later": "Timing: each alert moves to one of the six bars from its own on. Printed, not "
    "demanded; not applicable to bars of 30 minutes and more.",
    "coins": "Coin-flip bars: every bar's move is reflected by a coin, and detectors, policy and "
    "labels run again. Beating them means that the bars are not coin flips, not that there is an "
    "edge to trade.",
    "n_eff": "How many independent observations the clustered ones are worth, from resampling "
    "whole sessions.",
    "min_sessions": "Scored sessions; fewer leave the question open (INSUFFICIENT).",
    "min_opportunities": "Moves of the scored sessions; fewer leave the question open.",
    "min_alerts": "Scored alerts; fewer fail.",
    "min_trades": "Trades; fewer fail.",
    "audit_failures": "Audits that found a detector to look ahead, to keep hidden state, to know "
    "its bars by heart, or to differ live from batch.",
    "data_errors": "Findings that make the bars unsafe to score.",
    "expectancy_points": "Net points per trade; more than nothing is needed.",
    "placement_capture": "The capture rate beats the same alerts on other days and with other "
    "directions. A rule that mirrors the labels passes this on noise, too.",
    "placement_false_positives": "The false-positive share beats the same two.",
    "more_than_geometry": "Capture rate less false-positive share, as one figure, beats the same "
    "detectors on coin-flip bars.",
    "win_rate_chance": "The win rate beats other days, other directions and coin-flip bars.",
    "expectancy_chance": "Net points per trade beat those on coin-flip bars.",
    "out_of_sample": "Scored sessions that a model was fitted, or a configuration chosen, on.",
    "proven": "The one-sided 95 % bounds of the three criteria clear their limits, too.",
    "redundant": "Valid only for moves that an earlier alert had captured.",
    "censored": "The data end before the alert's outcome can be known.",
    "calibration": "Of a detector that states probabilities: how many of its alerts were valid "
    "against how many it expected; z counts standard errors.",
}

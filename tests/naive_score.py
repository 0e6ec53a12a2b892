"""What becomes of naive alerts: policy, labels, matches, trades and rates.

The second half of the independent scorer; see ``naive`` for what it is and is not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction

from tests.naive import (
    SEVERITY_RANK,
    NaiveAlert,
    NaiveBar,
    Rules,
    alerts_of,
    atr,
    fit_dates,
    hours_of,
    keep,
    minute,
    scored_dates,
)


@dataclass
class Leg:
    p: int
    e: int
    direction: int
    start: int
    end: int


@dataclass
class NaiveRun:
    bars: list[NaiveBar]
    sessions: list[date]
    legs: list[Leg]
    alerts: list[NaiveAlert]
    suppressed: dict[str, int]
    counts: dict[str, int]
    rates: dict[str, float | None]
    trade: dict[str, float | None]


def apply_policy(alerts: list[NaiveAlert], bars: list[NaiveBar], rules: Rules) -> None:
    today: list[NaiveAlert] = []  # delivered in the session; nothing reaches back further

    def closing(alert: NaiveAlert) -> datetime:
        return bars[alert.t].time + timedelta(minutes=rules.minutes)

    for a in alerts:
        if today and bars[today[0].t].date != bars[a.t].date:
            today = []
        same = [d for d in today if d.direction == a.direction]
        if SEVERITY_RANK[a.severity] < SEVERITY_RANK[rules.min_severity]:
            a.suppressed = "severity"
        elif not rules.window[0] <= minute(closing(a)) <= rules.window[1]:
            a.suppressed = "window"
        elif any(d.t == a.t and d.pattern == a.pattern for d in same):
            a.suppressed = "duplicate"
        elif any(d.pattern == a.pattern and closing(d) == closing(a) for d in today):
            a.suppressed = "rate_limit"
        elif any(d.t < a.t <= d.t + rules.cooldown_bars for d in same):
            a.suppressed = "cooldown"
        else:
            today.append(a)


# --- labels -------------------------------------------------------------------------------


def legs_of(bars: list[NaiveBar], average: list[float], k: float) -> list[Leg]:
    """Directional-change legs of every session, indices into ``bars``."""
    sessions: dict[date, list[int]] = {}
    for i, b in enumerate(bars):
        sessions.setdefault(b.date, []).append(i)
    return [leg for indices in sessions.values() for leg in session_legs(bars, indices, average, k)]


def session_legs(
    bars: list[NaiveBar], indices: list[int], average: list[float], k: float
) -> list[Leg]:
    h = [b.high for b in bars]
    low = [b.low for b in bars]
    legs: list[Leg] = []
    mode, p, hi, lo = 0, -1, indices[0], indices[0]
    for i in indices[1:]:
        if mode == 0:
            new_high, new_low = h[i] > h[hi], low[i] < low[lo]
            hi = i if new_high else hi
            lo = i if new_low else lo
            up = not new_low and h[i] - low[lo] >= k * average[lo]
            down = not new_high and h[hi] - low[i] >= k * average[hi]
            if up and not down:
                mode, p, hi = 1, lo, i
            elif down and not up:
                mode, p, lo = -1, hi, i
        elif mode == 1:
            if h[i] > h[hi]:
                hi = i
            elif h[hi] - low[i] >= k * average[hi]:
                legs.append(Leg(p, hi, 1, low[p], h[hi]))
                mode, p, lo = -1, hi, i
        else:
            if low[i] < low[lo]:
                lo = i
            elif h[i] - low[lo] >= k * average[lo]:
                legs.append(Leg(p, lo, -1, h[p], low[lo]))
                mode, p, hi = 1, lo, i
    if mode == 1:
        legs.append(Leg(p, hi, 1, low[p], h[hi]))
    if mode == -1:
        legs.append(Leg(p, lo, -1, h[p], low[lo]))
    return legs


# --- matching -----------------------------------------------------------------------------


def fillable(t: int, bars: list[NaiveBar]) -> bool:
    return t + 1 < len(bars) and bars[t + 1].date == bars[t].date


def valid(t: int, direction: int, leg: Leg, bars: list[NaiveBar], least: float) -> bool:
    if direction != leg.direction or bars[t].date != bars[leg.p].date:
        return False
    if not (leg.p - 2 <= t and t + 1 <= leg.e and fillable(t, bars)):
        return False
    if leg.end == leg.start:
        return False
    left = Fraction((leg.end - bars[t + 1].open) * leg.direction, abs(leg.end - leg.start))
    return left >= Fraction(least)


def match(
    alerts: list[NaiveAlert], legs: list[Leg], bars: list[NaiveBar], least: float
) -> set[int]:
    """Write each alert's outcome and return the captured legs' positions."""
    captured: set[int] = set()
    for a in alerts:
        if a.outcome in ("censored", "unscored"):
            continue
        good = [n for n, leg in enumerate(legs) if valid(a.t, a.direction, leg, bars, least)]
        fresh = [n for n in good if n not in captured]
        if fresh:
            a.outcome, a.opportunity = "tp", fresh[0]
        elif good:
            a.outcome, a.opportunity = "redundant", good[0]
        else:
            a.outcome, a.opportunity = "fp", None
        captured |= set(good)
    return captured


def ceiling(legs: list[Leg], bars: list[NaiveBar], rules: Rules) -> float | None:
    """Share of the legs that some deliverable bar could have captured."""

    def in_window(t: int) -> bool:
        closing = minute(bars[t].time + timedelta(minutes=rules.minutes))
        return rules.window[0] <= closing <= rules.window[1]

    reachable = 0
    for leg in legs:
        candidates = range(max(leg.p - 2, 0), leg.e)
        reachable += any(
            in_window(t) and valid(t, leg.direction, leg, bars, rules.min_move_left)
            for t in candidates
        )
    return reachable / len(legs) if legs else None


# --- trades -------------------------------------------------------------------------------


def simulate(a: NaiveAlert, bars: list[NaiveBar], rules: Rules) -> dict[str, object]:
    """Walk bar by bar from the entry to the exit; prices in units."""
    d = a.direction
    first = a.t + 1
    entry = bars[first].open + d * rules.tick
    beyond_target = 0 if rules.touch else rules.tick
    deadline = bars[first].time + timedelta(minutes=rules.horizon_minutes)
    best = worst = bars[first].open  # of the bars' prices, not of the entry's
    ambiguous = False
    j = first
    while True:
        b = bars[j]
        if d == 1:
            stop_hit, target_hit = b.low <= a.stop, b.high >= a.target + beyond_target
            opens_through = b.open <= a.stop
        else:
            stop_hit, target_hit = b.high >= a.stop, b.low <= a.target - beyond_target
            opens_through = b.open >= a.stop
        best = max(best, b.high) if d == 1 else min(best, b.low)
        worst = min(worst, b.low) if d == 1 else max(worst, b.high)
        more = j + 1 < len(bars) and bars[j + 1].date == b.date
        next_close = bars[j + 1].time + timedelta(minutes=rules.minutes) if more else datetime.max
        if stop_hit:
            ambiguous = target_hit
            reason, price = "stop", (b.open if opens_through else a.stop) - d * rules.tick
        elif target_hit:
            reason, price = "target", a.target
        elif j == a.t + rules.horizon_bars or (more and next_close > deadline):
            reason, price = "time", b.close - d * rules.tick
        elif not more:
            reason, price = "session", b.close - d * rules.tick
        else:
            j += 1
            continue
        break
    net = d * (Fraction(price) - entry) - rules.fees
    return {
        "entry_bar": first,
        "entry_price": entry,
        "exit_bar": j,
        "exit_price": price,
        "exit_reason": reason,
        "net": net,
        "ambiguous": ambiguous,
        "best": best,
        "worst": worst,
    }


# --- the whole ----------------------------------------------------------------------------


def ratio(a: float, b: float) -> float | None:
    return a / b if b else None


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def trade_figures(alerts: list[NaiveAlert], rules: Rules) -> dict[str, float | None]:
    traded = [a for a in alerts if a.trade]
    net = [float(a.trade["net"]) for a in traded]
    stops = mean([abs(a.price - a.stop) for a in traded])
    targets = mean([abs(a.target - a.price) for a in traded])
    cost_won = float(rules.fees) + rules.tick
    cost_lost = float(rules.fees) + 2 * rules.tick
    return {
        "break_even_win_rate": ratio(stops + cost_lost, stops + targets + cost_lost - cost_won)
        if traded
        else None,
        "expectancy": mean(net),
        "expectancy_r": mean([x / abs(a.price - a.stop) for x, a in zip(net, traded, strict=True)]),
        "profit_factor": ratio(sum(x for x in net if x > 0), -sum(x for x in net if x < 0)),
    }


def score(raw: list[NaiveBar], rules: Rules, legs: list[Leg] | None = None) -> NaiveRun:
    hours = hours_of(raw, rules)
    bars = keep(raw, rules)
    alerts = alerts_of(bars, rules)
    apply_policy(alerts, bars, rules)
    delivered = [a for a in alerts if a.suppressed is None]
    average = atr(bars)
    found = legs_of(bars, average, rules.k) if legs is None else legs
    fit = fit_dates(bars, hours, rules)
    dates = scored_dates(fit, [bars[leg.p].date for leg in found], rules)
    found = [leg for leg in found if bars[leg.p].date in dates]

    truncated = bool(bars) and (minute(bars[-1].time) + rules.minutes < hours[bars[-1].date][1])
    for a in delivered:
        if bars[a.t].date not in dates:
            a.outcome = "unscored"
        elif truncated and a.t + rules.horizon_bars > len(bars) - 1:
            a.outcome = "censored"
    captured = match(delivered, found, bars, rules.min_move_left)
    for a in delivered:
        # An unscored alert has its trade, too, but it counts for nothing.
        if a.outcome != "censored" and fillable(a.t, bars):
            a.trade = simulate(a, bars, rules)
    counting = [a for a in delivered if a.outcome != "unscored"]

    tally = {
        o: sum(a.outcome == o for a in delivered) for o in ("tp", "fp", "redundant", "censored")
    }
    trades = [a.trade for a in counting if a.trade]
    wins = sum(x["net"] > 0 for x in trades)
    ambiguous = sum(bool(x["ambiguous"]) for x in trades)
    alerts_scored = tally["tp"] + tally["fp"] + tally["redundant"]
    counts = {
        "opportunities": len(found),
        "alerts": alerts_scored,
        "captured": len(captured),
        "tp": tally["tp"],
        "false_positives": tally["fp"],
        "redundant": tally["redundant"],
        "censored": tally["censored"],
        "trades": len(trades),
        "wins": wins,
        "ambiguous": ambiguous,
    }
    rates = {
        "capture_rate": ratio(len(captured), len(found)),
        "false_positive_share": ratio(tally["fp"], tally["tp"] + tally["fp"]),
        "fp_share_all": ratio(tally["fp"], alerts_scored),
        "fp_share_strict": ratio(tally["fp"] + tally["redundant"], alerts_scored),
        "win_rate": ratio(wins, len(trades)),
        "oracle_ceiling": ceiling(found, bars, rules),
    }
    reasons = [a.suppressed for a in alerts if a.suppressed]
    suppressed = {r: reasons.count(r) for r in sorted(set(reasons))}
    figures = trade_figures(counting, rules)
    return NaiveRun(bars, dates, found, alerts, suppressed, counts, rates, figures)


def sensitivity(run: NaiveRun, rules: Rules) -> list[dict[str, float | None]]:
    """The table over k and min_move_left, alerts unchanged."""
    average = atr(run.bars)
    table = []
    for k in (2, 3, 4):
        legs = [x for x in legs_of(run.bars, average, k) if run.bars[x.p].date in run.sessions]
        for least in (0, 0.25, 0.5):
            alerts = [
                replace(a, outcome=a.outcome if a.outcome in ("censored", "unscored") else None)
                for a in run.alerts
                if a.suppressed is None
            ]
            captured = match(alerts, legs, run.bars, least)
            fp = sum(a.outcome == "fp" for a in alerts)
            tp = sum(a.outcome == "tp" for a in alerts)
            table.append(
                {
                    "k": k,
                    "min_move_left": least,
                    "capture_rate": ratio(len(captured), len(legs)),
                    "false_positive_share": ratio(fp, tp + fp),
                }
            )
    return table

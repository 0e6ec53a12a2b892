"""The scoring spec once more, in its slowest and most obvious form.

Written from the written definitions alone and importing nothing of the package, so that
an agreement between the two means something. Prices are Python integers in units of the
file's last decimal (points for WIN, cents for a share), so that every comparison of
prices is exact; only ATR, RSI and z-scores are floating point. Everything is a list, every
loop starts again from scratch, and nothing is clever.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from statistics import fmean

PATTERN_ORDER = [
    "volatilidade_extrema",
    "engulfing_bullish",
    "engulfing_bearish",
    "divergencia_rsi_alta",
    "divergencia_rsi_baixa",
    "break_resistencia",
    "break_suporte",
    "mudanca_direcional_alta",
    "mudanca_direcional_baixa",
]
BASE_HUNDREDTHS = {
    "volatilidade_extrema": 85,
    "engulfing_bullish": 65,
    "engulfing_bearish": 65,
    "divergencia_rsi_alta": 60,
    "divergencia_rsi_baixa": 60,
    "break_resistencia": 70,
    "break_suporte": 70,
    "mudanca_direcional_alta": 82,
    "mudanca_direcional_baixa": 82,
}
SEVERITY_RANK = {"MEDIO": 0, "ALTO": 1, "CRITICO": 2}


@dataclass
class Rules:
    """The numbers of the spec. ``tick`` and ``fees`` are in units of the bars' prices."""

    family: str = "WIN"
    minutes: int = 5
    tick: int = 5
    on_grid: bool = True
    fees: Fraction = Fraction(256, 100)
    k: float = 3
    min_move_left: float = 0
    warmup_bars: int = 600
    last_sessions: int | None = None  # 60, and further back until there are enough moves
    enough_moves: int = 100
    stop_atr: float = 1.5
    target_atr: float = 1.5
    entry_atr: float = 0.25
    horizon_bars: int = 24
    horizon_minutes: int = 150
    touch: bool = False
    cooldown_bars: int = 6
    window: tuple[int, int] = (9 * 60 + 5, 17 * 60 + 30)
    min_severity: str = "MEDIO"
    detectors: tuple[str, ...] = ("volatility", "engulfing", "rsi_divergence", "breakout")
    breakout_levels: str = "extremes"
    hours: tuple[int, int] | None = None  # stated for the symbol: beats family and file


@dataclass
class NaiveBar:
    time: datetime
    open: int
    high: int
    low: int
    close: int

    @property
    def date(self) -> date:
        return self.time.date()


@dataclass
class NaiveAlert:
    t: int
    direction: int
    pattern: str
    agreeing: list[str]
    confidence: int
    severity: str
    price: int
    entry_min: float
    entry_max: float
    stop: float
    target: float
    suppressed: str | None = None
    outcome: str | None = None
    opportunity: int | None = None
    trade: dict[str, object] = field(default_factory=dict)


def in_units(rows: list[tuple[datetime, float, float, float, float]]) -> tuple[list[NaiveBar], int]:
    """Return the bars in integer units and the number of decimals a unit stands for."""
    decimals = max(
        (
            -int(Decimal(repr(float(x))).normalize().as_tuple().exponent)
            for r in rows
            for x in r[1:]
        ),
        default=0,
    )
    decimals = max(decimals, 0)
    scaled = [
        NaiveBar(r[0], *(int(Decimal(repr(float(x))).scaleb(decimals)) for x in r[1:]))
        for r in rows
    ]
    return scaled, decimals


# --- sessions -----------------------------------------------------------------------------


def easter(year: int) -> date:
    """Sunday of Easter, by the anonymous Gregorian algorithm (Meeus 1991)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def us_daylight_saving(day: date) -> bool:
    march = [date(day.year, 3, d) for d in range(1, 32)]
    november = [date(day.year, 11, d) for d in range(1, 31)]
    starts = [d for d in march if d.weekday() == 6][1]
    ends = next(d for d in november if d.weekday() == 6)
    return starts <= day < ends


def table_hours(family: str, day: date) -> tuple[int, int] | None:
    """Session [open, close) in minutes of the day, or None for a family without a table."""
    ash_wednesday = easter(day.year) - timedelta(days=46)
    if family == "B3 cash equity":
        close = 17 * 60 if us_daylight_saving(day) else 18 * 60
        return (13 * 60 if day == ash_wednesday else 10 * 60), close
    if family not in ("WIN", "WDO", "BIT"):
        return None
    early = day < date(2023, 11, 5) and us_daylight_saving(day)
    close = 17 * 60 + 55 if early else 18 * 60 + 25
    if family in ("WDO", "BIT"):
        close += 5
    opening = 9 * 60
    if family == "BIT" and day >= date(2026, 3, 9):
        opening, close = 8 * 60, (20 * 60 if day >= date(2026, 4, 20) else 18 * 60 + 30)
    return (13 * 60 if day == ash_wednesday else opening), close


def minute(time: datetime) -> int:
    return time.hour * 60 + time.minute


def modal_hours(bars: list[NaiveBar], minutes: int) -> tuple[int, int]:
    firsts: dict[date, int] = {}
    lasts: dict[date, int] = {}
    for bar in bars:
        firsts.setdefault(bar.date, minute(bar.time))
        lasts[bar.date] = minute(bar.time)
    first = Counter(firsts.values()).most_common()
    last = Counter(lasts.values()).most_common()
    opening = min(m for m, n in first if n == first[0][1])
    closing = max(m for m, n in last if n == last[0][1])
    return opening, closing + minutes


def hours_of(bars: list[NaiveBar], rules: Rules) -> dict[date, tuple[int, int]]:
    modal = modal_hours(bars, rules.minutes) if bars else (0, 0)
    days = {bar.date for bar in bars}
    hours = {day: rules.hours or table_hours(rules.family, day) or modal for day in days}
    if table_hours(rules.family, date(2021, 4, 5)) is not None:  # a family of B3
        hours |= {day: (0, 0) for day in days if not is_open_at_b3(day)}
    return hours


def is_open_at_b3(day: date) -> bool:
    """Whether B3 trades, by the list of its holidays since 2004."""
    sunday = easter(day.year)
    closed = [sunday + timedelta(days=n) for n in (-48, -47, -2, 60)]
    fixed = ["01-01", "04-21", "05-01", "09-07", "10-12", "11-02", "11-15", "12-24", "12-25"]
    if day.year <= 2021:
        fixed.append("01-25")
    if day.year <= 2021 and day.year != 2020:
        fixed += ["07-09", "11-20"]
    if day.year >= 2024:
        fixed.append("11-20")
    ends = [date(day.year, 12, d) for d in range(25, 32)]
    closed.append([d for d in ends if d.weekday() < 5][-1])
    holiday = day in closed or f"{day:%m-%d}" in fixed or day == date(2014, 6, 12)
    return day.weekday() < 5 and not holiday


def overlap(opening: int, minutes: int, hours: tuple[int, int]) -> bool:
    """Whether one of a bar's minutes lies in the session."""
    return any(hours[0] <= m < hours[1] for m in range(opening, opening + minutes))


def keep(bars: list[NaiveBar], rules: Rules) -> list[NaiveBar]:
    hours = hours_of(bars, rules)
    return [b for b in bars if overlap(minute(b.time), rules.minutes, hours[b.date])]


def fit_dates(kept: list[NaiveBar], hours: dict[date, tuple[int, int]], rules: Rules) -> list[date]:
    present_on = Counter(b.date for b in kept)
    fit = []
    before = 0
    for day in sorted(present_on):
        present = present_on[day]
        opening = hours[day][0] // rules.minutes * rules.minutes
        expected = math.ceil((hours[day][1] - opening) / rules.minutes)
        if present * 100 >= expected * 80 and before >= rules.warmup_bars:
            fit.append(day)
        before += present
    return fit


def scored_dates(fit: list[date], moves_on: list[date], rules: Rules) -> list[date]:
    """The last sessions asked for; without a number 60, then one more until the moves do."""
    if rules.last_sessions is not None:
        return fit[-rules.last_sessions :]
    sessions = 60
    while sessions < len(fit):
        if sum(day in fit[-sessions:] for day in moves_on) >= rules.enough_moves:
            break
        sessions += 1
    return fit[-sessions:]


# --- indicators and detectors -------------------------------------------------------------


def atr(bars: list[NaiveBar], n: int = 14) -> list[float]:
    out: list[float] = []
    ranges: list[int] = []
    value = math.nan
    for i, b in enumerate(bars):
        if i == 0 or bars[i - 1].date != b.date:
            ranges.append(b.high - b.low)
        else:
            last = bars[i - 1].close
            ranges.append(max(b.high - b.low, abs(b.high - last), abs(b.low - last)))
        if i == n - 1:
            value = sum(ranges) / n
        elif i >= n:
            value = (value * (n - 1) + ranges[i]) / n
        out.append(value)
    return out


def joined(bars: list[NaiveBar]) -> list[NaiveBar]:
    out = []
    shift = 0
    for i, b in enumerate(bars):
        if i > 0 and bars[i - 1].date != b.date:
            shift += b.open - bars[i - 1].close
        out.append(NaiveBar(b.time, b.open - shift, b.high - shift, b.low - shift, b.close - shift))
    return out


def beyond(window: list[int], sigma: float) -> int:
    """Side on which the last value lies at least ``sigma`` deviations from the mean."""
    mean = fmean(window)
    deviation = math.sqrt(fmean((x - mean) ** 2 for x in window))
    if min(window) == max(window):
        return 0
    z = (window[-1] - mean) / deviation
    reached = abs(z) >= sigma
    if abs(abs(z) - sigma) < 1e-6:  # on the threshold: decide it in exact fractions
        exact = [Fraction(x) for x in window]
        centre = sum(exact) / len(exact)
        variance = sum((x - centre) ** 2 for x in exact) / len(exact)
        reached = (exact[-1] - centre) ** 2 >= Fraction(sigma) ** 2 * variance
    return (1 if z > 0 else -1) if reached else 0


def volatility(
    bars: list[NaiveBar], n: int = 20, sigma: float = 2.0, confirm: int = 2
) -> list[tuple[int, int, str]]:
    closes = [b.close for b in bars]
    side = [beyond(closes[i - n + 1 : i + 1], sigma) if i >= n - 1 else 0 for i in range(len(bars))]
    signals = []
    for i in range(len(bars)):
        run = 0
        while side[i] != 0 and run <= i and side[i - run] == side[i]:
            run += 1
        if run == confirm:
            signals.append((i, side[i], "volatilidade_extrema"))
    return signals


def engulfing(bars: list[NaiveBar]) -> list[tuple[int, int, str]]:
    signals = []
    for i in range(1, len(bars)):
        a, b = bars[i - 1], bars[i]
        first, second = a.close - a.open, b.close - b.open
        covers = min(b.open, b.close) <= min(a.open, a.close) and max(b.open, b.close) >= max(
            a.open, a.close
        )
        if a.date == b.date and first * second < 0 and covers:
            up = second > 0
            signals.append((i, 1 if up else -1, "engulfing_bullish" if up else "engulfing_bearish"))
    return signals


def rsi(closes: list[int], n: int = 14) -> list[float]:
    out = [math.nan] * len(closes)
    changes = [b - a for a, b in itertools.pairwise(closes)]
    if len(changes) < n:
        return out
    gain = sum(max(c, 0) for c in changes[:n]) / n
    loss = sum(max(-c, 0) for c in changes[:n]) / n
    for i in range(n, len(closes)):
        if i > n:
            change = changes[i - 1]
            gain = (gain * (n - 1) + max(change, 0)) / n
            loss = (loss * (n - 1) + max(-change, 0)) / n
        out[i] = 50.0 if gain + loss == 0 else 100 * gain / (gain + loss)
    return out


def rsi_divergence(
    bars: list[NaiveBar], least: int = 5, most: int = 40, points: float = 1.0, n: int = 14
) -> list[tuple[int, int, str]]:
    strength = rsi([b.close for b in bars], n)
    lows = [b.low for b in bars]
    highs = [-b.high for b in bars]
    signals = []
    for values, direction in ((lows, 1), (highs, -1)):
        pivots = [
            i
            for i in range(2, len(bars) - 2)
            if all(values[i] < values[i + d] for d in (-2, -1, 1, 2))
        ]
        for a, b in itertools.pairwise(pivots):
            one_session = bars[a - 2].date == bars[b + 2].date
            further = values[b] < values[a]
            rise = (strength[b] - strength[a]) * direction
            if one_session and least <= b - a <= most and further and rise >= points:
                name = "divergencia_rsi_alta" if direction == 1 else "divergencia_rsi_baixa"
                signals.append((b + 2, direction, name))
    # A step gives one signal per bar: a bar that confirms both kinds says nothing. No other
    # choice leaves mirrored prices with mirrored signals.
    bars_of_both = {i for i, n in Counter(i for i, _, _ in signals).items() if n == 2}
    return sorted(s for s in signals if s[0] not in bars_of_both)


def breakout(
    bars: list[NaiveBar], tick: int, n: int = 5, levels: str = "extremes"
) -> list[tuple[int, int, str]]:
    def holds(i: int, direction: int) -> bool:
        if i < n:
            return False
        before = bars[i - n : i]
        if levels == "closes":
            top, bottom = max(b.close for b in before), min(b.close for b in before)
        else:
            top, bottom = max(b.high for b in before), min(b.low for b in before)
        if direction == 1:
            return bars[i].close >= top + tick
        return bars[i].close <= bottom - tick

    signals = []
    for i in range(len(bars)):
        for direction, name in ((1, "break_resistencia"), (-1, "break_suporte")):
            if holds(i, direction) and not holds(i - 1, direction):
                signals.append((i, direction, name))
    return signals


def directional_change(
    bars: list[NaiveBar],
    tick: int,
    tau: float = 0.82,
    k: float = 3.0,
    n: int = 14,
    early: int = 2,
    wait: int = 6,
) -> list[tuple[int, int, str, int]]:
    """Signals once per leg: for every bar, the whole session up to it is walked again."""
    reversal = [k * value for value in atr(bars, n)]  # W of an extreme made at each bar
    signals: list[tuple[int, int, str, int]] = []
    for day in sorted({b.date for b in bars}):
        today = [i for i, b in enumerate(bars) if b.date == day]
        last: dict[int, int] = {}  # the bar of each side's last signal of this session
        for i in today:
            mode, onset, hi, lo = mode_at(bars, today[: today.index(i) + 1], reversal)
            c = bars[i].close
            to_up = bars[lo].low + reversal[lo] - c
            to_down = c - (bars[hi].high - reversal[hi])
            to_high = bars[hi].high + tick - c
            to_low = c - (bars[lo].low - tick)
            if mode == 1:
                up, down = (to_high, to_down, onset), (to_down, to_high, hi)
            elif mode == -1:
                up, down = (to_up, to_low, lo), (to_low, to_up, onset)
            elif math.isnan(to_up) or math.isnan(to_down):
                continue
            else:
                up, down = (to_up, min(to_low, to_down), lo), (to_down, min(to_high, to_up), hi)
            for side, name, (u, d, origin) in (
                (1, "mudanca_direcional_alta", up),
                (-1, "mudanca_direcional_baixa", down),
            ):
                u = max(u, 0)
                first = side not in last
                again = not first and origin > last[side] + early and i - last[side] > wait
                if d > 0 and d >= tau * (d + u) and (first or again):
                    stated = max(math.floor(100 * (d / (d + u))), math.floor(100 * tau))
                    signals.append((i, side, name, min(stated, 95)))
                    last[side] = i
                    break
    return signals


def mode_at(
    bars: list[NaiveBar], session: list[int], reversal: list[float]
) -> tuple[int, int, int, int]:
    """Mode, onset, and the bars of the extremes after the bars of a session so far."""
    mode, onset, hi, lo = 0, -1, session[0], session[0]
    for i in session[1:]:
        higher, lower = bars[i].high > bars[hi].high, bars[i].low < bars[lo].low
        if mode == 0:
            hi = i if higher else hi
            lo = i if lower else lo
            rise = not lower and bars[i].high - bars[lo].low >= reversal[lo]
            fall = not higher and bars[hi].high - bars[i].low >= reversal[hi]
            if rise and not fall:
                mode, onset, hi = 1, lo, i
            if fall and not rise:
                mode, onset, lo = -1, hi, i
        elif mode == 1 and higher:
            hi = i
        elif mode == 1 and bars[hi].high - bars[i].low >= reversal[hi]:
            mode, onset, lo = -1, hi, i
        elif mode == -1 and lower:
            lo = i
        elif mode == -1 and bars[i].high - bars[lo].low >= reversal[lo]:
            mode, onset, hi = 1, lo, i
    return mode, onset, hi, lo


# Warm-up of each detector in bars. A signal counts once its window was full on the bar before as
# well: that a run is exactly two bars long takes a third z-score, that a break is new the channel
# of the bar before.
WARMUP = {
    "volatility": 20,
    "engulfing": 1,
    "rsi_divergence": 600,
    "breakout": 5,
    "directional_change": 600,
}


def signals_of(bars: list[NaiveBar], rules: Rules) -> list[tuple[int, int, str, int]]:
    series = joined(bars)
    by_detector: dict[str, list[tuple[int, int, str] | tuple[int, int, str, int]]] = {
        "volatility": volatility(series),
        "engulfing": engulfing(series),
        "rsi_divergence": rsi_divergence(series),
        "breakout": breakout(series, rules.tick, levels=rules.breakout_levels),
        "directional_change": directional_change(series, rules.tick),
    }
    counted = [s for name in rules.detectors for s in by_detector[name] if s[0] > WARMUP[name]]
    # Every signal with its confidence in hundredths: stated by the detector, or its base.
    return [s if len(s) == 4 else (*s, BASE_HUNDREDTHS[s[2]]) for s in counted]


# --- alerts -------------------------------------------------------------------------------


def on_tick(value: float, rules: Rules, up: bool) -> float:
    if not rules.on_grid:
        return value
    return (math.ceil if up else math.floor)(value / rules.tick) * rules.tick


def make_alert(
    t: int, direction: int, names: dict[str, int], price: int, atr_t: float, rules: Rules
) -> NaiveAlert:
    ranked = sorted(names, key=lambda n: (-BASE_HUNDREDTHS[n], PATTERN_ORDER.index(n)))
    confidence = min(names[ranked[0]] + 10 * (len(ranked) - 1), 95)
    severity = "CRITICO" if confidence >= 80 else "ALTO" if confidence >= 65 else "MEDIO"
    to_stop = max(rules.stop_atr * atr_t, rules.tick)
    to_target = max(rules.target_atr * atr_t, rules.tick)
    long = direction == 1
    return NaiveAlert(
        t=t,
        direction=direction,
        pattern=ranked[0],
        agreeing=ranked[1:],
        confidence=confidence,
        severity=severity,
        price=price,
        entry_min=on_tick(price - rules.entry_atr * atr_t, rules, up=False),
        entry_max=on_tick(price + rules.entry_atr * atr_t, rules, up=True),
        stop=on_tick(price - direction * to_stop, rules, up=long),
        target=on_tick(price + direction * to_target, rules, up=long),
    )


def alerts_of(bars: list[NaiveBar], rules: Rules) -> list[NaiveAlert]:
    average = atr(bars)
    found = signals_of(bars, rules)
    alerts = []
    for t in sorted({s[0] for s in found}):
        for direction in (1, -1):
            names = {name: own for i, d, name, own in found if i == t and d == direction}
            if names and not math.isnan(average[t]):
                alerts.append(make_alert(t, direction, names, bars[t].close, average[t], rules))
    return alerts

"""Charts of a scorecard as inline SVG, which the page's style sheet colours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from alertlib.report import formats
from alertlib.report.formats import Card, Line

# Sessions are merged into at most this many bars.
MAX_BARS = 120
_GAP = 0.12
# Share of a chart's height, in per cent, that a line of text beside it takes.
_APART = 17


class Group(NamedTuple):
    """One bar of the session charts: a session, or several in a row."""

    first: str
    last: str
    opportunities: int
    captured: int
    fp: int
    redundant: int
    trades: int
    points: float

    @property
    def dates(self) -> str:
        """Its session, or its first and last."""
        return self.first if self.first == self.last else f"{self.first} to {self.last}"

    @property
    def missed(self) -> int:
        """Opportunities no alert captured."""
        return self.opportunities - self.captured


class Mark(NamedTuple):
    """A figure beside a chart, and how far from its top it stands, in per cent."""

    top: float
    label: str


class SessionCharts(NamedTuple):
    """The sessions' charts, which share their horizontal axis.

    Attributes
    ----------
    each : int
        Sessions per bar.
    dates : list of str
        Of the first, the middle and the last bar.
    moves, points, total : Markup
        Moves above and false alerts below the line; net points; their running total.
    most_moves, most_false : int
        What the height above and below the line stands for.
    best, worst, last, highest, lowest : float
        Net points of the best and the worst bar; where the running total ends, and its range.
    moves_marks, points_marks, total_marks : list of Mark
        What stands beside each chart.
    """

    each: int
    dates: list[str]
    moves: Markup
    most_moves: int
    most_false: int
    points: Markup
    best: float
    worst: float
    total: Markup
    last: float
    highest: float
    lowest: float
    moves_marks: list[Mark]
    points_marks: list[Mark]
    total_marks: list[Mark]


def interval(line: Line) -> Markup:
    """Draw a rate from 0 to 100 %: interval, value, limit, chance, and where it would pass."""
    limit = line["threshold"]
    ends = [(0, "start", "0")] if limit >= 0.05 else []
    ends += [(100, "end", "100%")] if limit <= 0.9 else []
    low, high = (limit, 1.0) if line["op"].startswith(">") else (0.0, limit)
    parts = [_band("track", 0, 1, 22, 8), _band("goal", low, high, 22, 8)]
    if line["ci_low"] is not None:
        parts.append(_band("ci", line["ci_low"], line["ci_high"], 19, 14))
    parts.append(_tick("limit", limit, f"limit {formats.percent(limit)}", 11, 14, 36))
    if line["chance"] is not None:
        chance = line["chance"]
        parts.append(_tick("chance", chance, f"chance {formats.percent(chance)}", 51, 18, 40))
    parts += [
        Markup('<text x="{}%" y="11" text-anchor="{}">{}</text>').format(*end) for end in ends
    ]
    if line["value"] is not None:
        parts.append(Markup('<circle cx="{}%" cy="26" r="6"/>').format(_share(line["value"])))
    return _svg("interval", 54, f"{formats.name(line['name'])} {formats.shown(line)}", parts)


def quartiles(low: float, median: float, high: float) -> Markup:
    """Draw the share of a move that was left: its quartiles and its median."""
    parts = [_band("track", 0, 1, 8, 8), _band("ci", low, high, 5, 14)]
    parts.append(Markup('<circle cx="{}%" cy="12" r="6"/>').format(_share(median)))
    return _svg("quartiles", 24, f"median {formats.percent(median)} of the move left", parts)


def shares(parts: Iterable[tuple[str, float]], most: float) -> Markup:
    """Draw counts end to end, as wide as their share of ``most``."""
    start, drawn = 0.0, []
    for look, size in parts:
        end = start + (size / most if most else 0)
        drawn.append(_band(look, start, end, 0, 10))
        start = end
    return _svg("shares", 10, "", drawn)


def _share(share: float) -> str:
    return f"{100 * min(max(share, 0.0), 1.0):.4g}"


def _band(look: str, start: float, end: float, top: int, height: int) -> Markup:
    return Markup('<rect class="{}" x="{}%" width="{}%" y="{}" height="{}"/>').format(
        look, _share(start), _share(end - start), top, height
    )


def _tick(look: str, at: float, label: str, text_y: int, top: int, bottom: int) -> Markup:
    anchor = "start" if at < 0.3 else "end" if at > 0.7 else "middle"
    return Markup(
        '<line class="{0}" x1="{1}%" x2="{1}%" y1="{2}" y2="{3}"/>'
        '<text class="{0}" x="{1}%" y="{4}" text-anchor="{5}">{6}</text>'
    ).format(look, _share(at), top, bottom, text_y, anchor, label)


def _svg(look: str, height: int, label: str, parts: Iterable[Markup]) -> Markup:
    about = Markup(' role="img" aria-label="{}"').format(label) if label else Markup("")
    return Markup('<svg class="{}" width="100%" height="{}"{}>{}</svg>').format(
        look, height, about, Markup("").join(parts)
    )


def sessions(card: Card) -> SessionCharts | None:
    """Return the charts of the scored sessions; None where there is none."""
    rows = card["per_session"]
    if not rows:
        return None
    each = sessions_to_a_bar(len(rows))
    bars = [_group(rows[i : i + each]) for i in range(0, len(rows), each)]
    most_moves = max(b.opportunities for b in bars)
    most_false = max(b.fp + b.redundant for b in bars)
    total, running = 0.0, []
    for bar in bars:
        total += bar.points
        running.append(total)
    points = [b.points for b in bars]
    return SessionCharts(
        each=each,
        dates=[bars[i].first for i in dict.fromkeys((0, len(bars) // 2, len(bars) - 1))],
        moves=_moves(bars, most_moves, most_false),
        most_moves=most_moves,
        most_false=most_false,
        points=_points(bars),
        best=max(points),
        worst=min(points),
        total=_total(running),
        last=total,
        highest=max(0.0, *running),
        lowest=min(0.0, *running),
        moves_marks=_count_marks(most_moves, most_false),
        points_marks=_point_marks(points),
        total_marks=_point_marks(running),
    )


def sessions_to_a_bar(sessions: int) -> int:
    """Return how many sessions share a bar."""
    return -(-sessions // MAX_BARS)


def _count_marks(above: int, below: int) -> list[Mark]:
    return marks(100 * above / max(above + below, 1), 100 / max(above + below, 1), above, -below)


def _point_marks(values: Sequence[float]) -> list[Mark]:
    return marks(*scale(values), max(0.0, *values), min(0.0, *values), points=True)


def marks(zero: float, unit: float, high: float, low: float, *, points: bool = False) -> list[Mark]:
    """Return the marks beside a chart: zero, and both ends where they do not cover it.

    Parameters
    ----------
    zero, unit : float
        See :func:`scale`.
    high, low : float
        What the chart reaches above and below zero; counts below it have no sign.
    points : bool
        Whether they are points.
    """
    write = formats.short_points if points else lambda value: formats.count(abs(value))
    ends = [Mark(zero - value * unit, write(value)) for value in (high, low) if value]
    apart = [mark for mark in ends if abs(mark.top - zero) >= _APART]
    return sorted([Mark(zero, "0"), *apart])


def _group(rows: Sequence[Line]) -> Group:
    names = ("opportunities", "captured", "fp", "redundant", "trades", "points")
    sums = {name: sum(row[name] for row in rows) for name in names}
    return Group(formats.clean(rows[0]["date"]), formats.clean(rows[-1]["date"]), **sums)


def _moves(bars: Sequence[Group], most_moves: int, most_false: int) -> Markup:
    unit = 100 / max(most_moves + most_false, 1)
    zero = most_moves * unit

    def stack(look: str, size: Callable[[Group], int], base: Callable[[Group], int]) -> Markup:
        return _columns(look, [(zero - base(b) * unit, -size(b) * unit) for b in bars])

    parts = [
        stack("captured", lambda b: b.captured, lambda b: 0),
        stack("missed", lambda b: b.missed, lambda b: b.captured),
        stack("false", lambda b: -b.fp, lambda b: 0),
        stack("redundant", lambda b: -b.redundant, lambda b: -b.fp),
        zero_line(zero, len(bars)),
    ]
    notes = [
        f"{b.dates}: {b.captured} of {formats.counted(b.opportunities, 'move')} captured, "
        f"{b.fp} false, {b.redundant} redundant"
        for b in bars
    ]
    return strip(parts, len(bars), notes, "Moves and alerts by session")


def _points(bars: Sequence[Group]) -> Markup:
    values = [b.points for b in bars]
    zero, unit = scale(values)
    parts = [
        _columns("gain", [(zero, -max(v, 0) * unit) for v in values]),
        _columns("loss", [(zero, -min(v, 0) * unit) for v in values]),
        zero_line(zero, len(bars)),
    ]
    notes = [
        f"{b.dates}: {formats.points(b.points)} points, {formats.counted(b.trades, 'trade')}"
        for b in bars
    ]
    return strip(parts, len(bars), notes, "Net points by session")


def _total(running: Sequence[float]) -> Markup:
    zero, unit = scale(running)
    steps = "".join(f"L{i + 1} {zero - value * unit:.1f}" for i, value in enumerate(running))
    path = Markup('<path class="total" d="M0 {:.1f}{}"/>').format(zero, steps)
    return strip([zero_line(zero, len(running)), path], len(running), [], "Running total of points")


def area(look: str, zero: float, heights: Sequence[float]) -> Markup:
    """Fill between zero and a height for each bar."""
    steps = "".join(f"V{y:.1f}h1" for y in heights)
    return Markup('<path class="{0}" d="M0 {1:.1f}{2}V{1:.1f}z"/>').format(look, zero, steps)


def scale(values: Sequence[float]) -> tuple[float, float]:
    """Return where zero lies in a height of 100, and the height of one unit."""
    high, low = max(0.0, *values), min(0.0, *values)
    unit = 96 / (high - low) if high > low else 0.0
    return 2 + high * unit, unit


def _columns(look: str, bars: Iterable[tuple[float, float]]) -> Markup:
    """Draw a column per bar from ``top`` on over ``height``, upward where it is negative."""
    width = f"{1 - 2 * _GAP:g}"
    path = "".join(
        f"M{i + _GAP:g} {top:.1f}v{height:.1f}h{width}v{-height:.1f}z"
        for i, (top, height) in enumerate(bars)
        if abs(height) > 0.05
    )
    return Markup('<path class="{}" d="{}"/>').format(look, path)


def zero_line(y: float, bars: int) -> Markup:
    """Draw the line of zero across all bars."""
    return Markup('<path class="zero" d="M0 {:.1f}h{}"/>').format(y, bars)


def strip(parts: Iterable[Markup], bars: int, notes: Sequence[str], label: str) -> Markup:
    """Return an SVG of one unit a bar, stretched to the page's width, with a note on each."""
    hover = Markup("").join(
        Markup('<path class="hover" d="M{} 0h1v100h-1z"><title>{}</title></path>').format(i, note)
        for i, note in enumerate(notes)
    )
    return Markup(
        '<svg class="strip" viewBox="0 0 {} 100" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}{}</svg>'
    ).format(bars, label, Markup("").join(parts), hover)

"""What is said of an alert and of a move where the pointer rests on it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from alertlib.report.plots.writing import Writing, arrow

_ID_DIGITS = 8
# Characters to a line: a telephone shows about as many.
_WIDTH = 46


def alert_text(alert: Mapping[str, Any], why: str | None, writing: Writing) -> str:
    """Return what is said of an alert.

    Parameters
    ----------
    alert : mapping
        Row of ``alerts`` or of ``suppressed``.
    why : str or None
        The verdict in words; only its name where left out.
    """
    word = writing.word
    agreeing = ", ".join(writing.label(name) for name in alert["agreeing"]) or word("none")
    lines = [
        f"<b>{writing.label(alert['pattern'])}, {writing.side(alert['direction'])}</b>",
        f"{alert['time']:%H:%M} · id {alert['id'][:_ID_DIGITS]}",
        *_wrapped(f"<b>{_verdict(alert, writing)}</b>{f': {escape(why)}' if why else ''}"),
        f"{word('price')} {writing.price(alert['price'])}, {word('entry')} "
        f"{writing.price(alert['entry_min'])}–{writing.price(alert['entry_max'])}",
        f"{word('stop')} {writing.price(alert['stop'])}, "
        f"{word('target')} {writing.price(alert['target'])}",
        *_trade_lines(alert, writing),
        f"{word('confidence')} {writing.percent(alert['confidence'])}, "
        f"{writing.label(alert['severity'])}",
        *_wrapped(f"{word('agreeing')}: {agreeing}"),
    ]
    return "<br>".join(lines)


def alert_headline(alert: Mapping[str, Any], writing: Writing) -> tuple[str, str]:
    """Return what an alert was, and what it came to."""
    result = "" if alert.get("entry_time") is None else f" · {_result(alert, writing)}"
    return (
        f"{alert['time']:%H:%M} {writing.label(alert['pattern'])}, "
        f"{writing.side(alert['direction'])}",
        f"{_verdict(alert, writing)}{result}",
    )


def move_text(
    move: Mapping[str, Any], alerts: Mapping[str, int], against: int, writing: Writing
) -> str:
    """Return what is said of a move.

    Parameters
    ----------
    move : mapping
        Row of ``opportunities``.
    alerts : mapping of str to int
        By outcome, as of :class:`alertlib.report.plots.day.Move`.
    against : int
        False alarms of the other direction.
    """
    word = writing.word
    size = f"{writing.price(move['points'])} {word('points')}"
    if move["atr"] is not None:
        size += f", {writing.number(move['atr'], 1)} ATR"
    lines = [
        f"<b>{arrow(move['direction'])} {size}</b>",
        f"{move['time_start']:%H:%M}–{move['time_end']:%H:%M}",
        word("captured" if move["captured"] else "missed")
        + (f" · id {move['alert_id'][:_ID_DIGITS]}" if move["captured"] else ""),
        f"{alerts['redundant']} {word('redundant_many')}",
        f"{alerts['fp']} {word('false_inside')}, {against} {word('against')}",
    ]
    return "<br>".join(lines)


def _verdict(alert: Mapping[str, Any], writing: Writing) -> str:
    if "reason" in alert:
        return f"{writing.word('suppressed')}: {writing.word('reason_' + alert['reason'])}"
    return writing.word(alert["outcome"])


def _trade_lines(alert: Mapping[str, Any], writing: Writing) -> list[str]:
    if alert.get("entry_time") is None:
        return []
    word = writing.word
    return [
        f"{word('trade')} {alert['entry_time']:%H:%M} {writing.price(alert['entry_price'])} → "
        f"{alert['exit_time']:%H:%M} {writing.price(alert['exit_price'])}",
        f"{word('exit_' + alert['exit_reason'])}: <b>{_result(alert, writing)}</b>",
    ]


def _result(alert: Mapping[str, Any], writing: Writing) -> str:
    risk = abs(alert["price"] - alert["stop"])
    points = writing.points(alert["pnl_points"])
    if risk == 0:
        return points
    return f"{points} ({writing.number(alert['pnl_points'] / risk, 2, signed=True)} R)"


def _wrapped(text: str) -> list[str]:
    """Return lines of a text; what is marked up counts a little more than it shows."""
    lines = [""]
    for part in text.split(" "):
        if lines[-1] and len(lines[-1]) + len(part) > _WIDTH:
            lines.append(part)
        else:
            lines[-1] = f"{lines[-1]} {part}".strip()
    return lines

"""The loop of :func:`alertlib.scoring.trades.simulate`, trade by trade, for the compiler."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from alertlib.kernels.first_touch import SESSION, TIME, Touch


def make_trade_loop(first_touch: Any, last_bar: Any) -> Callable[..., int]:
    """Return the loop: it fills the columns of ``Trades`` and returns the rows it has filled.

    It stops at a row whose bar there is not. ``spare_minutes`` is the horizon less the length of
    a bar: how long after the entry a bar may open and still be held.
    """

    def loop(
        open_: Any, high: Any, low: Any, close: Any, minute: Any, session: Any, last: Any,
        fees: Any, bar: Any, direction: Any, stop: Any, target: Any, horizon_bars: Any,
        spare_minutes: Any, slip: Any, margin: Any, numerator: Any, denominator: Any,
        out_filled: Any, out_entry: Any, out_exit: Any, out_entry_price: Any, out_exit_price: Any,
        out_reason: Any, out_points: Any, out_optimistic: Any, out_ambiguous: Any, out_best: Any,
        out_worst: Any,
    ) -> int:  # fmt: skip
        for n in range(len(bar)):
            i = bar[n]
            if i < 0 or i >= len(session):
                return n
            number, sign = session[i], direction[n]
            end, by_bars = last[number], i + horizon_bars
            filled = i < end
            entry = i + 1 if filled else i
            final = last_bar(
                minute, entry, by_bars if by_bars < end else end, minute[entry] + spare_minutes
            )
            entry_price = open_[entry] + sign * slip
            up_entry, up_target = sign * entry_price, sign * target[n]
            if filled:
                touch = first_touch(
                    open_, high, low, close, entry, final, sign, sign * stop[n], up_target, slip,
                    margin,
                )  # fmt: skip
            else:
                touch = Touch(final, -1, sign * close[final] - slip, False, -inf, inf)
            reason = TIME if (final == by_bars) | (final < end) else SESSION
            # In points by the expression of `Grid.price`.
            points = (touch.up_exit - up_entry) * numerator / denominator - fees[number]
            at_target = (up_target - up_entry) * numerator / denominator - fees[number]
            out_filled[n] = filled
            out_entry[n] = entry
            out_exit[n] = touch.exit
            out_entry_price[n] = entry_price
            out_exit_price[n] = sign * touch.up_exit
            out_reason[n] = touch.reason if touch.reason >= 0 else reason
            out_points[n] = points
            out_optimistic[n] = at_target if touch.both else points
            out_ambiguous[n] = touch.both
            out_best[n] = (touch.best - up_entry) * numerator / denominator
            out_worst[n] = (touch.worst - up_entry) * numerator / denominator
        return len(bar)

    return loop

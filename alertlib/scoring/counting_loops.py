"""The loops of :mod:`alertlib.scoring.counting`: alert by alert, over whole columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alertlib.kernels.policy import DELIVERED, Candidate

CAPTURED, TRUE, FALSE, REDUNDANT = range(4)
TRADES, WINS, QUANTA, SQUARES = range(4)
# What is known of the trade at a bar and side.
UNKNOWN, UNFILLED, LOST, WON = range(4)

# Each factory takes the functions its loop calls, plain or compiled, and returns the loop.


def make_delivery_scan(merge: Any, confidence_of: Any, severity_of: Any, policy: Any) -> Any:
    def scan(
        rows: Any, signs: Any, now: Any, base: Any, slot: Any, stated: Any, pattern: Any,
        minute: Any, day: Any, params: Any, state: Any, memory: Any, out_bar: Any, out_side: Any,
    ) -> int:  # fmt: skip
        n = 0
        for row in range(len(rows)):
            i = rows[row]
            ups = 0
            downs = 0
            for d in range(len(now)):
                now[d] = signs[d, i]
                ups += now[d] > 0
                downs += now[d] < 0
            for side in range(2):
                if (ups if side == 0 else downs) == 0:
                    continue
                direction = 1 if side == 0 else -1
                lead, others, _ = merge(now, direction)
                own = base[lead] if slot[lead] < 0 else stated[slot[lead], i]
                severity = severity_of(confidence_of(own, others))
                candidate = Candidate(
                    severity, minute[i], i, day[i], direction, pattern[side, lead]
                )
                reason, state = policy(state, memory, candidate, params)
                if reason == DELIVERED:
                    out_bar[n] = i
                    out_side[n] = side
                    n += 1
        return n

    return scan


def make_match_scan() -> Callable[..., None]:
    def scan(bar: Any, side: Any, session: Any, table: Any, taken: Any, counts: Any) -> None:
        opportunities = len(taken)
        for a in range(len(bar)):
            i = bar[a]
            s = session[i]
            if s < 0:
                continue
            if table[side[a], i, 0] == opportunities:
                counts[s, FALSE] += 1
                continue
            fresh = 0
            for m in range(table.shape[2]):
                o = table[side[a], i, m]
                if o == opportunities:
                    break
                if taken[o] == 0:
                    taken[o] = 1
                    fresh += 1
            counts[s, CAPTURED] += fresh
            counts[s, TRUE if fresh > 0 else REDUNDANT] += 1

    return scan


def make_trade_scan(levels: Any, first_touch: Any) -> Callable[..., None]:
    def scan(
        bar: Any, side: Any, session: Any, open_: Any, high: Any, low: Any, close: Any, atr: Any,
        final: Any, fees: Any, setup: Any, costs: Any, known: Any, result: Any, counts: Any,
    ) -> None:  # fmt: skip
        slip, margin, numerator, denominator = costs
        for a in range(len(bar)):
            i, way = bar[a], side[a]
            s = session[i]
            if s < 0:
                continue
            state = known[way, i]
            if state == UNKNOWN:
                state = UNFILLED
                # Where the session has no next bar, the last possible one is the alert's own.
                if final[i] > i:
                    direction = 1 if way == 0 else -1
                    _, _, stop, target = levels(close[i], atr[i], direction, setup)
                    touch = first_touch(
                        open_, high, low, close, i + 1, final[i], direction,
                        direction * stop, direction * target, slip, margin,
                    )  # fmt: skip
                    quanta = touch.up_exit - (direction * open_[i + 1] + slip)
                    won = quanta * numerator / denominator - fees[s] > 0.0
                    result[way, i] = quanta
                    state = WON if won else LOST
                known[way, i] = state
            if state != UNFILLED:
                quanta = result[way, i]
                counts[s, TRADES] += 1
                counts[s, WINS] += state == WON
                counts[s, QUANTA] += quanta
                counts[s, SQUARES] += quanta * quanta

    return scan

"""What to do about each kind of finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

ADVICE: Mapping[str, str] = {
    "missing_first": "Nothing, where the auction ran long or the feed started late: the session is "
    "scored from its first bar. If it stands on most days, check the clock and the symbol's hours.",
    "late_open": "Nothing, if the exchange opened late that day; else fetch the bars again.",
    "gap": "Fetch these bars again, or from another source; a halt of trading needs nothing. "
    "Missing bars are not filled in.",
    "short_session": "Nothing on half days; else fetch the session again. Sessions below "
    "scoring.min_session_share are not scored.",
    "limit_lock": "Look at the day: at a price limit nothing could be traded, and trades there are "
    "worth less than they look.",
    "duplicate": "Export the file again from one source; where rows of one time differ, decide "
    "which is right and take the other out.",
    "bad_row": "Quarantined rows are left out, never repaired: look them up by their numbers in "
    "--json or --html, and export them again. Bars of a note or a warning are kept.",
    "feed_change": "Score the part before and the part after by themselves (--between), or fetch "
    "all bars from one feed.",
    "after_close": "Check the symbol, and its hours in data.symbols; bars outside are left out.",
    "roll": "Nothing: the step from one contract to the next is no move, and is taken out of "
    "the prices detectors see.",
    "off_grid": "State the right symbol, or its tick in data.symbols; of an adjusted series take "
    "the unadjusted one.",
    "timeframe": "State --timeframe as the bars are, or export that timeframe; do not mix two in a "
    "file.",
    "zone": "Export in the exchange's wall clock, or with an offset in every time; a "
    "broker's server time has to be converted before.",
    "closes_for_opens": "Write the open of each bar as its time: subtract one bar's length.",
    "non_trading_day": "Check day and month (a spreadsheet swaps them up to the 12th) and the time "
    "zone; take the days out if they are not the exchange's.",
    "filled": "Export without filling: bars that nobody traded are taken for bars of a market.",
    "outside_table": "State the symbol's hours in data.symbols, or the right symbol; the bars "
    "outside are left out.",
    "float32": "Nothing for scoring: prices are read on the tick they stand for. Export in double "
    "precision, if you can.",
    "mid_session_roll": "Export one contract, or a continuous series that switches between "
    "sessions; leave that session out of the scoring otherwise.",
    "assumed_symbol": "State --symbol: tick, hours and fees of the assumed one are used.",
}
"""By kind, one or two sentences."""


NOTE = "Nothing: this says how the bars were read."
"""Of a kind of which there are notes alone."""


def advice_for(findings: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return what to do about each kind that was found, in the order of the findings."""
    severities: dict[str, set[str]] = {}
    for one in findings:
        severities.setdefault(str(one["kind"]), set()).add(one["severity"])
    return {
        kind: NOTE if found == {"info"} else ADVICE[kind]
        for kind, found in severities.items()
        if kind in ADVICE
    }

"""Continuous futures: what their symbols promise, and when the contracts behind them change."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Literal, NamedTuple

from alertlib.market.calendar import roll_days, trading_days

Rolling = Literal["WIN", "WDO"]
"""Families whose calendar of rolls is known."""

Adjustment = Literal["none", "proportional", "difference"]

_CONTINUOUS = re.compile(r"[A-Z]{3}[$@](N|D)?")
_MONTH_LETTERS = "FGHJKMNQUVXZ"
_CONTRACT = re.compile(rf"(WIN(?=[GJMQVZ])|WDO)[{_MONTH_LETTERS}]\d\d")

# Days between two rolls, at most.
_LONGEST = 80
# Of another century, or a slip of the finger.
_NEAR_YEARS = 5


def adjustment(symbol: str) -> Adjustment | None:
    """Return how the history of a continuous series is moved to hide its rolls.

    Parameters
    ----------
    symbol : str
        ``WIN$N`` and ``WIN@N`` are not adjusted, ``WIN$`` and ``WIN@`` in proportion, ``WIN$D``
        and ``WIN@D`` by a difference. (``$`` rolls by liquidity, ``@`` on expiry.)

    Returns
    -------
    str or None
        None for a single contract or a share. The history of an adjusted series is rewritten
        at every roll: bars fetched before one do not continue in bars fetched after it.
    """
    found = _CONTINUOUS.fullmatch(symbol)
    if found is None:
        return None
    kinds: dict[str | None, Adjustment] = {"N": "none", "D": "difference", None: "proportional"}
    return kinds[found[1]]


class Expiry(NamedTuple):
    """The end of one contract.

    Attributes
    ----------
    contract : str
        ``WINJ26`` and the like.
    day : date
        Session on which it expires.
    roll : date
        First session whose bars in a continuous series are those of the next contract.
    """

    contract: str
    day: date
    roll: date


def expiries(family: Rolling, first: date, last: date) -> list[Expiry]:
    """Return the contracts whose roll lies between ``first`` and ``last``, both included.

    The index future has even months and expires on the Wednesday nearest the 15th, or the next
    session. The dollar future has every month, expires on its first session, and is left for
    the next one on the session before.
    """
    found = []
    for roll in roll_days(f"{family}$N", first, last):
        if family == "WIN":
            # Never later than the 20th or so, so the roll is in the contract's own month.
            found.append(Expiry(_contract(family, roll.year, roll.month), roll, roll))
        else:
            year, month = roll.year + roll.month // 12, roll.month % 12 + 1
            day = trading_days(date(year, month, 1), date(year, month, 10))[0]
            found.append(Expiry(_contract(family, year, month), day, roll))
    return found


def _contract(family: str, year: int, month: int) -> str:
    return f"{family}{_MONTH_LETTERS[month - 1]}{year % 100:02d}"


def parse_contract(symbol: str) -> Rolling | None:
    """Return the family of a single contract with a calendar (``WINJ26``), or None."""
    found = _CONTRACT.fullmatch(symbol)
    if found is None:
        return None
    return "WIN" if found[1] == "WIN" else "WDO"


def front_contract(family: Rolling, day: date) -> str:
    """Return the contract whose bars a continuous series has on ``day``."""
    following = expiries(family, day + timedelta(days=1), day + timedelta(days=_LONGEST))
    return following[0].contract


def say_if_over(symbol: str, day: date) -> str:
    """Return a remark that a contract has expired, and which one trades now; empty otherwise.

    A remark follows what it explains: ``"; WINV24 expired on 2024-10-16, its successor now is
    WINZ24"``.
    """
    family = parse_contract(symbol)
    if family is None or abs(2_000 + int(symbol[-2:]) - day.year) > _NEAR_YEARS:
        return ""
    first = date(2_000 + int(symbol[-2:]), _MONTH_LETTERS.index(symbol[3]) + 1, 1)
    around = timedelta(days=_LONGEST)
    for one in expiries(family, first - around, first + around):
        if one.contract == symbol and one.roll <= day:
            follows = front_contract(family, day)
            verb = "expired" if one.day <= day else "expires"
            return f"; {symbol} {verb} on {one.day}, its successor now is {follows}"
    return ""

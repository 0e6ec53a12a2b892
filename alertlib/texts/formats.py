"""Numbers, prices and times as the language writes them."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from math import isfinite

from alertlib.market.clock import exchange_time
from alertlib.texts.words import Language, word

UNDEFINED = "–"
MAX_DECIMALS = 8


def number(
    value: float | None,
    decimals: int | None = None,
    language: Language = "pt-BR",
    *,
    signed: bool = False,
) -> str:
    """Return ``value`` with the language's separators: ``1.234,56`` or ``1,234.56``.

    Parameters
    ----------
    value : float or None
        None, NaN and infinities print as a dash.
    decimals : int, optional
        As many as the value needs, at most 8, when left out.
    signed : bool
        Whether a positive value gets its ``+``. Zero never has a sign.
    """
    if value is None or not isfinite(value):
        return UNDEFINED
    if decimals is None:
        digits = f"{abs(value):,.{MAX_DECIMALS}f}".rstrip("0").rstrip(".")
    else:
        digits = f"{abs(value):,.{decimals}f}"
    if language == "pt-BR":
        digits = digits.translate(_SWAP_SEPARATORS)
    return _sign(value, digits, signed) + digits


def price(value: float | None, tick: float | None = None, language: Language = "pt-BR") -> str:
    """Return a price with as many decimals as its tick has."""
    return number(value, None if tick is None else tick_decimals(tick), language)


def points(value: float, tick: float | None = None, language: Language = "pt-BR") -> str:
    """Return a signed distance in points, with its unit: ``-250 pontos``."""
    decimals = None if tick is None else tick_decimals(tick)
    digits = number(value, decimals, language, signed=True)
    unit = "point" if digits.lstrip("+-") == "1" else "points"
    return f"{digits} {word(unit, language)}"


def money(value: float | None, language: Language = "pt-BR", *, signed: bool = False) -> str:
    """Return an amount in reais: ``R$ 1.234,56``, ``-R$ 50,00``."""
    if value is None or not isfinite(value):
        return UNDEFINED
    digits = number(abs(value), 2, language)
    return f"{_sign(value, digits, signed)}R$ {digits}"


def percent(share: float | None, decimals: int = 0, language: Language = "pt-BR") -> str:
    """Return a share of one as a percentage: ``58,1%``."""
    if share is None or not isfinite(share):
        return UNDEFINED
    return number(100 * share, decimals, language) + "%"


@lru_cache(maxsize=64)
def tick_decimals(tick: float) -> int:
    """Return how many decimals a price on this tick needs: 0 for 5, 1 for 0.5, 2 for 0.01."""
    return len(f"{tick:.{MAX_DECIMALS}f}".rstrip("0").partition(".")[2])


def brasilia(iso: str) -> datetime:
    """Return an ISO time as Brasilia time; one without a zone is Brasilia's wall clock."""
    return exchange_time(datetime.fromisoformat(iso))


def moment(time: datetime, language: Language = "pt-BR", *, seconds: bool = False) -> str:
    """Return a date and time of day as the language writes them."""
    day = "%d/%m/%Y" if language == "pt-BR" else "%Y-%m-%d"
    return time.strftime(f"{day} %H:%M:%S" if seconds else f"{day} %H:%M")


def _sign(value: float, digits: str, signed: bool) -> str:
    if not any(digit in "123456789" for digit in digits):
        return ""
    return "-" if value < 0 else ("+" if signed else "")


_SWAP_SEPARATORS = str.maketrans(",.", ".,")

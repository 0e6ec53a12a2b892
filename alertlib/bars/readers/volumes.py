"""Volumes in text: contracts, or money that must not be taken for them."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from alertlib.bars.quality.findings import Finding, finding
from alertlib.bars.readers.numbers import Decimal, is_absent, parse_prices, parse_volumes
from alertlib.bars.readers.table import NOT_WHOLE, Read

# A part of a whole, two decimals of any kind, or an exponent (1,21967534E10): how money is
# written. One zero, as in 12.0, is how pandas writes whole numbers beside missing ones.
_AS_MONEY = r"\d[.,](\d{1,2}|\d{4,})$|\d[eE][+-]?\d+$"
_AS_WHOLE = r"[.,]0$"

# WIN, the exchange's busiest contract, changes hands some 20 million times a day.
_TOO_MANY = 200_000_000


class Money(NamedTuple):
    """What shows that a column is money, in a sentence and as a note in a layout."""

    reason: str
    note: str


FRACTIONS = Money(
    "its numbers have fractions", "real_volume left out (fractions: money, not contracts)"
)
TOO_LARGE = Money(
    "its numbers are too large for contracts",
    "real_volume left out (too large: money, not contracts)",
)


def find_money(texts: pl.Series, decimal: Decimal, localised: bool) -> Money | None:
    """Say what shows that a column holds money; None where it does not. It all does, or nothing.

    Parameters
    ----------
    texts : polars.Series of str
        Trimmed; of a column that may be either.
    decimal : Decimal
        The file's decimal sign.
    localised : bool
        Whether the file follows a country's habits, in which two decimals are cents. Elsewhere
        they may be how a program writes whole numbers.
    """
    if localised and _has_cents(texts, decimal):
        return FRACTIONS
    whole = parse_volumes(texts, decimal, localised).cast(pl.Float64)
    return TOO_LARGE if is_too_large(whole.fill_null(parse_prices(texts, decimal))) else None


def is_too_large(values: pl.Series) -> bool:
    """Whether most numbers of a column are larger than contracts or shares of a bar can be."""
    present = values.drop_nulls()
    return 2 * int((present > _TOO_MANY).sum()) > present.len()


def _has_cents(texts: pl.Series, decimal: Decimal) -> bool:
    present = texts.filter(~is_absent(texts))
    like_money = present.str.contains(_AS_MONEY)
    if decimal.point:
        # In a file whose prices have a decimal sign, three digits after it are decimals as well.
        like_money |= present.str.contains(decimal.point, literal=True)
    like_money &= present.str.contains(r"\d$")  # 69,94K is rounded, not money
    like_money &= ~present.str.contains(_AS_WHOLE)
    return 2 * int(like_money.sum()) > present.len()


def money_left_out(heading: str | None, rows: int, money: Money) -> Finding:
    """Report a column of money that was not taken for contracts."""
    what = f"column `{heading}`" if heading else "the column after the prices"
    message = (
        f"{what} is money, not contracts ({money.reason}); left out, the "
        f"{rows:,} bars are kept without a volume"
    )
    return finding("bad_row", "info", None, rows, message)


def read_volume(texts: pl.Series, name: str, decimal: Decimal, localised: bool) -> Read:
    """Read a column of whole numbers; what cannot be one is null, and marked as failed."""
    values = parse_volumes(texts, decimal, localised)
    failed = values.is_null()
    if failed.any():
        failed &= ~is_absent(texts)
    return Read(values, texts, failed, NOT_WHOLE.format(name))

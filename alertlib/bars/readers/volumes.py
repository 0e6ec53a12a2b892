"""Volumes in text: contracts, or money that must not be taken for them."""

from __future__ import annotations

import polars as pl

from alertlib.bars.quality.findings import Finding, finding
from alertlib.bars.readers.numbers import Decimal, is_absent, parse_volumes
from alertlib.bars.readers.table import NOT_WHOLE, Read

# A part of a whole, two decimals of any kind, or an exponent (1,21967534E10): how money is
# written. One zero, as in 12.0, is how pandas writes whole numbers beside missing ones.
_AS_MONEY = r"\d[.,](\d{1,2}|\d{4,})$|\d[eE][+-]?\d+$"
_AS_WHOLE = r"[.,]0$"

MONEY = "real_volume left out (fractions: money, not contracts)"
"""Note in a layout."""


def is_money(texts: pl.Series, decimal: Decimal) -> bool:
    """Whether a column of a country's own layout holds money: decided for all of it at once.

    Parameters
    ----------
    texts : polars.Series of str
        Trimmed; of a column that may be either.
    decimal : Decimal
        The file's decimal sign.
    """
    present = texts.filter(~is_absent(texts))
    like_money = present.str.contains(_AS_MONEY)
    if decimal.point:
        # In a file whose prices have a decimal sign, three digits after it are decimals as well.
        like_money |= present.str.contains(decimal.point, literal=True)
    like_money &= ~present.str.contains(_AS_WHOLE)
    return 2 * int(like_money.sum()) > present.len()


def money_left_out(heading: str | None, rows: int) -> Finding:
    """Report a column of money that was not taken for contracts."""
    what = f"column `{heading}`" if heading else "the column after the prices"
    message = (
        f"{what} is money, not contracts (its numbers have fractions); left out, the "
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

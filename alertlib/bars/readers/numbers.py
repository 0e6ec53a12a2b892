"""Numbers in text: which sign is the decimal one, and strict parsing.

A slip here makes prices a hundred or a thousand times too large, so the sign is decided once for
a whole file, from all of its prices, and a file whose prices can be read both ways is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

import polars as pl

from alertlib.errors import DataError

_NUMBER = r"^[+-]?\d[\d.,]*$"
_ABSENT = ("", "-", "nan", "na", "n/a", "null", "none")


class Decimal(NamedTuple):
    """The decimal sign of a file's prices and the sign between their thousands.

    Empty where the prices have none.
    """

    point: str
    grouping: str


UNSIGNED = Decimal("", "")


class _Use(Enum):
    """What the prices of a file show of one sign."""

    ABSENT = 0
    DECIMAL = 1
    GROUPING = 2
    EITHER = 3


def find_decimal(prices: Sequence[pl.Series], localised: bool, where: str) -> Decimal:
    """Decide from all prices of a file which sign is decimal.

    Parameters
    ----------
    prices : sequence of polars.Series of str
        The price columns, trimmed.
    localised : bool
        Whether the file follows a country's habits (ProfitChart). MetaTrader 5 and plain ISO
        files never group thousands, so there a point is the decimal sign.
    where : str
        Name of the file, for messages.

    Raises
    ------
    DataError
        The prices can be read both ways (every one like ``126.505``), or contradict each other.
    """
    texts = pl.concat([column.alias("price") for column in prices])
    has_point, has_comma = _has(texts, "."), _has(texts, ",")
    if not has_comma and (not has_point or not localised):
        return Decimal(".", "") if has_point else UNSIGNED
    texts = texts.filter(texts.str.contains(_NUMBER))
    both = texts.filter(_having(texts, ".") & _having(texts, ","))
    if both.len():
        return _from_both(both, where)
    point, comma = _use(texts, "."), _use(texts, ",")
    if point is comma is _Use.ABSENT:
        return UNSIGNED  # what carried a sign was no number
    for sign, other, use, others_use in ((",", ".", comma, point), (".", ",", point, comma)):
        if use is _Use.DECIMAL and others_use is not _Use.DECIMAL:
            return Decimal(sign, "" if others_use is _Use.ABSENT else other)
        if use is _Use.GROUPING and others_use is _Use.ABSENT:
            return Decimal(other, sign)
    raise _ambiguous(texts, where)


def _from_both(both: pl.Series, where: str) -> Decimal:
    """Decide by prices such as ``1.234,56``: the last sign is the decimal one."""
    comma_last = both.str.contains(r"^[+-]?\d{1,3}(\.\d{3})+,\d*$").any()
    point_last = both.str.contains(r"^[+-]?\d{1,3}(,\d{3})+\.\d*$").any()
    if comma_last == point_last:
        raise _ambiguous(both, where)
    return Decimal(",", ".") if comma_last else Decimal(".", ",")


def _use(texts: pl.Series, sign: str) -> _Use:
    """Tell what a sign is for from the prices that carry it."""
    mark = re.escape(sign)
    signed = texts.filter(_having(texts, sign))
    grouped = signed.str.contains(rf"^[+-]?\d{{1,3}}({mark}\d{{3}})+$")
    twice = signed.str.contains(rf"{mark}\d*{mark}")
    # 12.65.05 is no number in any country.
    signed, grouped, twice = (x.filter(grouped | ~twice) for x in (signed, grouped, twice))
    if signed.is_empty():
        return _Use.ABSENT
    if not grouped.any():
        return _Use.DECIMAL
    if grouped.all():
        return _Use.GROUPING if twice.any() else _Use.EITHER
    # Some have three digits after the sign and some do not. That is a decimal sign before
    # digits without trailing zeros; beside 105.250, 105.25 is a slip of one kind or the other.
    kept_zero = signed.filter(grouped).str.ends_with("0").any()
    return _Use.EITHER if kept_zero or twice.any() else _Use.DECIMAL


def _ambiguous(texts: pl.Series, where: str) -> DataError:
    shown = texts.filter(texts.str.contains(r"[.,]"))[0]
    return DataError(
        f"{where}: prices such as {shown} can be read with a decimal sign or with grouped "
        "thousands; expected prices with one reading; export again without grouping"
    )


def _having(texts: pl.Series, sign: str) -> pl.Series:
    return texts.str.contains(sign, literal=True)


def _has(texts: pl.Series, sign: str) -> bool:
    return bool(_having(texts, sign).any())


def parse_prices(texts: pl.Series, decimal: Decimal) -> pl.Series:
    """Parse trimmed texts into floats; null where a text is not a number."""
    if decimal.grouping:
        # Grouped strictly or not at all: 12.65.05 is no number.
        group, point = re.escape(decimal.grouping), re.escape(decimal.point)
        strict = rf"^[+-]?(\d{{1,3}}({group}\d{{3}})+|\d+)({point}\d*)?$"
        texts = _where(
            texts.str.contains(strict), texts.str.replace_all(decimal.grouping, "", literal=True)
        )
    if decimal.point == ",":
        texts = _where(~_having(texts, "."), texts.str.replace(",", ".", literal=True))
    return texts.cast(pl.Float64, strict=False)


def parse_volumes(texts: pl.Series, decimal: Decimal, localised: bool) -> pl.Series:
    """Parse trimmed texts into whole numbers; null where a text is not one of 64 bits.

    ``12.0``, as frames with missing values write it, is a whole number; so is ``1.234.567``
    where the point is not the decimal sign.
    """
    whole = texts.cast(pl.Int64, strict=False)
    if whole.null_count() == 0:
        return whole
    points = decimal.point or (".," if localised else ".")
    groupings = {",": ".", ".": ","}.get(decimal.point, ".,") if localised else ""
    plain = texts.str.replace(rf"^([+-]?\d+)[{points}]0{{1,2}}$", "$1")
    for sign in groupings:
        grouped = plain.str.contains(rf"^[+-]?\d{{1,3}}({re.escape(sign)}\d{{3}})+$")
        without = plain.str.replace_all(sign, "", literal=True)
        plain = pl.select(pl.when(grouped).then(without).otherwise(plain)).to_series()
    return plain.cast(pl.Int64, strict=False)


def _where(condition: pl.Series, texts: pl.Series) -> pl.Series:
    return pl.select(pl.when(condition).then(texts)).to_series()


def is_absent(texts: pl.Series) -> pl.Series:
    """Return which trimmed texts stand for no value at all."""
    return texts.is_null() | texts.str.to_lowercase().is_in(_ABSENT)

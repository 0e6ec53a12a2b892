"""Numbers in text: which sign is the decimal one, and strict parsing.

A slip here makes prices a hundred or a thousand times too large, so the sign is decided once for
a whole file: by its prices, else by the instrument's tick, else by its other numbers. A file
that can still be read both ways is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

import polars as pl

from alertlib.bars.quality.grid import share_on
from alertlib.errors import DataError
from alertlib.market.ticks import tick_grid

_EXPONENT = r"([eE][+-]?\d{1,3})?"
_NUMBER = rf"^[+-]?\d[\d.,]*{_EXPONENT}$"
_CURRENCY, _UNIT = r"^(R\$|US\$|\$)\s*", r"\s*[%KMBkmb]$"
_ABSENT = ("", "-", "nan", "na", "n/a", "nat", "null", "none", "<na>", "#n/a")

# Share of the prices that have to lie on the tick for it to tell how they are written.
_TELLING = 0.99

# Doubles hold every whole number up to here.
_EXACT = 2.0**53


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


def find_decimal(
    prices: Sequence[pl.Series],
    localised: bool,
    where: str,
    others: Sequence[pl.Series] = (),
    tick: float | None = None,
) -> Decimal:
    """Decide which sign is decimal in a file.

    Parameters
    ----------
    prices : sequence of polars.Series of str
        The price columns, trimmed.
    localised : bool
        Whether the file follows a country's habits (ProfitChart). MetaTrader 5 and plain ISO
        files never group thousands, so there a point is the decimal sign, unless the tick says
        that it cannot be.
    where : str
        Name of the file, for messages.
    others : sequence of polars.Series of str
        Its other columns, trimmed: volumes, money, whatever else stands there. What is no
        number in them is passed over.
    tick : float, optional
        The instrument's tick in points, where the symbol is known and not assumed.

    Raises
    ------
    DataError
        The prices can be read both ways (every one like ``126.505``) and nothing else decides,
        or they contradict each other.
    """
    texts = pl.concat([column.alias("number") for column in prices])
    has_point, has_comma = _has(texts, "."), _has(texts, ",")
    if not (has_point or has_comma):
        return (_by_others(others, "") if localised else None) or UNSIGNED
    plain_point = not (has_comma or localised)
    if plain_point and (tick is None or not _looks_grouped(texts)):
        return Decimal(".", "")
    texts = _numbers(texts)
    own, carried = _own(texts), _signs(texts)
    if own is None and len(carried) == 1:
        by_tick = _by_tick(texts, carried, tick)
        if plain_point:
            return by_tick or Decimal(".", "")
        # A reading that alone lies on the tick is proof; a neighbour's habits are a sign.
        own = by_tick or _by_others(others, carried)
    if own is None:
        raise _ambiguous(texts, where)
    return own


def _looks_grouped(texts: pl.Series) -> bool:
    """Whether the first prices with a point have three digits after each: a look that is cheap."""
    signed = texts.filter(_having(texts, ".")).head(64)
    return bool(signed.str.contains(r"^[+-]?\d{1,3}(\.\d{3})+$").all())


def _own(texts: pl.Series) -> Decimal | None:
    """Decide by the numbers that carry a sign; None where they can be read both ways."""
    both = texts.filter(_having(texts, ".") & _having(texts, ","))
    if both.len():
        return _from_both(both)
    point, comma = _use(texts, "."), _use(texts, ",")
    if point is comma is _Use.ABSENT:
        return UNSIGNED  # what carried a sign was no number
    for sign, other, use, others_use in ((",", ".", comma, point), (".", ",", point, comma)):
        if use is _Use.DECIMAL and others_use is not _Use.DECIMAL:
            return Decimal(sign, "" if others_use is _Use.ABSENT else other)
        if use is _Use.GROUPING and others_use is _Use.ABSENT:
            return Decimal(other, sign)
    return None


def _from_both(both: pl.Series) -> Decimal | None:
    """Decide by numbers such as ``1.234,56``: the last sign is the decimal one."""
    comma_last = both.str.contains(rf"^[+-]?\d{{1,3}}(\.\d{{3}})+,\d*{_EXPONENT}$").any()
    point_last = both.str.contains(rf"^[+-]?\d{{1,3}}(,\d{{3}})+\.\d*{_EXPONENT}$").any()
    if comma_last == point_last:
        return None
    return Decimal(",", ".") if comma_last else Decimal(".", ",")


def _by_others(others: Sequence[pl.Series], carried: str) -> Decimal | None:
    """Decide by the file's other numbers, where all columns that tell it tell the same.

    The sign the prices carry, where they carry one, then is the decimal or the other one.
    """
    found = [one for one in map(_own, map(_measured, others)) if one not in (None, UNSIGNED)]
    if len({one.point for one in found if one}) != 1:
        return None
    assert found[0] is not None
    point = found[0].point
    other = "." if point == "," else ","
    is_grouped = other in carried or any(one.grouping for one in found if one)
    return Decimal(point, other if is_grouped else "")


def _by_tick(texts: pl.Series, carried: str, tick: float | None) -> Decimal | None:
    """Decide by the two readings of the prices: only one of them may lie on the tick."""
    if tick is None:
        return None
    readings = (Decimal(carried, ""), Decimal("," if carried == "." else ".", carried))
    fits = [one for one in readings if _on_tick(texts, one, tick)]
    return fits[0] if len(fits) == 1 else None


def _on_tick(texts: pl.Series, decimal: Decimal, tick: float) -> bool:
    values = parse_prices(texts, decimal)
    share = share_on([values.drop_nulls().to_numpy()], tick_grid(tick))
    return share * (values.len() - values.null_count()) >= _TELLING * values.len()


def _signs(texts: pl.Series) -> str:
    return "".join(sign for sign in ".," if _has(texts, sign))


def _numbers(texts: pl.Series) -> pl.Series:
    return texts.filter(texts.str.contains(_NUMBER))


def _measured(texts: pl.Series) -> pl.Series:
    """Return a column's numbers without their units: ``0,10%``, ``69,94K``, ``R$ 1.200,00``."""
    return _numbers(texts.str.replace(_CURRENCY, "").str.replace(_UNIT, ""))


def _use(texts: pl.Series, sign: str) -> _Use:
    """Tell what a sign is for from the prices that carry it."""
    mark = re.escape(sign)
    signed = texts.filter(_having(texts, sign))
    if signed.str.contains("[eE]").any():
        # 1,21967534E10: before an exponent thousands are never grouped.
        return _Use.DECIMAL
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
        "thousands; expected prices with one reading; state the symbol, whose tick may tell, or "
        "export again without grouping"
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
        strict = rf"^[+-]?(\d{{1,3}}({group}\d{{3}})+|\d+)({point}\d*)?{_EXPONENT}$"
        texts = _where(
            texts.str.contains(strict), texts.str.replace_all(decimal.grouping, "", literal=True)
        )
    if decimal.point == ",":
        texts = _where(~_having(texts, "."), texts.str.replace(",", ".", literal=True))
    return texts.cast(pl.Float64, strict=False)


def parse_volumes(texts: pl.Series, decimal: Decimal, localised: bool) -> pl.Series:
    """Parse trimmed texts into whole numbers; null where a text is not one of 64 bits.

    ``12.0``, as frames with missing values write it, is a whole number; so is ``1.234.567``
    where the point is not the decimal sign, and ``1e+05``, as R writes a hundred thousand.
    """
    whole = texts.cast(pl.Int64, strict=False)
    if whole.null_count() == 0:
        return whole
    points = decimal.point or (".," if localised else ".")
    # A point in a plain file is decimal unless its prices say otherwise; a comma never is, there.
    groupings = {",": ".", ".": ","}.get(decimal.point, ".," if localised else ",")
    plain = texts.str.replace(rf"^([+-]?\d+)[{points}]0{{1,2}}$", "$1")
    for sign in groupings:
        grouped = plain.str.contains(rf"^[+-]?\d{{1,3}}({re.escape(sign)}\d{{3}})+$")
        without = plain.str.replace_all(sign, "", literal=True)
        plain = pl.select(pl.when(grouped).then(without).otherwise(plain)).to_series()
    whole = plain.cast(pl.Int64, strict=False)
    powers = whole.is_null() & texts.str.contains(rf"^[+-]?\d+([{points}]\d*)?[eE][+-]?\d{{1,3}}$")
    if powers.any():
        whole = whole.zip_with(~powers, _whole_powers(texts))
    return whole


def _whole_powers(texts: pl.Series) -> pl.Series:
    """Parse numbers with an exponent, those that are whole and that a double holds exactly."""
    values = texts.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    exact = (values == values.floor()) & (values.abs() <= _EXACT)
    return _where(exact, values).cast(pl.Int64, strict=False)


def _where(condition: pl.Series, texts: pl.Series) -> pl.Series:
    return pl.select(pl.when(condition).then(texts)).to_series()


def is_absent(texts: pl.Series) -> pl.Series:
    """Return which trimmed texts stand for no value at all."""
    return texts.is_null() | texts.str.to_lowercase().is_in(_ABSENT)

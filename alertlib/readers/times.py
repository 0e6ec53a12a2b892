"""Times as bars carry them: naive wall clock of the exchange."""

from __future__ import annotations

import polars as pl

from alertlib.errors import DataError

EXCHANGE_ZONE = "America/Sao_Paulo"

_UNITS = ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1))
_NANOSECONDS_PER_MICROSECOND = 1_000


def epoch_to_wall_clock(column: pl.Series, where: str) -> pl.Series:
    """Decode epochs of the MetaTrader5 package into naive wall clock.

    The package writes the broker server's wall clock as if it were UTC, so decoding to naive
    gives the exchange's own time; converting it to a zone would shift it.

    Parameters
    ----------
    column : polars.Series of int
        Seconds since 1970-01-01, or milli-, micro- or nanoseconds: the size of the median
        tells them apart for every date between 1990 and 2100.
    """
    median = column.cast(pl.Int64, strict=False).drop_nulls().median()
    if not isinstance(median, (int, float)) or median <= 0:
        raise DataError(
            f"{where}: column `{column.name}` holds no epochs; expected seconds since "
            "1970-01-01; parse the times before"
        )
    for limit, factor in _UNITS:
        if median < limit:
            scaled = column.cast(pl.Int64, strict=False).cast(pl.Float64) * factor
            # Beyond the range of a datetime there is no time to decode.
            return (
                pl.select(pl.when(scaled.abs() < 2.0**62).then(column.cast(pl.Int64) * factor))
                .to_series()
                .cast(pl.Datetime("us"))
            )
    return (column.cast(pl.Int64) // _NANOSECONDS_PER_MICROSECOND).cast(pl.Datetime("us"))

"""Bars as the terminal's arrays have them, made comparable and safe to calculate with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from alertlib.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIELDS = ("time", "open", "high", "low", "close", "tick_volume", "spread", "real_volume")

# Whole numbers of 64 bits with a sign: those of the API are unsigned, and differences wrap.
RECORD = [(name, "<f8" if name in ("open", "high", "low", "close") else "<i8") for name in FIELDS]


class Page(NamedTuple):
    """Bars in order of time.

    Attributes
    ----------
    bars : array of ``RECORD``
        The last one may still be forming if it is the newest.
    newest : int or None
        Open of the newest bar there is; None if there is none.
    through : int
        Nothing is missing up to here; the next page begins after it.
    """

    bars: NDArray[Any]
    newest: int | None
    through: int


def signed(answer: Any, symbol: str) -> NDArray[Any]:
    """Return an array of the API as one of ``RECORD``."""
    import numpy as np

    raw = np.asarray(answer)
    if raw.dtype.names is None or not set(FIELDS) <= set(raw.dtype.names):
        raise DataError(
            f"{symbol}: the terminal gave {raw.dtype} for bars; expected the fields "
            f"{', '.join(FIELDS)}; update the MetaTrader5 package"
        )
    bars = np.empty(len(raw), RECORD)
    for name in FIELDS:
        bars[name] = raw[name]
    return bars


def no_bars() -> NDArray[Any]:
    """Return an array without bars."""
    import numpy as np

    return np.empty(0, RECORD)


def agree(one: NDArray[Any], other: NDArray[Any], newest: int) -> bool:
    """Whether two reads are equal, apart from the newest bar, which may be forming."""
    return bool(
        len(one) == len(other)
        and one[one["time"] < newest].tobytes() == other[other["time"] < newest].tobytes()
    )

"""Bars as an argument."""

from __future__ import annotations

from typing import Any

from alertlib._arguments import expect
from alertlib.bars.bars import Bars
from alertlib.errors import DataError


def expect_bars(value: Any) -> None:
    """Refuse what is not bars, such as a frame or a path.

    Raises
    ------
    DataError
    """
    expect(
        "bars", value, Bars,
        "what al.read_bars(path) or al.from_frame(frame, symbol=...) returns", DataError,
    )  # fmt: skip

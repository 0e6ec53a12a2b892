"""Bars as an argument."""

from __future__ import annotations

from typing import Any

from alertlib._arguments import expect
from alertlib._forking import expect_no_fork
from alertlib.bars.bars import Bars
from alertlib.errors import DataError


def expect_bars(value: Any) -> None:
    """Refuse what is not bars, such as a frame or a path.

    Raises
    ------
    DataError
    ConfigError
        In a process forked from one that has worked with bars.
    """
    expect_no_fork()
    expect(
        "bars", value, Bars,
        "what al.read_bars(path) or al.from_frame(frame, symbol=...) returns", DataError,
    )  # fmt: skip

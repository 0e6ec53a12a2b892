"""How a detector learns its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alertlib._arguments import expect_whole, shown
from alertlib.errors import ConfigError

# What ``fit=`` takes besides a whole Fit.
Learn = Callable[[Any, Any, Any], Any]


@dataclass(frozen=True)
class Fit:
    """How the parameters of a detector are learned, and how long they hold.

    Attributes
    ----------
    learn : callable
        ``(bars, moves, outcomes) -> params``: three Polars frames of the training sessions.
        ``bars`` as :func:`alertlib.frame_detector` gives them; ``moves`` with ``time_start
        time_end direction price_start price_end points atr``; ``outcomes`` with ``time
        direction points win``, what a trade on an alert at each bar, either way, would have
        come to. It returns the detector's parameters, or for a frame detector anything at all.
    train : int
        Sessions it learns from.
    every : int
        Scored sessions after which it learns anew.
    max_age_days : int
        Days after its last training session for which a live detector may go on using them.

    Raises
    ------
    ConfigError
        If ``learn`` is no function, or one of the others no whole number of at least 1.
    """

    learn: Learn
    train: int = 60
    every: int = 10
    max_age_days: int = 30

    def __post_init__(self) -> None:
        if not callable(self.learn):
            raise ConfigError(
                f"Fit: learn: got {shown(self.learn)}; expected a function "
                "(bars, moves, outcomes) -> params"
            )
        for name in ("train", "every", "max_age_days"):
            expect_whole(f"Fit: {name}", getattr(self, name), 1)

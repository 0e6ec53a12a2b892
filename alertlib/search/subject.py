"""What a search is made on: bars, settings, and what no combination changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alertlib._typing import Floats
from alertlib.backtesting.manual import manual_moves
from alertlib.backtesting.span import read_span
from alertlib.bars.bars import Bars
from alertlib.bars.series import make_series
from alertlib.config.schema import Settings
from alertlib.errors import DataError
from alertlib.market.clock import date_of
from alertlib.scoring.counting import Ground
from alertlib.scoring.labels import Opportunities
from alertlib.scoring.scored_sessions import Span
from alertlib.scoring.trades import session_fees
from alertlib.search.grid.grid import Grid
from alertlib.search.ledger.identity import Identity, identify
from alertlib.search.stages import lay_ground
from alertlib.search.workers.bar_files import bar_file
from alertlib.search.workers.tasks import Job, Parcel, own_detectors, pack

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Subject:
    """Bars and settings, ready to be searched.

    Attributes
    ----------
    bars : Bars
    settings : Settings
    moves : Opportunities or None
        Manual labels of the whole file.
    between : (date, date) or None
    ground : Ground
    """

    bars: Bars
    settings: Settings
    moves: Opportunities | None
    between: Span | None
    ground: Ground

    @property
    def sessions(self) -> tuple[str, ...]:
        """Dates of the scored sessions."""
        days = self.ground.series.days[self.ground.scope.sessions]
        return tuple(date_of(day).isoformat() for day in days.tolist())

    def facts(self) -> dict[str, Any]:
        """Return what is searched on, as JSON-able values."""
        sessions = self.sessions
        return {
            "source": self.bars.source,
            "synthetic": self.bars.synthetic,
            "symbol": self.bars.symbol,
            "symbol_assumed": self.bars.assumed_symbol,
            "timeframe": self.bars.timeframe,
            "sha256": self.bars.sha256,
            "bars": len(self.bars),
            "sessions": len(sessions),
            "first_session": sessions[0],
            "last_session": sessions[-1],
        }

    @property
    def fees(self) -> Floats:
        """Of a round trip in each scored session, in points."""
        found = session_fees(self.ground.series, self.settings.trade)
        fees: Floats = found[self.ground.scope.sessions]
        return fees

    def identity(self, grid: Grid) -> Identity:
        """Return what a sweep of ``grid`` is a sweep of."""
        return identify(
            self.bars.sha256, self.ground.series.instrument, self.settings, grid.keys,
            self.sessions, totals=not grid.per_session, labels=_hash_of(self.moves),
        )  # fmt: skip

    def parcel(self, grid: Grid) -> Parcel:
        """Return what workers that do not share this program's memory are given.

        Raises
        ------
        ConfigError
            If bars or detectors are where no worker can have them from.
        """
        job = Job(
            bar_file(self.bars), self.settings, grid.keys, self.moves, self.between,
            grid.per_session, own_detectors(self.settings),
        )  # fmt: skip
        return pack(job)


def make_subject(
    bars: Bars,
    settings: Settings,
    labels: str | Path | pl.DataFrame | None = None,
    between: tuple[str | date, str | date] | None = None,
) -> Subject:
    """Prepare bars for a search.

    Raises
    ------
    DataError
        If there is not one session to score, or the labels do not fit the bars.
    ConfigError
        If ``between`` is not two dates in order.
    """
    span = read_span(between)
    series = make_series(bars)
    if len(series) == 0:
        raise DataError(
            f"{bars.source}: no bar lies within its session; expected bars of "
            f"{bars.symbol} in exchange wall-clock time; check symbol and time zone"
        )
    moves = manual_moves(series, settings, labels)
    ground = lay_ground(series, settings, moves, span)
    if len(ground.scope.sessions) == 0:
        raise DataError(
            f"{bars.source}: no session to score; expected complete ones after "
            f"{settings.scoring.warmup_bars} bars of warm-up; give a longer file"
        )
    return Subject(bars, settings, moves, span, ground)


def _hash_of(moves: Opportunities | None) -> str | None:
    if moves is None:
        return None
    digest = sha256()
    for column in (moves.start, moves.end, moves.direction):
        digest.update(column.astype("<i8").tobytes())
    return digest.hexdigest()

"""Opportunities: sessions worked by hand, the naive twin, and manual tables."""

from __future__ import annotations

import gzip
import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.bars.readers.labels import read_labels
from alertlib.bars.series import Series
from alertlib.errors import DataError
from alertlib.scoring.engine import Engine
from alertlib.scoring.labels import Opportunities, directional_changes, labelled_moves
from alertlib.scoring.true_ranges import true_ranges
from tests import naive, naive_score
from tests.support.backtests import run_of
from tests.support.steps import rough_walk
from tests.support.synthetic import Row, series_of, session, walk

Legs = list[tuple[int, int, int, int, int]]


def as_tuples(moves: Opportunities) -> Legs:
    columns = (moves.start, moves.end, moves.direction, moves.start_price, moves.end_price)
    return [tuple(int(x) for x in row) for row in zip(*columns, strict=True)]  # type: ignore[misc]  # five columns


def ranges(low_high: list[tuple[float, float]]) -> list[tuple[float, float, float, float]]:
    """Bars of given lows and highs; opens and closes do not matter to a label."""
    return [(low, high, low, high) for low, high in low_high]


def legs(rows: list[Row], engine: Engine, *, reversal: float = 30.0) -> Legs:
    """Legs for a reversal of so many points, whatever the true average range."""
    series = series_of(rows, "TST")
    atr = np.full(len(series), reversal / 5 / 3)
    moves = as_tuples(directional_changes(series, atr, 3.0, engine))
    return [(p, e, d, 5 * a, 5 * b) for p, e, d, a, b in moves]


# Each case: lows and highs of the bars, and the legs a reversal of 30 points leaves.
HAND_WORKED = {
    "nothing moves": ([(100, 110)] * 6, []),
    "a move below the size of a reversal is nothing": (
        # 100 .. 125: 25 points up is no move yet.
        [(100, 110), (105, 115), (110, 125), (110, 120)],
        [],
    ),
    "one move up, still open at the close": (
        # Low 100 at bar 0; bar 2 reaches 130: 30 points, mode up from 0. The top is 140 at bar 3;
        # bar 4 comes back 20 only. The open leg counts up to its extreme, bar 3.
        [(100, 110), (105, 115), (110, 130), (120, 140), (120, 130)],
        [(0, 3, 1, 100, 140)],
    ),
    "up and down": (
        # Up from bar 0 (100) to the top 140 at bar 3. Bar 5 falls to 110: 30 below the top: the
        # leg up ends at 3, a leg down starts there; its bottom 100 at bar 6 ends the day.
        [(100, 110), (105, 115), (110, 130), (120, 140), (115, 130), (110, 120), (100, 110)],
        [(0, 3, 1, 100, 140), (3, 6, -1, 140, 100)],
    ),
    "mirrored: down and up": (
        [(190, 200), (185, 195), (170, 190), (160, 180), (170, 185), (180, 190), (190, 200)],
        [(0, 3, -1, 200, 160), (3, 6, 1, 160, 200)],
    ),
    "the onset is the extreme, not the first bar": (
        # The low 90 comes at bar 2, so the move starts there.
        [(100, 110), (95, 105), (90, 100), (95, 110), (105, 125)],
        [(2, 4, 1, 90, 125)],
    ),
    "both directions at once settle nothing": (
        # Bar 1 spans 95 .. 140. It is the new low and the new high, so neither side counts; bar 2
        # is neither, and both sides are 30 away: neither. Bar 3 makes a new high only: up from 1.
        [(115, 125), (95, 140), (100, 135), (110, 150)],
        [(1, 3, 1, 95, 150)],
    ),
    "a bar that makes the new extreme cannot reverse from it": (
        # Up from 0. Bar 2 makes the top 150 and falls back to 110 within the same bar: a new high
        # extends, it never ends. Bar 3 at 115 is 35 below: now it reverses.
        [(100, 110), (110, 130), (110, 150), (115, 140)],
        [(0, 2, 1, 100, 150), (2, 3, -1, 150, 115)],
    ),
    "an equal high does not move the extreme": (
        [(100, 110), (105, 130), (110, 140), (115, 140), (110, 130)],
        [(0, 2, 1, 100, 140), (2, 4, -1, 140, 110)],
    ),
    "what follows the last extreme is no move of its own": (
        # Down 20 after the top at bar 2, never confirmed: not a leg.
        [(100, 110), (110, 130), (120, 140), (120, 135), (120, 130)],
        [(0, 2, 1, 100, 140)],
    ),
}


@pytest.mark.parametrize("case", HAND_WORKED)
def test_legs_by_hand(case: str, engine: Engine) -> None:
    bars, expected = HAND_WORKED[case]

    assert legs(session(ranges(bars)), engine) == expected


def test_a_leg_ends_with_its_session(engine: Engine) -> None:
    """The same climb over two days is two moves; the night between them is none."""
    rows = session(ranges([(100, 110), (115, 130), (125, 140)]), date(2021, 4, 5))
    rows += session(ranges([(300, 310), (315, 330), (325, 345)]), date(2021, 4, 6))

    assert legs(rows, engine) == [(0, 2, 1, 100, 140), (3, 5, 1, 300, 345)]


def test_the_reversal_is_measured_by_the_range_at_the_extreme(engine: Engine) -> None:
    """k ATR is 30 points at every bar but the top, where it is 60: falling 40 is not enough."""
    rows = session(ranges([(100, 110), (115, 130), (125, 150), (110, 140), (95, 120)]))
    series = series_of(rows, "TST")
    atr = np.full(5, 2.0)
    atr[2] = 4.0

    moves = as_tuples(directional_changes(series, atr, 3.0, engine))

    assert moves == [(0, 2, 1, 20, 30)]
    atr[2] = 11.0 / 3.0  # 55 points, which bar 4 (150 - 95) does reach
    assert len(directional_changes(series, atr, 3.0, engine)) == 2


def test_nothing_is_a_reversal_before_there_is_a_range(engine: Engine) -> None:
    rows = session(ranges([(100, 110), (150, 200), (100, 110)]))
    series = series_of(rows, "TST")

    assert len(directional_changes(series, np.full(3, math.nan), 3.0, engine)) == 0


def test_no_bars_have_no_moves(engine: Engine) -> None:
    empty = series_of(walk(1, sessions=1)).head(0)

    assert len(directional_changes(empty, np.zeros(0), 3.0, engine)) == 0


@given(st.integers(0, 10**6), st.sampled_from((0.5, 1.0, 2.0, 3.0, 4.0)))
def test_legs_equal_their_naive_twin(seed: int, k: float) -> None:
    rows = rough_walk(seed)
    bars, _ = naive.in_units(rows)
    series = series_of(rows, timeframe="M5")

    ours = as_tuples(directional_changes(series, true_ranges(series, 14), k))

    twin = naive_score.legs_of(bars, naive.atr(bars), k)
    assert ours == [(x.p, x.e, x.direction, x.start // 5, x.end // 5) for x in twin]


@given(st.integers(0, 10**6), st.sampled_from((1.0, 2.0, 3.0)))
def test_legs_of_a_session_alternate_and_join(seed: int, k: float) -> None:
    """Within a session each leg starts where the last one ended, the other way."""
    series = series_of(walk(seed, sessions=3, size=4.0))
    moves = directional_changes(series, true_ranges(series, 14), k)

    for this, following in zip(as_tuples(moves), as_tuples(moves)[1:], strict=False):
        if series.session[this[0]] == series.session[following[0]]:
            assert following[0] == this[1]
            assert following[2] == -this[2]
            assert following[3] == this[4]
    assert (moves.end > moves.start).all()
    assert ((moves.end_price - moves.start_price) * moves.direction >= 0).all()


# --- manual tables ------------------------------------------------------------------------

START = datetime(2021, 4, 5, 9, 0)


def table(*moves: tuple[int, int, int]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (START + timedelta(minutes=5 * a), START + timedelta(minutes=5 * b), d)
            for a, b, d in moves
        ],
        schema={
            "time_start": pl.Datetime("us"),
            "time_end": pl.Datetime("us"),
            "direction": pl.Int64,
        },
        orient="row",
    )


def ten_bars() -> Series:
    low_high = [(100.0 + 5 * n, 110.0 + 5 * n) for n in range(10)]
    rows = session(ranges(low_high)) + session(ranges(low_high), date(2021, 4, 6))
    return series_of(rows, "TST")


def test_a_manual_move_runs_from_low_to_high_or_high_to_low() -> None:
    moves = labelled_moves(ten_bars(), table((4, 7, -1), (0, 5, 1), (4, 6, 1)), "moves.csv")

    # In ticks, sorted by start and then end: low 100 -> high 135; low 120 -> high 140;
    # high 130 -> low 135 (a move down that rose: the table is believed).
    assert as_tuples(moves) == [(0, 5, 1, 20, 27), (4, 6, 1, 24, 28), (4, 7, -1, 26, 27)]


@pytest.mark.parametrize(
    ("moves", "message"),
    [
        (
            [(0, 5, 1), (1, 30, 1)],
            r"moves\.csv: row 2: time_end 2021-04-05 11:30:00 is not the open",
        ),
        ([(-12, 5, 1)], r"row 1: time_start 2021-04-05 08:00:00 is not the open of a bar"),
        ([(5, 5, 1)], r"row 1: .*expected an end after the start, in one session"),
        ([(0, 1, 1), (6, 5, -1)], r"row 2: .*expected an end after the start, in one session"),
        ([(5, 24 * 12 + 2, 1)], r"row 1: .*expected an end after the start, in one session"),
        ([(0, 5, 1), (0, 5, 0)], r"row 2: direction 0; expected 1 or -1"),
        ([(0, 5, 2)], r"row 1: direction 2; expected 1 or -1"),
    ],
)
def test_a_manual_table_that_does_not_fit_is_refused(
    moves: list[tuple[int, int, int]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        labelled_moves(ten_bars(), table(*moves), "moves.csv")


def test_a_move_within_a_minute_is_not_taken_for_one_at_its_start() -> None:
    late = table((0, 5, 1)).with_columns(pl.col("time_start") + timedelta(seconds=30))
    with pytest.raises(DataError, match="time_start 2021-04-05 09:00:30 is not the open of a bar"):
        labelled_moves(ten_bars(), late, "moves.csv")


FIRST, LAST = START, START + timedelta(minutes=25)


def test_tables_are_read_from_frames_csv_and_parquet(tmp_path: Path) -> None:
    moves = table((0, 5, 1), (6, 9, -1)).with_columns(note=pl.lit("seen"))
    csv, parquet = tmp_path / "moves.csv", tmp_path / "moves.parquet"
    moves.write_csv(csv, datetime_format="%Y-%m-%d %H:%M")
    moves.write_parquet(parquet)

    for source, name in ((moves, "labels"), (csv, str(csv)), (str(parquet), str(parquet))):
        read, where = read_labels(source)
        assert where == name
        assert read.equals(table((0, 5, 1), (6, 9, -1)))


@pytest.mark.parametrize(
    "times",
    [
        ["2021-04-05T09:00", "2021-04-05T09:25"],
        [" 2021-04-05 09:00:00", "2021-04-05 09:25:00 "],
        [FIRST, LAST],
        [
            FIRST.replace(tzinfo=ZoneInfo("America/Sao_Paulo")),
            LAST.replace(tzinfo=ZoneInfo("America/Sao_Paulo")),
        ],
        # Found by a table in UTC: its clock was taken for the exchange's.
        [datetime(2021, 4, 5, 12, 0, tzinfo=UTC), datetime(2021, 4, 5, 12, 25, tzinfo=UTC)],
    ],
    ids=["iso", "blanks", "naive", "zoned", "utc"],
)
@pytest.mark.parametrize("direction", [1, 1.0, "1", "+1"])
def test_times_and_directions_as_they_may_be_written(times: list[Any], direction: Any) -> None:
    given_table = pl.DataFrame(
        {"time_start": times[:1], "time_end": times[1:], "direction": [direction]}
    )

    read, _ = read_labels(given_table)

    assert read.rows() == [(FIRST, LAST, 1)]


BAD_TABLES = {
    "a column is missing": (
        {"time_start": [FIRST], "direction": [1]},
        r"labels: column 'time_end' is missing; expected time_start, time_end, direction and",
    ),
    "a quote that was not closed makes a heading of many lines": (
        {"time_start": [FIRST], "direction,note\n2021-04-05T09:00,1": [1]},
        r"labels: column 'time_end' is missing; .*, got time_start, direction,note 2021-.*1$",
    ),
    "a time is not one": (
        {"time_start": ["2021-04-05T09:00", "noon"], "time_end": ["2021-04-05T09:05"] * 2,
         "direction": [1, 1]},
        r"labels: row 2: time_start 'noon'; expected a time such as 2026-01-05T10:15",
    ),
    "times are numbers": (
        {"time_start": [1], "time_end": [2], "direction": [1]},
        r"labels: column 'time_start' is Int64; expected times",
    ),
    "a direction is a word": (
        {"time_start": [FIRST] * 2, "time_end": [LAST] * 2, "direction": ["1", "up"]},
        r"labels: row 2: direction 'up'; expected 1 or -1",
    ),
    "a direction is a half": (  # found cut down to 1 without a word
        {"time_start": [FIRST], "time_end": [LAST], "direction": [1.5]},
        r"labels: row 1: direction 1\.5; expected 1 or -1",
    ),
    "a direction is missing": (
        {"time_start": [FIRST], "time_end": [LAST], "direction": [None]},
        r"labels: row 1: direction None; expected 1 or -1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_TABLES)
def test_a_bad_table_is_refused_with_its_row(case: str) -> None:
    columns, message = BAD_TABLES[case]

    with pytest.raises(DataError, match=message):
        read_labels(pl.DataFrame(columns))


def test_a_file_that_cannot_be_read_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.csv: no such file; expected a label table"):
        read_labels(tmp_path / "nowhere.csv")
    whole = tmp_path / "whole.parquet"
    table((0, 5, 1)).write_parquet(whole)
    content = whole.read_bytes()
    for name, damaged in (
        ("cut", content[: len(content) // 2]), ("noise", b"PAR1" + bytes(200) + b"PAR1"),
    ):  # fmt: skip
        path = tmp_path / f"{name}.parquet"
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=rf"{name}\.parquet: cannot be read") as caught:
            read_labels(path)
        assert "\n" not in str(caught.value)
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    with pytest.raises(DataError, match=r"empty\.csv: cannot be read"):
        read_labels(empty)


def test_parquet_is_told_by_its_content(tmp_path: Path) -> None:
    moves = table((0, 5, 1))
    for name in ("moves.pq", "moves"):
        moves.write_parquet(tmp_path / name)
        assert read_labels(tmp_path / name)[0].equals(moves)


WRITTEN = {
    "pipes": {"separator": "|"},
    "as Polars writes a table": {},
    "semicolons": {"separator": ";"},
    "tabs": {"separator": "\t"},
    "dd/mm": {"separator": ";", "datetime_format": "%d/%m/%Y %H:%M"},
    "dd/mm with seconds": {"datetime_format": "%d/%m/%Y %H:%M:%S"},
    "MetaTrader": {"datetime_format": "%Y.%m.%d %H:%M:%S"},
    "milliseconds": {"datetime_format": "%Y-%m-%d %H:%M:%S%.3f"},
    "microseconds": {"datetime_format": "%Y-%m-%dT%H:%M:%S%.6f"},
    "an offset": {"datetime_format": "%Y-%m-%dT%H:%M:%S-03:00"},
    "an offset without a colon": {"datetime_format": "%Y-%m-%d %H:%M:%S-0300"},
    "spaces": {"datetime_format": "  %Y-%m-%d   %H:%M "},
    "quotes everywhere": {"quote_style": "always"},
}
ENCODED = {
    "utf-8": lambda text: text.encode(),
    "utf-8 BOM": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "latin-1": lambda text: text.encode("latin-1"),
    "crlf": lambda text: text.replace("\n", "\r\n").encode(),
    "cr": lambda text: text.replace("\n", "\r").encode(),
    "cr cr lf": lambda text: text.replace("\n", "\r\r\n").encode(),
    "blank lines": lambda text: b"\n" + text.replace("\n", "\n\n").encode(),
    "emptied rows": lambda text: text.encode() + b";;;\n;; ;\n",
    "a whole number with a decimal comma": lambda text: text.replace(";-1;", ";-1,0;").encode(),
    "excel's hint": lambda text: b"sep=;\n" + text.encode(),
    "gzip": lambda text: gzip.compress(text.encode()),
}


@pytest.mark.parametrize("options", WRITTEN.values(), ids=WRITTEN.keys())
def test_tables_are_read_back_as_they_may_be_written(options: Any, tmp_path: Path) -> None:
    moves = table((0, 5, 1), (6, 9, -1))
    moves.with_columns(note=pl.lit('seen; "by hand", twice')).write_csv(
        tmp_path / "moves.csv", **options
    )
    assert read_labels(tmp_path / "moves.csv")[0].equals(moves)


@pytest.mark.parametrize("encode", ENCODED.values(), ids=ENCODED.keys())
def test_tables_are_read_in_any_encoding(encode: Any, tmp_path: Path) -> None:
    moves = table((0, 5, 1), (6, 9, -1))
    text = moves.with_columns(nota=pl.lit("reversão")).write_csv(separator=";")
    (tmp_path / "moves.csv").write_bytes(encode(text))
    assert read_labels(tmp_path / "moves.csv")[0].equals(moves)


@pytest.mark.parametrize("heading", ["Time Start", " time_start ", "TIME_START", "time-start"])
def test_headings_in_any_dress(heading: str, tmp_path: Path) -> None:
    moves = table((0, 5, 1))
    moves.rename({"time_start": heading}).write_csv(tmp_path / "moves.csv")
    assert read_labels(tmp_path / "moves.csv")[0].equals(moves)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_opportunities_of_a_run_are_read_back(ending: str, tmp_path: Path) -> None:
    moves = run_of(walk(5, 12)).opportunities
    path = tmp_path / f"moves.{ending}"
    moves.write_csv(path) if ending == "csv" else moves.write_parquet(path)
    read, _ = read_labels(path)
    assert read.equals(moves.select(read.columns))
    again = run_of(walk(5, 12), scoring__labels_file=str(path), scoring__labels="file")
    assert len(again.opportunities) == len(moves) > 0


def test_pandas_frames_and_what_becomes_a_frame_are_tables() -> None:
    moves = table((0, 5, 1), (6, 9, -1))
    assert read_labels(moves.to_arrow())[0].equals(moves)
    assert read_labels(moves.lazy())[0].equals(moves)
    assert read_labels(moves.to_dict(as_series=False))[0].equals(moves)
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(moves.to_dict(as_series=False))
    assert read_labels(frame)[0].equals(moves)
    assert read_labels(frame[frame["direction"] < 0])[0].equals(table((6, 9, -1)))
    assert read_labels(frame.set_index("time_start"))[0].equals(moves)
    zoned = frame.assign(
        time_start=frame["time_start"].dt.tz_localize("America/Sao_Paulo").dt.tz_convert("UTC")
    )
    assert read_labels(zoned)[0].equals(moves)
    texts = frame.assign(time_start=frame["time_start"].dt.strftime("%d/%m/%Y %H:%M"))
    assert read_labels(texts)[0].equals(moves)


@pytest.mark.parametrize("source", [7, object(), [1, 2]])
def test_what_is_no_table_is_refused_in_one_line(source: Any) -> None:
    with pytest.raises(DataError, match=r"^labels: ") as caught:
        read_labels(source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("direction", [1, -1])
def test_a_repeated_row_is_an_error(direction: int) -> None:
    message = (
        r"labels: row 3: the move from 2021-04-05 09:00 to 09:25 stands in row 1 already; "
        "expected each move once; delete one of the rows"
    )
    with pytest.raises(DataError, match=message):
        read_labels(table((0, 5, 1), (6, 9, -1), (0, 5, direction)))


def test_moves_that_share_one_end_are_two() -> None:
    moves = table((0, 5, 1), (0, 6, 1), (5, 6, -1))
    assert read_labels(moves)[0].equals(moves)

"""The parts of a page that need the run: small charts, hours, drawdown."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.report import formats
from alertlib.report.page import minicharts
from alertlib.report.page.drawdown import falls
from alertlib.report.page.page import scorecard_page
from alertlib.report.page.run_parts import SHOWN, run_parts
from alertlib.report.plots.writing import Writing
from tests.support import report_cards
from tests.support.read_page import Page

LIMIT = 400 * 1024
NINE = datetime(2025, 1, 2, 9)
BAR = timedelta(minutes=5)
RUNS = {
    "passed": report_cards.passed_run,
    "failed": report_cards.failed_run,
    "silent": report_cards.silent_run,
}


@pytest.mark.parametrize("name", RUNS)
def test_a_run_s_page_asks_nobody_and_stays_small(name: str) -> None:
    run = RUNS[name]()
    source = scorecard_page(run.scorecard.to_dict(), run_parts(run))
    page = Page(source)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base"} & set(page.tags)
    assert not re.search(r"url\(|@import|https?:|\bnan\b|\binf\b", source)
    assert not re.search(r"\bNone\b|Undefined", page.text)
    assert len(source.encode()) <= LIMIT


def test_the_worst_false_alarms_are_those_that_lost_most() -> None:
    run = report_cards.failed_run()
    parts = run_parts(run)
    lost = run.alerts.filter(pl.col("outcome") == "fp")["pnl_points"].drop_nulls().sort()
    assert parts.of_false_alarms == len(lost) > SHOWN
    assert [case.points for case in parts.false_alarms] == [
        formats.points(points) for points in lost[:SHOWN]
    ]
    assert all(case.why.startswith("valid for no move") for case in parts.false_alarms)


def test_the_largest_missed_moves_say_why_like_the_run() -> None:
    run = report_cards.failed_run()
    parts = run_parts(run)
    missed = run.missed().sort("points", descending=True, maintain_order=True)
    assert parts.of_missed == missed.height > SHOWN
    assert [case.why for case in parts.missed] == missed["why"].to_list()[:SHOWN]
    assert [case.when for case in parts.missed] == [
        f"{time:%Y-%m-%d %H:%M}" for time in missed["time_start"][:SHOWN]
    ]


def test_hours_and_weekdays_add_up_to_the_whole() -> None:
    run = report_cards.passed_run()
    hours = run_parts(run).hours
    for rows in (hours.hours, hours.weekdays):
        for column, whole in enumerate(hours.whole.cells):
            n = sum(int(row.cells[column].n.replace(",", "")) for row in rows)
            assert n == int(whole.n.replace(",", ""))
    shown = [cell.value for cell in hours.whole.cells[:3]]
    assert shown == [formats.shown(line) for line in formats.rates(run.scorecard.to_dict())]
    frame = run.hours("hour")
    assert [row.cells[0].value for row in hours.hours] == [
        formats.percent(rate) for rate in frame["capture_rate"]
    ]
    assert all(
        cell.few == (int(cell.n.replace(",", "")) < hours.few)
        for row in hours.hours for cell in row.cells
    )  # fmt: skip


def test_a_bar_of_the_drawdown_is_the_deepest_of_its_sessions() -> None:
    run = report_cards.passed_run()
    card, equity = run.scorecard.to_dict(), run.equity()
    made = falls(card, equity)
    assert made is not None
    lowest = equity["drawdown_points"].min()
    assert isinstance(lowest, float)
    assert made.deepest.startswith(formats.plain(-lowest, 2))
    assert [mark.label for mark in made.marks] == ["0", formats.short_points(lowest)]
    heights = [float(y) for y in re.findall(r"V([\d.]+)h1", made.drawn)]
    days = equity.group_by(pl.col("exit_time").dt.date().cast(pl.String).alias("day"))
    by_day = dict(days.agg(pl.col("drawdown_points").min()).iter_rows())
    traded = [row["date"] for row in card["per_session"] if row["trades"]]
    assert len(heights) == len(card["per_session"])
    drawn = [y for y, row in zip(heights, card["per_session"], strict=True) if row["trades"]]
    # Zero stands at 2 of 100, the deepest at 98.
    assert drawn == pytest.approx([2 + 96 * by_day[day] / lowest for day in traded], abs=0.06)


def test_a_run_without_an_alert_has_no_drawdown_and_no_false_alarm() -> None:
    parts = run_parts(report_cards.silent_run())
    assert parts.falls is None
    assert parts.false_alarms == []
    assert len(parts.missed) == SHOWN


def bars(count: int, start: datetime = NINE) -> pl.DataFrame:
    """Bars that rise by a point each, three points high."""
    opens = [100.0 + place for place in range(count)]
    return pl.DataFrame(
        {
            "time": [start + place * BAR for place in range(count)],
            "open": opens,
            "high": [price + 2 for price in opens],
            "low": [price - 1 for price in opens],
            "close": [price + 1 for price in opens],
        }
    )


def move(start: int, end: int) -> dict[str, object]:
    return {
        "time_start": NINE + start * BAR, "time_end": NINE + end * BAR, "direction": 1,
        "price_start": 99.0 + start, "price_end": 102.0 + end,
    }  # fmt: skip


NO_ALERTS = pl.DataFrame(schema={"bar_time": pl.Datetime("us"), "direction": pl.Int64})


def test_a_move_s_leg_ends_at_its_own_prices() -> None:
    made = minicharts.move_chart(bars(40), move(15, 25), NO_ALERTS, Writing("en", 1.0))
    assert (made.first, made.last) == ("2025-01-02 09:15", "11:45")
    leg = re.search(r'class="leg" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"', made.drawn)
    assert leg is not None
    x = [float(value) for value in leg.groups()]
    # From 12 bars before it to 8 after, 31 candles side by side.
    slot = minicharts._PLOT / 31
    assert x[0] == pytest.approx(12.5 * slot, abs=0.06)
    assert x[2] == pytest.approx(22.5 * slot, abs=0.06)
    # Of the prices from 102 to 135 the move goes from 114 to 127.
    room = minicharts._HEIGHT - 2 * minicharts._MARGIN
    assert (x[1] - x[3]) / room == pytest.approx(13 / 33, abs=0.002)
    assert "114<" in made.drawn
    assert "127<" in made.drawn


def test_bars_of_other_sessions_are_not_drawn() -> None:
    night = pl.concat([bars(20), bars(20, NINE + timedelta(days=1))])
    made = minicharts.move_chart(night, move(14, 18), NO_ALERTS, Writing("en", 1.0))
    assert made.last == "10:35"


def test_an_alert_is_drawn_with_its_levels_on_the_tick() -> None:
    alert = {
        "bar_time": NINE + 13 * BAR, "direction": -1, "target": 95.0, "stop": 118.5,
        "entry_time": NINE + 14 * BAR, "entry_price": 113.5, "exit_time": NINE + 17 * BAR,
        "exit_price": 118.5,
    }  # fmt: skip
    moves = pl.DataFrame([move(2, 16)])
    made = minicharts.alert_chart(bars(40), alert, moves, Writing("en", 0.5))
    labels = re.findall(r"<text[^>]*>([^<]*)</text>", made.drawn)
    assert labels == ["stop 118.5", "entry 113.5", "target 95.0"]
    # A sell: above its candle, pointing down.
    triangle = re.search(r'class="alert" d="M[\d.]+ [\d.]+l[\d.]+ (-?[\d.]+)h', made.drawn)
    assert triangle is not None
    assert float(triangle[1]) < 0
    assert made.drawn.count('class="fill"') == 2
    assert 'class="around"' in made.drawn


def test_long_moves_are_merged_and_say_so() -> None:
    made = minicharts.move_chart(bars(150), move(5, 140), NO_ALERTS, Writing("en", 1.0))
    assert made.merged == 2
    assert str(made.drawn).count("M") < 4 * 90


@given(st.lists(st.floats(0, 170), min_size=1, max_size=6))
def test_labels_cover_neither_each_other_nor_the_edge(heights: list[float]) -> None:
    moved = minicharts.spread(sorted(heights))
    line = minicharts._LINE
    assert all(below - above >= line - 1e-9 for above, below in pairwise(moved))
    assert moved[0] >= line / 2 - 1e-9
    assert moved[-1] <= minicharts._HEIGHT - line / 2


def test_the_page_of_a_run_needs_no_plotly(tmp_path: Path) -> None:
    """The command's own imports, in a process of its own."""
    code = (
        "import sys; from runners.backtest import main; "
        f"status = main(['--gate', '--html', {str(tmp_path / 'page.html')!r}, "
        "'--set', 'scoring.null_runs=19', '--set', 'scoring.mirror_runs=19']); "
        "print(status, 'plotly' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1].endswith(" False")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Worst false alarms" in page
    assert "By hour and weekday" in page

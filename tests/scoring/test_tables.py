"""Frames with lists in them go into CSV files."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import alertlib as al
from alertlib.scoring.frames import write_alerts
from alertlib.scoring.tables import Table
from tests.support.synthetic import bars_of, walk

TABLE = Table({"id": ["a", "b", "c"], "with": [["x", "y"], [], ["z"]], "n": [1, None, 3]})
WRITTEN = 'id,with,n\na,x|y,1\nb,"",\nc,z,3\n'


def test_lists_are_joined() -> None:
    assert TABLE.write_csv() == WRITTEN
    buffer = io.StringIO()
    TABLE.write_csv(buffer, separator=";")
    assert buffer.getvalue() == WRITTEN.replace(",", ";")
    with pytest.raises(pl.exceptions.ComputeError):
        pl.DataFrame(TABLE).write_csv()


@pytest.mark.parametrize(
    "made",
    [
        lambda t: t.filter(pl.col("n") != 3), lambda t: t.sort("id", descending=True),
        lambda t: t.select("id", "with"), lambda t: t.with_columns(m=1), lambda t: t.head(2),
        lambda t: t[:2], lambda t: t.drop("n"), lambda t: t.clone(), lambda t: t["id", "with"],
        lambda t: t.join(t.select("id"), on="id"), lambda t: t.rename({"n": "m"}), copy.copy,
        lambda t: t.drop_nulls(), lambda t: pickle.loads(pickle.dumps(t)),
    ],
)  # fmt: skip
def test_what_is_made_of_a_table_is_written_as_well(made: Callable[[Table], Table]) -> None:
    assert "x|y" in made(TABLE).write_csv()
    assert TABLE.schema["with"] == pl.List(pl.String)


def test_every_frame_of_a_run_goes_into_a_csv_file(tmp_path: Path) -> None:
    """`run.alerts.write_csv` was an error of Polars about nested data."""
    run = al.backtest(bars_of(walk(101, 14), "WIN$N", "M5"), audits="none", chance=False)
    frames = {
        "alerts": run.alerts, "opportunities": run.opportunities, "trades": run.trades,
        "suppressed": run.suppressed, "missed": run.missed(), "calibration": run.calibration(),
        "fp": run.alerts.filter(outcome="fp"),
    }  # fmt: skip
    for name, frame in frames.items():
        frame.write_csv(tmp_path / f"{name}.csv")
        assert len((tmp_path / f"{name}.csv").read_text().splitlines()) == frame.height + 1
    write_alerts(run.alerts, tmp_path / "written.csv")
    agreeing = pl.read_csv(tmp_path / "written.csv")["agreeing"]
    assert pl.read_csv(tmp_path / "alerts.csv")["agreeing"].equals(agreeing)
    assert isinstance(run.alerts, pl.DataFrame)

"""A run that was saved is the run, but for its bars."""

from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import alertlib as al
from alertlib.backtesting import saved
from alertlib.errors import ConfigError, DataError, StorageError
from tests.support.synthetic import bars_of, walk

BARS = bars_of(walk(101, 14), "WIN$N", "M5")
CONFIG = al.Config().set("detection.volatility.window", 24)
FRAMES = ("alerts", "opportunities", "trades", "suppressed")


@pytest.fixture(scope="module")
def run() -> al.Run:
    return al.backtest(BARS, CONFIG, audits="none", chance=False)


@pytest.fixture(scope="module")
def other() -> al.Run:
    return al.backtest(BARS, al.Config(), audits="none", chance=False)


def test_what_comes_back_is_what_was_saved(run: al.Run, tmp_path: Path) -> None:
    folder = run.save(tmp_path / "runs" / "a")
    back = al.load_run(str(folder))

    assert folder == tmp_path / "runs" / "a"
    assert back.scorecard == run.scorecard
    assert back.config == run.config
    assert back.sha256 == run.bars.sha256
    for name in FRAMES:
        assert_frame_equal(getattr(back, name), getattr(run, name))
    assert_frame_equal(back.missed(), run.missed())
    assert_frame_equal(back.calibration(), run.calibration())
    first = run.alerts["id"][0]
    assert repr(run.explain(first)).startswith(repr(back.explain(first)))
    with pytest.raises(al.DataError, match="got a saved run, which has no bars"):
        _ = back.explain(first).bars
    assert repr(back) == repr(run)
    assert back._repr_html_() == run._repr_html_()


def test_saved_runs_differ_as_the_runs_do(run: al.Run, other: al.Run, tmp_path: Path) -> None:
    a, b = al.load_run(run.save(tmp_path / "a")), al.load_run(other.save(tmp_path / "b"))
    expected = repr(run.diff(other))
    assert "detection.volatility.window: 20 -> 24" in expected
    for new, old in ((a, b), (a, other), (run, b)):
        assert repr(new.diff(old)) == expected
    assert repr(a.diff(run)).startswith("alerts: 0 gained, 0 lost")


def test_a_saved_run_is_readable_without_the_library(run: al.Run, tmp_path: Path) -> None:
    folder = run.save(tmp_path)
    card = al.Scorecard.from_json((folder / "scorecard.json").read_text())
    assert card == run.scorecard
    head = json.loads((folder / "run.json").read_text())
    assert head["schema"] == "run.v1"
    assert head["settings"]["detection"]["volatility"]["window"] == 24
    assert pl.read_parquet(folder / "alerts.parquet").height == run.alerts.height


def test_a_run_in_its_place_is_replaced_and_nothing_else(
    run: al.Run, other: al.Run, tmp_path: Path
) -> None:
    run.save(tmp_path / "a")
    other.save(tmp_path / "a")
    assert al.load_run(tmp_path / "a").config == other.config

    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.txt").write_text("years of work")
    for path in (tmp_path / "notes", tmp_path / "notes" / "thesis.txt"):
        with pytest.raises(StorageError, match="holds something that is no run"):
            run.save(path)
    assert (tmp_path / "notes" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("name", ["run.json", "scorecard.json", "alerts.parquet", "missed.parquet"])
@pytest.mark.parametrize("how", ["missing", "cut", "empty", "changed"])
def test_a_damaged_run_is_told_in_one_line(
    run: al.Run, tmp_path: Path, name: str, how: str
) -> None:
    file = run.save(tmp_path / "a") / name
    content = file.read_bytes()
    if how == "missing":
        file.unlink()
    else:
        changed = bytes([content[0] ^ 1]) + content[1:]
        file.write_bytes(
            {"cut": content[: len(content) // 2], "empty": b"", "changed": changed}[how]
        )

    with pytest.raises(DataError, match=name.replace(".", r"\.")) as caught:
        al.load_run(tmp_path / "a")
    assert "\n" not in str(caught.value)


def test_a_run_half_written_is_no_run(
    run: al.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run.save(tmp_path / "a")

    def full(path: Path, content: bytes) -> None:
        raise StorageError(f"{path}: no space")

    monkeypatch.setattr(saved, "write_durably", full)
    with pytest.raises(StorageError, match="no space"):
        run.save(folder)
    with pytest.raises(DataError, match=r"no saved run \(run\.json is missing\)"):
        al.load_run(folder)


def test_what_is_no_run_or_another_versions_is_one_line(run: al.Run, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", Path(__file__)):
        with pytest.raises(DataError, match="no saved run"):
            al.load_run(path)
    head = run.save(tmp_path / "a") / "run.json"
    head.write_text(head.read_text().replace("run.v1", "run.v9"))
    with pytest.raises(ConfigError, match=r"got schema 'run\.v9', expected run\.v1"):
        al.load_run(tmp_path / "a")


def test_settings_that_only_another_version_knows_are_told_with_that_version(
    run: al.Run, tmp_path: Path
) -> None:
    head = run.save(tmp_path / "a") / "run.json"
    content = json.loads(head.read_text())
    content["settings"]["scoring.of_tomorrow"] = 1
    head.write_text(json.dumps(content))

    with pytest.raises(ConfigError) as caught:
        al.load_run(tmp_path / "a")

    assert str(caught.value).startswith(f"{tmp_path / 'a'}: scoring.of_tomorrow: got an unknown")
    assert f"its settings are of alertlib {al.__version__}, use that" in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="a file in place of a folder, as POSIX tells it")
def test_a_folder_that_cannot_be_made_is_told(run: al.Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        run.save(tmp_path / "file" / "below")

"""The bundled sample: the same bars from its seed, and a gate passed by detection alone."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256

import polars as pl
import pytest

import alertlib as al
from alertlib.bars.bars import SYNTHETIC_HASHES, Bars
from alertlib.bars.opening import from_frame
from alertlib.bars.readers.parquet import VOUCHED
from alertlib.bars.sample import SEED, SYMBOL, Row, Sample, make_sample, sample_path
from alertlib.config import Config

TRUTH = json.loads((sample_path().parent / "truth.json").read_text())


def as_bars(sample: Sample) -> Bars:
    frame = pl.DataFrame(sample.rows, schema=list(Row._fields), orient="row")
    return from_frame(frame, symbol=SYMBOL)


def test_the_seed_gives_the_committed_sample_bit_for_bit() -> None:
    made = make_sample()
    bars = as_bars(made)
    stored = al.read_bars(sample_path(), symbol=SYMBOL)

    assert bars.sha256 == stored.sha256 == TRUTH["sha256"]
    assert bars.frame.equals(stored.frame)
    assert (TRUTH["seed"], TRUTH["bars"]) == (SEED, len(stored))
    planted = [(m["start"], m["end"], m["direction"]) for m in TRUTH["planted_moves"]]
    assert planted == [(m.start.isoformat(), m.end.isoformat(), m.direction) for m in made.moves]


def test_the_sample_is_known_as_synthetic_in_any_format(tmp_path: object) -> None:
    bars = al.read_bars(sample_path(), symbol=SYMBOL)
    copy = f"{tmp_path}/copy.csv"
    bars.frame.write_csv(copy, datetime_format="%Y-%m-%dT%H:%M:%S")

    assert bars.declared_synthetic
    assert sha256(sample_path().read_bytes()).hexdigest() in VOUCHED
    assert bars.sha256 in SYNTHETIC_HASHES
    assert al.read_bars(copy, symbol=SYMBOL).synthetic


def test_the_sample_has_what_real_files_have() -> None:
    kinds = {f.kind for f in al.examine(al.read_bars(sample_path(), symbol=SYMBOL)).findings}

    assert {"missing_first", "short_session", "roll"} <= kinds


def test_the_shipped_defaults_pass_on_the_sample() -> None:
    run = al.backtest(al.read_bars(sample_path(), symbol=SYMBOL), Config())

    assert run.scorecard.verdict == "PASS", run.scorecard.reasons
    assert run.scorecard.data["synthetic"]
    assert run.scorecard.data["sessions"] == 60


def test_the_same_noise_without_its_planted_moves_fails() -> None:
    card = al.backtest(as_bars(make_sample(planted=False)), Config()).scorecard

    assert card.verdict == "FAIL"
    assert not card.criterion("false_positive_share").passed
    assert not card.criterion("win_rate").passed


def test_what_is_captured_are_the_planted_moves() -> None:
    run = al.backtest(al.read_bars(sample_path(), symbol=SYMBOL), Config(), audits="none")
    spans = [
        (datetime.fromisoformat(m["start"]), datetime.fromisoformat(m["end"]), m["direction"])
        for m in TRUTH["planted_moves"]
    ]
    captured = run.opportunities.filter(pl.col("captured"))
    planted = sum(
        any(a < end and start < b and d == direction for a, b, d in spans)
        for start, end, direction in captured.select(
            "time_start", "time_end", "direction"
        ).iter_rows()
    )

    # A leg of the noise can be captured too; it must be the exception.
    assert planted > 0.95 * captured.height


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 21))
def test_another_seed_is_as_good_and_without_moves_as_bad(seed: int) -> None:
    good = al.backtest(as_bars(make_sample(seed)), Config()).scorecard
    bad = al.backtest(as_bars(make_sample(seed, planted=False)), Config()).scorecard

    assert good.verdict == "PASS", good.reasons
    assert bad.verdict == "FAIL"

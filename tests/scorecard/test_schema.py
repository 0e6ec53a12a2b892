"""The JSON Schema of a scorecard: every real card is of it, and no damaged one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from jsonschema import Draft202012Validator

import alertlib as al
from alertlib.scorecard import scorecard_schema
from alertlib.scorecard.card import Scorecard
from alertlib.scorecard.form import faulty_section
from tests.support import report_cards
from tests.support.backtests import FORTY_SESSIONS, run_of
from tests.support.synthetic import frame

Card = dict[str, Any]
VALIDATOR = Draft202012Validator(scorecard_schema())
SHARED = Path(__file__).parents[3] / "shared" / "data"


def untested() -> Card:
    """The sample without what chance scores."""
    return al.backtest(al.read_bars(al.sample_path()), chance=False).scorecard.to_dict()


def walked() -> Card:
    """Neither audits nor chance."""
    return run_of(FORTY_SESSIONS).scorecard.to_dict()


def off_grid() -> Card:
    """Prices on no grid, and a symbol of no family."""
    prices = pl.col("open", "high", "low", "close") * 1.01234567
    bars = al.from_frame(frame(FORTY_SESSIONS).with_columns(prices), symbol="ODD", timeframe="M5")
    return al.backtest(bars, chance=False).scorecard.to_dict()


CARDS: dict[str, Callable[[], Card]] = {
    "passed": report_cards.passed,
    "failed": report_cards.failed,
    "silent": report_cards.silent,
    "insufficient": report_cards.insufficient,
    "untested": untested,
    "walked": walked,
    "off grid": off_grid,
}


@cache
def card_of(name: str) -> Card:
    return CARDS[name]()


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(scorecard_schema())


@pytest.mark.parametrize("name", CARDS)
def test_every_scorecard_is_of_the_schema(name: str) -> None:
    card = json.loads(json.dumps(card_of(name)))
    assert [error.message for error in VALIDATOR.iter_errors(card)] == []
    # And names all that there is: nothing a reader finds in a card is unknown to it.
    assert set(card) == set(scorecard_schema()["properties"])


def test_the_verdicts_are_all_among_them() -> None:
    assert {card_of(name)["verdict"] for name in CARDS} == {
        "PASS", "FAIL", "INSUFFICIENT", "UNTESTED",
    }  # fmt: skip


@pytest.mark.skipif(not SHARED.is_dir(), reason="no real bars beside the project")
@pytest.mark.parametrize("file", ["win_n_m5_2020-11_2021-03", "dji_m5_2021-11_2022-01"])
def test_the_scorecards_of_real_bars_are_of_the_schema(file: str) -> None:
    symbol = "WIN$N" if file.startswith("win") else "DJI"
    bars = al.read_bars(SHARED / f"{file}.parquet", symbol=symbol, timeframe="M5")
    card = al.backtest(bars, audits="none").scorecard.to_dict()
    assert [error.message for error in VALIDATOR.iter_errors(card)] == []


MUTATIONS: dict[str, Callable[[Card], Any]] = {
    "another schema": lambda c: c.update(schema="scorecard.v1"),
    "a verdict of its own": lambda c: c.update(verdict="GOOD"),
    "proven as a word": lambda c: c.update(proven="true"),
    "a key too many": lambda c: c.update(sharpe=1.0),
    "a short hash": lambda c: c.update(spec_hash="2fa5"),
    "a negative count": lambda c: c["counts"].update(tp=-1),
    "a fraction of an alert": lambda c: c["counts"].update(alerts=0.5),
    "a rate above one": lambda c: c["rates"].update(oracle_ceiling=92.0),
    "a rate as text": lambda c: c["rates"].update(oracle_ceiling="0.9"),
    "an unknown rate": lambda c: c["rates"].update(f1=0.9),
    "an unknown criterion": lambda c: c["criteria"][0].update(name="sharpe"),
    "an unknown null": lambda c: c["criteria"][0]["nulls"].update(luck={}),
    "an unknown comparison": lambda c: c["criteria"][0].update(op="=="),
    "a criterion without its verdict": lambda c: c["criteria"][0].pop("passed"),
    "two criteria": lambda c: c.update(criteria=c["criteria"][:2]),
    "an unknown kind of finding": lambda c: c["data"]["quality"]["findings"][0].update(kind="odd"),
    "a date as it is written here": lambda c: c["per_session"][0].update(date="15/01/2025"),
    "a default left out": lambda c: c["changed_settings"].update({"policy.x": [1]}),
    "an alert without a detector": lambda c: c["per_detector"][0].pop("name"),
    "no p-value": lambda c: c["criteria"][0].update(p_value=1.5),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_damaged_scorecard_is_not(name: str) -> None:
    card = copy.deepcopy(card_of("passed"))
    MUTATIONS[name](card)
    assert not VALIDATOR.is_valid(card)


@pytest.mark.parametrize("section", [f for f in Scorecard.__dataclass_fields__ if f != "schema"])
def test_what_reading_refuses_the_schema_refuses(section: str) -> None:
    card = card_of("passed") | {section: 0.5}
    assert faulty_section(card) == section
    assert not VALIDATOR.is_valid(card)

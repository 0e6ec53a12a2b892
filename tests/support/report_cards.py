"""Scorecards to render: real ones of the bundled sample, and what may be read from a file."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import alertlib as al
from alertlib.backtesting.run import Run
from alertlib.bars.sample import SYMBOL, TIMEFRAME
from alertlib.config import Config

Card = dict[str, Any]

# Texts a file, a symbol, a user's pattern or an error message may bring along.
HOSTILE = (
    "[red]x[/red] <script>alert('1')</script> & \"q\" ]]> %0A 100% ::error::\x1b[31m\x00\ud800"
)


@cache
def _run(*settings: tuple[str, Any]) -> Run:
    bars = al.read_bars(al.sample_path(), symbol=SYMBOL, timeframe=TIMEFRAME)
    return al.backtest(bars, Config().update(dict(settings)))


def passed_run() -> Run:
    return _run()


def passed() -> Card:
    """The bundled sample with the shipped defaults."""
    return _run().scorecard.to_dict()


def silent_run() -> Run:
    """Without one alert: most figures are undefined."""
    never = ("detection.volatility.threshold_sigma", 4.3)
    return _run(("detection.enabled", ("volatility",)), never)


def silent() -> Card:
    """FAIL without one alert."""
    return silent_run().scorecard.to_dict()


def insufficient() -> Card:
    """Four sessions."""
    return _run(("scoring.sessions", 4)).scorecard.to_dict()


def failed_run() -> Run:
    """Engulfing alone, where more is missed than the gate allows."""
    return _run(("detection.enabled", ("engulfing",)))


def failed() -> Card:
    """FAIL, measured on engulfing alone."""
    return failed_run().scorecard.to_dict()


def every() -> dict[str, Card]:
    return {
        "passed": passed(), "failed": failed(), "silent": silent(),
        "insufficient": insufficient(), "hostile": hostile(), "bare": bare(), "long": long(),
    }  # fmt: skip


NAMES = ("passed", "failed", "silent", "insufficient", "hostile", "bare", "long")


def hostile(text: str = HOSTILE) -> Card:
    """A text out of a file in every place that takes one."""
    card = copy.deepcopy(failed())
    card["data"] |= {"source": f"dir/{text}", "symbol": text, "timeframe": text}
    card["data"]["quality"]["findings"] = [
        {"kind": text, "severity": text, "date": text, "count": 1, "message": text}
    ]
    card |= {"reasons": [text, "two\nlines"], "warnings": [text], "git_rev": text}
    card["versions"][text] = text
    for row in card["per_detector"]:
        row["pattern"] = text
    for row in card["per_session"]:
        row["date"] = text
    card["audits"]["items"] = [{"name": text, "clean": False, "cases": 1, "detail": text}]
    card["criteria"][0]["nulls"] = {text: {"chance": 0.5, "p_value": 0.5, "runs": 9}}
    card["counts"]["suppressed"] = {text: 3}
    return card


def bare() -> Card:
    """The keys the interface names, and none of those that came later."""
    card = copy.deepcopy(failed())
    keep = {
        "source",
        "synthetic",
        "symbol",
        "timeframe",
        "sha256",
        "bars",
        "sessions",
        "first",
    }
    card["data"] = {k: v for k, v in card["data"].items() if k in keep | {"last"}}
    card["data"]["quality"] = {}
    del card["warnings"]
    keep = {"break_even_win_rate", "expectancy_points", "expectancy_brl", "expectancy_r"}
    card["trade"] = {k: v for k, v in card["trade"].items() if k in keep | {"profit_factor"}}
    keep = {"fp_share_all", "fp_share_strict", "oracle_ceiling", "optimistic_win_rate"}
    card["rates"] = {k: v for k, v in card["rates"].items() if k in keep}
    keep = {"name", "value", "op", "threshold", "n", "n_eff", "ci_low", "ci_high", "chance"}
    keep |= {"p_value", "passed", "nulls"}
    card["criteria"] = [{k: v for k, v in c.items() if k in keep} for c in card["criteria"]]
    return card | {"per_session": [], "per_detector": [], "sensitivity": [], "audits": {}}


def long() -> Card:
    """Two thousand sessions, and a quality section to match."""
    card = copy.deepcopy(failed())
    card["per_session"] *= 2_000 // len(card["per_session"]) + 1
    finding = {"kind": "roll", "severity": "info", "date": "2025-01-02", "count": 1}
    card["data"]["quality"]["findings"] = [finding | {"message": f"roll {i}"} for i in range(500)]
    return card

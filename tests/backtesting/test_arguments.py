"""What cannot be meant is refused where it is handed in, in one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

import alertlib as al
from alertlib._arguments import shown
from tests.support.synthetic import bars_of, walk

BARS = bars_of(walk(7, 4), "WIN$N", "M5")
CONFIG = al.Config()


def backtest(bars: Any = BARS, config: Any = CONFIG, **options: Any) -> Any:
    return al.backtest(bars, config, **{"audits": "none", "chance": False} | options)


def check(detector: Any = "volatility", bars: Any = BARS, config: Any = None) -> Any:
    return al.check(detector, bars, config)


def sweep(bars: Any = BARS, config: Any = CONFIG, grid: Any = None) -> Any:
    return al.sweep(bars, config, {"stop_atr": [1, 2]} if grid is None else grid)


def walk_forward(bars: Any = BARS, config: Any = CONFIG, grid: Any = None) -> Any:
    return al.walk_forward(bars, config, {"stop_atr": [1, 2]} if grid is None else grid)


def stream(config: Any = CONFIG, symbol: Any = "WIN$N", timeframe: Any = "M5") -> al.Stream:
    return al.Stream(config, symbol=symbol, timeframe=timeframe)


def from_frame(df: Any = BARS.frame, **options: Any) -> Any:
    return al.from_frame(df, **{"symbol": "WIN$N"} | options)


Wrong = tuple[Callable[[], Any], str, type[al.AlertlibError]]
PATH = Path("bars.csv")
WRONG: dict[str, Wrong] = {
    "audits": (lambda: backtest(audits="all"), "audits: got 'all'; expected one of none, quick",
               al.ConfigError),
    "audits None": (lambda: backtest(audits=None), "audits: got None", al.ConfigError),
    "engine": (lambda: backtest(engine="numba"), "engine: got 'numba'; expected one of auto",
               al.ConfigError),
    "engine None": (lambda: backtest(engine=None), "engine: got None", al.ConfigError),
    "detectors text": (lambda: backtest(detectors="volatility"), "detectors: got 'volatility'",
                       al.ConfigError),
    "detectors alone": (lambda: backtest(detectors=al.find_detector("volatility")),
                        "detectors: got a value of type Detector", al.ConfigError),
    "detectors function": (lambda: backtest(detectors=[print]), "detector: got a value of type",
                           al.ConfigError),
    "between": (lambda: backtest(between="2021-04-05"), "between: got '2021-04-05'",
                al.ConfigError),
    "timeframe": (lambda: stream(timeframe="X9"), "timeframe: got 'X9'; expected a timeframe: M1",
                  al.ConfigError),
    "timeframe number": (lambda: stream(timeframe=5), "timeframe: got 5", al.ConfigError),
    "timeframe of a frame": (lambda: from_frame(timeframe="X9"), "timeframe: got 'X9'",
                             al.DataError),
    "timeframe of a frame, number": (lambda: from_frame(timeframe=5), "timeframe: got 5",
                                     al.DataError),
    "symbol path": (lambda: stream(symbol=PATH), "symbol: got a value of type", al.ConfigError),
    "symbol None": (lambda: stream(symbol=None), "symbol: got None", al.ConfigError),
    "symbol of a frame": (lambda: from_frame(symbol=PATH), "symbol: got a value of type",
                          al.DataError),
    "symbol of a file": (lambda: al.read_bars(al.sample_path(), symbol=5), "symbol: got 5",
                         al.DataError),
    "source": (lambda: al.read_bars(""), "read_bars: got the path ''", al.DataError),
    "source frame": (lambda: al.read_bars(BARS.frame),
                     "read_bars: got a value of type DataFrame; .* al.from_frame", al.DataError),
    "sessions": (lambda: al.read_bars(al.sample_path(), sessions="5"), "sessions: got '5'",
                 al.DataError),
    "config path": (lambda: al.load_config(""), "load_config: got the path ''", al.ConfigError),
    "config number": (lambda: al.load_config(5), "load_config: got 5", al.ConfigError),
    "overrides": (lambda: al.load_config(None, [1]), "load_config overrides: got 1",
                  al.ConfigError),
    "key": (lambda: CONFIG.set(None, 1), "config.set: got None; expected a dotted key",
            al.ConfigError),
    "keys": (lambda: CONFIG.update([("a", 1)]), "config.update: got a value of type list",
             al.ConfigError),
    "detector": (lambda: check(3), "detector: got 3; expected the name", al.ConfigError),
    "only": (lambda: al.only(3), "detector: got 3", al.ConfigError),
    "card": (lambda: al.Scorecard.from_json({}), "scorecard: got a value of type dict; expected",
             al.DataError),
    "card path": (lambda: al.Scorecard.from_json(PATH), "scorecard: got a value of type",
                  al.DataError),
    "grid": (lambda: sweep(grid=["stop_atr"]), "grid: got a value of type list", al.ConfigError),
    "diff": (lambda: backtest().diff(3), "diff: got 3; expected a run", al.ConfigError),
    "train": (lambda: al.walk_forward(BARS, CONFIG, {"stop_atr": [1]}, train="30"),
              "train: got '30'; expected a whole number of sessions", al.ConfigError),
    "test": (lambda: al.walk_forward(BARS, CONFIG, {"stop_atr": [1]}, test=2.5),
             "test: got 2.5; expected a whole number of sessions", al.ConfigError),
    "prices": (lambda: stream().on_bar(al.Bar(datetime(2021, 4, 5, 9), *4 * [Decimal(100_000)])),
               r"bar of WIN\$N at 2021-04-05 09:00:00: got .*; expected four numbers, float or int",
               al.DataError),
    "slice": (lambda: BARS[3], r"bars\[...\]: got 3; expected a slice", al.DataError),
    "load_run": (lambda: al.load_run(""), "load_run: got the path ''", al.DataError),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_one_line(name: str) -> None:
    call, words, kind = WRONG[name]
    with pytest.raises(kind, match=f"^{words}") as caught:
        call()
    assert "\n" not in str(caught.value)
    assert "expected" in str(caught.value)


@pytest.mark.parametrize("function", [backtest, check, sweep, walk_forward, al.examine])
@pytest.mark.parametrize("value", [BARS.frame, "bars.csv", PATH, None, CONFIG])
def test_a_frame_is_no_bars(function: Any, value: Any) -> None:
    call = (lambda: al.examine(value)) if function is al.examine else lambda: function(bars=value)
    with pytest.raises(al.DataError, match=r"^bars: got .*; expected what al.read_bars\(path\) or"):
        call()


@pytest.mark.parametrize("function", [backtest, check, sweep, walk_forward, stream])
@pytest.mark.parametrize("value", [{}, {"scoring": {"seed": 1}}, "config/alertas.yaml", PATH])
def test_a_dictionary_is_no_configuration(function: Any, value: Any) -> None:
    with pytest.raises(al.ConfigError, match=r"^config: got .*; expected what al.load_config\(\)"):
        function(config=value)


@pytest.mark.parametrize("name", ["seed", "scoring", "source", "anything"])
def test_a_configuration_is_not_assigned_to(name: str) -> None:
    """`config.seed = 1` was a TypeError about super()."""
    config = al.Config()
    with pytest.raises(al.ConfigError, match=rf"^config\.{name}: got an assignment of 1") as caught:
        setattr(config, name, 1)
    assert isinstance(caught.value, FrozenInstanceError)
    assert config == al.Config()
    assert hash(config) == hash(al.Config())


@pytest.mark.parametrize(
    ("section", "name"),
    [("scoring", "seed"), ("data", "symbol"), ("detection", "volatility"),
     ("delivery.email", "enabled")],
)  # fmt: skip
def test_a_section_is_not_assigned_to_either(section: str, name: str) -> None:
    """`config.scoring.seed = 1` said what could not be done, and not what to do."""
    config = al.Config()
    message = rf"^config\.{section}\.{name}: got an assignment of 1; expected config\.set"
    with pytest.raises(al.ConfigError, match=message):
        setattr(attrgetter(section)(config), name, 1)
    assert config == al.Config()


def test_a_path_is_a_path(tmp_path: Path) -> None:
    config = CONFIG.update({"data.source": PATH, "scoring.labels_file": tmp_path / "moves.csv"})
    assert config.data.source == "bars.csv"
    assert config.scoring.labels_file == str(tmp_path / "moves.csv")
    with pytest.raises(al.ConfigError, match=r"data.symbol: got a value of type"):
        CONFIG.set("data.symbol", PATH)
    assert from_frame(source=PATH).source == "bars.csv"


def test_a_value_is_shown_shortly() -> None:
    assert shown("x" * 100) == f"'{'x' * 56}..."
    assert shown(True) == "True"
    assert shown(np.arange(3)) == "a value of type ndarray"
    assert shown(pl.DataFrame()) == "a value of type DataFrame"


def test_dir_lists_what_is_public_and_nothing_else() -> None:
    import alertlib.backtesting
    import alertlib.bars

    for face in (al, alertlib.bars, alertlib.backtesting):
        assert dir(face) == sorted(face.__all__)
        assert all(getattr(face, name) is not None for name in dir(face))


@pytest.mark.usefixtures("own_registry")
def test_a_detector_given_by_name_has_the_parameters_of_the_settings() -> None:
    """It ran with its defaults, whatever the settings said, and was recorded with them."""

    class Wait(NamedTuple):
        bars: int = 2

    class Seen(NamedTuple):
        bars: int = 0

    @al.detector("waits", state=Seen(), params=Wait(), patterns=("waits_up", "waits_down"))
    def waits(state, ring, bar, params):  # type: ignore[no-untyped-def]
        seen = state.bars + 1
        return int(seen % params.bars == 0), Seen(seen)

    names = ("volatility", "waits")
    stated = al.Config().update({
        "detection.enabled": names,
        "detection.volatility.threshold_sigma": 3.0,
        "detection.custom": {"waits": {"bars": 7}},
    })  # fmt: skip

    by_name, enabled = (
        backtest(config=stated, **given) for given in ({"detectors": list(names)}, {})
    )

    assert by_name.alerts.equals(enabled.alerts)
    assert by_name.config == enabled.config

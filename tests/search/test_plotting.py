"""The figures of searches: what they show is what the search holds, and luck beside it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import alertlib as al
from alertlib.config import Config
from alertlib.errors import ConfigError
from tests.support.synthetic import bars_of, walk

BARS = bars_of(walk(11, sessions=20), timeframe="M5")
ALONE = Config().update(
    {"scoring.sessions": 14, "scoring.warmup_bars": 107, "detection.enabled": ["volatility"]}
)
# At 6 deviations of 10 closes nothing can ever fire.
GRID: dict[str, Any] = {
    "volatility.window": [20, 10],
    "threshold_sigma": [1.5, 2.0, 6.0],
    "cooldown_bars": [0, 6],
}


@cache
def swept() -> al.Sweep:
    return al.sweep(BARS, ALONE, GRID)


def shown(figure: Any) -> str:
    """The title as it is read."""
    text = re.sub(r"<br>", " ", figure.layout.title.text)
    return re.sub(r"<[^>]+>", "", text)


@pytest.mark.parametrize("over", ["best", "median", "mean"])
@pytest.mark.parametrize("metric", ["win_rate", "false_positive_share", "distance"])
def test_a_cell_is_what_the_frame_says_of_its_combinations(metric: str, over: Any) -> None:
    found = swept()
    surface = found.heatmap("window", "threshold_sigma", metric, over=over).data[0]

    best = np.max if metric == "win_rate" else np.min
    reckon = {"best": best, "median": np.median, "mean": np.mean}[over]
    for row, sigma in enumerate([1.5, 2.0, 6.0]):
        for column, window in enumerate([10, 20]):  # by size, not as they were given
            cell = found.frame.filter(
                **{
                    "detection.volatility.window": window,
                    "detection.volatility.threshold_sigma": sigma,
                }
            )[metric].drop_nulls()
            drawn = surface.z[row][column]
            assert (drawn is None) == (len(cell) == 0)
            assert drawn is None or drawn == pytest.approx(float(reckon(cell.to_numpy())))
    assert over in shown(found.heatmap("window", "threshold_sigma", metric, over=over))


def test_the_scale_marks_the_limit_and_the_best_by_luck_and_the_title_says_of_how_many() -> None:
    found = swept()
    luck = found.chance()
    figure = found.heatmap("window", "threshold_sigma", "win_rate", luck=luck)

    bar = figure.data[0].colorbar
    by_luck = luck.to_dict()["win_rate"]["by_luck"]
    marked = dict(zip(bar.tickvals, bar.ticktext, strict=True))
    assert any("chance" in text and at == pytest.approx(by_luck) for at, text in marked.items())
    assert any("limit 60.0%" in text for text in marked.values())
    assert figure.data[0].zmin <= by_luck <= figure.data[0].zmax
    assert "best of 12 combinations of noise" in shown(figure)
    assert f"would show {100 * by_luck:.1f}%" in shown(figure)


def test_luck_is_measured_once_and_each_combination_has_its_own_chance_level() -> None:
    found = swept()
    luck = found.chance()

    for name, usual in luck.usual.items():
        assert len(usual) == len(found)
        assert np.isnan(usual).sum() == found.frame[name].null_count()
    # The best of all cannot be worse than what is usual for each.
    assert np.nanmedian(luck.drawn["win_rate"]) >= np.nanmax(luck.usual["win_rate"])
    hover = found.heatmap("window", "threshold_sigma", "win_rate").data[0].hovertext[0][0]
    assert "chance" in hover
    assert "trades" in hover


def test_undefined_is_crossed_and_neither_zero_nor_empty() -> None:
    figure = swept().heatmap("window", "threshold_sigma", "win_rate")
    surface, crosses = figure.data

    assert [surface.z[2][0], surface.z[2][1]] == [None, None]
    assert crosses.marker.symbol == "x-thin"
    assert sorted(zip(crosses.x, crosses.y, strict=True)) == [(0, 2), (1, 2)]
    assert "undefined" in crosses.hovertext[0]


def test_a_sweep_of_one_parameter_is_one_row() -> None:
    found = al.sweep(BARS, ALONE, {"threshold_sigma": [1.5, 2.0]})
    figure = found.heatmap("threshold_sigma", metric="expectancy_points")

    assert len(figure.data[0].z) == 1
    assert list(figure.data[0].z[0]) == found.frame["expectancy_points"].to_list()
    assert "Each cell" not in shown(figure)


def test_a_sweep_from_a_file_says_that_luck_is_not_measured(tmp_path: Path) -> None:
    swept().write_parquet(tmp_path / "sweep.parquet")
    found = al.read_sweep(tmp_path / "sweep.parquet")

    figure = found.heatmap("window", "threshold_sigma", language="pt-BR")
    assert "não foi medido" in shown(figure)
    assert not any("acaso" in text for text in figure.data[0].colorbar.ticktext)
    luck = swept().chance(runs=9)
    assert "9 runs" in shown(found.heatmap("window", "threshold_sigma", luck=luck))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("windw", "threshold_sigma"), ["x: got 'windw'", "did you mean window?"]),
        (("window", "stop_atr"), ["y: got 'stop_atr'", "policy.cooldown_bars"]),
        (("window", "volatility.window"), ["for x and y", "two parameters"]),
        (("window", "threshold_sigma", "captures"), ["metric: got 'captures'", "capture_rate"]),
        ((3, "window"), ["x: got 3"]),
    ],
)
def test_what_cannot_be_drawn_is_one_line(arguments: Any, words: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        swept().heatmap(*arguments)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_the_luck_of_another_sweep_is_refused() -> None:
    other = al.sweep(BARS, ALONE, {"threshold_sigma": [1.5, 2.0]}).chance(runs=1)
    with pytest.raises(ConfigError, match="luck: got that of 2 combinations"):
        swept().heatmap("window", "threshold_sigma", luck=other)
    with pytest.raises(ConfigError, match="top: got 0"):
        swept().parallel(top=0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_parallel_axes_hold_every_combination_with_undefined_apart(theme: Any) -> None:
    found = swept()
    trace = found.parallel(theme=theme).data[0]
    axes = {axis.label: axis for axis in trace.dimensions}

    assert list(axes)[:3] == ["window", "threshold_sigma", "cooldown_bars"]
    assert list(axes["window"].ticktext) == ["10", "20"]
    assert sorted(trace.line.color) == sorted(found.frame["distance"].to_list())
    rate = axes["win rate"]
    place = dict(zip(rate.ticktext, rate.tickvals, strict=True))["undefined"]
    undefined = found.frame["win_rate"].null_count()
    assert sum(value == place for value in rate["values"]) == undefined == 4
    assert len(found.parallel(top=5).data[0].line.color) == 5
    assert "the 5 of 12" in shown(found.parallel(top=5))


def test_a_walk_is_drawn_fold_by_fold_with_its_verdict_and_first_reason() -> None:
    bars = bars_of(walk(21, sessions=34), timeframe="M5")
    quick = Config().update(
        {"scoring.warmup_bars": 107, "scoring.mirror_runs": 19, "scoring.null_runs": 19}
    )
    walked = al.walk_forward(
        bars, quick, {"volatility.window": [10, 20], "cooldown_bars": [0, 6]}, train=12, test=6
    )
    figure = walked.plot()

    traces = {(trace.name, trace.yaxis): trace for trace in figure.data}
    pooled, folds = walked.pooled, walked.folds
    for axis, name in (("y", "capture_rate"), ("y3", "win_rate")):
        inside, outside = traces["in sample", axis].y, traces["out of sample", axis].y
        assert list(inside)[:-1] == [getattr(fold.in_sample, name) for fold in folds]
        assert list(outside)[:-1] == [getattr(fold.out_of_sample, name) for fold in folds]
        assert outside[-1] == pooled.criterion(name).value
    assert not walked.proven
    assert "UNPROVEN" in shown(figure)
    assert walked.reasons[0].partition("; ")[0][1:] in shown(figure)
    chosen = figure.data[-1].text
    assert list(chosen[0]) == [
        str(fold.parameters["detection.volatility.window"]) for fold in folds
    ]
    assert "NÃO PROVADO" in shown(walked.plot(theme="dark", language="pt-BR"))

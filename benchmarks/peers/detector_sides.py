"""The detectors by TA-Lib, polars-talib, NumPy and vectorbt."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from alertlib._typing import Signals
from alertlib.detection.registry import find_detector
from benchmarks.peers import numpy_forms as forms
from benchmarks.peers.material import ATR_WINDOW, Material

Call = Callable[[], Any]


def params_of(name: str) -> Any:
    """Return a built-in detector's default parameters as its kernel reads them, in ticks."""
    return find_detector(name).kernel_params(1)


def together(calls: dict[str, Call]) -> dict[str, Call]:
    """Add ``all``: one after the other."""

    def everything() -> None:
        for call in calls.values():
            call()

    return {**calls, "all": everything}


def talib_primitives(material: Material) -> dict[str, Call]:
    """Return TA-Lib's calls, with a comparison where the call decides nothing."""
    import talib

    o, h, low, c = (material.joined[name] for name in ("open", "high", "low", "close"))
    v, b, r = (params_of(name) for name in ("volatility", "breakout", "rsi_divergence"))
    margin = max(b.margin_ticks, 1)

    def volatility() -> Signals:
        z = (c - talib.SMA(c, v.window)) / talib.STDDEV(c, v.window)
        return _side(z >= v.threshold_sigma, z <= -v.threshold_sigma)

    def breakout() -> Signals:
        top, bottom = talib.MAX(h, b.window), talib.MIN(low, b.window)
        return _after(_side(c[1:] >= top[:-1] + margin, c[1:] <= bottom[:-1] - margin))

    return together(
        {
            "volatility": volatility,
            "engulfing": lambda: np.sign(talib.CDLENGULFING(o, h, low, c)).astype(np.int8),
            "breakout": breakout,
            "rsi_divergence": lambda: talib.RSI(c, r.window),
            "atr": lambda: talib.ATR(h, low, c, ATR_WINDOW),
        }
    )


def talib_same_job(material: Material) -> dict[str, Call]:
    """Return TA-Lib's calls with all else in NumPy."""
    alone, place = talib_primitives(material), material.series.place
    v, r = params_of("volatility"), params_of("rsi_divergence")
    in_session = place > 0
    return together(
        {
            "volatility": lambda: forms.confirmed(alone["volatility"](), v.confirm_bars),
            "engulfing": lambda: alone["engulfing"]() * in_session,
            "breakout": lambda: forms.fresh(alone["breakout"]()),
            "rsi_divergence": lambda: forms.divergence(
                material.joined, place, alone["rsi_divergence"](), r
            ),
            "atr": alone["atr"],
        }
    )


def _side(above: Any, below: Any) -> Signals:
    return np.asarray(above.view(np.int8) - below.view(np.int8), dtype=np.int8)


def _after(side: Signals) -> Signals:
    return np.concatenate([np.zeros(1, dtype=np.int8), side])


def polars_primitives(material: Material) -> dict[str, Call]:
    """Return polars-talib's expressions, each collected on its own, ``all`` in one go."""
    import polars as pl
    import polars_talib as pt

    frame = material.frame
    o, h, low, c = (pl.col(name) for name in ("open", "high", "low", "close"))
    v, b, r = (params_of(name) for name in ("volatility", "breakout", "rsi_divergence"))
    margin = max(b.margin_ticks, 1)
    z = (c - pt.sma(c, v.window)) / pt.stddev(c, v.window)
    top, bottom = pt.max(h, b.window).shift(1), pt.min(low, b.window).shift(1)

    def side(above: pl.Expr, below: pl.Expr) -> pl.Expr:
        return above.cast(pl.Int8) - below.cast(pl.Int8)

    expressions = {
        "volatility": side(z >= v.threshold_sigma, z <= -v.threshold_sigma),
        "engulfing": pt.cdlengulfing(o, h, low, c),
        "breakout": side(c >= top + margin, c <= bottom - margin),
        "rsi_divergence": pt.rsi(c, r.window),
        "atr": pt.atr(h, low, c, ATR_WINDOW),
    }
    named = [expression.alias(name) for name, expression in expressions.items()]
    return {
        **{name: partial(frame.select, e.alias(name)) for name, e in expressions.items()},
        "all": partial(frame.select, named),
    }


def numpy_same_job(material: Material) -> dict[str, Call]:
    """Return the plain NumPy forms."""
    ticks, place = dict(material.ticks), material.series.place
    v, b, r = (params_of(name) for name in ("volatility", "breakout", "rsi_divergence"))
    return together(
        {
            "volatility": lambda: forms.volatility(ticks["close"], v),
            "engulfing": lambda: forms.engulfing(ticks, place),
            "breakout": lambda: forms.breakout(ticks, b),
            "rsi_divergence": lambda: forms.divergence(
                ticks, place, forms.rsi(ticks["close"], r.window), r
            ),
            "atr": lambda: forms.atr(ticks, place, ATR_WINDOW),
        }
    )


def vectorbt_primitives(material: Material, engine: str) -> dict[str, Call]:
    """Return vectorbt's rolling moments with the comparison."""
    import pandas as pd
    import vectorbt as vbt

    close, v = pd.Series(material.joined["close"]), params_of("volatility")

    def volatility() -> Signals:
        mean = vbt.MA.run(close, v.window, engine=engine).ma
        std = vbt.MSTD.run(close, v.window, engine=engine).mstd
        z = (material.joined["close"] - mean.to_numpy()) / std.to_numpy()
        return _side(z >= v.threshold_sigma, z <= -v.threshold_sigma)

    return {"volatility": volatility}

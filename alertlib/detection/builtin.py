"""The built-in detectors: the one list of them."""

from __future__ import annotations

from alertlib.detection.detectors import Detector, detector
from alertlib.kernels.breakout import (
    BreakoutParams,
    BreakoutState,
    breakout_evidence,
    breakout_step,
)
from alertlib.kernels.directional_change import (
    DirectionalChangeParams,
    DirectionalChangeState,
    directional_change_evidence,
    directional_change_step,
)
from alertlib.kernels.engulfing import (
    EngulfingParams,
    EngulfingState,
    engulfing_evidence,
    engulfing_step,
)
from alertlib.kernels.rsi_divergence import (
    RsiDivergenceParams,
    RsiDivergenceState,
    rsi_divergence_evidence,
    rsi_divergence_step,
)
from alertlib.kernels.volatility import (
    VolatilityParams,
    VolatilityState,
    volatility_evidence,
    volatility_step,
)

# A step that reads an average with infinite memory (RSI, ATR) starts to count after this many.
LONG_WARMUP = 600

volatility = detector(
    "volatility",
    patterns=("volatilidade_extrema", "volatilidade_extrema"),
    state=VolatilityState(),
    params=VolatilityParams(),
    ring=lambda p: p.window,
    # A run already under way when the series starts can then no longer be taken for a new one.
    warmup=lambda p: p.window + p.confirm_bars - 2,
    confidence=0.85,
    evidence=volatility_evidence,
)(volatility_step)

engulfing = detector(
    "engulfing",
    patterns=("engulfing_bullish", "engulfing_bearish"),
    state=EngulfingState(),
    params=EngulfingParams(),
    warmup=1,
    confidence=0.65,
    evidence=engulfing_evidence,
)(engulfing_step)

rsi_divergence = detector(
    "rsi_divergence",
    patterns=("divergencia_rsi_alta", "divergencia_rsi_baixa"),
    state=RsiDivergenceState(),
    params=RsiDivergenceParams(),
    ring=16,
    warmup=LONG_WARMUP,
    confidence=0.60,
    evidence=rsi_divergence_evidence,
)(rsi_divergence_step)

breakout = detector(
    "breakout",
    patterns=("break_resistencia", "break_suporte"),
    state=BreakoutState(),
    params=BreakoutParams(),
    ring=lambda p: 2 * p.window,
    warmup=lambda p: p.window,
    confidence=0.70,
    evidence=breakout_evidence,
)(breakout_step)

directional_change = detector(
    "directional_change",
    patterns=("mudanca_direcional_alta", "mudanca_direcional_baixa"),
    state=DirectionalChangeState(),
    params=DirectionalChangeParams(),
    warmup=LONG_WARMUP,
    confidence=0.82,
    probability=True,
    evidence=directional_change_evidence,
)(directional_change_step)

# All detectors declared above. Their order, that of their names in data, breaks ties of confidence;
# users' own follow in the order in which they are enabled.
BUILT_IN = {each.name: each for each in tuple(globals().values()) if isinstance(each, Detector)}


def is_built_in(detector: Detector) -> bool:
    """Whether a detector is one of these, with whatever parameters: another may bear its name."""
    known = BUILT_IN.get(detector.name)
    return known is not None and known.step is detector.step

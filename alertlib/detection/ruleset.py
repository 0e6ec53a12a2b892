"""The configuration as the kernels read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alertlib.config.schema import Policy, Settings, Trade
from alertlib.config.types import minute_of_day
from alertlib.detection.alert import Alert
from alertlib.detection.detectors import Detector
from alertlib.detection.registry import enabled_detectors, import_accept
from alertlib.errors import ConfigError
from alertlib.kernels.alerting import SEVERITIES, SetupParams
from alertlib.kernels.bar import TickBar
from alertlib.kernels.policy import PolicyParams
from alertlib.market.ticks import Grid

# Of an alert and the last bars up to its own, the newest last: whether it goes on to the policy.
Accept = Callable[[Alert, Sequence[TickBar]], bool]
# How many bars it is given at most, live as in batch.
ACCEPT_BARS = 600
# Bits of a signed integer that the compiled merge shifts into, one kept back.
MAX_DETECTORS = 62


@dataclass(frozen=True)
class Rules:
    """The configuration as the kernels read it, for one instrument."""

    detectors: tuple[Detector, ...]
    patterns: tuple[str, ...]
    policy: PolicyParams
    setup: SetupParams
    atr_window: int
    accept: Accept | None = None


def make_rules(
    config: Settings,
    grid: Grid,
    detectors: tuple[Detector, ...] | None = None,
    accept: Accept | None = None,
) -> Rules:
    """Return the detectors, policy and trade set-up of ``config`` on a price grid.

    Parameters
    ----------
    config : Settings
    grid : Grid
    detectors : tuple of Detector, optional
        In order of rank; those that ``config`` enables when left out.
    accept : callable, optional
        Filter between merge and policy; the one that ``config`` names when left out.
    """
    if detectors is None:
        detectors = enabled_detectors(config.detection)
    if len(detectors) > MAX_DETECTORS:
        raise ConfigError(
            f"detection.enabled: got {len(detectors)} detectors, expected at most {MAX_DETECTORS}: "
            "those that agree are kept as bits of one integer; run the others by themselves"
        )
    if accept is None and config.detection.accept is not None:
        accept = import_accept(config.detection.accept)
    return Rules(
        detectors=detectors,
        patterns=tuple(dict.fromkeys(name for d in detectors for name in d.patterns)),
        policy=policy_params(config.policy),
        setup=setup_params(config.trade, grid),
        atr_window=config.trade.atr_window,
        accept=accept,
    )


def policy_params(policy: Policy) -> PolicyParams:
    """Return ``policy`` as the kernel reads it."""
    return PolicyParams(
        min_severity=SEVERITIES.index(policy.min_severity),
        window_start=minute_of_day(policy.window_start),
        window_end=minute_of_day(policy.window_end),
        per_minute=policy.rate_limit_per_minute,
        cooldown_bars=policy.cooldown_bars,
    )


def setup_params(trade: Trade, grid: Grid) -> SetupParams:
    """Return the levels of ``trade`` as the kernel reads them, on a price grid."""
    return SetupParams(
        entry_band_atr=float(trade.entry_band_atr),
        stop_atr=float(trade.stop_atr),
        target_atr=float(trade.target_atr),
        tick=grid.per_tick,
        rounded=int(grid.on_tick),
    )

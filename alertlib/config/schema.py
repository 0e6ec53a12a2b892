"""Every setting, its type, its default and its limits.

One frozen class per section. Detector sections are the kernels' own parameter types, so a limit
stands in one place only. The loader walks these annotations; nothing else knows the file's shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, Literal

from alertlib.config.types import (
    CallUrl,
    ClockTime,
    Day,
    DetectorName,
    EnvName,
    FilePath,
    FrozenMap,
    HostName,
    MailAddress,
    Network,
    OneLine,
    Origin,
    PageUrl,
    ParameterName,
    Pattern,
    ShortName,
    SocketUrl,
    Symbol,
    Timeframe,
)
from alertlib.kernels.breakout import BreakoutParams
from alertlib.kernels.directional_change import DirectionalChangeParams
from alertlib.kernels.engulfing import EngulfingParams
from alertlib.kernels.params import Range
from alertlib.kernels.rsi_divergence import RsiDivergenceParams
from alertlib.kernels.volatility import VolatilityParams

Severity = Literal["CRITICO", "ALTO", "MEDIO"]
Share = Annotated[float, Range(0.0, 1.0)]


class Security(Enum):
    """How the SMTP connection is protected."""

    none = "none"
    starttls = "starttls"
    tls = "tls"


@dataclass(frozen=True)
class HoursSince:
    """Hours of a symbol from a day on, until the next entry."""

    since: Day
    open: ClockTime
    close: ClockTime


@dataclass(frozen=True)
class FeeSince:
    """Costs of a round trip from a day on, in points, until the next entry."""

    since: Day
    points: Annotated[float, Range(low=0.0)]


@dataclass(frozen=True)
class SymbolSpec:
    """One entry of ``data.symbols``; what is left out comes from the symbol's family.

    ``hours`` and ``fees`` are dated. Before the first of them ``session_open`` to
    ``session_close`` and ``fees_points`` are in force, or else what the family has.
    """

    symbol: Symbol
    timeframes: tuple[Timeframe, ...] = ("M5",)
    tick: Annotated[float, Range(above=0.0)] | None = None
    point_value: Annotated[float, Range(above=0.0)] | None = None
    fees_points: Annotated[float, Range(low=0.0)] | None = None
    session_open: ClockTime | None = None
    session_close: ClockTime | None = None
    hours: tuple[HoursSince, ...] = ()
    fees: tuple[FeeSince, ...] = ()


@dataclass(frozen=True)
class Data:
    """Where bars come from and what they are bars of."""

    source: FilePath | None = None
    symbol: Symbol = "WIN$N"
    timeframe: Timeframe = "M5"
    symbols: tuple[SymbolSpec, ...] = ()


@dataclass(frozen=True)
class Detection:
    """Which detectors run and with what parameters."""

    enabled: tuple[DetectorName, ...] = ("volatility", "engulfing", "rsi_divergence", "breakout")
    volatility: VolatilityParams = field(default=VolatilityParams())
    engulfing: EngulfingParams = field(default=EngulfingParams())
    rsi_divergence: RsiDivergenceParams = field(default=RsiDivergenceParams())
    breakout: BreakoutParams = field(default=BreakoutParams())
    directional_change: DirectionalChangeParams = field(default=DirectionalChangeParams())
    accept: DetectorName | None = None
    custom: Mapping[DetectorName, Mapping[ParameterName, Any]] = FrozenMap()

    ALIASES = FrozenMap({"volatilidade": "volatility"})

    @property
    def volatilidade(self) -> VolatilityParams:
        """The customer's spelling of ``volatility``."""
        return self.volatility


@dataclass(frozen=True)
class Policy:
    """Which alerts reach a trader."""

    min_severity: Severity = "MEDIO"
    window_start: ClockTime = "09:05"
    window_end: ClockTime = "17:30"
    rate_limit_per_minute: Annotated[int, Range(0, 1_000)] = 1
    cooldown_bars: Annotated[int, Range(0, 10_000)] = 6


@dataclass(frozen=True)
class Trade:
    """The trade an alert proposes, and how it is filled."""

    atr_window: Annotated[int, Range(2, 1_000)] = 14
    entry_band_atr: Annotated[float, Range(0.0, 100.0)] = 0.25
    stop_atr: Annotated[float, Range(above=0.0, high=100.0)] = 1.5
    target_atr: Annotated[float, Range(above=0.0, high=100.0)] = 1.5
    slippage_ticks: Annotated[int, Range(0, 1_000)] = 1
    touch: bool = False
    horizon_bars: Annotated[int, Range(1, 10_000)] = 24
    horizon_minutes: Annotated[int, Range(1, 100_000)] = 150
    fees_points: Annotated[float, Range(low=0.0)] | None = None


@dataclass(frozen=True)
class Scoring:
    """What an opportunity is, which sessions count, and how chance is measured."""

    labels: Literal["dc_atr", "file"] = "dc_atr"
    labels_file: FilePath | None = None
    k: Annotated[float, Range(above=0.0, high=100.0)] = 3.0
    min_move_left: Share = 0.0
    early_bars: Annotated[int, Range(0, 1_000)] = 2
    sessions: Annotated[int, Range(1, 100_000)] | None = None
    warmup_bars: Annotated[int, Range(0, 10_000_000)] = 600
    min_session_share: Share = 0.80
    bootstrap: Annotated[int, Range(100, 1_000_000)] = 5_000
    null_runs: Annotated[int, Range(19, 1_000_000)] = 499
    mirror_runs: Annotated[int, Range(19, 100_000)] = 99
    seed: Annotated[int, Range(0, 2**63 - 1)] = 1


@dataclass(frozen=True)
class Gate:
    """What has to hold for a PASS."""

    capture_rate: Share = 0.85
    false_positive_share: Share = 0.10
    win_rate: Share = 0.60
    min_sessions: Annotated[int, Range(1, 100_000)] = 30
    min_opportunities: Annotated[int, Range(1, 10_000_000)] = 100
    min_alerts: Annotated[int, Range(1, 10_000_000)] = 60
    min_trades: Annotated[int, Range(1, 10_000_000)] = 60
    max_p_value: Share = 0.05
    positive_expectancy: bool = True
    better_than_chance: bool = True
    clean_audits: bool = True
    clean_data: bool = True
    require_proof: bool = False


@dataclass(frozen=True)
class Chosen:
    """What a search chose this configuration on; a search writes it. No limits: nothing chosen."""

    first: Day | None = None
    last: Day | None = None
    trials: Annotated[int, Range(0, 10**12)] = 0


@dataclass(frozen=True)
class Retain:
    """Alerts kept for clients that return; an alert leaves when either limit is passed."""

    alerts: Annotated[int, Range(1, 100_000_000)] = 100_000
    days: Annotated[int, Range(1, 36_500)] = 30


@dataclass(frozen=True)
class WebSocket:
    """The broadcaster. Host, port and path come from ``url``."""

    url: SocketUrl = "ws://localhost:8765"
    certificate_file: FilePath | None = None
    key_file: FilePath | None = None
    token_env: EnvName = "WEBSOCKET_TOKEN"
    token_file: FilePath | None = None
    jwt_audience: Annotated[str, Pattern(r"\S+", "text without blanks")] = "alertas"
    jwt_secret_file: FilePath | None = None
    origins: tuple[Origin, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    max_connections: Annotated[int, Range(1, 100_000)] = 200
    max_connections_per_token: Annotated[int, Range(1, 100_000)] = 10
    handshakes_per_second: Annotated[float, Range(above=0.0, high=1_000_000.0)] = 5.0
    messages_per_second: Annotated[float, Range(above=0.0, high=1_000_000.0)] = 10.0
    max_message_bytes: Annotated[int, Range(64, 1_048_576)] = 1_024
    retain: Retain = Retain()


@dataclass(frozen=True)
class Email:
    """The mail channel."""

    enabled: bool = False
    smtp_host: HostName = "localhost"
    smtp_port: Annotated[int, Range(1, 65_535)] = 587
    security: Security = Security.starttls
    ca_file: FilePath | None = None
    login: bool = True
    user_env: EnvName = "EMAIL_SMTP_USER"
    user_file: FilePath | None = None
    password_env: EnvName = "EMAIL_SMTP_PASSWORD"
    password_file: FilePath | None = None
    sender: MailAddress = "alertas@localhost"
    sender_name: OneLine | None = None
    recipients: tuple[MailAddress, ...] = ()
    operator: MailAddress | None = None
    language: Literal["pt-BR", "en"] = "pt-BR"
    page_url: PageUrl | None = None
    timeout_seconds: Annotated[float, Range(above=0.0, high=60.0)] = 3.0
    reply_timeout_seconds: Annotated[float, Range(above=0.0, high=600.0)] = 60.0
    max_concurrent: Annotated[int, Range(1, 100)] = 3
    ttl_minutes: Annotated[float, Range(above=0.0, high=100_000.0)] = 30.0
    digest_above: Annotated[int, Range(1, 1_000_000)] = 50


@dataclass(frozen=True)
class Webhook:
    """One address that gets alerts as signed JSON."""

    name: ShortName
    url: CallUrl = field(repr=False)  # the path is often a secret
    secret_env: EnvName
    secret_file: FilePath | None = None
    min_severity: Severity = "MEDIO"
    timeout_seconds: Annotated[float, Range(above=0.0, high=60.0)] = 5.0
    reply_timeout_seconds: Annotated[float, Range(above=0.0, high=600.0)] = 30.0
    max_concurrent: Annotated[int, Range(1, 100)] = 3
    ttl_minutes: Annotated[float, Range(above=0.0, high=100_000.0)] = 30.0


@dataclass(frozen=True)
class Telegram:
    """A bot that writes to chats."""

    enabled: bool = False
    token_env: EnvName = "TELEGRAM_BOT_TOKEN"
    token_file: FilePath | None = None
    chat_ids: tuple[Annotated[int, Range(-(2**52), 2**52)], ...] = ()
    base_url: CallUrl = "https://api.telegram.org"
    timeout_seconds: Annotated[float, Range(above=0.0, high=60.0)] = 5.0
    reply_timeout_seconds: Annotated[float, Range(above=0.0, high=600.0)] = 30.0
    ttl_minutes: Annotated[float, Range(above=0.0, high=100_000.0)] = 30.0


@dataclass(frozen=True)
class Delivery:
    """How alerts leave the house."""

    websocket: WebSocket = WebSocket()
    email: Email = Email()
    webhook: tuple[Webhook, ...] = ()
    telegram: Telegram = Telegram()


@dataclass(frozen=True)
class Live:
    """The daemon."""

    database: FilePath = "data/live/alerts.db"
    feed: Literal["mt5", "replay"] = "mt5"
    poll_seconds: Annotated[float, Range(above=0.0, high=60.0)] = 0.5
    grace_seconds: Annotated[float, Range(0.0, 600.0)] = 3.0
    stale_after_bars: Annotated[int, Range(1, 1_000)] = 3
    warmup_bars: Annotated[int, Range(0, 10_000_000)] = 1_000
    scorecard: FilePath | None = None
    models: FilePath = "data/models"
    heartbeat_url: CallUrl | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Audit:
    """The audit log. ``path`` is another name of ``live.database``: one file holds both."""

    path: FilePath | None = None
    retention_years: Annotated[float, Range(low=5.0, high=100.0)] = 7.0
    legal_hold: bool = False


@dataclass(frozen=True)
class Settings:
    """The whole file."""

    data: Data = Data()
    detection: Detection = Detection()
    policy: Policy = Policy()
    trade: Trade = Trade()
    scoring: Scoring = Scoring()
    gate: Gate = Gate()
    delivery: Delivery = Delivery()
    live: Live = Live()
    audit: Audit = Audit()
    chosen: Chosen = Chosen()

"""What the daemon needs from outside its configuration: tokens, logins, the last scorecard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from alertlib.config.schema import Email, WebSocket
from alertlib.config.secrets import find_secret
from alertlib.errors import ConfigError
from alertlib.texts.alerts import Record
from runners.live.auth import Authenticator, JwtKey, parse_tokens
from runners.live.mail_settings import Credentials, read_credentials

JWT_VARIABLE = "WEBSOCKET_JWT_SECRET"
MIN_JWT_SECRET = 32
_FIGURES = ("trades", "win_rate", "win_rate_chance", "false_positive_share",
            "false_positive_share_chance")  # fmt: skip


def authenticator(settings: WebSocket, environ: Mapping[str, str]) -> Authenticator:
    """Return who may connect.

    Raises
    ------
    ConfigError
        Neither a token nor a JWT secret is set, or one of them cannot be one.
    """
    tokens = find_secret(settings.token_env, settings.token_file, environ=environ)
    secret = find_secret(JWT_VARIABLE, settings.jwt_secret_file, environ=environ)
    if tokens is None and secret is None:
        raise ConfigError(
            f"${settings.token_env}: got nothing, expected name:token for each client; set it, for "
            "example to desk:$(python -c 'import secrets; print(secrets.token_urlsafe(32))')"
        )
    if secret is not None and len(secret) < MIN_JWT_SECRET:
        raise ConfigError(
            f"${JWT_VARIABLE}: got {len(secret)} characters, expected at least {MIN_JWT_SECRET}; "
            "use a random secret"
        )
    key = None if secret is None else JwtKey(secret.encode(), settings.jwt_audience)
    entries = () if tokens is None else parse_tokens(tokens, settings.token_env)
    return Authenticator(entries, key)


def mail_credentials(settings: Email, environ: Mapping[str, str]) -> Credentials | None:
    """Return the login of the mail server, checked to be there."""
    if not settings.recipients:
        raise ConfigError(
            "delivery.email.recipients: got none, expected at least one address; add one, or set "
            "delivery.email.enabled to false"
        )
    return read_credentials(settings, environ)


def pattern_records(path: str | None) -> dict[str, Record]:
    """Return each pattern's figures in a scorecard; none without one.

    Raises
    ------
    ConfigError
        The file is named and is no scorecard.
    """
    if path is None:
        return {}
    try:
        card = json.loads(Path(path).read_bytes())
        shared = {"generated_at": card["generated_at"], "synthetic": card["data"]["synthetic"]}
        rows = [(row["pattern"], row) for row in card["per_detector"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"live.scorecard: {path} cannot be read ({error}), expected a scorecard written by "
            "runners.backtest --json; write it again, or set null"
        ) from None
    found: dict[str, Record] = {}
    for pattern, row in rows:
        figures = {name: row[name] for name in _FIGURES if row.get(name) is not None}
        known = {name: value for name, value in shared.items() if value is not None}
        found[pattern] = Record(**figures, **known)  # type: ignore[typeddict-item]  # by name
    return found

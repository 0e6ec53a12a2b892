"""The token to connect with, out of what the server is given."""

from __future__ import annotations

from alertlib.config.secrets import split_token
from alertlib.errors import ConfigError


def first_token(text: str, variable: str = "$WEBSOCKET_TOKEN") -> str:
    """Return the first token of a list such as the daemon's: ``name:token,…``, or one bare token.

    The newest stands first where tokens are being rotated, and any is good until it is taken out.

    Raises
    ------
    ConfigError
        There is none; the message names ``variable``.
    """
    token = split_token(text.partition(",")[0].strip())[1]
    if not token:
        raise ConfigError(f"{variable}: got nothing, expected a token of the server; set it")
    return token

"""What the mail section needs from outside the file: the login and the trusted certificates."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import NamedTuple

from alertlib.config.schema import Email, Security
from alertlib.config.secrets import read_secret
from alertlib.errors import ConfigError


class Login(NamedTuple):
    """What to log in with; ``repr`` shows neither."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "Login(…)"


def read_credentials(settings: Email, environ: Mapping[str, str]) -> Login | None:
    """Return the login; None for ``security: none``, which never logs in.

    Raises
    ------
    ConfigError
        One of the two is missing. The message names the variable, never a value.
    """
    if settings.security is Security.none:
        return None
    return Login(
        read_secret(settings.user_env, settings.user_file, environ=environ),
        read_secret(settings.password_env, settings.password_file, environ=environ),
    )


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Return a context that verifies chain and host name, against ``ca_file`` alone if given."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigError(
            f"delivery.email.ca_file: got {ca_file}, which cannot be read as certificates "
            f"({error.strerror or error}); expected the PEM file of the server's authority, or null"
        ) from None


def mail_credentials(settings: Email, environ: Mapping[str, str]) -> Login | None:
    """Return the login of the mail server, checked to be there."""
    if not settings.recipients:
        raise ConfigError(
            "delivery.email.recipients: got none, expected at least one address; add one, or set "
            "delivery.email.enabled to false"
        )
    return read_credentials(settings, environ)

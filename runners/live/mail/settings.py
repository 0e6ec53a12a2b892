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


class Access(NamedTuple):
    """What opens the mail server; either is None where ``security`` or ``login`` need none."""

    login: Login | None = None
    tls: ssl.SSLContext | None = None


def mail_access(settings: Email, environ: Mapping[str, str]) -> Access:
    """Return what opens the mail server: all that a start can know of it.

    Raises
    ------
    ConfigError
        A secret is missing, or ``ca_file`` cannot be read.
    """
    login = read_credentials(settings, environ)
    is_plain = settings.security is Security.none
    return Access(login, None if is_plain else tls_context(settings.ca_file))


def read_credentials(settings: Email, environ: Mapping[str, str]) -> Login | None:
    """Return the login; None for ``login: false`` and ``security: none``, which never log in.

    Raises
    ------
    ConfigError
        One of the two is missing. The message names the variable, never a value.
    """
    if settings.security is Security.none or not settings.login:
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

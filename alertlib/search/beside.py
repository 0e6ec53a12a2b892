"""What is asked beside a grid or a sweep that has been made: what it does not answer is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alertlib._arguments import shown
from alertlib.config import settings_of
from alertlib.config.schema import Settings
from alertlib.errors import ConfigError
from alertlib.scorecard.card import leaves
from alertlib.scorecard.sections import as_config


def expect_same_settings(made: str, base: Settings, config: Settings | None) -> None:
    """Refuse a configuration other than the one that a grid or sweep was made with.

    Parameters
    ----------
    made : str
        ``grid`` or ``sweep``, for the message.
    base : Settings
        What it was made with.
    config : Settings or None
        What is asked for; None for no other.
    """
    if config is None:
        return
    ours, theirs = as_config(base), as_config(settings_of(config))
    if ours == theirs:
        return
    there, here = (dict(leaves(one.to_dict())) for one in (ours, theirs))
    # The keys alone: a value may be a secret.
    keys = [key for key in here if here[key] != there.get(key)]
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    raise ConfigError(
        f"config: got another than that of the {made} (in {', '.join(keys[:3])}{more}), expected "
        f"the same; make the {made} with this one"
    )


def expect_none_beside(made: str, asked: Mapping[str, Any]) -> None:
    """Refuse arguments that a grid or sweep was made with, or without.

    Parameters
    ----------
    made : str
        As of :func:`expect_same_settings`.
    asked : mapping
        By name; None where nothing was asked for.
    """
    for name, value in asked.items():
        if value is not None:
            raise ConfigError(
                f"{name}: got {shown(value)} beside a {made} that has been made, expected none; "
                f"state it where the {made} is made"
            )

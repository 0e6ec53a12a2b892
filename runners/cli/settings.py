"""The configuration as the command line changes it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from alertlib.config import Config, load_config
from alertlib.config.constraints import BUILT_IN
from alertlib.config.schema import Detection
from alertlib.detection.registry import enabled_detectors
from alertlib.errors import ConfigError

_SECTION, _CUSTOM = "detection.", "detection.custom."


def refuse_idle(overrides: Iterable[str], config: Config) -> None:
    """Refuse ``--set`` of a detector that does not run: it would change nothing, silently.

    Parameters
    ----------
    overrides : iterable of str
        ``key=value`` as given.
    config : Config
        With everything put in, the detectors to run included.

    Raises
    ------
    ConfigError
        The first such key.
    """
    stated = [override.partition("=")[0].strip() for override in overrides]
    named = [(key, name) for key in stated if (name := _detector_of(key)) is not None]
    if not named:
        return
    enabled = config.detection.enabled
    running = {*enabled, *(each.name for each in enabled_detectors(config.detection))}
    for key, name in named:
        if name not in running:
            raise ConfigError(
                f"--set {key}: got a parameter of a detector that does not run, expected one of "
                f"the enabled detectors ({', '.join(enabled) or 'none'}); enable {name} as well, "
                "or leave it out"
            )


def _detector_of(key: str) -> str | None:
    """Return the detector whose parameter a key is; None for any other setting."""
    if key.startswith(_CUSTOM):
        rest = key.removeprefix(_CUSTOM)
        name, dot, parameter = rest.rpartition(".")
        return name if dot and ":" not in parameter else rest
    if not key.startswith(_SECTION):
        return None
    name = key.removeprefix(_SECTION).partition(".")[0]
    name = Detection.ALIASES.get(name, name)
    return name if name in BUILT_IN else None


def configure(args: argparse.Namespace, *more: str) -> Config:
    """Return the configuration of the options that say what is scored.

    Parameters
    ----------
    args : Namespace
        Of :func:`runners.cli.parser.add_scoring_options`.
    more : str
        Further settings, ``KEY=VALUE``.
    """
    settings = [*args.set, *more]
    if args.sessions is not None:
        settings.append(f"scoring.sessions={args.sessions}")
    config = load_config(args.config, settings)
    changes: dict[str, object] = {}
    if args.detector:
        changes["detection.enabled"] = tuple(args.detector)
    if args.labels is not None:
        changes |= {"scoring.labels": "file", "scoring.labels_file": args.labels}
    config = config.update(changes) if changes else config
    refuse_idle(settings, config)
    return config

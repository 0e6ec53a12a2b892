"""Detectors found by name, and those that a configuration enables."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from alertlib._arguments import expect
from alertlib.config.convert import fill
from alertlib.config.problem import nearest
from alertlib.config.schema import Detection
from alertlib.detection.blame import raised_at
from alertlib.detection.builtin import BUILT_IN
from alertlib.detection.detectors import REGISTRY, Detector
from alertlib.errors import ConfigError


def registered() -> tuple[str, ...]:
    """Return the names of all registered detectors."""
    return tuple(REGISTRY)


def find_detector(name: str) -> Detector:
    """Return the detector called ``name``.

    Parameters
    ----------
    name : str
        A registered name, or ``package.module:attribute``, whose module is imported.

    Raises
    ------
    ConfigError
        If there is no such detector; the nearest known name is given.
    """
    expect("detector", name, str, "the name of a detector, such as volatility")
    if name in REGISTRY:
        return REGISTRY[name]
    if ":" in name:
        return _import_detector(name)
    near = nearest(name, REGISTRY)
    hint = f"; did you mean {near!r}?" if near else ""
    raise ConfigError(
        f"detector {name!r} is unknown; expected one of {', '.join(REGISTRY)} "
        f"or package.module:name of your own{hint}"
    )


def _import_detector(name: str) -> Detector:
    found = import_attribute(name, f"detector {name!r}")
    if not isinstance(found, Detector):
        module_name, _, attribute = name.partition(":")
        raise ConfigError(
            f"detector {name!r}: {module_name} has no detector {attribute!r}; expected a step "
            "decorated with @alertlib.detector"
        )
    return found


def import_attribute(name: str, where: str) -> Any:
    """Return what ``package.module:attribute`` names, None if its module has no such thing.

    Raises
    ------
    ConfigError
        If the module cannot be imported, whatever it raises.
    """
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # a module runs anything when it is imported
        raise ConfigError(_not_imported(where, module_name, error)) from error
    return getattr(module, attribute, None)


def import_accept(name: str) -> Any:
    """Return the filter that ``detection.accept`` names.

    Raises
    ------
    ConfigError
        If there is no such function.
    """
    found = import_attribute(name, "detection.accept")
    if not callable(found):
        raise ConfigError(
            f"detection.accept: got {name!r}, expected package.module:function of "
            "(alert, bars) -> bool"
        )
    return found


def _not_imported(where: str, module: str, error: BaseException) -> str:
    said = f"{where}: module {module!r} cannot be imported"
    if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
        return (
            f"{said} ({error}); expected package.module:name reachable from the current directory"
        )
    what = error.msg if isinstance(error, SyntaxError) else error
    at = raised_at(error)
    return f"{said}: {type(error).__name__}{f' at {at}' if at else ''}: {what}; correct it"


def enabled_detectors(detection: Detection) -> tuple[Detector, ...]:
    """Return the detectors to run, with their parameters, in order of rank.

    Parameters
    ----------
    detection : Detection
        Names, parameters of the built-in detectors by section, of users' own by name.

    Returns
    -------
    tuple of Detector
        Highest base confidence first; it is the order in which the signals of one bar merge.
    """
    return ranked([configured(name, detection) for name in detection.enabled])


def ranked(detectors: Sequence[Detector]) -> tuple[Detector, ...]:
    """Return detectors by base confidence, highest first; ties as built in, then as given."""
    ranks = {name: rank for rank, name in enumerate(BUILT_IN)}
    order = {id(d): ranks.get(d.name, len(ranks) + place) for place, d in enumerate(detectors)}
    return tuple(sorted(detectors, key=lambda d: (-d.confidence, order[id(d)])))


def configured(name: str, detection: Detection) -> Detector:
    """Return the detector of this name with the parameters that the settings state for it."""
    found, custom = find_detector(name), detection.custom
    if name in BUILT_IN:
        return found.with_params(getattr(detection, name))
    stated = next((key for key in (name, found.name) if key in custom), None)
    if stated is None:
        return found
    return found.with_params(fill(found.params, custom[stated], f"detection.custom.{stated}"))

"""Detectors found by name, and those that a configuration enables."""

from __future__ import annotations

import importlib

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
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # a module runs anything when it is imported
        raise ConfigError(_not_imported(name, module_name, error)) from error
    found = getattr(module, attribute, None)
    if not isinstance(found, Detector):
        raise ConfigError(
            f"detector {name!r}: {module_name} has no detector {attribute!r}; expected a step "
            "decorated with @alertlib.detector"
        )
    return found


def _not_imported(name: str, module: str, error: BaseException) -> str:
    said = f"detector {name!r}: module {module!r} cannot be imported"
    if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
        return (
            f"{said} ({error}); expected package.module:name reachable from the current directory"
        )
    what = error.msg if isinstance(error, SyntaxError) else error
    where = raised_at(error)
    return f"{said}: {type(error).__name__}{f' at {where}' if where else ''}: {what}; correct it"


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
    custom = detection.custom
    ranks = {name: rank for rank, name in enumerate(BUILT_IN)}
    chosen = []
    for place, name in enumerate(detection.enabled):
        found = find_detector(name)
        if name in BUILT_IN:
            found = found.with_params(getattr(detection, name))
        elif name in custom or found.name in custom:
            given = custom.get(name) or custom[found.name]
            found = found.with_params(fill(found.params, given, f"detection.custom.{name}"))
        order = ranks.get(name, len(ranks) + place)
        chosen.append((-found.confidence, order, found))
    return tuple(found for _, _, found in sorted(chosen, key=lambda item: item[:2]))

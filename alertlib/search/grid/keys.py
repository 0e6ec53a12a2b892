"""Which settings a search may vary, how they are named, and how their values are put in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, get_type_hints

from alertlib._arguments import expect
from alertlib.config.convert import hints_of, paths_of
from alertlib.config.problem import Problem, nearest
from alertlib.config.schema import Detection, Policy, Settings, Trade
from alertlib.config.types import FrozenMap
from alertlib.detection.builtin import BUILT_IN
from alertlib.detection.detectors import Detector
from alertlib.detection.records import is_record
from alertlib.detection.registry import enabled_detectors
from alertlib.errors import ConfigError

_CUSTOM = "detection.custom."
_GOALPOSTS = (
    "a parameter of a detector, the policy or the trade: to search what a result is measured by "
    "would move the goalposts"
)
_COST = (
    "a parameter that one chooses: what a trade costs and how it is filled is the market's, and a "
    "search would choose the cheapest"
)
# Not searched although their section is: by full key, what is expected instead.
_REFUSED = {
    "trade.atr_window": f"{_GOALPOSTS}, and moves are measured in this range",
    "trade.slippage_ticks": _COST,
    "trade.touch": _COST,
    "trade.fees_points": _COST,
}
_OTHERS = "a parameter of an enabled detector (detection.…), policy.… or trade.…"


def resolve_key(key: str, settings: Settings) -> str:
    """Return the full dotted key of a parameter that may be searched.

    Parameters
    ----------
    key : str
        ``detection.volatility.window``, or its last parts where only one parameter of the
        enabled detectors, the policy and the trade ends so: ``volatility.window``,
        ``target_atr``.
    settings : Settings
        Says which detectors are enabled.

    Raises
    ------
    ConfigError
        The key is unknown, ambiguous, of a detector that is not enabled, or part of what a
        result is measured by.
    """
    known, asked = parameters(settings), _without_alias(key.strip())
    if asked in known:
        return asked
    meant = ending_in(asked, known)
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise Problem(asked, "an ambiguous key", f"one of {', '.join(meant)}")
    raise _refusal(asked, settings, known)


def find_key(key: str, searched: Sequence[str], where: str) -> str:
    """Return the full key of a parameter that was searched, given it or its last parts.

    Raises
    ------
    ConfigError
        It is none of them, or several end so; ``where`` names the argument.
    """
    expect(where, key, str, f"one of {', '.join(searched)}")
    asked, known = _without_alias(key.strip()), dict.fromkeys(searched)
    meant = [asked] if asked in known else ending_in(asked, known)
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise ConfigError(f"{where}: got {key}, expected one of {', '.join(meant)}")
    guess = nearest(asked, [*searched, *(full.rpartition(".")[2] for full in searched)])
    hint = f"; did you mean {guess}?" if guess else ""
    raise ConfigError(
        f"{where}: got {key!r}, expected a parameter of this search ({', '.join(searched)}){hint}"
    )


def parameters(settings: Settings) -> dict[str, Any]:
    """Return the annotation of every parameter that may be searched, by full key."""
    found = {
        f"{prefix}.{name}": annotation
        for prefix, each in detectors_by_key(settings.detection)
        for name, annotation in _annotations(each).items()
    }
    for section, kind in (("policy", Policy), ("trade", Trade)):
        found |= {f"{section}.{name}": hint for name, hint in hints_of(kind).items()}
    return {key: annotation for key, annotation in found.items() if key not in _REFUSED}


def detectors_by_key(detection: Detection) -> Iterator[tuple[str, Detector]]:
    """Yield each enabled detector, configured, with the key its parameters stand under."""
    for name in detection.enabled:
        (each,) = enabled_detectors(replace(detection, enabled=(name,)))
        if name in BUILT_IN:
            yield f"detection.{name}", each
        else:
            # As the registry reads them: under the name that is enabled, else under its own.
            stated = name if name in detection.custom else each.name
            yield _CUSTOM + (stated if stated in detection.custom else name), each


def ending_in(ending: str, keys: Mapping[str, Any]) -> list[str]:
    """Return the keys whose last parts are ``ending``."""
    return [key for key in keys if key == ending or key.endswith(f".{ending}")]


def with_values(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """Return settings with parameters put in, unchecked: forty times as fast as checked.

    Parameters
    ----------
    settings : Settings
    values : mapping
        Typed and accepted values by full key.
    """
    by_section: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        by_section.setdefault(section, {})[name] = value
    whole = {f.name: getattr(settings, f.name) for f in fields(Settings)}
    for section, changed in by_section.items():
        if section in whole:
            whole[section] = replace(whole[section], **changed)
        else:
            whole["detection"] = _with_parameters(whole["detection"], section, changed)
    return Settings(**whole)


def _with_parameters(detection: Detection, section: str, changed: dict[str, Any]) -> Detection:
    if not section.startswith(_CUSTOM):
        name = section.rpartition(".")[2]
        built_in: dict[str, Any] = {name: getattr(detection, name)._replace(**changed)}
        return replace(detection, **built_in)
    name = section.removeprefix(_CUSTOM)
    stated = FrozenMap({**detection.custom.get(name, {}), **changed})
    return replace(detection, custom=FrozenMap({**detection.custom, name: stated}))


def _annotations(each: Detector) -> dict[str, Any]:
    """Return the annotation of each parameter of a detector that is one number or text."""
    kind: type = type(each.params)
    if each.name in BUILT_IN:
        return hints_of(kind)
    try:
        hints = get_type_hints(kind, include_extras=True)
    except (NameError, AttributeError, TypeError, SyntaxError):  # as the reader of a file does
        hints = {}
    plain = [name for name in each.params._fields if not is_record(getattr(each.params, name))]
    return {name: hints.get(name, Any) for name in plain}


def _without_alias(key: str) -> str:
    for spelling, name in Detection.ALIASES.items():
        for prefix in ("detection.", ""):
            if key.startswith(f"{prefix}{spelling}."):
                return prefix + name + key.removeprefix(prefix + spelling)
    return key


def _refusal(key: str, settings: Settings, known: Mapping[str, Any]) -> Problem:
    """Return why a key that names no parameter to be searched is refused."""
    others = dict.fromkeys(paths_of(Settings))
    meant = [other for other in ending_in(key, others) if other not in known]
    for other in meant:
        if other in _REFUSED:
            return Problem(other, "a key that is not searched", _REFUSED[other])
        if other.startswith(("scoring.", "gate.")):
            return Problem(other, "a key that is not searched", _GOALPOSTS)
    for other in meant:
        name = other.removeprefix("detection.").partition(".")[0]
        if name in BUILT_IN and name not in settings.detection.enabled and f"{name}." in other:
            return _not_enabled(other, name, settings.detection)
    name = key.removeprefix(_CUSTOM).rpartition(".")[0]
    if key.startswith(_CUSTOM) and name and not key.startswith(_enabled(settings.detection)):
        return _not_enabled(key, name, settings.detection)
    if meant:
        return Problem(meant[0], "a key that is not searched", _OTHERS)
    endings = {".".join(full.split(".")[-parts:]): full for full in known for parts in (1, 2)}
    guess = nearest(key, {**endings, **known})
    full = endings.get(guess, guess) if guess else None
    return Problem(key, "an unknown key", _OTHERS + (f"; did you mean {full}?" if full else ""))


def _enabled(detection: Detection) -> tuple[str, ...]:
    return tuple(f"{prefix}." for prefix, _ in detectors_by_key(detection))


def _not_enabled(key: str, name: str, detection: Detection) -> Problem:
    enabled = ", ".join(detection.enabled) or "none"
    return Problem(
        key,
        "a parameter of a detector that does not run",
        f"one of the enabled detectors ({enabled}); enable {name} as well",
    )
